"""The largest and the smallest usable value of each row or column."""

import numpy as np

from sklearn_sfx.preprocessing.kernels._compiling import elementwise
from sklearn_sfx.preprocessing.kernels._float_bits import bits_of, value_of
from sklearn_sfx.preprocessing.kernels._scratch import new_ends

__all__ = ["column_ranges", "row_range", "row_ranges", "widen_ranges"]


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
def row_ranges(loaded, out):
    """Fill ``out`` with max - min of each row of a loaded frame; 0 where all is NaN."""
    for i in range(loaded.shape[0]):
        highest, lowest = row_range(loaded[i])
        out[i] = highest - lowest


@elementwise
def column_ranges(loaded, out):
    """Fill ``out`` with max - min of each column of a loaded frame; 0 where all is NaN."""
    highest, lowest = new_ends(loaded.shape[1])
    for i in range(loaded.shape[0]):
        widen_ranges(loaded[i], highest, lowest)
    for j in range(loaded.shape[1]):
        out[j] = highest[j] - lowest[j] if highest[j] >= lowest[j] else np.float32(0)
