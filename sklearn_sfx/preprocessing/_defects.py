"""Find defective pixels by how they behave over a sample of frames."""

from __future__ import annotations

import numpy as np

from sklearn_sfx.preprocessing._kernels import elementwise

__all__ = ["MIN_FRAMES", "find_defects"]

MIN_FRAMES = 10
BLOCK = 16  # pixels; the background of each frame is the median of such squares
CONTRAST = 5.0  # in units of the noise of a single frame
LEVEL_PART = 0.1  # pixels may differ this much in gain, as a part of the level
SURPRISE = 20.0  # -log of the probability that a live pixel never changes


def find_defects(sample: np.ndarray) -> np.ndarray:
    """Return a bool (height, width), True where a pixel is dead, hot, noisy or stuck.

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
    median, level, spread, unrest, changes, constant = _over_time(sample)
    n_frames = np.count_nonzero(np.isfinite(sample).any(axis=(1, 2)))
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
    return hot | dead | noisy | _stuck_regions(constant, changes, n_frames)


def _over_time(sample: np.ndarray) -> tuple[np.ndarray, ...]:
    """Summarize each pixel over the frames, after taking away each frame's smooth background.

    Returns the median of what is left; the median level before; the spread of what is left, as a
    standard deviation, from its quartiles; the same from the quartile that lies nearer to the
    median, which a Bragg spot or streak in some of the frames does not widen; the part of frames
    that differ from the level, and whether none does. The background goes so that the pulse energy,
    which moves all pixels together, is not taken for noise. Works in bands of rows, so that memory
    stays near that of the sample.
    """
    height, width = sample.shape[1:]
    background = np.stack([_block_medians(frame) for frame in sample])
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
        _raise_to_lines(padded, down, right, reach, highest)
    return highest


@elementwise
def _raise_to_lines(padded, down, right, reach, highest):
    width = highest.shape[1]
    first = reach - 3 * right
    for i in range(highest.shape[0]):
        top = i + reach
        _raise_row(
            padded[top - 3 * down, first : first + width],
            padded[top - 2 * down, first + right : first + right + width],
            padded[top - down, first + 2 * right : first + 2 * right + width],
            padded[top + down, first + 4 * right : first + 4 * right + width],
            padded[top + 2 * down, first + 5 * right : first + 5 * right + width],
            padded[top + 3 * down, first + 6 * right : first + 6 * right + width],
            highest[i],
        )


@elementwise
def _sorted_three(a, b, c):
    low, high = (a, b) if a < b else (b, a)
    middle, high = (high, c) if high < c else (c, high)
    return (low, middle, high) if low < middle else (middle, low, high)


@elementwise
def _raise_row(a, b, c, d, e, f, highest):
    for j in range(highest.size):
        low, middle, high = _sorted_three(
            a[j] if a[j] < np.inf else f[j],
            b[j] if b[j] < np.inf else e[j],
            c[j] if c[j] < np.inf else d[j],
        )
        lower, centre, upper = _sorted_three(
            d[j] if d[j] < np.inf else c[j],
            e[j] if e[j] < np.inf else b[j],
            f[j] if f[j] < np.inf else a[j],
        )
        # The fourth of two sorted triples: the least of the greater ends of all splits into four.
        fourth = min(max(low, upper), max(middle, centre), max(high, lower))
        better = fourth > highest[j] and fourth < np.inf
        highest[j] = fourth if better else highest[j]


@elementwise
def _stuck_regions(constant, changes, n_frames):
    """Return the connected regions of constant pixels that live pixels surround.

    The pixels at the rim of a region say how often a live one changes there. Around a region that
    is only quiet they hardly change either; around a gap, a dead module or a stuck pixel they do.
    """
    height, width = constant.shape
    stuck = np.zeros((height, width), dtype=np.bool_)
    seen = np.zeros((height, width), dtype=np.bool_)
    region = np.empty((height * width, 2), dtype=np.int32)
    for i in range(height):
        for j in range(width):
            if seen[i, j] or not constant[i, j]:
                continue
            seen[i, j] = True
            region[0, 0], region[0, 1] = i, j
            done, size, n_rim, changed = 0, 1, 0, 0.0
            while done < size:
                y0, x0 = region[done]
                done += 1
                for y in range(max(y0 - 1, 0), min(y0 + 2, height)):
                    for x in range(max(x0 - 1, 0), min(x0 + 2, width)):
                        if constant[y, x]:
                            if not seen[y, x]:
                                seen[y, x] = True
                                region[size, 0], region[size, 1] = y, x
                                size += 1
                        elif changes[y, x] == changes[y, x]:
                            n_rim += 1
                            changed += changes[y, x]
            if n_rim >= 3:
                surprise = -n_frames * np.log(max(1 - changed / n_rim, 1e-3))
                if surprise > SURPRISE:
                    for k in range(size):
                        stuck[region[k, 0], region[k, 1]] = True
    return stuck
