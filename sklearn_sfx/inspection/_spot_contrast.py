"""Frames drawn so that their spots are seen, whatever the background does."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.ndimage import distance_transform_edt, median_filter

from sklearn_sfx.frames import highest_of_blocks
from sklearn_sfx.inspection._drawing import draw_frame

__all__ = ["CONTRAST", "above_background", "draw_spots"]

AROUND = 7  # side of the square whose median is the local background, in blocks
CONTRAST = (-3.0, 15.0)  # what is drawn white and black, in units of the noise
MAD_OF_NORMAL = 0.6745  # median absolute deviation of a normal distribution, in sigma


def above_background(frame: np.ndarray, n_blocks: int) -> np.ndarray:
    """Return how far the highest pixel of each block is above its surroundings.

    Otherwise a ring of water is all that is seen.

    Parameters
    ----------
    frame : ndarray of shape (height, width)
        In any unit; NaN where a pixel is masked.
    n_blocks : int
        Along the shorter side, at the least, where the frame has as many pixels.

    Returns
    -------
    ndarray of float
        In units of the noise, which is the spread of all; NaN where all of a block is masked.
    """
    highest, _ = highest_of_blocks(np.asarray(frame), n_blocks)
    usable = np.isfinite(highest)
    if not usable.any():
        return highest
    if not usable.all():  # so that the rim of a mask does not look like signal
        nearest = distance_transform_edt(~usable, return_distances=False, return_indices=True)
        highest = highest[tuple(nearest)]
    highest = np.where(usable, highest - median_filter(highest, AROUND), np.nan)
    noise = float(np.median(np.abs(highest[usable]))) / MAD_OF_NORMAL
    return highest / (noise or 1)


def draw_spots(ax: Any, frame: np.ndarray) -> Any:
    """Draw a frame of shape (height, width) less its local background, dark where spots are."""
    blocks = above_background(frame, min(frame.shape))
    low, high = CONTRAST
    return draw_frame(ax, blocks, vmin=low, vmax=high)
