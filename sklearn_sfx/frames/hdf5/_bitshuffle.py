"""Decoding of just those pixels of a bitshuffled chunk that are wanted.

Bitshuffle [1]_ cuts a chunk into blocks that do not depend on each other, and codes each by LZ4 or
zstd, preceded by its length. A block holds bit 0 of all its pixels, then bit 1 of all, and so on.
Whole blocks have to be decompressed, by the library that hdf5plugin brings; but the bits are put
together for the wanted columns alone. Nothing is read or written out of bounds, whatever the chunk
holds, which the filter itself does not promise.

.. [1] K. Masui et al., "A compression scheme for radio data in high performance computing",
   Astron. Comput. 12, 181 (2015); the format is that of its HDF5 filter.
"""

import ctypes
import functools
import struct
from pathlib import Path

import hdf5plugin
import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

__all__ = ["LZ4", "UNCODED", "ZSTD", "decode_rows", "decoder_address", "default_block"]

UNCODED, LZ4, ZSTD = 0, 2, 3  # as the filter numbers them
FUNCTIONS = {LZ4: "LZ4_decompress_safe", ZSTD: "ZSTD_decompress"}
HEADER = struct.Struct(">QI")  # bytes of the decoded chunk, bytes of a decoded block
BLOCK_BYTES, LEAST_BLOCK = 8192, 128  # of blocks whose size is not said
GROUP = 8  # pixels whose bits share a byte; what is left over at the end of a chunk is not coded
ENDS_EARLY, DAMAGED = 1, 2

U = np.uint64
_compiled = njit(nogil=True, cache=True, error_model="numpy")


@functools.cache
def decoder_address(codec: int) -> int | None:
    """Return where the C function is that decompresses one block, None if there is none."""
    for path in Path(hdf5plugin.PLUGIN_PATH).glob("libh5bshuf.*"):
        function = getattr(ctypes.CDLL(str(path)), FUNCTIONS.get(codec, ""), None)
        if function is not None:
            return ctypes.cast(function, ctypes.c_void_p).value
    return None


