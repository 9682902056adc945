"""A file to which frames are still written, looked at again and again."""

from __future__ import annotations

import os
import threading
import time
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from sklearn_sfx._files import file_state
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames import (
    FrameOrigin,
    Frames,
    UnknownFormat,
    has_all_its_room,
    is_being_written,
    may_grow,
    open_frames,
)
from sklearn_sfx.screening import PART
from sklearn_sfx.streams._protocols import LiveFrames, Notice
from sklearn_sfx.streams._provenance import digest_of

__all__ = ["PAUSE_S", "GrowingFile", "Known"]

Known = tuple[int, int]  # row of a frame that was given, and a digest of its pixels

PAUSE_S = 0.05  # between two looks at a file, or as long as a look takes
GRAIN_S = 0.1  # a file may change again so soon without another time of change
SETTLED_S = 5.0  # what has not changed for so long, and cannot be opened, is told of


class GrowingFile:
    """The frames of one file, as they come: HDF5 of any layout, a master, or an image.

    Each look opens the file as `open_frames` does, so it sees what a reader may see: of a file
    that is written for readers to follow (SWMR) what was flushed, of an open CXI file the frames
    before that of ``numEvents``, of a master the data files that are there. A frame is given once,
    as soon as it is there, in whatever order frames are written. A file of another kind than HDF5
    is taken when it has stopped growing and its last frame can be read.

    Parameters
    ----------
    path : str
        Absolute path; it may not be there yet.
    opening : mapping
        Arguments of `open_frames`: dataset, mask, geometry.
    known : tuple of int and int, optional
        `known` of who looked at this path before: where a frame has other pixels now, it is told
        that it is another file.

    Notes
    -----
    A file that is written anew may have the name, the size and the inode of the one before, and
    a file that grows changes too. So they are told apart by the pixels of a frame that was given.
    These are read again where it has changed and was not followed, or where it has shrunk.
    """

    def __init__(self, path: str, opening: Mapping[str, Any], known: Known | None = None):
        self.path = self.name = path
        self._opening = opening
        self._signature: tuple | None = None
        self._looked_at = time.monotonic()
        self._changed_at = 0.0
        self._given = np.zeros(0, bool)
        self._last: tuple[int, str] | None = None  # given, and its name
        self._others: frozenset[str] = frozenset()
        self._inode: tuple[int, int] | None = None
        self._size = 0
        self._known: Known | None = known
        self._is_doubtful = known is not None  # whether it may be another file
        self._problem = ""
        self._misfit_since: float | None = None
        self._was_followed = self._is_followed = False
        self.is_whole = False  # all that the last look saw was given
        self.is_unknown = False  # it has no frames, now or later
        self.files: frozenset[str] = frozenset({path})

    @property
    def known(self) -> Known | None:
        """A row that was given, and a digest of its pixels: 0 where they could not be read."""
        return self._known

    @property
    def quiet_s(self) -> float:
        """Since when it has not changed."""
        return time.monotonic() - self._changed_at

    def arrivals(self, stop: threading.Event) -> Iterator[LiveFrames | Notice]:
        """Look until the writer has closed the file, or `stop` is set."""
        yield Notice("start", f"{self.path}: {self._at_start()}")
        while not stop.is_set():
            begin = time.monotonic()
            for found in self.look():
                yield found
                if stop.is_set():
                    return
            if self.has_ended:
                if n := int(np.count_nonzero(~self._given)):
                    yield Notice("lost", f"{self.path}: frames that were never written: {n}", n)
                yield Notice("end", f"{self.path}: its writer has closed it")
                return
            stop.wait(max(PAUSE_S, time.monotonic() - begin))

    @property
    def has_ended(self) -> bool:
        """Whether a writer that let others follow has closed the file, and all of it was given."""
        return self._was_followed and self.is_whole and not self._is_followed

    def look(self) -> Iterator[LiveFrames | Notice]:
        """Yield what has come since the last look."""
        since, self._looked_at = self._looked_at, time.monotonic()
        was_followed = self._is_followed
        self._is_followed = is_being_written(self.path)  # before, so that a close is seen after it
        self._was_followed |= self._is_followed
        signature = self._now()
        if signature is None:
            return
        has_changed = signature != self._signature
        if has_changed:
            self._changed_at = self._looked_at if self._signature else self._last_change(signature)
            self._signature, self.is_whole = signature, False
        elif self.is_whole or self.is_unknown:
            return
        if has_changed:
            inode, size = signature[0][:2], signature[0][2]
            if inode != self._inode and self._inode is not None:
                yield self._restarted()
            elif not (was_followed and self._is_followed) or size < self._size:
                self._is_doubtful |= self._known is not None
            self._inode, self._size = inode, size
        frames = self._open()
        if frames is None:
            is_misfit = self._misfit_since is not None
            waited = self._looked_at - self._misfit_since if self._misfit_since else 0.0
            if self._problem and not self.is_unknown and max(self.quiet_s, waited) > SETTLED_S:
                self.is_whole = True  # until it changes
                self._know(0, 0)
                origin = FrameOrigin(self.path, 0, "//")
                kind = "misfit" if is_misfit else "unreadable"
                yield Notice(kind, self._problem, 1, (origin,))
            return
        if not may_grow(self.path) and (has_changed or not _digest_at(frames, len(frames) - 1)):
            if self.quiet_s > SETTLED_S:
                self.is_whole = True
                yield from self._new_of(frames, since)
            return
        if self.quiet_s < SETTLED_S and self._tells_nothing(frames):
            return
        if self._is_doubtful and self._known is not None and not self._has_other_order(frames):
            row, digest = self._known
            now = _digest_at(frames, row)
            if digest and not now and self.quiet_s < SETTLED_S:  # it is being written
                return
            if digest != now:
                yield self._restarted()
        self._is_doubtful = False
        yield from self._new_of(frames, since)
        self.is_whole = not 0 <= self._looked_at - self._changed_on_disk() < GRAIN_S

    def _new_of(self, frames: Frames, since: float) -> Iterator[LiveFrames]:
        there = np.ones(len(frames), bool)
        for gone in frames.unreadable:
            there[gone.start : gone.stop] = False  # not yet
        if self._has_other_order(frames):
            self._given[:] = False  # who scores knows the frames
            self._known = None
        grown = len(frames) - len(self._given)
        if grown > 0:
            self._given = np.concatenate([self._given, np.zeros(grown, bool)])
        new = np.flatnonzero(there & ~self._given[: len(frames)])
        # The last bytes came when the file changed, and after the look before this one.
        arrived = min(max(self._changed_on_disk(), since), self._looked_at)
        for start in range(0, len(new), PART):
            rows = new[start : start + PART]
            self._given[rows] = True
            at = slice(int(rows[0]), int(rows[-1]) + 1)
            chosen = at if at.stop - at.start == len(rows) else rows
            yield LiveFrames(frames[chosen], np.full(len(rows), arrived))
        if len(new) and self._known is None:
            row = int(new[0]) if may_grow(self.path) else len(frames) - 1
            self._know(row, _digest_at(frames, row))
        if len(new):
            row = int(np.flatnonzero(self._given)[-1])
            self._last = row, frames[row : row + 1].sources[0].event

    def _has_other_order(self, frames: Frames) -> bool:
        """Whether files that it leads to came in another order than they have."""
        if self._last is None or not self._others:
            return False
        row, event = self._last
        return row >= len(frames) or frames[row : row + 1].sources[0].event != event

    def _know(self, row: int, digest: int) -> None:
        """Note a frame by which the file is known; of HDF5 one that can be read."""
        if digest or not may_grow(self.path):
            self._known = row, digest

    def _open(self) -> Frames | None:
        self._problem = ""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                frames = open_frames(self.path, missing="on_read", **self._opening)
        except UnknownFormat as error:
            self.is_unknown, self._problem = self.quiet_s > SETTLED_S, str(error).rstrip(".")
            return None
        except (InputError, OSError) as error:
            self._problem = str(error).rstrip(".")
            if self._misfit_since is None and self._is_readable_without():
                self._misfit_since = self._looked_at
            return None
        self.is_unknown, self._misfit_since = False, None
        self.files = frames[:1].files
        self._others = self.files - {self.path}
        return frames

    def _is_readable_without(self) -> bool:
        """Whether it would be but for the mask and the geometry that were given."""
        given = {"mask": False, "geometry": None} | {"dataset": self._opening.get("dataset")}
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return len(open_frames(self.path, missing="on_read", **given)) > 0
        except (InputError, OSError):
            return False

    def _tells_nothing(self, frames: Frames) -> bool:
        try:
            return has_all_its_room(self.path, frames.facts.dataset)
        except (InputError, OSError):  # it has changed since
            return True

    def _now(self) -> tuple | None:
        """Return what is another when the file, or one that it leads to, has changed."""
        own = file_state(self.path)
        if own is None:
            return None
        states = [own, *(file_state(path) or (0, 0, 0, 0) for path in sorted(self._others))]
        if self._others or self._problem:  # data files may come beside it
            folder = os.stat(os.path.dirname(self.path))
            states.append((0, 0, 0, folder.st_mtime_ns))
        return tuple(states)

    def _changed_on_disk(self) -> float:
        """Return when the newest of its files was changed, as `time.monotonic` counts."""
        newest = max(state[3] for state in self._signature or [(0, 0, 0, 0)])
        return time.monotonic() - (time.time() - newest / 1e9)

    def _last_change(self, signature: tuple) -> float:
        self._signature = signature
        return self._changed_on_disk()

    def _at_start(self) -> str:
        if not os.path.exists(self.path):
            return "it is not there yet"
        return "it is being written" if is_being_written(self.path) else "it is there"

    def _restarted(self) -> Notice:
        was_read = self._known is None or self._known[1]
        self._given[:] = False
        self._last = self._known = None
        self._is_doubtful = False
        origin = FrameOrigin(self.path, 0, "")
        now = "it is another file now" if was_read else "it can be read now"
        return Notice("restart", f"{self.path}: {now}", 0, (origin,))


def _digest_at(frames: Frames, row: int) -> int:
    """Return what tells the pixels of a frame from others, or 0 where they cannot be read."""
    try:
        return int(digest_of(frames[row : row + 1])[:15], 16) if row < len(frames) else 0
    except (InputError, OSError):
        return 0
