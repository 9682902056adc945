"""The pixels of a frame as the peak finder takes them, compiled with numba.

A kernel is handed ``pixels``, a frame as it was read and what is known of it: the frame (height,
width) of a dtype of `TAKEN_AS_THEY_ARE`; which pixels are usable, bool (height, width), or (0, 0)
for all; the least value that is a measurement; and values (n,), float32, that are none. It works on
float32, NaN where a pixel is not usable, of the part of the frame that it looks at.
"""

import numpy as np

from sklearn_sfx._compiled import compiled

__all__ = ["Pixels", "every_nth_row", "load_row", "pixels_at", "pixels_of"]

TAKEN_AS_THEY_ARE = (np.uint16, np.int16, np.int32, np.float32)
ALL_USABLE = np.zeros((0, 0), bool)
NO_VALUES = np.zeros(0, np.float32)

Pixels = tuple[np.ndarray, np.ndarray, float, np.ndarray]

_compile = compiled(error_model="numpy", fastmath={"contract"})


def pixels_of(frame: np.ndarray, usable: np.ndarray | None = None) -> Pixels:
    """Return a frame (height, width) of any real dtype as kernels take it; NaN is not usable."""
    if frame.dtype not in TAKEN_AS_THEY_ARE:  # spares the kernels from compiling for another one
        frame = frame.astype(np.float32)
    mask = ALL_USABLE if usable is None else usable
    return (
        np.require(frame, requirements=["C", "W"]),
        np.require(mask, requirements=["C", "W"]),
        -np.inf,
        NO_VALUES,
    )


@_compile
def load_row(pixels, i, start, out):
    """Fill ``out`` with row i of a frame from column ``start`` on, NaN where there is no pixel."""
    frame, usable, least, values = pixels
    nan = np.float32(np.nan)
    if i < 0 or i >= frame.shape[0]:
        out[:] = nan
        return
    first, last = max(start, 0), min(start + out.size, frame.shape[1])
    row, loaded = frame[i, first:last], out[first - start : last - start]
    out[: first - start] = nan
    out[last - start :] = nan
    for j in range(row.size):
        value = np.float32(row[j])
        loaded[j] = value if abs(value) < np.float32(np.inf) else nan
    if usable.size:
        good = usable[i, first:last]
        for j in range(row.size):
            loaded[j] = loaded[j] if good[j] else nan
    if least > -np.inf:
        for j in range(row.size):
            loaded[j] = nan if row[j] < least else loaded[j]
    for value in values:
        for j in range(row.size):
            loaded[j] = nan if np.float32(row[j]) == np.float32(value) else loaded[j]


@_compile
def every_nth_row(pixels, n):
    """Return every n-th row of a frame, float32."""
    height, width = pixels[0].shape
    rows = np.empty(((height + n - 1) // n, width), np.float32)
    for k in range(rows.shape[0]):
        load_row(pixels, k * n, 0, rows[k])
    return rows


def pixels_at(pixels: Pixels, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Return the pixels of a frame at these places, as NumPy indexes by arrays; float32."""
    frame, usable, least, values = pixels
    found = frame[rows, columns].astype(np.float32)
    bad = ~np.isfinite(found) | (found < least) | np.isin(found, values)
    if usable.size:
        bad |= ~usable[rows, columns]
    found[bad] = np.nan
    return found