def default_block(itemsize: int) -> int:
    """Return how many pixels a block has where neither the chunk nor its filter says it."""
    return max(LEAST_BLOCK, BLOCK_BYTES // itemsize // GROUP * GROUP)


def decode_rows(
    coded: np.ndarray,
    codec: int,
    shape: tuple[int, int],
    first_row: int,
    first_column: int,
    out: np.ndarray,
    uncoded_block: int = 0,
) -> None:
    """Decode rows and columns of one chunk.

    Parameters
    ----------
    coded : uint8 ndarray
        The chunk as it is stored, or as much of its beginning as holds the rows.
    codec : {UNCODED, LZ4, ZSTD}
        How each block is compressed.
    shape : tuple of int
        Rows and columns of the whole chunk.
    first_row, first_column : int
        Where in the chunk `out` begins.
    out : ndarray of shape (n_rows, n_columns), C-contiguous rows
        Filled with the pixels; it gives the itemsize.
    uncoded_block : int, default=0
        Pixels in a block that is not compressed, for which the chunk itself does not say it.

    Raises
    ------
    EOFError
        `coded` ends before the rows do.
    OSError
        The data are damaged.
    """
    itemsize, n_pixels = out.dtype.itemsize, shape[0] * shape[1]
    if codec == UNCODED:
        block = uncoded_block or default_block(itemsize)
    elif len(coded) < HEADER.size:
        raise EOFError("the compressed data end early")
    else:
        n_bytes, block_bytes = HEADER.unpack_from(coded.data)
        block = 0 if block_bytes % (GROUP * itemsize) else block_bytes // itemsize
        if n_bytes != n_pixels * itemsize:
            block = 0
    if block < GROUP or block % GROUP:
        raise OSError("the header of the compressed data is wrong")
    block = min(block, max(GROUP, n_pixels - n_pixels % GROUP))
    failure = _decode(
        coded,
        decoder_address(codec) or 0,
        codec == ZSTD,
        shape,
        block,
        (first_row, first_column),
        np.empty(block * itemsize, np.uint8),
        out.view(f"u{itemsize}"),
    )
    if failure == ENDS_EARLY:
        raise EOFError("the compressed data end early")
    if failure:
        raise OSError("the compressed data are damaged")


@intrinsic
def _call(typing_context, function, a, b, c, d):
    """Call the C function at an address with four integers, pointers or sizes."""
    word = ir.IntType(64)

    def generate(context, builder, signature, arguments):
        pointer = ir.FunctionType(word, [word] * 4).as_pointer()
        return builder.call(builder.inttoptr(arguments[0], pointer), arguments[1:])

    return types.int64(*[types.int64] * 5), generate


@_compiled
def _decode(coded, function, is_zstd, shape, block, origin, work, out):
    height, width = shape
    first_row, first_column = origin
    n_rows, n_columns = out.shape
    itemsize = out.itemsize
    n_pixels = height * width
    n_coded = n_pixels - n_pixels % GROUP
    begin = first_row * width + first_column
    end = (first_row + n_rows - 1) * width + first_column + n_columns
    scratch = np.empty((itemsize, block // GROUP), np.uint64)
    position = 12 if function else 0
    for start in range(0, min(end, n_coded), block):
        n = min(block, n_coded - start)
        length = n * itemsize
        if function:
            if position + 4 > coded.size:
                return ENDS_EARLY
            length = 0
            for byte in coded[position : position + 4]:
                length = length << 8 | np.int64(byte)
            position += 4
        if position + length > coded.size:
            return ENDS_EARLY
        if start + n > begin:
            source, target = coded.ctypes.data + position, work.ctypes.data
            if not function:
                work[:length] = coded[position : position + length]
                done = length
            elif is_zstd:
                done = _call(function, target, n * itemsize, source, length)
            else:
                done = np.int64(np.int32(_call(function, source, target, length, n * itemsize)))
            if done != n * itemsize:
                return DAMAGED
            for row in range(max(start // width - first_row, 0), n_rows):
                left = (first_row + row) * width + first_column
                if left >= start + n:
                    break
                low, high = max(left, start), min(left + n_columns, start + n)
                if low < high:
                    pixels = out[row, low - left : high - left]
                    _unshuffle(work, n // GROUP, low - start, scratch, pixels)
        position += length
    if end > n_coded:
        if position + (n_pixels - n_coded) * itemsize > coded.size:
            return ENDS_EARLY
        for pixel in range(max(n_coded, begin), end):
            row, column = pixel // width - first_row, pixel % width - first_column
            if 0 <= column < n_columns:
                at, value = position + (pixel - n_coded) * itemsize, U(0)
                for k in range(itemsize):
                    value |= U(coded[at + k]) << U(8 * k)
                out[row, column] = value
    return 0


@_compiled
def _unshuffle(planes, plane_bytes, first, scratch, pixels):
    """Put together the bits of consecutive pixels, of which the first is number `first`."""
    group = first // GROUP
    n_groups = (first + pixels.size - 1) // GROUP - group + 1
    skipped = first - group * GROUP
    for k in range(scratch.shape[0]):
        words = scratch[k, :n_groups]
        at = 8 * k * plane_bytes + group
        # Four at a time, which a compiler can tell to be apart from each other.
        a, b = planes[at:][:n_groups], planes[at + plane_bytes :][:n_groups]
        c, d = planes[at + 2 * plane_bytes :][:n_groups], planes[at + 3 * plane_bytes :][:n_groups]
        for g in range(n_groups):
            words[g] = U(a[g]) | U(b[g]) << U(8) | U(c[g]) << U(16) | U(d[g]) << U(24)
        at += 4 * plane_bytes
        a, b = planes[at:][:n_groups], planes[at + plane_bytes :][:n_groups]
        c, d = planes[at + 2 * plane_bytes :][:n_groups], planes[at + 3 * plane_bytes :][:n_groups]
        for g in range(n_groups):
            x = words[g] | U(a[g]) << U(32) | U(b[g]) << U(40) | U(c[g]) << U(48)
            x |= U(d[g]) << U(56)
            # Turn 8 x 8 bits about their diagonal (Warren, Hacker's Delight, section 7-3).
            t = (x ^ (x >> U(7))) & U(0x00AA00AA00AA00AA)
            x = x ^ t ^ (t << U(7))
            t = (x ^ (x >> U(14))) & U(0x0000CCCC0000CCCC)
            x = x ^ t ^ (t << U(14))
            t = (x ^ (x >> U(28))) & U(0x00000000F0F0F0F0)
            words[g] = x ^ t ^ (t << U(28))
        values = words.view(np.uint8)[skipped : skipped + pixels.size]
        shift = pixels.dtype.type(8 * k)
        if k == 0:
            for j in range(pixels.size):
                pixels[j] = values[j]
        else:
            for j in range(pixels.size):
                pixels[j] |= pixels.dtype.type(values[j]) << shift
