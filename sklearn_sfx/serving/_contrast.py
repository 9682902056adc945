"""The contrast of a frame by its local background, so that spots are seen wherever they lie."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import uniform_filter

__all__ = ["local_contrast"]

BLOCK = 4  # side of the squares that the background is summed over, in pixels
AROUND = 5  # squares along the side of the neighbourhood
N_CLIPPINGS = 2  # each leaves out what sticks out of the background before
CLIP = 3.0  # how many standard deviations stick out
COUNT_FLOOR = 0.5  # least noise where pixels are counts: a single photon is no spot
SHARE_FLOOR = 0.3  # of the noise of the frame elsewhere


def local_contrast(frame: np.ndarray) -> np.ndarray:
    """Return how far each pixel stands out of its surroundings, in units of the noise there.

    Background and noise are mean and standard deviation of the 20 x 20 pixels around, without what
    sticks out of them, so that a strong spot does not hide a weak one beside it.

    Parameters
    ----------
    frame : float32 ndarray of shape (height, width)
        NaN, or infinite, where a pixel is not usable.

    Returns
    -------
    float32 ndarray of shape (height, width)
        NaN where a pixel is not usable.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_sfx.serving._contrast import local_contrast
    >>> frame = np.random.default_rng(0).poisson(10.0, (64, 64)).astype(np.float32)
    >>> frame[20, 30] = 60
    >>> stands_out = local_contrast(frame) > 8
    >>> np.argwhere(stands_out).tolist()
    [[20, 30]]
    """
    usable = np.isfinite(frame)
    if not usable.any():
        return np.full(frame.shape, np.nan, np.float32)
    sample = frame[usable][:: max(1, usable.sum() // 100_000)]
    level = np.median(sample)
    padded = _padded(frame - np.float32(level))
    kept = np.isfinite(padded)
    for _ in range(1 + N_CLIPPINGS):
        mean, noise = _around(padded, kept)
        far = np.abs(padded - _per_pixel(mean)) > CLIP * _per_pixel(noise)
        kept = np.isfinite(padded) & ~far
    are_counts = bool((sample == np.rint(sample)).all())
    floor = COUNT_FLOOR if are_counts else SHARE_FLOOR * float(np.median(noise)) or 1.0
    noise = np.sqrt(noise**2 + floor**2)
    height, width = frame.shape
    out = (padded - _smooth(mean)) / _smooth(noise)
    return out[:height, :width].astype(np.float32)


def _padded(frame: np.ndarray) -> np.ndarray:
    """Return the frame filled up with NaN to whole squares; what is infinite is NaN too."""
    rows, columns = (-(-length // BLOCK) * BLOCK for length in frame.shape)
    padded = np.full((rows, columns), np.nan, np.float32)
    padded[: frame.shape[0], : frame.shape[1]] = np.where(np.isfinite(frame), frame, np.nan)
    return padded


def _around(padded: np.ndarray, kept: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation around each square, of the pixels that are kept."""
    pixels = np.where(kept, padded, np.float32(0))
    n, first, second = (
        uniform_filter(_sums(part), AROUND, mode="constant")
        for part in (kept, pixels, pixels * pixels)
    )
    is_empty = n < 0.5 / AROUND**2
    n = np.where(is_empty, 1.0, n)
    mean = first / n
    noise = np.sqrt(np.maximum(0, second / n - mean**2))
    if is_empty.any():  # far from any pixel that is used
        mean[is_empty] = np.median(mean[~is_empty]) if not is_empty.all() else 0.0
        noise[is_empty] = np.median(noise[~is_empty]) if not is_empty.all() else 0.0
    return mean, noise


def _sums(pixels: np.ndarray) -> np.ndarray:
    rows, columns = pixels.shape
    squares = pixels.reshape(rows // BLOCK, BLOCK, columns // BLOCK, BLOCK)
    return squares.sum(axis=1, dtype=np.float64).sum(axis=2)


def _per_pixel(squares: np.ndarray) -> np.ndarray:
    return squares.astype(np.float32).repeat(BLOCK, axis=0).repeat(BLOCK, axis=1)


def _smooth(squares: np.ndarray) -> np.ndarray:
    """Return values for each pixel, interpolated between the middles of the squares."""
    squares = squares.astype(np.float32)
    for axis in (0, 1):
        at = (np.arange(squares.shape[axis] * BLOCK) + 0.5) / BLOCK - 0.5
        at = np.clip(at, 0, squares.shape[axis] - 1)
        low = np.minimum(at.astype(int), max(0, squares.shape[axis] - 2))
        high = np.minimum(low + 1, squares.shape[axis] - 1)
        share = (at - low).astype(np.float32)
        share = share[:, None] if axis == 0 else share[None, :]
        lower, upper = squares.take(low, axis), squares.take(high, axis)
        squares = lower + share * (upper - lower)
    return squares
