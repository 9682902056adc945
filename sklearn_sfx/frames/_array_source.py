"""Frames that are already in memory."""

from __future__ import annotations

import numpy as np

from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames._protocols import FrameOrigin, Window

__all__ = ["ArraySource"]


class ArraySource:
    """An ndarray of frames, which is never changed.

    Parameters
    ----------
    array : ndarray of shape (n_frames, height, width)
        Numbers of any kind, or bool; a memory map too.
    """

    def __init__(self, array: np.ndarray):
        if array.ndim != 3 or array.dtype.kind not in "biuf":
            raise InputError(
                "An array of frames must be numeric and have the shape (n_frames, height, width), "
                f"but this one has the shape {array.shape} and dtype {array.dtype}."
            )
        if 0 in array.shape:
            raise InputError(f"The array of frames is empty: its shape is {array.shape}.")
        self.array = array
        self.shape = array.shape
        self.dtype = array.dtype.newbyteorder("=")

    def read(self, position: int, window: Window, out: np.ndarray) -> None:
        """Write the `window` of frame `position` to `out`."""
        out[...] = self.array[position][window.slices]

    def origin(self, position: int) -> FrameOrigin:
        """Return the position; there is no file."""
        return FrameOrigin(None, position, f"//{position}")

    def metadata(self, positions: np.ndarray) -> dict[str, np.ndarray]:
        """Nothing is known about the frames of an array."""
        return {}

    def narrowed(self, index: range | np.ndarray) -> tuple[ArraySource, range | np.ndarray]:
        """Return a source with no other frames than those at `index`."""
        n_frames = len(self.array)
        if len(index) in (0, n_frames):
            return (self, index) if len(index) else (ArraySource(self.array[:1]), index)
        if isinstance(index, range):
            low, high = min(index[0], index[-1]), max(index[0], index[-1]) + 1
            source = ArraySource(self.array[low : high : abs(index.step)])
            return source, range(len(source.array))[:: 1 if index.step > 0 else -1]
        kept, rows = np.unique(index, return_inverse=True)
        if len(kept) == n_frames:
            return self, index
        return ArraySource(self.array[kept]), rows
