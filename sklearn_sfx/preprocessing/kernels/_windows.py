"""Mean and deviation in the window around each pixel of one row, for any loaded frame.

Sums are formed afresh for every window and never slide, so that a saturated pixel leaves no trace
outside the windows that hold it. They are sums of differences from a pixel of the same window, so
that no precision is lost to the level that the pixels stand on, and a flat window is exactly zero.

A window is taken as columns: first the sums of each column of it, then those of its columns. The
variance is that within columns plus that between. The window of 5 x 5, the default, has loops of
its own, three times as fast.

Loops are short and write one or two arrays, because a compiler that has to rule out more overlaps
gives up its vector lanes. A function has loops or calls others, not both, and is handed whole 2-D
arrays, because counting references to the rows of them would cost as much as a loop.
"""

import numpy as np

from sklearn_sfx.preprocessing.kernels._compiling import elementwise
from sklearn_sfx.preprocessing.kernels._scratch import (
    BETWEEN,
    COUNTS,
    DEVIATION,
    INNER,
    MEANS,
    ORIGIN,
    OWN,
    SHIFT,
    SUMS,
    USABLE,
    VARIANCE,
    WITHIN,
    wrapped,
)

__all__ = ["windows_of_row"]

ZERO, ONE = np.float32(0), np.float32(1)


@elementwise
def windows_of_row(loaded, i, window, is_masked, reference, work):
    """Work out pixel minus window mean, DEVIATION, and window variance, VARIANCE, of one row.

    The windows (height, width) reach down from row i of ``loaded``, with the row in their middle.
    ``is_masked`` says whether they hold NaN, and ``reference`` is a number near their mean.
    """
    if is_masked:
        _windows_of_masked(loaded, i, window, reference, work)
    else:
        _windows_of_usable(loaded, i, window, reference, work)


# -- Windows without NaN


@elementwise
def _windows_of_usable(loaded, i, window, reference, work):
    """Take the central pixel as origin in each column, and the central column in each window."""
    tall, k = window
    if tall == 5:
        _five_rows_of_usable(loaded, i, work)
    else:
        _rows_of_usable(loaded, i, tall, work)
    _means_of_usable(loaded, i, tall, reference, work)
    if k == 5:
        _five_columns_of_usable(work)
    else:
        _columns_of_usable(k, work)
    _sum_along(WITHIN, k, INNER, work)
    _moments_of_usable(tall, k, work)


@elementwise
def _five_rows_of_usable(loaded, i, work):
    """Sum differences from the central pixel, and their squares, down each column."""
    n, sums, squares = loaded.shape[0], work[SUMS], work[WITHIN]
    first, second = loaded[i], loaded[wrapped(i + 1, n)]
    centre, fourth = loaded[wrapped(i + 2, n)], loaded[wrapped(i + 3, n)]
    fifth = loaded[wrapped(i + 4, n)]
    for j in range(sums.size):
        origin = centre[j]
        a, b = first[j] - origin, second[j] - origin
        c, d = fourth[j] - origin, fifth[j] - origin
        sums[j] = (a + b) + (c + d)
        squares[j] = (a * a + b * b) + (c * c + d * d)


