"""Which rows of a run an index means."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["chosen_rows"]


def chosen_rows(key: Any, n_frames: int) -> int | slice | np.ndarray:
    """Return one row number from 0, a slice, or row numbers from 0, whatever numpy would take.

    Parameters
    ----------
    key : int, slice, sequence of int or of bool, or tuple
        As in ``frames[key]``; a tuple may go on with ``...`` or ``:``, as scikit-learn does.
    n_frames : int
        How many frames there are.

    Raises
    ------
    IndexError
        If it is no such key, or there is no such frame.
    """
    if isinstance(key, tuple):
        if any(part is not Ellipsis and part != slice(None) for part in key[1:]):
            raise IndexError(
                "Frames are indexed by frame only: read the pixels with np.asarray first, or "
                "crop with CentralCrop."
            )
        key = key[0] if key else slice(None)
    if key is Ellipsis:
        key = slice(None)
    if isinstance(key, slice):
        return key
    rows = np.asarray(key)
    if rows.size == 0 and rows.ndim == 1:
        return slice(0, 0)
    if rows.ndim > 1 or rows.dtype.kind not in "biu" or (rows.ndim == 0 and rows.dtype == bool):
        raise IndexError(
            "Frames are indexed by an integer, a slice, or a 1-D sequence of integers or of "
            f"bools, not by {type(key).__name__} of dtype {rows.dtype} and shape {rows.shape}."
        )
    rows = _row_numbers(rows, n_frames)
    return int(rows) if rows.ndim == 0 else rows


def _row_numbers(rows: np.ndarray, n_frames: int) -> np.ndarray:
    """Row numbers from 0 to n_frames - 1, for integers that may be negative or for bools."""
    if rows.dtype == bool:
        if len(rows) != n_frames:
            raise IndexError(
                f"A boolean index of {len(rows)} values cannot choose among {n_frames} frames."
            )
        return np.flatnonzero(rows)
    rows = rows.astype(np.int64)
    if np.any((rows < -n_frames) | (rows >= n_frames)):
        worst = rows.max() if rows.max() >= n_frames else rows.min()
        raise IndexError(f"Frame {worst} is out of bounds: there are {n_frames} frames.")
    return np.where(rows < 0, rows + n_frames, rows)
