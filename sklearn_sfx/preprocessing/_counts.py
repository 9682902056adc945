"""Compiled contrast of whole numbers in windows of 5 x 5, the shorter way.

Sums of 25 whole numbers are exact in float32, so those of columns may slide from row to row. A
variance from the sum of squares is good enough beside a floor that is not far below the level.
"""

import numpy as np

from sklearn_sfx.preprocessing._bits import bits_of
from sklearn_sfx.preprocessing._kernels import elementwise

SIGN = np.uint32(2**31)
ZERO, ONE = np.float32(0), np.float32(1)
N, N_SQUARED = np.float32(25), np.float32(625)
# Squares of the level lose 24 bits, and count beside squares of the floor: so many floors from the
# mean of the frame, the variance is still right to 1e-4 of the floor's square.
FAR = np.float32(30)
EXACT = np.float32(2**24)  # below, float32 holds every whole number


@elementwise
def columns_of_counts(rows, sums, squares):
    """Sum each column of five rows, and its squares; return the bits of the largest of these."""
    largest = np.int32(0)
    a, b, c, d, e = rows[0], rows[1], rows[2], rows[3], rows[4]
    for j in range(sums.size):
        sums[j] = (a[j] + b[j]) + (c[j] + d[j]) + e[j]
        squares[j] = (a[j] * a[j] + b[j] * b[j]) + (c[j] * c[j] + d[j] * d[j]) + e[j] * e[j]
        largest = max(largest, bits_of(squares[j]))
    return largest


@elementwise
def slide_columns_of_counts(leaving, entering, sums, squares):
    """Do the same one row further down, where all sums of squares so far are exact.

    Whole numbers are no farther from zero than their squares, so the sums are exact too.
    """
    largest = np.int32(0)
    for j in range(sums.size):
        old, new = leaving[j], entering[j]
        sums[j] += new - old
        squares[j] += new * new - old * old
        largest = max(largest, bits_of(squares[j]))
    return largest


@elementwise
def ratio_of_counts(centre, sums, squares, least, ratio):
    """Give 25 d |25 d| / max(625 s^2, least), which is d |d| / max(s^2, floor^2).

    Return the largest bits of a ratio, which are those of the highest unless all are negative; the
    largest as unsigned, which are those of the lowest if any is negative; and those of the sum over
    a window that is farthest from zero.
    """
    highest, lowest, farthest = np.int32(-(2**31)), np.uint32(0), np.int32(0)
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
def contrast_of_counts(ratio, out):
    """Give d / max(s, floor) from d |d| / max(s^2, floor^2)."""
    for j in range(out.size):
        root = np.sqrt(abs(ratio[j]))
        out[j] = root if ratio[j] >= 0 else -root


@elementwise
def columns_of_masked_counts(rows, counts, sums, squares):
    """Count and sum what is not NaN in each column of five rows, and its squares; as above."""
    largest = np.int32(0)
    a, b, c, d, e = rows[0], rows[1], rows[2], rows[3], rows[4]
    for j in range(counts.size):
        n = (ONE if a[j] == a[j] else ZERO) + (ONE if b[j] == b[j] else ZERO)
        n += (ONE if c[j] == c[j] else ZERO) + (ONE if d[j] == d[j] else ZERO)
        counts[j] = n + (ONE if e[j] == e[j] else ZERO)
    for j in range(sums.size):
        total, square = ZERO, ZERO
        for r in range(5):
            value = rows[r, j] if rows[r, j] == rows[r, j] else ZERO
            total += value
            square += value * value
        sums[j] = total
        squares[j] = square
        largest = max(largest, bits_of(square))
    return largest


@elementwise
def slide_columns_of_masked_counts(leaving, entering, counts, sums, squares):
    """Do the same one row further down, where all sums of squares so far are exact."""
    largest = np.int32(0)
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
def ratio_of_masked_counts(centre, counts, sums, squares, floor, far, ratio):
    """Give n d |n d| / max(n^2 s^2, n^2 floor^2) for n usable pixels; NaN where the centre is.

    Return bits above 0 where the mean of a window is farther from zero than ``far``.
    """
    farthest = np.int32(-(2**31))
    least = floor * floor
    for j in range(ratio.size):
        n = (counts[j] + counts[j + 1]) + (counts[j + 2] + counts[j + 3]) + counts[j + 4]
        total = (sums[j] + sums[j + 1]) + (sums[j + 2] + sums[j + 3]) + sums[j + 4]
        square = (squares[j] + squares[j + 1]) + (squares[j + 2] + squares[j + 3]) + squares[j + 4]
        deviation = n * centre[j + 2] - total
        spread = n * square - total * total
        ratio[j] = deviation * abs(deviation) / max(spread, n * n * least)
        farthest = max(farthest, bits_of(abs(total) - n * far))
    return farthest
