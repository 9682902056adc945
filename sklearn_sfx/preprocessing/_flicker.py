"""Find pixels and lines of pixels that are lit in some frames, and their neighbours are not."""

import numpy as np
from scipy.ndimage import uniform_filter1d

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
    padded = np.pad(lit, 2)
    height, width = lit.shape
    around = np.zeros_like(lit)
    for down in (-1, 0, 1):
        for right in (-1, 0, 1):
            if down or right:
                beside = padded[2 + down : 2 + down + height, 2 + right : 2 + right + width]
                around = np.maximum(around, beside)
    flickers = often & (lit >= TIMES_BESIDE * around)
    flickers |= _columns(lit, often) | _columns(lit.T, often.T).T
    return flickers


def _columns(lit: np.ndarray, often: np.ndarray) -> np.ndarray:
    width = lit.shape[1]
    padded = np.pad(lit, ((0, 0), (2, 2)))
    left = np.minimum(padded[:, :width], padded[:, 1 : 1 + width])
    right = np.minimum(padded[:, 3 : 3 + width], padded[:, 4 : 4 + width])
    alone = often & (lit >= TIMES_BESIDE * np.maximum(left, right))
    dense = uniform_filter1d(alone.astype(np.float32), STRETCH, axis=0, mode="constant") >= MOST
    return often & (uniform_filter1d(dense.astype(np.float32), STRETCH, axis=0) > 0)
