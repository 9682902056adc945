"""Contrast in windows of 5 x 5 around each pixel of one row of whole numbers, the shorter way.

Sums of 25 whole numbers are exact in float32, so those of columns may slide from row to row. A
variance from the sum of squares is good enough beside a floor that is not far below the level.
Where it is not, the row is left to ``_windows``.
"""

from typing import NamedTuple

import numpy as np

from sklearn_sfx.preprocessing.kernels._compiling import elementwise, inlined
from sklearn_sfx.preprocessing.kernels._float_bits import bits_of
from sklearn_sfx.preprocessing.kernels._scratch import (
    HELD_COUNTS,
    HELD_SQUARES,
    HELD_SUMS,
    RATIO,
    wrapped,
)

__all__ = ["NOTHING", "ratio_of_counts", "short_way"]

SIGN = np.uint32(2**31)
ZERO, ONE = np.float32(0), np.float32(1)
N, N_SQUARED = np.float32(25), np.float32(625)
# Squares of the level lose 24 bits, and count beside squares of the floor: so many floors from the
# mean of the frame, the variance is still right to 1e-4 of the floor's square.
FAR = np.float32(30)
EXACT = np.float32(2**24)  # below, float32 holds every whole number
NOTHING, ALL_PIXELS, USABLE_PIXELS = range(3)  # what the sums of columns are those of


class ShortWay(NamedTuple):
    """Whether the shorter way is there at all, and up to where it is precise.

    ``far`` is how far from zero the mean of a window may be; ``limit`` are the bits of 25 times
    that, and ``least`` is 625 times the square of the floor.
    """

    is_open: bool
    floor: np.float32
    far: np.float32
    limit: np.int32
    least: np.float32


class RatioOfCounts(NamedTuple):
    """What is known of a row of d |d| / max(s^2, floor^2) once it is filled.

    ``held`` says what the sums of columns are those of, and so whether they may slide to the next
    row. Unless ``is_precise`` the row has to be filled in the longer way. Where ``has_ends`` the
    bits of its highest and lowest value are known already.
    """

    held: int
    is_precise: bool
    has_ends: bool
    highest: np.int32
    lowest: np.int32


@elementwise
def short_way(are_counts, window, floor):
    """Return where the shorter way may be taken, for windows (height, width) and this floor."""
    far = min(FAR * floor, EXACT / N)
    is_open = are_counts and window[0] == 5 and window[1] == 5 and floor > 0
    return ShortWay(is_open, floor, far, bits_of(N * far), N_SQUARED * floor * floor)


@elementwise
def ratio_of_counts(loaded, i, is_masked, held, short, work):
    """Work out row i of d |d| / max(s^2, floor^2), RATIO, if the shorter way is open.

    loaded (h, w) holds whole numbers, near zero where they are near the mean, and NaN in rows i to
    i + 4 only if ``is_masked``; ``held`` is that of the row before.
    """
    if not short.is_open:
        return RatioOfCounts(NOTHING, False, False, np.int32(0), np.int32(0))
    if is_masked:
        if held == USABLE_PIXELS:
            largest = _slide_masked_columns(loaded, i, work)
        else:
            largest = _sum_masked_columns(loaded, i, work)
        held = USABLE_PIXELS if largest < bits_of(EXACT) else NOTHING
        excess = _ratio_of_masked(loaded, i, short, work)
        return RatioOfCounts(held, excess <= 0, False, np.int32(0), np.int32(0))
    if held == ALL_PIXELS:
        largest = _slide_columns(loaded, i, work)
    else:
        largest = _sum_columns(loaded, i, work)
    held = ALL_PIXELS if largest < bits_of(EXACT) else NOTHING
    highest, lowest, farthest = _ratio(loaded, i, short, work)
    is_precise = farthest < short.limit
    has_ends = is_precise and highest >= 0 and lowest >= SIGN
    return RatioOfCounts(held, is_precise, has_ends, highest, np.int32(lowest))


@elementwise
def _sum_columns(loaded, i, work):
    """Sum each column of five rows, and its squares; return the bits of the largest of these."""
    largest = np.int32(0)
    n = loaded.shape[0]
    a, b, c = loaded[i], loaded[wrapped(i + 1, n)], loaded[wrapped(i + 2, n)]
    d, e = loaded[wrapped(i + 3, n)], loaded[wrapped(i + 4, n)]
    sums, squares = work[HELD_SUMS], work[HELD_SQUARES]
    for j in range(sums.size):
        sums[j] = (a[j] + b[j]) + (c[j] + d[j]) + e[j]
        squares[j] = (a[j] * a[j] + b[j] * b[j]) + (c[j] * c[j] + d[j] * d[j]) + e[j] * e[j]
        largest = max(largest, bits_of(squares[j]))
    return largest


@inlined
def _slide_columns(loaded, i, work):
    """Do the same one row further down, where all sums of squares so far are exact.

    Whole numbers are no farther from zero than their squares, so the sums are exact too.
    """
    largest = np.int32(0)
    n_rows = loaded.shape[0]
    leaving, entering = loaded[wrapped(i + n_rows - 1, n_rows)], loaded[wrapped(i + 4, n_rows)]
    sums, squares = work[HELD_SUMS], work[HELD_SQUARES]
    for j in range(sums.size):
        old, new = leaving[j], entering[j]
        sums[j] += new - old
        squares[j] += new * new - old * old
        largest = max(largest, bits_of(squares[j]))
    return largest


