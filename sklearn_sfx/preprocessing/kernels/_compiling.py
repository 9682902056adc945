"""How the loops are compiled: without the GIL, on first use, and kept in a cache on disk.

``fastmath=True`` would fold the NaN tests away; "reassoc" lets sums run in vector lanes, and is
given only where nothing relies on the order of the operations.
"""

from sklearn_sfx._compiled import compiled

__all__ = ["elementwise", "inlined", "reduction"]

elementwise = compiled(error_model="numpy", fastmath={"contract"})
reduction = compiled(error_model="numpy", fastmath={"reassoc", "contract"})
# To hand over a few arrays takes as long as half a row of pixels.
inlined = compiled(error_model="numpy", fastmath={"contract"}, forceinline=True)
