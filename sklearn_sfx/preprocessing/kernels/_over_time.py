"""Medians and quartiles of each pixel over the frames of a sample, and medians of squares of one.

A pixel has few values, and there are many pixels: so a row of them is sorted at once, by comparing
and exchanging whole rows in a fixed order that sorts whatever they hold.
"""

import numpy as np

from sklearn_sfx.preprocessing.kernels._compiling import elementwise
from sklearn_sfx.preprocessing.kernels._keys import GREATEST, LEAST, key_of, value_of_key

__all__ = ["medians_of_squares", "sorting_network", "summarize_rows", "times_above"]

LANES = 64  # pixels that are sorted at once: with 200 frames they take 50 KiB


@elementwise
def sorting_network(n):
    """Return the pairs of places to compare, in order, that sort n values: int64 (n_pairs, 2).

    Batcher's odd-even merge sort. The lower value goes to the first of a pair.
    """
    pairs = np.empty((64 + n * n // 2, 2), np.int64)
    n_pairs = 0
    merged = 1
    while merged < n:
        apart = merged
        while apart >= 1:
            for start in range(apart % merged, n - apart, 2 * apart):
                for k in range(start, min(start + apart, n - apart)):
                    if k // (2 * merged) == (k + apart) // (2 * merged):
                        pairs[n_pairs, 0], pairs[n_pairs, 1] = k, k + apart
                        n_pairs += 1
            apart //= 2
        merged *= 2
    return pairs[:n_pairs].copy()


@elementwise
def summarize_rows(sample, background, side, least, network, out):
    """Summarize each pixel of some rows over the frames; NaN where fewer than ``least`` are usable.

    ``sample`` is (n, height, width) of a height up to ``side``, ``background`` (n, n_squares) the
    level of each frame in squares that wide, and ``out`` (5, height, width), all float32. It is
    filled with the median before the background is taken away; the part of the values that differ
    from that; and lower quartile, median and upper quartile once it is away.
    """
    n_frames, height, width = sample.shape
    values = np.empty((n_frames, width), np.float32)
    smooth = np.empty((n_frames, width), np.float32)
    for frame in range(n_frames):
        for j in range(width):
            smooth[frame, j] = background[frame, j // side]
    keys = np.empty((n_frames, LANES), np.int32)
    counts = np.empty(LANES, np.int32)
    found = np.empty((5, LANES), np.float32)
    for i in range(height):
        for frame in range(n_frames):  # whole rows, or the memory would be read in small pieces
            values[frame] = sample[frame, i]
        for left in range(0, width, LANES):
            n = min(LANES, width - left)
            columns = slice(left, left + n)
            counts[:n] = 0
            for frame in range(n_frames):
                _add_keys(values[frame, columns], keys[frame], counts)
            _sort(keys, network, n)
            level, part = found[0], found[1]
            _quantile(keys, counts, 0.5, level[:n])
            part[:] = 0
            for frame in range(n_frames):
                _add_others(values[frame, columns], level, part)
            for frame in range(n_frames):
                _key_above(values[frame, columns], smooth[frame, columns], keys[frame])
            _sort(keys, network, n)
            for quarter in (1, 2, 3):
                _quantile(keys, counts, 0.25 * quarter, found[1 + quarter, :n])
            for k in range(n):
                judged = counts[k] >= least
                found[1, k] = np.float64(found[1, k]) / max(counts[k], 1)
                for which in range(5):
                    out[which, i, left + k] = found[which, k] if judged else np.float32(np.nan)


@elementwise
def _add_keys(row, keys, counts):
    """Write the keys of some pixels of one frame, and count those that are usable."""
    for k in range(row.size):
        keys[k] = key_of(row[k])
        counts[k] += np.int32(keys[k] < GREATEST)


@elementwise
def _add_others(row, level, n_others):
    """Count the usable pixels of one frame that differ from the level."""
    for k in range(row.size):
        other = (row[k] != level[k]) & (abs(row[k]) < np.float32(np.inf))
        n_others[k] += np.float32(1.0) if other else np.float32(0.0)


@elementwise
def _key_above(row, background, keys):
    """Write the keys of what is above the background."""
    for k in range(row.size):
        keys[k] = key_of(row[k] - background[k])


@elementwise
def _sort(keys, network, n):
    """Sort each of the first n columns."""
    for pair in range(network.shape[0]):
        upper, lower = keys[network[pair, 0]], keys[network[pair, 1]]
        for k in range(n):
            a, b = upper[k], lower[k]
            upper[k], lower[k] = min(a, b), max(a, b)


@elementwise
def _quantile(ordered, counts, part, out):
    """Write the value at this part of those that are usable; NaN where there is none."""
    for k in range(out.size):
        out[k] = value_of_key(ordered[int(np.rint(part * (max(counts[k], 1) - 1))), k])


@elementwise
def medians_of_squares(frame, side, medians):
    """Write the median of the usable pixels of each square, the lower of two; NaN without any."""
    height, width = frame.shape
    keys = np.empty(side * side, np.int32)
    for i in range(medians.shape[0]):
        rows = frame[i * side : min((i + 1) * side, height)]
        for j in range(medians.shape[1]):
            n = 0
            for y in range(rows.shape[0]):
                row = rows[y, j * side : min((j + 1) * side, width)]
                for k in range(row.size):
                    keys[n + k] = key_of(row[k])
                n += row.size
            medians[i, j] = value_of_key(_middle(keys[:n]))


@elementwise
def _middle(keys):
    """Return the lower median of the keys that are usable.

    The range that it lies in is halved until one key is left in there. Halves of the keys of floats
    are about square roots, so a pixel far above the others costs one halving, or two.
    """
    n, low, high = np.int32(0), GREATEST, LEAST
    for k in range(keys.size):
        usable = keys[k] < GREATEST
        n = np.int32(n + np.int32(usable))  # or numba would count in 64 bits
        low = min(low, keys[k])
        high = max(high, keys[k] if usable else LEAST)
    rank = np.rint(0.5 * (max(n, 1) - 1))
    while low < high:
        middle = np.int32((np.int64(low) + np.int64(high)) >> 1)
        n_below, greatest, least = np.int32(0), low, high
        for k in range(keys.size):
            below = keys[k] <= middle
            n_below = np.int32(n_below + np.int32(below))
            greatest = max(greatest, keys[k] if below else low)
            least = min(least, high if below else keys[k])
        if n_below > rank:
            high = greatest
        else:
            low = least
    return low


@elementwise
def times_above(sample, limit, background, side):
    """Return in how many frames each pixel is above a limit, over the background of the frame.

    ``sample`` (n, height, width), ``limit`` (height, width), ``background`` (n, n_down, n_across),
    float32, the level in squares of this side.
    """
    n_frames, height, width = sample.shape
    times = np.zeros((height, width), np.int32)
    level = np.empty(width, np.float32)
    for top in range(0, height, side):
        for frame in range(n_frames):
            for j in range(width):
                level[j] = background[frame, top // side, j // side]
            for i in range(top, min(top + side, height)):
                row, out, least = sample[frame, i], times[i], limit[i]
                for j in range(width):
                    out[j] += row[j] > least[j] + level[j]  # NaN is not
    return times
