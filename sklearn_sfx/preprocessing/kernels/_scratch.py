"""The memory that the kernels need beside a frame and its result: allocated here and nowhere else.

It belongs to one thread, depends on the width of the frames alone, and may serve many of them.
"""

import numpy as np

from sklearn_sfx.preprocessing.kernels._compiling import elementwise

__all__ = [
    "BETWEEN",
    "COUNTS",
    "DEVIATION",
    "HELD_COUNTS",
    "HELD_SQUARES",
    "HELD_SUMS",
    "INNER",
    "MEANS",
    "ORIGIN",
    "OWN",
    "RATIO",
    "SHIFT",
    "SUMS",
    "USABLE",
    "VARIANCE",
    "WITHIN",
    "new_ends",
    "new_ring",
    "new_work",
    "wrapped",
]

# The contrast of one row is worked out in a 2-D array, ``work``. Some of its rows have a value for
# each column of the windows: how many pixels are usable, the pixel that sums count from, sums, sums
# of squares, means, and how far the central pixel is from those. What slides from one row of the
# frame to the next is held beside it.
COUNTS, ORIGIN, SUMS, WITHIN, MEANS, OWN, HELD_COUNTS, HELD_SUMS, HELD_SQUARES = range(9)
# The others have one for each window, so that a few at their end are left over: usable pixels, how
# far the mean is from that of the central column, squares between columns and within them, and what
# all this is for.
USABLE, SHIFT, BETWEEN, INNER, DEVIATION, VARIANCE, RATIO = range(9, 16)


@elementwise
def new_work(width):
    """Return what the contrast of rows of this width is worked out in, (16, width) float32."""
    return np.empty((16, width), dtype=np.float32)


@elementwise
def new_ring(height, width):
    """Return room for some rows of a frame, float32, and for which of them have NaN, bool."""
    return np.empty((height, width), dtype=np.float32), np.empty(height, dtype=np.bool_)


@elementwise
def wrapped(place, n):
    """Return where a row lies in a ring of n, which ends where it begins; quicker than ``%``."""
    return place - n if place >= n else place


@elementwise
def new_ends(n_columns):
    """Return the largest and smallest of no values at all, for each column."""
    highest = np.full(n_columns, -np.inf, dtype=np.float32)
    lowest = np.full(n_columns, np.inf, dtype=np.float32)
    return highest, lowest
