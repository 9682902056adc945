"""What wrote a table: a small note beside it, by which the next watch knows whether to go on."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from sklearn_sfx._files import HIDDEN, hidden_folder, staging
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames import Frames, open_frames
from sklearn_sfx.streams._protocols import ScoredFrames

__all__ = ["UNNAMED", "Provenance", "digest_of"]

FOLDER = "watched"
UNNAMED = "the only one"  # dataset
N_FILES = 100  # a folder of single images may have a million


class Provenance:
    """What the rows of a table are of: what scored them, their hit list, and a frame of each file.

    It is kept in ``.sfx/watched`` beside the table. A file grows while it is watched, and its
    successor may have its name, size and inode, so it is known by the pixels of the first frame of
    it that was scored, as the first hundred files are.

    Parameters
    ----------
    table : Path
        The table.
    """

    def __init__(self, table: Path):
        self._table = table
        self._place = table.absolute().parent / HIDDEN / FOLDER / f"{table.name}.json"
        self.about: dict[str, str] = {}
        self.hits: str | None = None
        self.changes: list[tuple[int, dict[str, str]]] = []
        self._files: dict[str, list] = {}
        self.is_known = False
        # There is none, or it is damaged.
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            noted = json.loads(self._place.read_text(encoding="ascii"))
            self.about, self._files = dict(noted["about"]), dict(noted["files"])
            self.hits = noted["hits"]
            changes = noted.get("changes", [])  # which notes of older versions do not have
            self.changes = [(int(row), dict(about)) for row, about in changes]
            self.is_known = bool(self.about)

    def check(self, about: Mapping[str, str]) -> None:
        """Refuse to go on with the rows of something else, as an `InputError`."""
        for name, now in about.items():
            before = self.about.get(name, now)
            if before != now:
                raise InputError(
                    f"{self._table}: its rows were written with another {name}, {before}, and now "
                    f"it is {now}; name another table by --scores, or begin anew with --force."
                )
        dataset = self.about.get("dataset")
        for path, (position, event, digest) in self._files.items():
            if _digest_there(path, position, event, dataset) not in (None, digest):
                raise InputError(
                    f"{self._table}: its rows are of another file that was at {path} before; "
                    "name another table by --scores, or begin anew with --force."
                )

    def begin(self, about: Mapping[str, str], hits: Path | None, n_rows: int) -> None:
        """Note what writes from here on, behind so many rows."""
        self.changes = [(min(row, n_rows), changed) for row, changed in self.changes]
        if not n_rows:
            self.about, self._files, self.hits, self.changes = {}, {}, None, []
        self.about |= about
        if hits is not None:
            self.hits = str(hits.absolute())
        self._keep()

    def change(self, about: Mapping[str, str], row: int) -> None:
        """Note that something was replaced while it was used, and which row is the first of it."""
        self.about |= about
        self.changes.append((row, dict(about)))
        self._keep()

    def forget(self, path: str) -> None:
        """Forget the frame of a file that is another one now."""
        if self._files.pop(path, None) is not None:
            self._keep()

    def add(self, block: ScoredFrames) -> None:
        """Note a frame of each file that is new."""
        new = False
        for row, source in enumerate(block.scores.sources):
            if len(self._files) >= N_FILES:
                break
            path, reasons = source.path, block.scores.reason
            if path is None or path in self._files or (reasons is not None and reasons[row]):
                continue
            with contextlib.suppress(InputError, OSError):  # it was taken away
                digest = digest_of(block.frames[row : row + 1])
                self._files[path] = [source.position, source.event, digest]
                new = True
        if new:
            self._keep()

    def _keep(self) -> None:
        about = {
            "about": self.about,
            "hits": self.hits,
            "files": self._files,
            "changes": self.changes,
        }
        folder = self._place.parents[2]
        with contextlib.suppress(OSError):  # the disk is full; then it is not known what writes
            hidden_folder(folder, FOLDER)
            with staging(folder) as place:
                (place / "note").write_text(json.dumps(about), encoding="ascii")
                (place / "note").replace(self._place)


def digest_of(frames: Frames) -> str:
    """Return what tells the pixels of a frame from others, whatever type they are read as."""
    pixels = np.asarray(frames.as_stored(), np.float32)
    return hashlib.sha256(pixels.tobytes()).hexdigest()[:32]


def _digest_there(path: str, position: int, event: str, dataset: str | None) -> str | None:
    """Return the digest of a frame that is there; None where that cannot be told."""
    try:
        dataset = None if dataset == UNNAMED else dataset
        frames = open_frames(path, dataset=dataset, mask=False, missing="on_read")
        if position >= len(frames):  # another file, or its writer has begun again
            return ""
        source = frames.sources[position]
        if (source.path, source.event) != (path, event):
            return None
        return digest_of(frames[position : position + 1])
    except (InputError, OSError):
        return None
