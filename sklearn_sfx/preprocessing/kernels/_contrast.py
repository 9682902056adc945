"""Local contrast of one frame, and what is made of it without ever holding all of it.

The contrast of a pixel is d / max(s, floor): d is the pixel minus the mean m, and s the population
standard deviation, of the usable pixels in the window (height, width) around it. Only windows that
lie wholly in the frame count. NaN where the pixel is NaN.

Each row is worked out by itself: in the shorter way of ``_windows_of_counts`` where that is precise
and in that of ``_windows`` elsewhere. Ends of rows and columns are looked for in d |d| / max(s^2,
floor^2), which orders as the contrast does and needs no root.

A loaded frame is handed over as a tuple: pixels (h, w) float32, with NaN where not usable; which
rows have NaN (h,) bool; a number near most usable pixels; and whether these are whole numbers, near
zero where they are near the mean. One that is not yet loaded is a tuple too: counts (h, w); which
are usable (h, w) bool, or (0, 0) for all; and the whole number near most of them that they are to
be loaded less. Of such a frame only the rows that one row of windows reaches are loaded at a
time, into a ring that stays in the nearest cache. ``work`` is memory from ``_scratch``.
"""

import numpy as np

from sklearn_sfx.preprocessing.kernels._compiling import elementwise
from sklearn_sfx.preprocessing.kernels._float_bits import value_of
from sklearn_sfx.preprocessing.kernels._loading import (
    load_row,
    moments_of_counts,
    reference_of_counts,
)
from sklearn_sfx.preprocessing.kernels._ranges import row_range, widen_ranges
from sklearn_sfx.preprocessing.kernels._scratch import (
    DEVIATION,
    RATIO,
    VARIANCE,
    new_ends,
    new_ring,
    new_work,
    wrapped,
)
from sklearn_sfx.preprocessing.kernels._windows import windows_of_row
from sklearn_sfx.preprocessing.kernels._windows_of_counts import (
    NOTHING,
    ratio_of_counts,
    short_way,
)

__all__ = [
    "NEAR",
    "column_ranges_of_contrast",
    "contrast",
    "contrast_while_loading",
    "mean_deviation",
    "row_ranges_of_contrast",
    "row_ranges_of_counts",
    "row_ranges_of_many_counts",
    "row_ranges_while_loading",
]

NEAR = 4  # deviations from the mean within which a sum of squares keeps its precision
ZERO = np.float32(0)


@elementwise
def contrast(loaded, window, floor, work, out, counts=None):
    """Fill ``out`` (h - window height + 1, w - window width + 1) with the contrast.

    Where there are ``counts``, ``loaded`` is a ring that has the first rows of them.
    """
    pixels, masked_rows, level, are_counts = loaded
    short, held = short_way(are_counts, window, np.float32(floor)), NOTHING
    first, masked_until = 0, -1
    for i in range(out.shape[0]):
        if counts is not None:
            last = wrapped(first + window[0] - 1, masked_rows.size)
            load_row(counts[0], counts[1], i + window[0] - 1, counts[2], pixels, masked_rows, last)
        masked_until = _masked_until(masked_rows, i, first, window, masked_until)
        is_masked = masked_until >= i
        row = ratio_of_counts(pixels, first, is_masked, held, short, work)
        held = row.held
        if row.is_precise:
            _root(work, out[i])
        else:
            windows_of_row(pixels, first, window, is_masked, np.float32(level), work)
            _divide(work, short.floor, out[i])
        first = wrapped(first + 1, masked_rows.size)


@elementwise
def row_ranges_of_contrast(loaded, window, floor, work, out, counts=None):
    """Fill ``out`` (h - window height + 1,) with max - min of each row; 0 where all is NaN."""
    pixels, masked_rows, level, are_counts = loaded
    short, held = short_way(are_counts, window, np.float32(floor)), NOTHING
    ratio = work[RATIO, : pixels.shape[1] - window[1] + 1]
    first, masked_until = 0, -1
    for i in range(out.size):
        if counts is not None:
            last = wrapped(first + window[0] - 1, masked_rows.size)
            load_row(counts[0], counts[1], i + window[0] - 1, counts[2], pixels, masked_rows, last)
        masked_until = _masked_until(masked_rows, i, first, window, masked_until)
        is_masked = masked_until >= i
        row = ratio_of_counts(pixels, first, is_masked, held, short, work)
        held = row.held
        if not row.is_precise:
            windows_of_row(pixels, first, window, is_masked, np.float32(level), work)
            _divide_squared(work, short.floor, ratio)
        if row.has_ends:
            highest, lowest = value_of(row.highest), value_of(row.lowest)
        else:
            highest, lowest = row_range(ratio, is_masked)
        out[i] = _signed_root(highest) - _signed_root(lowest)
        first = wrapped(first + 1, masked_rows.size)


