"""Find pixels and lines of pixels that are lit in some frames, and their neighbours are not."""

import numpy as np
from scipy.ndimage import uniform_filter1d

from sklearn_sfx.preprocessing.kernels import lit_alone

__all__ = ["flickering"]

LEAST_FRAMES = 3
LEAST_PART = 0.05  # of the frames
TIMES_BESIDE = 4.0  # as often as a neighbour; a Bragg spot lights those too
STRETCH = 17  # pixels; a line is bad where most of so many in a row are
MOST = 0.8


def flickering(lit: np.ndarray, n_frames: int) -> np.ndarray:
    """Return a bool (height, width), True for single pixels and lines that light up alone.

    Parameters
    ----------
    lit : ndarray of int, shape (height, width)
        In how many frames each pixel is far above its usual value.
    n_frames : int
        How many frames there are.

    Returns
    -------
    flickers : bool ndarray of shape (height, width)
        Pixels that are lit often, and four times as often as those around them; or, on a stretch of
        a row or column, as those on both sides of it, of which one may be lit as well.
    """
    often = lit >= max(LEAST_FRAMES, LEAST_PART * n_frames)
    if not often.any():
        return often
    alone, alone_across, alone_down = lit_alone(lit, often, TIMES_BESIDE)
    return alone | _stretches(alone_across, often, 0) | _stretches(alone_down, often, 1)


def _stretches(alone: np.ndarray, often: np.ndarray, axis: int) -> np.ndarray:
    """Return the pixels on stretches along an axis on which most are lit alone."""
    if np.count_nonzero(alone) < MOST * STRETCH:
        return alone & False
    dense = uniform_filter1d(alone.astype(np.float32), STRETCH, axis, mode="constant") >= MOST
    return often & (uniform_filter1d(dense.astype(np.float32), STRETCH, axis) > 0)
