"""Find defective pixels by how they behave over a sample of frames."""

from __future__ import annotations

import numpy as np

from sklearn_sfx.preprocessing._flicker import flickering
from sklearn_sfx.preprocessing.kernels import raise_to_lines, stuck_regions

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
    background = np.stack([_block_medians(frame) for frame in sample])
    median, level, spread, unrest, changes, constant = _over_time(sample, background)
    n_frames = int(np.count_nonzero(np.isfinite(sample).any(axis=(1, 2))))
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
    lit = _times_lit(sample, background, median + LIT * noise)
    return hot | dead | noisy | stuck | flickering(lit, n_frames)


def _times_lit(sample: np.ndarray, background: np.ndarray, limit: np.ndarray) -> np.ndarray:
    """Return in how many frames each pixel is above a limit, over the frame's background."""
    width = sample.shape[2]
    lit = np.zeros(sample.shape[1:], np.int32)
    for frame, blocks in zip(sample, background, strict=True):
        for block, row in enumerate(np.repeat(blocks, BLOCK, axis=1)[:, :width]):
            rows = slice(block * BLOCK, (block + 1) * BLOCK)
            lit[rows] += frame[rows] > limit[rows] + row  # NaN is not
    return lit


def _over_time(sample: np.ndarray, background: np.ndarray) -> tuple[np.ndarray, ...]:
    """Summarize each pixel over the frames, after taking away each frame's smooth background.

    Returns the median of what is left; the median level before; the spread of what is left, as a
    standard deviation, from its quartiles; the same from the quartile that lies nearer to the
    median, which a Bragg spot or streak in some of the frames does not widen; the part of frames
    that differ from the level, and whether none does. The background goes so that the pulse energy,
    which moves all pixels together, is not taken for noise. Works in bands of rows, so that memory
    stays near that of the sample.
    """
    height, width = sample.shape[1:]
    images = np.full((5, height, width), np.nan, dtype=np.float32)
    median, level, spread, unrest, changes = images
    constant = np.zeros((height, width), dtype=bool)
    for block, top in enumerate(range(0, height, BLOCK)):
        rows = slice(top, min(top + BLOCK, height))
        values = np.moveaxis(sample[:, rows], 0, -1)
        smooth = np.repeat(background[:, block], BLOCK, axis=1)[:, :width]
        counts = np.isfinite(values).sum(axis=-1)
        judged = counts >= MIN_FRAMES

        ordered = np.sort(values, axis=-1)  # NaN comes last
        middle = _quantile(ordered, counts, 0.5)
        level[rows] = np.where(judged, middle, np.nan)
        differing = np.sum(np.isfinite(values) & (values != middle[..., None]), axis=-1)
        changes[rows] = np.where(judged, differing / np.maximum(counts, 1), np.nan)
        constant[rows] = judged & (differing == 0)

        ordered = np.sort(values - smooth.T[None], axis=-1)
        lower, middle, upper = (_quantile(ordered, counts, part) for part in (0.25, 0.5, 0.75))
        nearer = np.minimum(upper - middle, middle - lower)
        median[rows] = np.where(judged, middle, np.nan)
        spread[rows] = np.where(judged, (upper - lower) / 1.349, np.nan)
        unrest[rows] = np.where(judged, 2 * nearer / 1.349, np.nan)
    return median, level, spread, unrest, changes, constant


def _block_medians(frame: np.ndarray) -> np.ndarray:
    height, width = frame.shape
    padding = ((0, -height % BLOCK), (0, -width % BLOCK))
    padded = np.pad(frame, padding, constant_values=np.nan)
    blocks = padded.reshape(padded.shape[0] // BLOCK, BLOCK, -1, BLOCK).swapaxes(1, 2)
    ordered = np.sort(blocks.reshape(*blocks.shape[:2], -1), axis=-1)
    return _quantile(ordered, np.isfinite(ordered).sum(axis=-1), 0.5)


def _quantile(ordered: np.ndarray, counts: np.ndarray, part: float) -> np.ndarray:
    position = np.rint(part * (np.maximum(counts, 1) - 1)).astype(np.intp)
    return np.take_along_axis(ordered, position[..., None], axis=-1)[..., 0]


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