@elementwise
def _rows_of_usable(loaded, i, tall, work):
    n, sums, squares = loaded.shape[0], work[SUMS], work[WITHIN]
    centre = loaded[wrapped(i + tall // 2, n)]
    sums[:] = 0
    squares[:] = 0
    for r in range(i, i + tall):
        _add_differences(loaded[wrapped(r, n)], centre, sums)
        _add_squares(loaded[wrapped(r, n)], centre, squares)


@elementwise
def _means_of_usable(loaded, i, tall, reference, work):
    """Turn squares into those from the mean of each column; give that mean, times its height."""
    centre, sums = loaded[wrapped(i + tall // 2, loaded.shape[0])], work[SUMS]
    within, totals = work[WITHIN], work[MEANS]
    per_column, n_rows = np.float32(1 / tall), np.float32(tall)
    for j in range(sums.size):
        within[j] -= sums[j] * sums[j] * per_column
        totals[j] = n_rows * (centre[j] - reference) + sums[j]


@elementwise
def _five_columns_of_usable(work):
    """Do along the row what was done down the columns, for columns side by side."""
    n = work.shape[1] - 4
    totals, sums, squares = work[MEANS], work[SHIFT, :n], work[BETWEEN, :n]
    for j in range(n):
        origin = totals[j + 2]
        a, b = totals[j] - origin, totals[j + 1] - origin
        c, d = totals[j + 3] - origin, totals[j + 4] - origin
        sums[j] = (a + b) + (c + d)
        squares[j] = (a * a + b * b) + (c * c + d * d)


@elementwise
def _columns_of_usable(k, work):
    n = work.shape[1] - k + 1
    totals, sums, squares = work[MEANS], work[SHIFT, :n], work[BETWEEN, :n]
    sums[:] = 0
    squares[:] = 0
    for c in range(k):
        _add_differences(totals[c : c + n], totals[k // 2 : k // 2 + n], sums)
        _add_squares(totals[c : c + n], totals[k // 2 : k // 2 + n], squares)


@elementwise
def _moments_of_usable(tall, k, work):
    n = work.shape[1] - k + 1
    shift, between, inner = work[SHIFT, :n], work[BETWEEN, :n], work[INNER, :n]
    own = work[SUMS, k // 2 : k // 2 + n]
    deviation, variance = work[DEVIATION, :n], work[VARIANCE, :n]
    per_column, per_row = np.float32(1 / tall), np.float32(1 / k)
    per_pixel = np.float32(1 / (tall * k))
    for j in range(n):
        between[j] = (between[j] - shift[j] * shift[j] * per_row) * per_column
    for j in range(n):
        variance[j] = max(inner[j] + between[j], ZERO) * per_pixel
    for j in range(n):
        deviation[j] = -own[j] * per_column - shift[j] * per_pixel


# -- Windows with NaN, which takes no part


@elementwise
def _windows_of_masked(loaded, i, window, reference, work):
    """Do the same, with any usable pixel as origin in each column; NaN where the pixel is NaN."""
    tall, k = window
    if tall == 5:
        _five_rows_of_masked(loaded, i, reference, work)
    else:
        _rows_of_masked(loaded, i, tall, reference, work)
    _means_of_masked(loaded, i, tall, reference, work)
    _sum_along(COUNTS, k, USABLE, work)
    _sum_along(WITHIN, k, INNER, work)
    if k == 5:
        _five_columns_of_masked(work)
    else:
        _columns_of_masked(k, work)
    _moments_of_masked(k, work)


@elementwise
def _five_rows_of_masked(loaded, i, reference, work):
    """Count the usable pixels of each column, pick one as origin, and sum differences from it."""
    n_rows, counts, origins = loaded.shape[0], work[COUNTS], work[ORIGIN]
    sums, squares = work[SUMS], work[WITHIN]
    for j in range(counts.size):
        n, usable = ZERO, reference
        for r in range(i, i + 5):
            pixel = loaded[wrapped(r, n_rows), j]
            usable = pixel if pixel == pixel else usable
            n += ONE if pixel == pixel else ZERO
        counts[j] = n
        origins[j] = usable
    for j in range(sums.size):
        total, total_square = ZERO, ZERO
        for r in range(i, i + 5):
            difference = loaded[wrapped(r, n_rows), j] - origins[j]
            difference = difference if difference == difference else ZERO
            total += difference
            total_square += difference * difference
        sums[j] = total
        squares[j] = total_square


@elementwise
def _rows_of_masked(loaded, i, tall, reference, work):
    n_rows, counts, origins = loaded.shape[0], work[COUNTS], work[ORIGIN]
    sums, squares = work[SUMS], work[WITHIN]
    origins[:] = reference
    counts[:] = 0
    sums[:] = 0
    squares[:] = 0
    for r in range(i, i + tall):
        row = loaded[wrapped(r, n_rows)]
        for j in range(row.size):
            origins[j] = row[j] if row[j] == row[j] else origins[j]
        for j in range(row.size):
            counts[j] += ONE if row[j] == row[j] else ZERO
    for r in range(i, i + tall):
        _add_differences(loaded[wrapped(r, n_rows)], origins, sums)
        _add_squares(loaded[wrapped(r, n_rows)], origins, squares)


@elementwise
def _means_of_masked(loaded, i, tall, reference, work):
    """Turn squares into those from the mean of each column; give it, and the centre less it."""
    centre = loaded[wrapped(i + tall // 2, loaded.shape[0])]
    counts, origins = work[COUNTS], work[ORIGIN]
    sums, within, means, own = work[SUMS], work[WITHIN], work[MEANS], work[OWN]
    for j in range(sums.size):
        means[j] = sums[j] / max(counts[j], ONE)
    for j in range(sums.size):
        within[j] -= sums[j] * means[j]
    for j in range(sums.size):
        own[j] = (centre[j] - origins[j]) - means[j]
    for j in range(sums.size):
        means[j] += origins[j] - reference


@elementwise
def _five_columns_of_masked(work):
    """Sum means from that of the central column, and their squares, weighted by the counts."""
    n = work.shape[1] - 4
    means, weights = work[MEANS], work[COUNTS]
    sums, squares = work[SHIFT, :n], work[BETWEEN, :n]
    for j in range(n):
        origin = means[j + 2]
        total, total_square = ZERO, ZERO
        for c in range(5):
            difference = means[j + c] - origin
            weighted = weights[j + c] * difference
            total += weighted
            total_square += weighted * difference
        sums[j] = total
        squares[j] = total_square


@elementwise
def _columns_of_masked(k, work):
    n = work.shape[1] - k + 1
    means, weights = work[MEANS], work[COUNTS]
    sums, squares = work[SHIFT, :n], work[BETWEEN, :n]
    sums[:] = 0
    squares[:] = 0
    origin = means[k // 2 : k // 2 + n]
    for c in range(k):
        _add_weighted(means[c : c + n], origin, weights[c : c + n], sums)
        _add_weighted_squares(means[c : c + n], origin, weights[c : c + n], squares)


@elementwise
def _moments_of_masked(k, work):
    n = work.shape[1] - k + 1
    per_pixel, shift = work[USABLE, :n], work[SHIFT, :n]
    between, inner = work[BETWEEN, :n], work[INNER, :n]
    own = work[OWN, k // 2 : k // 2 + n]
    deviation, variance = work[DEVIATION, :n], work[VARIANCE, :n]
    for j in range(n):
        per_pixel[j] = ONE / max(per_pixel[j], ONE)
    for j in range(n):
        deviation[j] = own[j] - shift[j] * per_pixel[j]
    for j in range(n):
        between[j] -= shift[j] * shift[j] * per_pixel[j]
    for j in range(n):
        variance[j] = max(inner[j] + between[j], ZERO) * per_pixel[j]


# -- Sums


@elementwise
def _sum_along(of, k, into, work):
    """Sum k values side by side of one row of the memory into another."""
    n = work.shape[1] - k + 1
    values, sums = work[of], work[into, :n]
    if k == 5:
        for j in range(n):
            sums[j] = (values[j] + values[j + 1]) + values[j + 2] + (values[j + 3] + values[j + 4])
    else:
        sums[:] = 0
        for c in range(k):
            for j in range(n):
                sums[j] += values[c + j]


@elementwise
def _add_differences(values, origin, sums):
    """Add values - origin where that is not NaN."""
    for j in range(sums.size):
        difference = values[j] - origin[j]
        sums[j] += difference if difference == difference else ZERO


@elementwise
def _add_squares(values, origin, sums):
    for j in range(sums.size):
        difference = values[j] - origin[j]
        sums[j] += difference * difference if difference == difference else ZERO


@elementwise
def _add_weighted(values, origin, weights, sums):
    for j in range(sums.size):
        sums[j] += weights[j] * (values[j] - origin[j])


@elementwise
def _add_weighted_squares(values, origin, weights, sums):
    for j in range(sums.size):
        difference = values[j] - origin[j]
        sums[j] += weights[j] * difference * difference