@elementwise
def column_ranges_of_contrast(loaded, window, floor, work, out):
    """Fill ``out`` (w - window width + 1,) with max - min of each column; 0 where all is NaN."""
    pixels, masked_rows, level, are_counts = loaded
    short, held = short_way(are_counts, window, np.float32(floor)), NOTHING
    ratio = work[RATIO, : out.size]
    highest, lowest = new_ends(out.size)
    for i in range(pixels.shape[0] - window[0] + 1):
        is_masked = masked_rows[i : i + window[0]].any()
        row = ratio_of_counts(pixels, i, is_masked, held, short, work)
        held = row.held
        if not row.is_precise:
            windows_of_row(pixels, i, window, is_masked, np.float32(level), work)
            _divide_squared(work, short.floor, ratio)
        widen_ranges(ratio, highest, lowest)
    for j in range(out.size):
        wide = _signed_root(highest[j]) - _signed_root(lowest[j])
        out[j] = wide if highest[j] >= lowest[j] else ZERO


@elementwise
def mean_deviation(loaded, window, work):
    """Return the mean of s over the windows around usable pixels; 0 where there are none."""
    pixels, masked_rows, level, _ = loaded
    n_columns = pixels.shape[1] - window[1] + 1
    deviation, variance = work[DEVIATION, :n_columns], work[VARIANCE, :n_columns]
    total, n = 0.0, 0
    for i in range(pixels.shape[0] - window[0] + 1):
        is_masked = masked_rows[i : i + window[0]].any()
        windows_of_row(pixels, i, window, is_masked, np.float32(level), work)
        for j in range(n_columns):
            if deviation[j] == deviation[j]:
                total += np.sqrt(variance[j])
                n += 1
    return total / n if n else 0.0


# -- Counts that are loaded row by row, each just before the first window that reaches it


@elementwise
def row_ranges_of_counts(frame, usable, window, floor, normalize, out):
    """Do as `row_ranges_of_contrast` does with a frame of counts as it was read, all at once.

    frame (h, w) integers; usable (h, w) bool, or (0, 0) for all; with ``normalize`` the floor is in
    deviations of the frame. Returns False where it has to be loaded as floats first.
    """
    reference = reference_of_counts(frame, usable)
    mean, std = moments_of_counts(frame, usable, reference)
    if abs(mean) > NEAR * std:
        return False
    counts = (frame, usable, reference)
    unit = std if normalize else 1.0
    work = new_work(frame.shape[1])
    row_ranges_while_loading(counts, window, floor * unit, work, out)
    return True


@elementwise
def row_ranges_of_many_counts(frames, positions, part, usable, window, floor, normalize, out):
    """Do so with a part of each of some frames, out[k] of positions[k]; return which are done.

    frames (n, height, width) integers; part: its top, left, height h and width w.
    """
    top, left, height, width = part
    frame = np.empty((height, width), frames.dtype)
    done = np.empty(positions.size, np.bool_)
    for k in range(positions.size):
        for i in range(height):
            row, to = frames[positions[k], top + i, left : left + width], frame[i]
            for j in range(width):
                to[j] = row[j]
        done[k] = row_ranges_of_counts(frame, usable, window, floor, normalize, out[k])
    return done


@elementwise
def contrast_while_loading(counts, window, floor, work, out):
    """Do as `contrast` does."""
    contrast(_ring_of(counts, window), window, floor, work, out, counts)


@elementwise
def row_ranges_while_loading(counts, window, floor, work, out):
    """Do as `row_ranges_of_contrast` does."""
    row_ranges_of_contrast(_ring_of(counts, window), window, floor, work, out, counts)


@elementwise
def _ring_of(counts, window):
    """Return room for the rows of a window and the one above, with all but its last row loaded."""
    frame, usable, reference = counts
    pixels, masked_rows = new_ring(window[0] + 1, frame.shape[1])
    for k in range(window[0] - 1):
        load_row(frame, usable, k, reference, pixels, masked_rows, k)
    return pixels, masked_rows, 0.0, True


@elementwise
def _masked_until(masked_rows, i, first, window, before):
    """Return the last row that has NaN in the windows from row i on; what is above is known."""
    for r in range(0 if i == 0 else window[0] - 1, window[0]):
        if masked_rows[wrapped(first + r, masked_rows.size)]:
            before = i + r
    return before


# -- The last steps of a row


@elementwise
def _divide(work, floor, out):
    """Give d / max(s, floor)."""
    deviation, variance = work[DEVIATION], work[VARIANCE]
    for j in range(out.size):
        divisor = max(np.sqrt(variance[j]), floor)
        out[j] = deviation[j] / divisor if divisor > 0 else ZERO * deviation[j]


@elementwise
def _divide_squared(work, floor, ratio):
    """Give d |d| / max(s^2, floor^2), without a root."""
    deviation, variance, square = work[DEVIATION], work[VARIANCE], floor * floor
    for j in range(ratio.size):
        divisor = max(variance[j], square)
        signed = deviation[j] * abs(deviation[j])
        ratio[j] = signed / divisor if divisor > 0 else ZERO * deviation[j]


@elementwise
def _root(work, out):
    """Give d / max(s, floor) from d |d| / max(s^2, floor^2)."""
    ratio = work[RATIO]
    for j in range(out.size):
        root = np.sqrt(abs(ratio[j]))
        out[j] = root if ratio[j] >= 0 else -root


@elementwise
def _signed_root(value):
    return np.sqrt(value) if value >= 0 else -np.sqrt(-value)
