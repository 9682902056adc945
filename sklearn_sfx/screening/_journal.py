"""What is done of a screening, kept on disk part by part, so that it survives its process."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import shutil
import time
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import joblib
import numpy as np

from sklearn_sfx._files import HIDDEN, hidden_folder, staging
from sklearn_sfx._version import __version__
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames import FrameOrigin, Frames
from sklearn_sfx.screening._model import ScreeningModel
from sklearn_sfx.screening._parts import PART, PartScores

__all__ = ["Journal", "screening_key"]

FOLDER = "parts"
FORGOTTEN_S = 30 * 24 * 3600.0  # a screening that nobody has gone on with is removed after this


class Journal:
    """The parts of one screening that are done: a small file each, there whole or not at all.

    Several processes may write to it, on several machines, if they see the same folder.

    Parameters
    ----------
    folder : path-like
        Where ``.sfx/parts/<key>`` is made, with the first part.
    key : str
        What tells one screening from another, as `screening_key` makes it.
    """

    def __init__(self, folder: str | os.PathLike, key: str):
        self._folder = Path(folder)
        self._all = self._folder / HIDDEN / FOLDER
        self._place = self._all / key
        self._note = self._all / f"{key}.written"

    def read(self, number: int, n_frames: int) -> PartScores | None:
        """Return what was found in a part of so many frames; None if that is still to be done."""
        try:
            with open(self._path(number), "rb") as file, np.load(file) as columns:
                found = PartScores(**{name: columns[name] for name in PartScores._fields})
        # It is not there, or a machine that went down has left it damaged.
        except (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile):
            return None
        return found if {len(column) for column in found} == {n_frames} else None

    def write(self, number: int, found: PartScores) -> None:
        """Keep what was found in a part."""
        hidden_folder(self._folder, FOLDER, self._place.name)
        # Not forced to the disk: what a machine that goes down damages is found, and done again.
        temporary = self._place / f"{secrets.token_hex(8)}.part"  # goes with the folder, if killed
        try:
            with open(temporary, "wb") as file:
                np.savez(file, **found._asdict())
            temporary.replace(self._path(number))
        finally:
            temporary.unlink(missing_ok=True)

    def n_other_parts(self) -> int:
        """Return how many parts of other screenings are kept in the same folder."""
        return sum(part.parent != self._place for part in self._all.glob("*/*.npz"))

    def note(self, threshold: float, outputs: Mapping[str, Path | None]) -> None:
        """Note for other processes that the results were written, and where."""
        about = {"threshold": float(threshold), "outputs": _states(outputs)}
        hidden_folder(self._folder, FOLDER)
        with staging(self._folder) as place:
            (place / "note").write_text(json.dumps(about), encoding="ascii")
            (place / "note").replace(self._note)

    def has_noted(self, threshold: float, outputs: Mapping[str, Path | None]) -> bool:
        """Whether these outputs were noted, at this threshold, and nobody has changed them."""
        try:
            about = json.loads(self._note.read_text(encoding="ascii"))
            noted = about["outputs"].items()
            return about["threshold"] == threshold and _states(outputs).items() <= noted
        # There is no note, or it is damaged; or an output is gone.
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return False

    def remove(self) -> None:
        """Remove the parts, and other screenings that were forgotten long ago; a note stays."""
        shutil.rmtree(self._place, ignore_errors=True)
        for other in self._all.glob("*"):
            with contextlib.suppress(OSError):  # another process removes it too
                if time.time() - other.stat().st_mtime > FORGOTTEN_S:
                    other.unlink() if other.is_file() else shutil.rmtree(other)
        for folder in (self._all, self._all.parent):
            with contextlib.suppress(OSError):  # there is more in it
                folder.rmdir()

    def _path(self, number: int) -> Path:
        return self._place / f"{number:07}.npz"


def screening_key(model: ScreeningModel, frames: Frames, *, peaks: bool) -> str:
    """Return what tells this screening from any other that may give other numbers.

    It is made of what the model has learned, of the run and its mask, and of the versions of this
    package and of torch. Files are known by path, size and time of change: none is read.

    Raises
    ------
    InputError
        The frames come from no file.
    """
    import torch

    sources = frames.sources
    if any(source.path is None for source in sources):
        raise InputError(
            "These frames come from no file, so nothing can tell later whether a journal is about "
            "them: open them with open_frames(path), or screen them without a journal."
        )
    about = [__version__, torch.__version__, PART, peaks, joblib.hash(model)]
    about += _identity(frames, sources)
    return hashlib.sha256(repr(about).encode("utf-8", "surrogateescape")).hexdigest()[:32]


def _states(outputs: Mapping[str, Path | None]) -> dict[str, str | None]:
    """Return what tells each output from any other file: where it is, and what is in it."""
    states: dict[str, str | None] = {}
    for name, path in outputs.items():
        if path is None:
            states[name] = None
            continue
        with open(path, "rb") as file:
            states[name] = f"{hashlib.file_digest(file, 'sha256').hexdigest()} {path.absolute()}"
    return states


def _identity(frames: Frames, sources: Sequence[FrameOrigin]) -> list[Any]:
    """Return what tells a run, or a mask for each frame of it, from any other."""
    rows = hashlib.sha256()
    for source in sources:
        rows.update(repr(tuple(source)).encode("utf-8", "surrogateescape"))
    about = [frames.shape, str(frames.dtype), frames.filled, frames.preprocessing]
    about += [
        frames.facts.dataset,
        repr(frames.values),
        rows.hexdigest(),
        *map(_state, sorted(frames.files)),
    ]
    mask = frames.mask
    if isinstance(mask, Frames) and all(source.path for source in mask.sources):
        return about + _identity(mask, mask.sources)
    return [*about, joblib.hash(None if mask is None else np.asarray(mask))]


def _state(path: str) -> tuple:
    """Return what changes when a file does."""
    try:
        known = os.stat(path)
    except OSError:  # its frames cannot be read, and that may change too
        return (path,)
    return path, known.st_size, known.st_mtime_ns
