"""Bytes that are framed as the HDF5 filters frame a chunk, but come from elsewhere.

Detectors send them so: bitshuffle-LZ4 [1]_, and LZ4 in blocks [2]_. What is claimed of their length
is checked against the bytes that are there before any memory is taken.

.. [1] https://github.com/kiyo-masui/bitshuffle, ``bshuf_h5filter.c``
.. [2] https://github.com/HDFGroup/hdf5_plugins, ``LZ4_HDF5_format.md``
"""

from __future__ import annotations

import ctypes
import functools
import struct
from collections.abc import Callable

import numpy as np

from sklearn_sfx.frames.hdf5 import _bitshuffle
from sklearn_sfx.frames.hdf5._lz4_blocks import end_of_blocks

__all__ = ["ALGORITHMS", "decoded_bytes"]

ALGORITHMS = ("bslz4", "lz4")
HEADER = struct.Struct(">QI")  # bytes of all that is decoded, and of a decoded block
LENGTH = struct.Struct(">I")
DENSEST = 255  # bytes that one byte of LZ4 stands for, at the most
LARGEST_BLOCK = 0x7E000000  # of LZ4
GROUP = 8  # numbers whose bits share a byte
SIZES = (1, 2, 4, 8)


def decoded_bytes(coded: bytes, algorithm: str, itemsize: int, n_bytes: int) -> np.ndarray:
    """Decode bytes that hold the numbers of one array.

    Parameters
    ----------
    coded : bytes
        As they came.
    algorithm : {"bslz4", "lz4"}
        How they are coded.
    itemsize : int
        Bytes of the numbers whose bits were shuffled; LZ4 alone has none.
    n_bytes : int
        How many there are once they are decoded.

    Returns
    -------
    uint8 ndarray of shape (n_bytes,)

    Raises
    ------
    OSError or EOFError
        They are damaged, end early, or hold another number of bytes.
    """
    if algorithm not in ALGORITHMS:
        raise OSError(f"no algorithm called {algorithm!r} is known")
    if not _bitshuffle.decoder_address(_bitshuffle.LZ4):
        raise OSError("hdf5plugin has no LZ4 here, install it again")
    if len(coded) < HEADER.size:
        raise EOFError("the compressed data end early")
    claimed, block = HEADER.unpack_from(coded)
    if claimed != n_bytes or n_bytes > DENSEST * len(coded):
        raise OSError(f"{len(coded)} compressed bytes are to hold {claimed}, and not {n_bytes}")
    if not 0 < block <= LARGEST_BLOCK:
        raise OSError("the header of the compressed data is wrong")
    data, is_shuffled = np.frombuffer(coded, np.uint8), algorithm == "bslz4"
    if is_shuffled and (itemsize not in SIZES or n_bytes % itemsize):
        raise OSError("the bits of the numbers cannot be put together")
    # What is left over at the end is not coded where bits are shuffled.
    n_coded = n_bytes - n_bytes % (GROUP * itemsize) if is_shuffled else n_bytes
    end = end_of_blocks(data, HEADER.size, block, n_coded, not is_shuffled)
    if end < 0 or end + n_bytes - n_coded != len(coded):
        raise OSError("the compressed data are damaged, or cut off")
    if not is_shuffled:
        return _decode_lz4(data, block, n_bytes)
    out = np.empty((1, n_bytes // itemsize), f"u{itemsize}")
    _bitshuffle.decode_rows(data, _bitshuffle.LZ4, out.shape, 0, 0, out)
    return out.view(np.uint8)[0]


def _decode_lz4(data: np.ndarray, block: int, n_bytes: int) -> np.ndarray:
    decode, out = _decoder_of_block(), np.empty(n_bytes, np.uint8)
    at = HEADER.size
    for start in range(0, n_bytes, block):
        n = min(block, n_bytes - start)
        (length,) = LENGTH.unpack_from(data.data, at)
        at += LENGTH.size
        if length == n:  # it would not have become shorter
            out[start : start + n] = data[at : at + n]
        elif decode(data[at:].ctypes.data, out[start:].ctypes.data, length, n) != n:
            raise OSError("the compressed data are damaged")
        at += length
    return out


@functools.cache
def _decoder_of_block() -> Callable[[int, int, int, int], int]:
    """Return the C function, which reads and writes nothing out of bounds."""
    function = ctypes.CFUNCTYPE(
        ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int, ctypes.c_int
    )
    return function(_bitshuffle.decoder_address(_bitshuffle.LZ4) or 0)