@inlined
def _ratio(loaded, i, short, work):
    """Give 25 d |25 d| / max(625 s^2, least), which is d |d| / max(s^2, floor^2).

    Return the largest bits of a ratio, which are those of the highest unless all are negative; the
    largest as unsigned, which are those of the lowest if any is negative; and those of the sum over
    a window that is farthest from zero.
    """
    highest, lowest, farthest = np.int32(-(2**31)), np.uint32(0), np.int32(0)
    ratio, least = work[RATIO, : work.shape[1] - 4], short.least
    centre = loaded[wrapped(i + 2, loaded.shape[0])]
    sums, squares = work[HELD_SUMS], work[HELD_SQUARES]
    for j in range(ratio.size):
        total = (sums[j] + sums[j + 1]) + (sums[j + 2] + sums[j + 3]) + sums[j + 4]
        square = (squares[j] + squares[j + 1]) + (squares[j + 2] + squares[j + 3]) + squares[j + 4]
        deviation = N * centre[j + 2] - total
        spread = N * square - total * total
        ratio[j] = deviation * abs(deviation) / max(spread, least)
        bits = bits_of(ratio[j])
        highest = max(highest, bits)
        lowest = max(lowest, np.uint32(bits))
        farthest = max(farthest, bits_of(abs(total)))
    return highest, lowest, farthest


@elementwise
def _sum_masked_columns(loaded, i, work):
    """Count and sum what is not NaN in each column of five rows, and its squares; as above."""
    largest = np.int32(0)
    n_rows = loaded.shape[0]
    a, b, c = loaded[i], loaded[wrapped(i + 1, n_rows)], loaded[wrapped(i + 2, n_rows)]
    d, e = loaded[wrapped(i + 3, n_rows)], loaded[wrapped(i + 4, n_rows)]
    counts, sums, squares = work[HELD_COUNTS], work[HELD_SUMS], work[HELD_SQUARES]
    for j in range(counts.size):
        n = (ONE if a[j] == a[j] else ZERO) + (ONE if b[j] == b[j] else ZERO)
        n += (ONE if c[j] == c[j] else ZERO) + (ONE if d[j] == d[j] else ZERO)
        counts[j] = n + (ONE if e[j] == e[j] else ZERO)
    for j in range(sums.size):
        total, square = ZERO, ZERO
        for r in range(i, i + 5):
            pixel = loaded[wrapped(r, n_rows), j]
            value = pixel if pixel == pixel else ZERO
            total += value
            square += value * value
        sums[j] = total
        squares[j] = square
        largest = max(largest, bits_of(square))
    return largest


@elementwise
def _slide_masked_columns(loaded, i, work):
    """Do the same one row further down, where all sums of squares so far are exact."""
    largest = np.int32(0)
    n_rows = loaded.shape[0]
    leaving, entering = loaded[wrapped(i + n_rows - 1, n_rows)], loaded[wrapped(i + 4, n_rows)]
    counts, sums, squares = work[HELD_COUNTS], work[HELD_SUMS], work[HELD_SQUARES]
    for j in range(counts.size):
        gone = ONE if leaving[j] == leaving[j] else ZERO
        counts[j] += (ONE if entering[j] == entering[j] else ZERO) - gone
    for j in range(sums.size):
        old = leaving[j] if leaving[j] == leaving[j] else ZERO
        new = entering[j] if entering[j] == entering[j] else ZERO
        sums[j] += new - old
        squares[j] += new * new - old * old
        largest = max(largest, bits_of(squares[j]))
    return largest


@elementwise
def _ratio_of_masked(loaded, i, short, work):
    """Give n d |n d| / max(n^2 s^2, n^2 floor^2) for n usable pixels; NaN where the centre is.

    Return bits above 0 where the mean of a window is farther from zero than ``short.far``.
    """
    farthest = np.int32(-(2**31))
    ratio, centre = work[RATIO, : work.shape[1] - 4], loaded[wrapped(i + 2, loaded.shape[0])]
    far, least = short.far, short.floor * short.floor
    counts, sums, squares = work[HELD_COUNTS], work[HELD_SUMS], work[HELD_SQUARES]
    for j in range(ratio.size):
        n = (counts[j] + counts[j + 1]) + (counts[j + 2] + counts[j + 3]) + counts[j + 4]
        total = (sums[j] + sums[j + 1]) + (sums[j + 2] + sums[j + 3]) + sums[j + 4]
        square = (squares[j] + squares[j + 1]) + (squares[j + 2] + squares[j + 3]) + squares[j + 4]
        deviation = n * centre[j + 2] - total
        spread = n * square - total * total
        ratio[j] = deviation * abs(deviation) / max(spread, n * n * least)
        farthest = max(farthest, bits_of(abs(total) - n * far))
    return farthest
