"""Frames that cannot be read, found one by one, so that the others can be used."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from joblib import Parallel, delayed, effective_n_jobs

from sklearn_sfx.exceptions import InputError, UnreadableFrame, UnreadableFramesWarning
from sklearn_sfx.frames import Frames, needing_some
from sklearn_sfx.preprocessing import PixelMask

__all__ = ["find_unreadable", "known_unreadable", "readable_rows", "warn_of_unreadable"]


def known_unreadable(frames: Frames) -> tuple[dict[int, str], dict[int, str]]:
    """Return row and reason of frames known not to be readable, and of those read in part."""
    found: tuple[dict[int, str], dict[int, str]] = {}, {}
    for gone in frames.unreadable:
        found[gone.partly].update(dict.fromkeys(range(gone.start, gone.stop), gone.reason))
    return found


def find_unreadable(frames: Frames) -> dict[int, str]:
    """Read each frame by itself, and return row and reason of those that cannot be read.

    Parameters
    ----------
    frames : Frames, shape (n_frames, ...)
        Prepared, or cropped: what is cut away may be damaged.
    """
    stored = frames.as_stored()
    why = Parallel(n_jobs=effective_n_jobs(None), prefer="threads")(
        delayed(_why_unreadable)(stored[row : row + 1]) for row in range(len(stored))
    )
    known, _ = known_unreadable(frames)  # those that are NaN, and raise nothing
    return known | {row: reason for row, reason in enumerate(why) if reason is not None}


def _why_unreadable(frame: Frames) -> str | None:
    try:
        np.asarray(frame)
    except UnreadableFrame as error:
        return str(error).rstrip(".")
    return None


def readable_rows(frames: Any, what: str) -> np.ndarray:
    """Return which frames can be read as a whole, and warn of the others.

    Parameters
    ----------
    frames : Frames or ndarray, shape (n_frames, height, width)
        All are read, but for an array.
    what : str
        What is done with the frames, for the warning.

    Raises
    ------
    InputError
        Not one can be read.
    """
    rows = np.arange(len(frames))
    gone: dict[int, str] = {}
    if isinstance(frames, Frames):
        gone = find_unreadable(needing_some(PixelMask(invalid="auto").fit_transform(frames)))
    if gone:
        warn_of_unreadable(gone, len(rows), f"left out of {what}")
    return np.setdiff1d(rows, list(gone))


def warn_of_unreadable(gone: dict[int, str], n_frames: int, what_becomes: str) -> None:
    """Warn that some frames cannot be read, or refuse a run of which none can be."""
    first = gone[min(gone)]
    if len(gone) == n_frames:
        raise InputError(f"Not one of the {n_frames} frames can be read: {first}.")
    warnings.warn(
        f"{len(gone)} of {n_frames} frames cannot be read, and are {what_becomes}: {first}"
        f"{', and others' if len(gone) > 1 else ''}.",
        UnreadableFramesWarning,
        stacklevel=3,
    )
