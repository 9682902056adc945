"""Put pixels where they belong, a tile of the image after another.

Within a panel the next place along a row or a column has, but for a rare step, the pixel that is
as far in memory as the one before. So a few tiles with two strides say the same as an index for
each place, which would take longer to read than the pixels. Tiles are low, so that where a panel is
turned by 90 degrees both the lines that are read and those that are written stay in the cache.
"""

import numpy as np
from numba import njit
from numba import uint64 as U

from sklearn_sfx.frames.geometry._turn import SIDE, turn_block

__all__ = ["find_tiles", "gather", "gather_tiles"]

MOST_ROWS = 32  # of a tile
SPAN = 2**14  # pixels of memory over which a row is followed before the next one has its turn
FIELDS = 7  # of a tile: top, left, height, width, pixel, stride down, stride across


@njit(nogil=True, cache=True, error_model="numpy")
def gather(pixels, index, out):
    """Fill ``out`` (h, w) with those of ``pixels`` (n,) that ``index`` (h, w) int32 names.

    The index is not checked: it has to lie within.
    """
    for i in range(out.shape[0]):
        places, row = index[i], out[i]
        for j in range(row.size):
            row[j] = pixels[places[j]]


@njit(nogil=True, cache=True, error_model="numpy")
def gather_tiles(pixels, tiles, out):
    """Do what `gather` does with the index of which ``tiles`` were found.

    The tiles are not checked either.
    """
    for t in range(len(tiles)):
        # Without a sign, so that no index is looked at for being negative; strides wrap around.
        top, left, height, width = U(tiles[t, 0]), U(tiles[t, 1]), U(tiles[t, 2]), U(tiles[t, 3])
        first, down, across = U(tiles[t, 4]), U(tiles[t, 5]), U(tiles[t, 6])
        if tiles[t, 6] == 1:
            for i in range(height):
                start = first + i * down
                for j in range(width):
                    out[top + i, left + j] = pixels[start + j]
        elif tiles[t, 5] == 0 and tiles[t, 6] == 0:
            value = pixels[first]
            for i in range(height):
                for j in range(width):
                    out[top + i, left + j] = value
        elif abs(tiles[t, 5]) == 1:
            _gather_turned(pixels, tiles[t], out)
        else:
            step = U(max(SPAN // max(abs(tiles[t, 6]), 1), 8))
            for begin in range(U(0), width, step):
                stop = min(begin + step, width)
                for i in range(height):
                    start = first + i * down
                    for j in range(begin, stop):
                        out[top + i, left + j] = pixels[start + j * across]


@njit(nogil=True, cache=True, error_model="numpy")
def _gather_turned(pixels, tile, out):
    """Copy a tile of which the next pixel down is the next one in memory, or the one before."""
    top, left, height, width, first, down, across = tile
    flat, row = out.reshape(out.size), out.shape[1]
    n_rows, n_columns = height // SIDE * SIDE, width // SIDE * SIDE
    for i in range(0, n_rows, SIDE):
        if down == 1:
            low, place, step = first + i, (top + i) * row + left, row
        else:  # the last row comes first in memory
            low, place, step = first - i - (SIDE - 1), (top + i + SIDE - 1) * row + left, -row
        for j in range(0, n_columns, SIDE):
            turn_block(pixels, low + j * across, across, flat, place + j, step)
    for i in range(height):
        for j in range(n_columns if i < n_rows else 0, width):
            out[top + i, left + j] = pixels[first + i * down + j * across]


@njit(nogil=True, cache=True)
def find_tiles(index, most):
    """Split an index into rectangles of constant strides.

    Parameters
    ----------
    index : int32 ndarray of shape (height, width)
        As for `gather`.
    most : int
        How many tiles are worth it.

    Returns
    -------
    int64 ndarray of shape (n_tiles, 7)
        Top, left, height, width, the first pixel, and how far the next ones down and across are
        from it. Empty where there were more than `most`.
    """
    tiles = np.empty((most, FIELDS), np.int64)
    n_tiles = 0
    above = np.full(index.shape[1], -1)  # the tile that begins at each column in the row above
    begun = np.full(index.shape[1], -1)
    for i in range(index.shape[0]):
        above, begun = begun, above
        begun[:] = -1
        row = index[i].astype(np.int64)
        j = 0
        while j < row.size:
            stop, across = _run(row, j)
            t = above[j]
            if t >= 0 and _continues(tiles[t], stop - j, row[j], across):
                tiles[t, 5] = (row[j] - tiles[t, 4]) // tiles[t, 2]
                tiles[t, 2] += 1
            elif n_tiles == most:
                return tiles[:0]
            else:
                t = n_tiles
                tiles[t] = (i, j, 1, stop - j, row[j], 0, across)
                n_tiles += 1
            begun[j] = t
            j = stop
    return tiles[:n_tiles].copy()


@njit(nogil=True, cache=True)
def _run(row, start):
    """Return where the pixels from `start` on cease to be equally far apart, and how far."""
    stop = start + 1
    if stop < row.size:
        stride = row[stop] - row[start]
        while stop < row.size and row[stop] - row[stop - 1] == stride:
            stop += 1
        if stop - start > 2:  # two are always equally far apart, across an edge too
            return stop, stride
    return start + 1, 1


@njit(nogil=True, cache=True)
def _continues(tile, width, first, across):
    """Return whether a run is the next row of a tile."""
    height, down = tile[2], tile[5]
    if height == MOST_ROWS or tile[3] != width or tile[6] != across:
        return False
    return height == 1 or first - tile[4] == height * down
