"""Compiled local means and deviations of one loaded frame, and what is made of them.

Sums are formed afresh for every window and never slide, so that a saturated pixel leaves no trace
outside the windows that hold it. They are sums of differences from a pixel of the same window, so
that no precision is lost to the level that the pixels stand on, and a flat window is exactly zero.

A window is taken as columns: first the sums of each column of it, then those of its columns. Loops
are short and write one or two arrays, because a compiler that has to rule out more overlaps gives
up its vector lanes. The window of 5 x 5, the default, has loops of its own, three times as fast.

Counts have a shorter way, ``_counts``; rows where it is not precise take the longer one.
"""

import numpy as np

from sklearn_sfx.preprocessing._bits import bits_of, value_of
from sklearn_sfx.preprocessing._counts import (
    EXACT,
    FAR,
    N_SQUARED,
    ONE,
    SIGN,
    ZERO,
    N,
    columns_of_counts,
    columns_of_masked_counts,
    contrast_of_counts,
    ratio_of_counts,
    ratio_of_masked_counts,
    slide_columns_of_counts,
    slide_columns_of_masked_counts,
)
from sklearn_sfx.preprocessing._kernels import (
    COLUMN_RANGES,
    ROW_RANGES,
    SPREAD,
    VALUES,
    elementwise,
    load_lowered,
    row_range,
    widen_ranges,
)

BAND = 64  # rows, which stay in the cache from loading to contrast


@elementwise
def _add(values, sums):
    for j in range(sums.size):
        sums[j] += values[j]


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


@elementwise
def _columns_of_usable(rows, centre, sums, squares):
    """Sum differences from the central pixel, and their squares, down each column."""
    if rows.shape[0] == 5:
        for j in range(sums.size):
            origin = rows[2, j]
            a, b = rows[0, j] - origin, rows[1, j] - origin
            c, d = rows[3, j] - origin, rows[4, j] - origin
            sums[j] = (a + b) + (c + d)
            squares[j] = (a * a + b * b) + (c * c + d * d)
    else:
        sums[:] = 0
        squares[:] = 0
        for r in range(rows.shape[0]):
            _add_differences(rows[r], centre, sums)
            _add_squares(rows[r], centre, squares)


