"""Which frames an index means."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["picked", "rows_of_key"]


def rows_of_key(key: Any, n_frames: int) -> slice | np.ndarray:
    """Return what stands between the brackets as a slice, or as numbers from 0 to n_frames - 1.

    Parameters
    ----------
    key : int, slice, sequence of int or bool, Ellipsis, or tuple of one of them and full slices
        scikit-learn indexes arrays with (rows, ...).
    n_frames : int
        How many frames there are.

    Returns
    -------
    slice or int64 ndarray of shape () or (n,)
        Of shape () for one frame.

    Raises
    ------
    IndexError
        If it is none of these, or out of bounds.
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
    return _row_numbers(rows, n_frames)


def _row_numbers(rows: np.ndarray, n_frames: int) -> np.ndarray:
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


def picked(index: range | np.ndarray, rows: slice | np.ndarray) -> range | np.ndarray:
    """Return some of the numbers of an index, without an array as long as the run."""
    if isinstance(rows, slice):
        return index[rows]
    if isinstance(index, range):
        return np.asarray(index.start + index.step * rows)
    return index[rows]
