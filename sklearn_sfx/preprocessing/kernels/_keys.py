"""Floats as integers that are ordered as they are, for compiled loops.

The minimum and maximum of integers run in vector lanes, where those of floats, which may be NaN, do
not.
"""

import numpy as np

from sklearn_sfx.preprocessing.kernels._compiling import elementwise
from sklearn_sfx.preprocessing.kernels._float_bits import bits_of, value_of

__all__ = ["GREATEST", "LEAST", "key_of", "value_of_key"]

GREATEST, LEAST = np.int32(2**31 - 1), np.int32(-(2**31))


@elementwise
def key_of(value):
    """Return an int32 that is ordered as float32 are: `GREATEST` where a value is not finite."""
    bits = bits_of(value)
    key = bits ^ ((bits >> np.int32(31)) & np.int32(0x7FFFFFFF))
    return key if abs(value) < np.float32(np.inf) else GREATEST


@elementwise
def value_of_key(key):
    """Return the float32 of a key; NaN for `GREATEST` and `LEAST`."""
    return value_of(key ^ ((key >> np.int32(31)) & np.int32(0x7FFFFFFF)))