@elementwise
def _rows_of_columns(totals, k, sums, squares):
    """Do the same along the row, for k columns side by side."""
    n = sums.size
    if k == 5:
        for j in range(n):
            origin = totals[j + 2]
            a, b = totals[j] - origin, totals[j + 1] - origin
            c, d = totals[j + 3] - origin, totals[j + 4] - origin
            sums[j] = (a + b) + (c + d)
            squares[j] = (a * a + b * b) + (c * c + d * d)
    else:
        sums[:] = 0
        squares[:] = 0
        for c in range(k):
            _add_differences(totals[c : c + n], totals[k // 2 : k // 2 + n], sums)
            _add_squares(totals[c : c + n], totals[k // 2 : k // 2 + n], squares)


@elementwise
def _sums_along(values, k, sums):
    n = sums.size
    if k == 5:
        for j in range(n):
            sums[j] = (values[j] + values[j + 1]) + values[j + 2] + (values[j + 3] + values[j + 4])
    else:
        sums[:] = 0
        for c in range(k):
            _add(values[c : c + n], sums)


@elementwise
def _windows_of_usable(rows, reference, k, work, deviation, variance):
    """Give pixel minus window mean, and window variance, for the row in the middle of ``rows``.

    rows (window height, w) has no NaN. The sums of each column have its central pixel as origin,
    those of the window its central column; variance is that within columns plus that between.
    """
    height, width = rows.shape
    n = width - k + 1
    centre = rows[height // 2]
    sums, within, totals = work[0], work[1], work[2]
    _columns_of_usable(rows, centre, sums, within)
    per_column, n_rows = np.float32(1 / height), np.float32(height)
    for j in range(width):
        within[j] -= sums[j] * sums[j] * per_column
        totals[j] = n_rows * (centre[j] - reference) + sums[j]

    shift, between, inner = work[3, :n], work[4, :n], work[5, :n]
    _rows_of_columns(totals, k, shift, between)
    _sums_along(within, k, inner)
    per_row, per_pixel = np.float32(1 / k), np.float32(1 / (height * k))
    for j in range(n):
        between[j] = (between[j] - shift[j] * shift[j] * per_row) * per_column
    for j in range(n):
        variance[j] = max(inner[j] + between[j], ZERO) * per_pixel
    own = sums[k // 2 : k // 2 + n]
    for j in range(n):
        deviation[j] = -own[j] * per_column - shift[j] * per_pixel


@elementwise
def _columns_of_masked(rows, reference, origin, count, sums, squares):
    """Count the usable pixels of each column, pick one as origin, and sum differences from it."""
    if rows.shape[0] == 5:
        for j in range(count.size):
            n, usable = ZERO, reference
            for r in range(5):
                pixel = rows[r, j]
                usable = pixel if pixel == pixel else usable
                n += ONE if pixel == pixel else ZERO
            count[j] = n
            origin[j] = usable
        for j in range(sums.size):
            total, total_square = ZERO, ZERO
            for r in range(5):
                difference = rows[r, j] - origin[j]
                difference = difference if difference == difference else ZERO
                total += difference
                total_square += difference * difference
            sums[j] = total
            squares[j] = total_square
    else:
        origin[:] = reference
        count[:] = 0
        sums[:] = 0
        squares[:] = 0
        for r in range(rows.shape[0]):
            row = rows[r]
            for j in range(row.size):
                origin[j] = row[j] if row[j] == row[j] else origin[j]
            for j in range(row.size):
                count[j] += ONE if row[j] == row[j] else ZERO
        for r in range(rows.shape[0]):
            _add_differences(rows[r], origin, sums)
            _add_squares(rows[r], origin, squares)


@elementwise
def _rows_of_weighted_columns(means, weights, k, sums, squares):
    n = sums.size
    if k == 5:
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
    else:
        sums[:] = 0
        squares[:] = 0
        origin = means[k // 2 : k // 2 + n]
        for c in range(k):
            _add_weighted(means[c : c + n], origin, weights[c : c + n], sums)
            _add_weighted_squares(means[c : c + n], origin, weights[c : c + n], squares)


@elementwise
def _windows_of_masked(rows, reference, k, work, deviation, variance):
    """As above for rows with NaN, which take no part; NaN where the central pixel is NaN."""
    height, width = rows.shape
    n = width - k + 1
    origin, count, sums, within = work[0], work[1], work[2], work[3]
    means, own = work[4], work[5]
    _columns_of_masked(rows, reference, origin, count, sums, within)
    for j in range(width):
        means[j] = sums[j] / max(count[j], ONE)
    for j in range(width):
        within[j] -= sums[j] * means[j]
    centre = rows[height // 2]
    for j in range(width):
        own[j] = (centre[j] - origin[j]) - means[j]
    for j in range(width):
        means[j] += origin[j] - reference

    per_pixel, shift, between, inner = work[6, :n], work[7, :n], work[8, :n], work[9, :n]
    _sums_along(count, k, per_pixel)
    _sums_along(within, k, inner)
    _rows_of_weighted_columns(means, count, k, shift, between)
    own = own[k // 2 : k // 2 + n]
    for j in range(n):
        per_pixel[j] = ONE / max(per_pixel[j], ONE)
    for j in range(n):
        deviation[j] = own[j] - shift[j] * per_pixel[j]
    for j in range(n):
        between[j] -= shift[j] * shift[j] * per_pixel[j]
    for j in range(n):
        variance[j] = max(inner[j] + between[j], ZERO) * per_pixel[j]


@elementwise
def _divide(deviation, variance, floor, out):
    for j in range(out.size):
        divisor = max(np.sqrt(variance[j]), floor)
        out[j] = deviation[j] / divisor if divisor > 0 else ZERO * deviation[j]


@elementwise
def _divide_squared(deviation, variance, floor, out):
    """Give d|d| / max(s^2, floor^2), which orders as d / max(s, floor) does, without a root."""
    square = floor * floor
    for j in range(out.size):
        divisor = max(variance[j], square)
        signed = deviation[j] * abs(deviation[j])
        out[j] = signed / divisor if divisor > 0 else ZERO * deviation[j]


@elementwise
def _signed_root(value):
    return np.sqrt(value) if value >= 0 else -np.sqrt(-value)


@elementwise
def local_contrast(loaded, masked_rows, mean, are_counts, window, floor, kind, out):
    """Compute (x - m) / max(s, floor) over the window around each pixel of a loaded frame.

    m and s are mean and population standard deviation of the usable pixels in the window
    (height, width), which lies wholly in the frame. ``kind`` says what is wanted: VALUES fills
    out (h - window height + 1, w - window width + 1), ROW_RANGES and COLUMN_RANGES fill
    out with max - min of the rows or columns of it, and SPREAD returns the mean of s.
    ``are_counts`` says that all usable pixels are whole numbers, and near zero where they are near
    the mean.
    """
    tall, k = window
    n_rows, n_columns = loaded.shape[0] - tall + 1, loaded.shape[1] - k + 1
    reference = np.float32(mean)
    floor = np.float32(floor)
    work = np.empty((10, loaded.shape[1]), dtype=np.float32)
    counts = np.empty(loaded.shape[1], dtype=np.float32)
    sums = np.empty(loaded.shape[1], dtype=np.float32)
    squares = np.empty(loaded.shape[1], dtype=np.float32)
    deviation = np.empty(n_columns, dtype=np.float32)
    variance = np.empty(n_columns, dtype=np.float32)
    ratio = np.empty(n_columns, dtype=np.float32)
    top = np.full(n_columns, -np.inf, dtype=np.float32)
    bottom = np.full(n_columns, np.inf, dtype=np.float32)
    short = are_counts and tall == 5 and k == 5 and floor > 0 and kind != SPREAD
    far = min(FAR * floor, EXACT / N)
    limit, exact = bits_of(N * far), bits_of(EXACT)
    least = N_SQUARED * floor * floor
    some_masked = masked_rows.any()
    total, n = 0.0, 0
    slides, slides_masked = False, False
    for i in range(n_rows):
        rows = loaded[i : i + tall]
        is_masked = some_masked and masked_rows[i : i + tall].any()
        is_short = short
        has_ends = False
        if short and is_masked:
            if slides_masked:
                largest = slide_columns_of_masked_counts(
                    loaded[i - 1], rows[4], counts, sums, squares
                )
            else:
                largest = columns_of_masked_counts(rows, counts, sums, squares)
            slides, slides_masked = False, largest < exact
            excess = ratio_of_masked_counts(rows[2], counts, sums, squares, floor, far, ratio)
            is_short = excess <= 0
        elif short:
            if slides:
                largest = slide_columns_of_counts(loaded[i - 1], rows[4], sums, squares)
            else:
                largest = columns_of_counts(rows, sums, squares)
            slides, slides_masked = largest < exact, False
            top_bits, bottom_bits, farthest = ratio_of_counts(rows[2], sums, squares, least, ratio)
            is_short = farthest < limit
            has_ends = is_short and top_bits >= 0 and bottom_bits >= SIGN
        if not is_short:
            if is_masked:
                _windows_of_masked(rows, reference, k, work, deviation, variance)
            else:
                _windows_of_usable(rows, reference, k, work, deviation, variance)
            if kind != SPREAD and kind != VALUES:
                _divide_squared(deviation, variance, floor, ratio)
        if kind == VALUES:
            if is_short:
                contrast_of_counts(ratio, out[i])
            else:
                _divide(deviation, variance, floor, out[i])
        elif kind == SPREAD:
            for j in range(n_columns):
                if deviation[j] == deviation[j]:
                    total += np.sqrt(variance[j])
                    n += 1
        elif kind == ROW_RANGES:
            if has_ends:
                highest, lowest = value_of(top_bits), value_of(np.int32(bottom_bits))
            else:
                highest, lowest = row_range(ratio, is_masked)
            out[i, 0] = _signed_root(highest) - _signed_root(lowest)
        else:
            widen_ranges(ratio, top, bottom)
    if kind == COLUMN_RANGES:
        for j in range(n_columns):
            has_pixels = top[j] >= bottom[j]
            wide = _signed_root(top[j]) - _signed_root(bottom[j])
            out[j, 0] = wide if has_pixels else ZERO
    return total / n if n else 0.0


@elementwise
def local_contrast_of_counts(frame, usable, reference, mean, window, floor, kind, out):
    """Do the same for a frame of whole numbers that is not yet loaded.

    usable (h, w) bool, or (0, 0) for all; ``reference`` is what the frame is loaded less, and
    ``mean`` that of the rest.
    """
    tall = window[0]
    n_rows = frame.shape[0] - tall + 1
    in_bands = kind in (VALUES, ROW_RANGES)
    height = min(BAND, n_rows) if in_bands else n_rows
    band = np.empty((height + tall - 1, frame.shape[1]), dtype=np.float32)
    masked = np.empty(band.shape[0], dtype=np.bool_)
    for start in range(0, n_rows, height):
        stop = min(start + height, n_rows)
        end = stop + tall - 1
        loaded, masked_rows = band[: end - start], masked[: end - start]
        load_lowered(frame[start:end], usable[start:end], reference, loaded, masked_rows)
        part = out[start:stop] if in_bands else out
        spread = local_contrast(loaded, masked_rows, mean, True, window, floor, kind, part)
    return spread
