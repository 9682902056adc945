"""The packing of CCP4, by which mar345 keeps its pixels: differences to the mean of neighbours.

A stream of bits, the lowest of a byte first. A block of pixels begins with two numbers, how many
there are and how many bits each difference has [1]_. fabio writes behind its memory where the
blocks of a damaged file have too many pixels, so they are counted here.

.. [1] J. P. Abrahams, "pack_c.c", in CCP4 (1993).
"""

import re

import numpy as np
from numba import njit

__all__ = ["unpack"]

_IDENTIFIER = re.compile(rb"CCP4 packed image( V2)?, X: (\d+), Y: (\d+)\n")
# Bits of a difference, and bits of the two numbers of a block, by version.
_WIDTHS = {
    1: np.array([0, 4, 5, 6, 7, 8, 16, 32], np.int64),
    2: np.array([0, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 32], np.int64),
}
_NUMBER_BITS = {1: 3, 2: 4}


def unpack(data: bytes, start: int, shape: tuple[int, int]) -> np.ndarray:
    """Return the pixels of the packed image in some bytes.

    Parameters
    ----------
    data : bytes
        With the line in it that begins a packed image.
    start : int
        Behind what there is only the end of a line in front of it.
    shape : tuple of int
        (height, width).

    Returns
    -------
    uint32 ndarray of shape (height, width)
        All of them have 16 bits; those that had more are listed elsewhere in the file.

    Raises
    ------
    ValueError
        If the image is of another shape, or its blocks are not those of so many pixels.
    """
    found = _IDENTIFIER.search(data, start)
    if found is None or found.start() == start or data[start : found.start()].strip(b"\r\n"):
        raise ValueError("no packed image is where one should be")
    if (int(found[3]), int(found[2])) != shape:
        raise ValueError(f"its packed image is {int(found[3])} x {int(found[2])}, not {shape}")
    version = 2 if found[1] else 1
    coded = np.frombuffer(data, np.uint8, offset=found.end())
    out = np.empty(shape[0] * shape[1], np.uint32)
    if not _unpack(coded, _WIDTHS[version], _NUMBER_BITS[version], shape[1], out):
        raise ValueError("its packed pixels end early, or are too many")
    return out.reshape(shape)


@njit(nogil=True, cache=True, error_model="numpy")
def _unpack(coded, widths, number_bits, width, out):
    at, left, bits = 0, 0, 0  # next pixel, pixels that are left in the block, bits of each
    place = 0  # in bits
    end = 8 * len(coded)
    while at < len(out):
        if left == 0:
            if place + 2 * number_bits > end:
                return False
            count, place = _number(coded, place, number_bits)
            kind, place = _number(coded, place, number_bits)
            left, bits = 1 << count, widths[kind]
            if left > len(out) - at:
                return False
            continue
        if place + bits > end:
            return False
        value, place = _number(coded, place, bits)
        if bits and value >> (bits - 1):
            value -= 1 << bits
        if at > width:
            above = at - width
            total = _short(out[at - 1]) + _short(out[above + 1])
            total += _short(out[above]) + _short(out[above - 1]) + 2
            value += total // 4 if total >= 0 else -(-total // 4)
        elif at > 0:
            value += _short(out[at - 1])
        out[at] = value & 0xFFFF
        at += 1
        left -= 1
    return True


@njit(nogil=True, cache=True, error_model="numpy")
def _number(coded, place, bits):
    value = 0
    for i in range(bits):
        bit = (coded[(place + i) >> 3] >> ((place + i) & 7)) & 1
        value |= np.int64(bit) << i
    return value, place + bits


@njit(nogil=True, cache=True, error_model="numpy")
def _short(value):
    """Return a pixel as a number of 16 bits with a sign, which it was for who packed it."""
    return np.int64(value) - ((np.int64(value) & 0x8000) << 1)
