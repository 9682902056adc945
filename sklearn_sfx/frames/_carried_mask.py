"""The mask that a run carries: fitted to its frames, and packed in pickles."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np

from sklearn_sfx.exceptions import InputError

__all__ = ["fit_mask", "pack_mask", "unpack_mask"]


def fit_mask(mask: Any, frames_shape: tuple[int, int, int]) -> Any:
    """Check a bool array or bool Frames against the frames.

    Returns
    -------
    bool ndarray of shape (height, width), or bool array or Frames of shape frames_shape
        A read-only copy with modules stacked where it is one mask for all; one for each as given.
    """
    n_frames, height, width = frames_shape
    if not hasattr(mask, "dtype") or mask.dtype != bool:
        raise InputError(
            "mask must be a bool array, True where the pixel is usable, but it is "
            f"{getattr(mask, 'dtype', type(mask).__name__)}: make one with "
            "read_mask(..., good_bits=...) or read_mask(..., bad_bits=...)."
        )
    if mask.shape == frames_shape:
        return mask
    if mask.ndim == 3 and (mask.shape[0] * mask.shape[1], mask.shape[2]) == (height, width):
        mask = np.asarray(mask).reshape(height, width)  # modules, stacked along the slow axis
    if mask.shape != (height, width):
        raise InputError(
            f"The mask has the shape {mask.shape}, but the frames are {height} x {width} "
            f"(height x width) and there are {n_frames}: give a mask of shape ({height}, {width}), "
            f"or ({n_frames}, {height}, {width}) with one mask per frame."
        )
    mask = np.array(mask)
    mask.setflags(write=False)
    return mask


def pack_mask(mask: np.ndarray) -> tuple[tuple[int, ...], bytes]:
    """Return shape and compressed bits of one mask for all frames."""
    return mask.shape, zlib.compress(np.packbits(mask).data, 1)


def unpack_mask(shape: tuple[int, int], packed: bytes) -> np.ndarray:
    """Return the mask that was packed, read-only."""
    bits = np.frombuffer(zlib.decompress(packed), np.uint8)
    mask = np.unpackbits(bits, count=shape[0] * shape[1]).view(bool).reshape(shape)
    mask.setflags(write=False)
    return mask
