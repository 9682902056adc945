"""A folder into which runs or single images fall."""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from sklearn_sfx._files import file_state
from sklearn_sfx.frames import natural_order
from sklearn_sfx.streams._growing import PAUSE_S, SETTLED_S, GrowingFile, Known
from sklearn_sfx.streams._protocols import LiveFrames, Notice

__all__ = ["WatchedFolder"]

# Hidden files, names under which writers keep what is not whole, what has no frames in it, and what
# is read by a master.
LEFT_OUT = re.compile(
    r"""^\.|~$|_data_\d+\.(h5|hdf5|nxs)$
    |\.(tmp|temp|part|partial|inprogress|filepart|lock)$
    |\.(lst|csv|txt|log|json|html|geom|stream|xml|ya?ml|joblib|skops|py)$""",
    re.IGNORECASE | re.VERBOSE,
)


class WatchedFolder:
    """Every file of frames in a folder, and in the folders in it, as it comes and as it grows.

    Hidden files and those with a temporary name wait until they are renamed. The data files of an
    EIGER series are read by their master. A file whose frames all lie in files that were there
    before, as a virtual dataset over them, is left out.

    Parameters
    ----------
    path : str
        Absolute path of the folder.
    opening : mapping
        Arguments of `open_frames`: dataset, mask, geometry.
    but : collection of str
        Absolute paths that are none of its frames: what the watch itself writes there.
    """

    def __init__(self, path: str, opening: Mapping[str, Any], but: Collection[str] = ()):
        self.path = self.name = path
        self._opening = opening
        self._but = frozenset(map(os.path.realpath, but))
        self._growing: dict[str, GrowingFile] = {}
        self._done: dict[str, tuple[tuple | None, Known | None]] = {}  # state, and a frame

    def arrivals(self, stop: threading.Event) -> Iterator[LiveFrames | Notice]:
        """Look at the folder until `stop` is set."""
        yield Notice("start", f"{self.path}: this folder is watched")
        while not stop.is_set():
            begin = time.monotonic()
            for found in self._look():
                yield found
                if stop.is_set():
                    return
            stop.wait(max(PAUSE_S, time.monotonic() - begin))

    def _look(self) -> Iterator[LiveFrames | Notice]:
        for path in sorted(self._new_files(), key=natural_order):
            _, known = self._done.get(path, (None, None))
            self._growing[path] = GrowingFile(path, self._opening, known)
        for path, file in list(self._growing.items()):
            if not os.path.exists(path):
                self._over(file)  # another one may come in its place
                continue
            for found in file.look():
                if self._is_repeated(file):
                    yield Notice("repeated", f"{path}: its frames lie in files that were there")
                    self._over(file)
                    break
                yield found
            if file.is_unknown:
                yield Notice("ignored", f"{path}: there are no frames in it")
                self._over(file)
            elif file.is_whole and file.quiet_s > SETTLED_S:
                self._over(file)

    def _over(self, file: GrowingFile) -> None:
        self._growing.pop(file.path, None)
        self._done[file.path] = file_state(file.path), file.known

    def _is_repeated(self, file: GrowingFile) -> bool:
        others = file.files - {file.path}
        return bool(others) and all(p in self._done or p in self._growing for p in others)

    def _new_files(self) -> Iterator[str]:
        """Yield files that are new, or have grown since they were over."""
        for folder, folders, names in os.walk(self.path):
            folders[:] = [name for name in folders if not name.startswith(".")]
            for name in names:
                path = os.path.join(folder, name)
                if path not in self._growing and not LEFT_OUT.search(name):
                    known = self._done.get(path)
                    if known is None and os.path.realpath(path) in self._but:
                        continue
                    if known is None or known[0] != file_state(path):
                        yield path
