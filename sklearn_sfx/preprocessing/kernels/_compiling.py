"""How the loops are compiled: without the GIL, on first use, and kept in a cache on disk.

``fastmath=True`` would fold the NaN tests away; "reassoc" lets sums run in vector lanes, and is
given only where nothing relies on the order of the operations.
"""

from numba import njit

__all__ = ["elementwise", "reduction"]

elementwise = njit(nogil=True, cache=True, error_model="numpy", fastmath={"contract"})
reduction = njit(nogil=True, cache=True, error_model="numpy", fastmath={"reassoc", "contract"})
