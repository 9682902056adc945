"""Put pixels where they belong."""

from numba import njit

__all__ = ["gather"]


@njit(nogil=True, cache=True, error_model="numpy")
def gather(pixels, index, out):
    """Fill ``out`` (h, w) with those of ``pixels`` (n,) that ``index`` (h, w) int32 names.

    The index is not checked: it has to lie within.
    """
    for i in range(out.shape[0]):
        places, row = index[i], out[i]
        for j in range(row.size):
            row[j] = pixels[places[j]]
