"""Find defective pixels by how they behave over a sample of frames."""

from __future__ import annotations

import numpy as np

from sklearn_sfx.preprocessing._flicker import flickering
from sklearn_sfx.preprocessing.kernels import (
    medians_of_squares,
    raise_to_lines,
    sorting_network,
    stuck_regions,
    summarize_rows,
    times_above,
)

__all__ = ["MIN_FRAMES", "find_defects"]

MIN_FRAMES = 10
BLOCK = 16  # pixels; the background of each frame is the median of such squares
CONTRAST = 5.0  # in units of the noise of a single frame
LEVEL_PART = 0.1  # pixels may differ this much in gain, as a part of the level
LIT = 8.0  # in units of the noise of a single frame
SURPRISE = 20.0  # -log of the probability that a live pixel never changes


def find_defects(sample: np.ndarray) -> np.ndarray:
    """Return a bool (height, width), True where a pixel is defective.

    Dead, hot, noisy or stuck, or one that flickers.

    Parameters
    ----------
    sample : float32 ndarray of shape (n_frames, height, width)
        Frames spread over the run, NaN where a pixel is not usable. Pixels usable in fewer than
        10 of them are not judged.

    Returns
    -------
    defects : bool ndarray of shape (height, width)
        The defective pixels.
    """
    sample = np.ascontiguousarray(sample)
    background = _block_medians(sample)
    median, level, spread, unrest, changes, constant = _over_time(sample, background)
    n_frames = sum(any(np.isfinite(row).any() for row in frame) for frame in sample)
    finite = sample[0][np.isfinite(sample[0])]
    # The spread of counts is often 0, though they are uncertain by one at least.
    least_noise = 0.5 if np.array_equal(finite, np.rint(finite)) else 1e-6 * _typical(spread)

    around = _highest_line(spread)
    noise = np.where(np.isfinite(around), np.maximum(around, least_noise), np.inf)
    wanted = np.maximum(CONTRAST * noise, LEVEL_PART * _highest_line(np.abs(level)))
    with np.errstate(invalid="ignore"):  # pixels that are not judged are NaN, and no defects
        hot = median - _highest_line(median) > wanted
        dead = -median - _highest_line(-median) > wanted
        noisy = unrest > CONTRAST * noise
    stuck = stuck_regions(constant, changes, n_frames, SURPRISE)
    lit = times_above(sample, median + np.float32(LIT) * noise, background, BLOCK)
    return hot | dead | noisy | stuck | flickering(lit, n_frames)


def _over_time(sample: np.ndarray, background: np.ndarray) -> tuple[np.ndarray, ...]:
    """Summarize each pixel over the frames, after taking away each frame's smooth background.

    Returns the median of what is left; the median level before; the spread of what is left, as a
    standard deviation, from its quartiles; the same from the quartile that lies nearer to the
    median, which a Bragg spot or streak in some of the frames does not widen; the part of frames
    that differ from the level, and whether none does. The background goes so that the pulse energy,
    which moves all pixels together, is not taken for noise.
    """
    height, width = sample.shape[1:]
    found = np.empty((5, height, width), dtype=np.float32)
    network = sorting_network(len(sample))
    for block, top in enumerate(range(0, height, BLOCK)):
        rows = slice(top, top + BLOCK)
        summarize_rows(
            sample[:, rows], background[:, block], BLOCK, MIN_FRAMES, network, found[:, rows]
        )
    level, changes, lower, median, upper = found
    nearer = np.minimum(upper - median, median - lower)
    spread, unrest = (upper - lower) / 1.349, 2 * nearer / 1.349
    return median, level, spread, unrest, changes, changes == 0


def _block_medians(sample: np.ndarray) -> np.ndarray:
    n_frames, height, width = sample.shape
    medians = np.empty((n_frames, -(-height // BLOCK), -(-width // BLOCK)), np.float32)
    for frame, out in zip(sample, medians, strict=True):
        medians_of_squares(frame, BLOCK, out)
    return medians


def _typical(image: np.ndarray) -> float:
    finite = image[np.isfinite(image)]
    return float(np.median(finite)) if finite.size else 0.0


def _highest_line(image: np.ndarray) -> np.ndarray:
    """Return the highest of the medians of the lines of pixels through each pixel.

    Eight directions, three neighbours to either side and not the pixel itself, of which the fourth
    lowest counts. For a neighbour that is not there stands the one opposite; where that is not
    there either they are taken for high ones, or the direction is left out. -inf where none is
    left.
    """
    reach = 6
    padded = np.pad(np.nan_to_num(image, nan=np.inf), reach, constant_values=np.inf)
    highest = np.full(image.shape, -np.inf, dtype=np.float32)
    for down, right in ((0, 1), (1, 0), (1, 1), (1, -1), (1, 2), (2, 1), (1, -2), (2, -1)):
        raise_to_lines(padded, down, right, reach, highest)
    return highest
