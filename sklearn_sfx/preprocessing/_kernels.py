"""Compiled loops over the pixels of one frame: load it, standardize it, take its ranges.

A frame is first loaded (``load_frame``): converted to float32, unusable pixels set to NaN, mean and
standard deviation taken on the way. Everything else, ``_windows`` too, works on the loaded frame.

All kernels release the GIL and compile on first use. ``fastmath=True`` would fold the NaN tests
away; "reassoc" lets sums run in vector lanes, and is given only where nothing relies on the order
of the operations.
"""

import numpy as np
from numba import njit

from sklearn_sfx.preprocessing._bits import bits_of, value_of

ROW_RANGES, COLUMN_RANGES, VALUES, SPREAD = range(4)

elementwise = njit(nogil=True, cache=True, error_model="numpy", fastmath={"contract"})
_reduction = njit(nogil=True, cache=True, error_model="numpy", fastmath={"reassoc", "contract"})


@_reduction
def load_frame(frame, usable, saturation, invalid, loaded, masked_rows):
    """Load a frame and return the number of its usable pixels, their mean and their std.

    frame (h, w), any number; usable (h, w) bool, or (0, 0) for all; pixels of ``saturation`` and
    more, equal to a value in ``invalid`` or not finite are unusable. Fills ``loaded`` (h, w)
    float32 and ``masked_rows`` (h,) bool, the rows that have unusable pixels.
    """
    height, width = frame.shape
    nan = np.float32(np.nan)
    n, mean, squares = 0, 0.0, 0.0
    for i in range(height):
        source, row = frame[i], loaded[i]
        for j in range(width):
            row[j] = np.float32(source[j])
        if usable.size:
            good = usable[i]
            for j in range(width):
                row[j] = row[j] if good[j] else nan
        if saturation < np.inf:
            for j in range(width):
                row[j] = nan if row[j] >= saturation else row[j]
        for value in invalid:
            for j in range(width):
                row[j] = nan if row[j] == value else row[j]

        # Sums in float64 are exact for a flat row, so a flat frame has a std of exactly 0.
        total = 0.0
        for j in range(width):
            total += np.float64(row[j])
        count = width
        masked_rows[i] = not np.isfinite(total)
        if masked_rows[i]:
            total, count = 0.0, 0
            for j in range(width):
                finite = abs(row[j]) < np.inf
                row[j] = row[j] if finite else nan
                total += np.float64(row[j]) if finite else 0.0
                count += 1 if finite else 0
            if count == 0:
                continue
        row_mean = total / count
        row_squares = 0.0
        if masked_rows[i]:
            for j in range(width):
                deviation = np.float64(row[j]) - row_mean
                row_squares += deviation * deviation if row[j] == row[j] else 0.0
        else:
            for j in range(width):
                deviation = np.float64(row[j]) - row_mean
                row_squares += deviation * deviation

        # Rows are merged as Chan, Golub and LeVeque (1983) merge samples.
        shift = row_mean - mean
        squares += row_squares + shift * shift * n * count / (n + count)
        mean += shift * count / (n + count)
        n += count
    return n, mean, np.sqrt(squares / n) if n else 0.0


@_reduction
def moments_of_counts(frame, usable, reference):
    """Return mean and std of the usable pixels of a frame of whole numbers, less ``reference``.

    frame (h, w) integers; usable (h, w) bool, or (0, 0) for all. One pass, and sums in float32:
    good to 1e-6 where the reference is within a few deviations of the mean, and exact in a flat
    frame that stands on it. (0, 0) where no pixel is usable.
    """
    n, total, squares = 0, 0.0, 0.0
    for i in range(frame.shape[0]):
        row = frame[i]
        row_total, row_squares = np.float32(0), np.float32(0)
        if usable.size:
            good, count = usable[i], 0
            for j in range(row.size):
                difference = np.float32(row[j]) - reference
                difference = difference if good[j] else np.float32(0)
                row_total += difference
                row_squares += difference * difference
            for j in range(row.size):
                count += good[j]
            n += count
        else:
            for j in range(row.size):
                difference = np.float32(row[j]) - reference
                row_total += difference
                row_squares += difference * difference
            n += row.size
        total += np.float64(row_total)
        squares += np.float64(row_squares)
    if n == 0:
        return 0.0, 0.0
    mean = total / n
    return mean, np.sqrt(max(squares / n - mean * mean, 0.0))


@elementwise
def load_lowered(rows, usable, reference, loaded, masked_rows):
    """Load some rows of a frame less a number, NaN where not usable; say which rows have NaN."""
    for i in range(rows.shape[0]):
        source, row = rows[i], loaded[i]
        for j in range(row.size):
            row[j] = np.float32(source[j]) - reference
        masked_rows[i] = False
        if usable.size:
            good = usable[i]
            masked_rows[i] = not good.all()
            for j in range(row.size):
                row[j] = row[j] if good[j] else np.float32(np.nan)


@elementwise
def lower(loaded, reference):
    """Subtract a number from a loaded frame in place."""
    for i in range(loaded.shape[0]):
        row = loaded[i]
        for j in range(row.size):
            row[j] -= reference


@elementwise
def standardize(loaded, mean, std):
    """Turn a loaded frame into (x - mean) / std in place; a flat frame into 0."""
    scale = 1.0 / std if std > 0 else 0.0
    for i in range(loaded.shape[0]):
        row = loaded[i]
        for j in range(row.size):
            row[j] = np.float32((np.float64(row[j]) - mean) * scale)


@elementwise
def _mirrored(bits):
    return bits ^ ((bits >> np.int32(31)) & np.int32(0x7FFFFFFF))


@elementwise
def row_range(values, has_nan=True):
    """Return the largest and the smallest value that is not NaN; (0, 0) where there is none."""
    # Bits order like the floats, once those of negative ones are mirrored.
    highest, lowest = np.int32(-(2**31)), np.int32(2**31 - 1)
    if has_nan:
        for j in range(values.size):
            key = _mirrored(bits_of(values[j]))
            usable = values[j] == values[j]
            up = key if usable else np.int32(-(2**31))
            down = key if usable else np.int32(2**31 - 1)
            highest = max(highest, up)
            lowest = min(lowest, down)
    else:
        for j in range(values.size):
            key = _mirrored(bits_of(values[j]))
            highest = max(highest, key)
            lowest = min(lowest, key)
    if highest < lowest:
        return np.float32(0), np.float32(0)
    return value_of(_mirrored(highest)), value_of(_mirrored(lowest))


@elementwise
def widen_ranges(values, highest, lowest):
    """Let each column's range include this row's value, unless it is NaN."""
    for j in range(values.size):
        highest[j] = values[j] if values[j] > highest[j] else highest[j]
        lowest[j] = values[j] if values[j] < lowest[j] else lowest[j]


@elementwise
def frame_ranges(loaded, kind, out):
    """Fill ``out`` with max - min of each row or column of a loaded frame; 0 where all is NaN."""
    height, width = loaded.shape
    if kind == ROW_RANGES:
        for i in range(height):
            highest, lowest = row_range(loaded[i])
            out[i] = highest - lowest
    else:
        top = np.full(width, -np.inf, dtype=np.float32)
        bottom = np.full(width, np.inf, dtype=np.float32)
        for i in range(height):
            widen_ranges(loaded[i], top, bottom)
        for j in range(width):
            out[j] = top[j] - bottom[j] if top[j] >= bottom[j] else np.float32(0)
