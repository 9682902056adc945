"""Load a frame: to float32, unusable pixels as NaN, mean and standard deviation on the way."""

import numpy as np

from sklearn_sfx.preprocessing.kernels._compiling import elementwise, inlined, reduction

__all__ = [
    "load_frame",
    "load_lowered",
    "load_row",
    "lower",
    "moments_of_counts",
    "reference_of_counts",
    "standardize",
]

SAMPLED_ROWS = 64  # the mean of every 64th row is near enough to that of all


@reduction
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


@elementwise
def reference_of_counts(frame, usable):
    """Return a whole number near the mean of a frame of whole numbers: that of some of its rows."""
    total, n = 0.0, 0
    for i in range(0, frame.shape[0], SAMPLED_ROWS):
        row = frame[i]
        if usable.size:
            good = usable[i]
            for j in range(row.size):
                total += np.float64(row[j]) if good[j] else 0.0
                n += good[j]
        else:
            row_total = 0.0
            for j in range(row.size):
                row_total += np.float64(row[j])
            total += row_total
            n += row.size
    return np.float32(np.rint(total / n)) if n else np.float32(0)


@reduction
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
def load_lowered(frame, usable, reference, loaded, masked_rows):
    """Load a frame less a number, NaN where not usable; say which rows have NaN."""
    for i in range(frame.shape[0]):
        load_row(frame, usable, i, reference, loaded, masked_rows, i)


@inlined
def load_row(frame, usable, i, reference, loaded, masked_rows, place):
    """Load row i so, into a place of those that are loaded."""
    width = loaded.shape[1]
    for j in range(width):
        loaded[place, j] = np.float32(frame[i, j]) - reference
    n_usable = width
    if usable.size:
        n_usable = 0
        for j in range(width):
            n_usable += usable[i, j]
            loaded[place, j] = loaded[place, j] if usable[i, j] else np.float32(np.nan)
    masked_rows[place] = n_usable < width


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
