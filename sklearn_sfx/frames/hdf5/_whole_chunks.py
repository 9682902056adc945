"""Chunks that are decoded as a whole: of zstd, and bitshuffled ones of more than rows of a frame.

The filter that HDF5 would use for bitshuffle crashes on some damaged chunks, so it is not asked:
chunks of several frames, or of a part of the columns, with a checksum or a second filter, in files
with a user block. That for zstd does not look whether it succeeded, and then gives whatever was in
memory.
"""

from __future__ import annotations

import ctypes
import math
import zlib
from collections import OrderedDict
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import h5py
import numpy as np

from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames._protocols import Window
from sklearn_sfx.frames.hdf5 import _bitshuffle
from sklearn_sfx.frames.hdf5._decoders import Bitshuffled
from sklearn_sfx.frames.hdf5._filters import (
    BITSHUFFLE,
    DEFLATE,
    FLETCHER32,
    SHUFFLE,
    ZSTD,
    Filter,
    filters_of,
)
from sklearn_sfx.frames.hdf5._handles import RawFile
from sklearn_sfx.frames.hdf5._rows import is_plain
from sklearn_sfx.frames.hdf5._unread import NEVER_WRITTEN, Unread

__all__ = ["WholeChunkReader", "overlaps"]

MAX_KEPT_BYTES = 16 * 2**20  # of decoded chunks, for the next frame that they hold
_KNOWN = {BITSHUFFLE, DEFLATE, FLETCHER32, SHUFFLE, ZSTD}


class WholeChunkReader:
    """Reads windows of frames out of chunks of any shape, bitshuffled or compressed with zstd.

    Parameters
    ----------
    dataset : h5py.Dataset
        Of frames.
    n_lead : int
        How many of its axes, the first ones, count frames.
    raw : RawFile
        The file in which it lies.
    """

    def __init__(self, dataset: h5py.Dataset, n_lead: int, raw: RawFile):
        self._dataset = dataset
        self._n_lead = n_lead
        self._raw = raw
        self._filters = filters_of(dataset)
        unknown = [found for found in self._filters if found.code not in _KNOWN]
        if unknown or not is_plain(dataset):
            also = unknown[0].name if unknown else f"pixels of a type that is not {dataset.dtype}"
            raise InputError(
                f"Dataset {dataset.name} of {dataset.file.filename} is compressed with bitshuffle "
                f"and {also}, which is not read together: write it anew without."
            )
        self._kept: OrderedDict[tuple[int, ...], np.ndarray] = OrderedDict()

    @classmethod
    def of(cls, dataset: h5py.Dataset, n_lead: int, raw: RawFile) -> WholeChunkReader | None:
        """Return a reader of this dataset, or None where HDF5 may read it."""
        codes = {found.code for found in filters_of(dataset)}
        readable = codes <= _KNOWN and is_plain(dataset) and _zstd() is not None
        if dataset.chunks is None or not (BITSHUFFLE in codes or (ZSTD in codes and readable)):
            return None
        return cls(dataset, n_lead, raw)

    def start(self, index: tuple[int, ...], window: Window, out: np.ndarray) -> Callable:
        """Read a window into `out`; nothing is left to be done afterwards."""
        for corner in overlaps(self._dataset, index, window):
            chunk = self._decoded(corner)
            block = chunk[tuple(i - c for i, c in zip(index, corner, strict=False))]
            _copy(block, self._dataset.shape[self._n_lead :], corner[self._n_lead :], window, out)
        if not self._dataset.dtype.isnative:
            out.byteswap(inplace=True)
        return _nothing

    def _decoded(self, corner: tuple[int, ...]) -> np.ndarray:
        chunk = self._kept.get(corner)
        if chunk is not None:
            return chunk
        stored = self._dataset.id.get_chunk_info_by_coord(corner)
        if stored.byte_offset is None:
            raise Unread(NEVER_WRITTEN)
        if stored.size > self._raw.size:
            raise Unread("its bytes lie behind the end of the file")
        mask, coded = self._dataset.id.read_direct_chunk(corner)
        shape, dtype = self._dataset.chunks, self._dataset.dtype.newbyteorder("=")
        used = [f for number, f in enumerate(self._filters) if not mask >> number & 1]
        decoded = decode_chunk(coded, used, math.prod(shape) * dtype.itemsize)
        chunk = np.frombuffer(decoded, dtype).reshape(shape)
        while self._kept and (len(self._kept) + 1) * chunk.nbytes > MAX_KEPT_BYTES:
            self._kept.popitem(last=False)
        self._kept[corner] = chunk
        return chunk


def overlaps(
    dataset: h5py.Dataset, index: tuple[int, ...], window: Window
) -> Iterator[tuple[int, ...]]:
    """Yield the corner of each chunk that holds a part of the window of a frame."""
    n_lead, shape, chunks = len(index), dataset.shape, dataset.chunks
    *modules, height, _ = shape[n_lead:]
    first, last = window.top // height, (window.top + window.height - 1) // height
    rows = range(height)
    if first == last:
        rows = range(window.top % height, (window.top + window.height - 1) % height + 1)
    ranges = [range(i, i + 1) for i in index]
    if len(modules) == 1:
        ranges.append(range(first, last + 1))
    elif modules:
        ranges += [range(n) for n in modules]
    ranges += [rows, range(window.left, window.left + window.width)]
    corners = [
        range(part.start // n * n, part.stop, n) for part, n in zip(ranges, chunks, strict=True)
    ]
    yield from product(*corners)


def decode_chunk(coded: bytes, filters: list[Filter], n_bytes: int) -> bytes | np.ndarray:
    """Undo the filters of a chunk, the last one first.

    Parameters
    ----------
    coded : bytes
        The chunk as it is stored.
    filters : list of Filter
        Those that were applied to it, in that order.
    n_bytes : int
        How many bytes it has once it is decoded.

    Raises
    ------
    OSError or EOFError
        If it is damaged.
    """
    data: bytes | np.ndarray = coded
    for number in range(len(filters) - 1, -1, -1):
        code, values, _ = filters[number]
        # Checksums that come before in the file make what they are put behind longer.
        size = n_bytes + 4 * sum(before.code == FLETCHER32 for before in filters[:number])
        if code == FLETCHER32:
            data = _checked(data)
        elif code == DEFLATE:
            data = _inflated(data, size)
        elif code == ZSTD:
            data = _unpacked_by_zstd(data, size)
        elif code == SHUFFLE:
            width = values[0] if values else 1
            cut = len(data) // width * width
            planes = np.frombuffer(data, np.uint8, cut).reshape(width, -1)
            data = planes.T.tobytes() + bytes(data[cut:])
        else:
            data = _unbitshuffled(data, values, size)
    if len(data) != n_bytes:
        raise OSError("its chunk has another size than its pixels")
    return data


def _unbitshuffled(data: bytes | np.ndarray, values: tuple[int, ...], size: int) -> np.ndarray:
    itemsize = values[2] if len(values) > 2 else 0
    if itemsize not in (1, 2, 4, 8) or size % itemsize:
        raise OSError(f"bitshuffle for items of {itemsize} bytes does not fit its pixels")
    block, codec = (*values[3:5], 0, 0)[:2] if len(values) > 4 else (0, 0)
    out = np.empty((1, size // itemsize), f"u{itemsize}")
    stored = BytesAtHand(np.frombuffer(data, np.uint8))
    Bitshuffled(codec, block)(stored, out.shape, 0, 0, out, True)
    return out.view(np.uint8)[0]


class BytesAtHand:
    """Bytes of a piece that were read already."""

    def __init__(self, data: np.ndarray):
        self._data = data
        self.size = len(data)

    def __call__(self, start: int, stop: int) -> np.ndarray:
        return self._data[start:stop]


def _inflated(data: Any, size: int) -> bytes:
    stream = zlib.decompressobj()
    try:
        decoded = stream.decompress(data, size)
        if stream.decompress(stream.unconsumed_tail, 1) or not stream.eof:
            raise OSError("the compressed data have another length than the pixels")
    except zlib.error as error:
        raise OSError(str(error)) from error
    return decoded


def _zstd() -> Callable | None:
    """Return the function of the C library that decodes a whole, None if there is none."""
    address = _bitshuffle.decoder_address(_bitshuffle.ZSTD)
    arguments = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p, ctypes.c_size_t)
    return ctypes.CFUNCTYPE(ctypes.c_size_t, *arguments)(address) if address else None


def _unpacked_by_zstd(data: bytes | np.ndarray, size: int) -> np.ndarray:
    decode, coded = _zstd(), np.frombuffer(data, np.uint8)
    if decode is None:
        raise OSError("there is no decoder of zstd")
    out = np.empty(size, np.uint8)
    if decode(out.ctypes.data, out.nbytes, coded.ctypes.data, coded.nbytes) != size:
        raise OSError("the compressed data are damaged")
    return out


def _checked(data: bytes | np.ndarray) -> bytes | np.ndarray:
    """Take the checksum off the end, and raise OSError if it is not that of the rest.

    Fletcher's sums of big-endian 16-bit words, modulo 65535.
    """
    if len(data) < 4:
        raise EOFError("the data are shorter than their checksum")
    body, stored = data[:-4], int.from_bytes(bytes(data[-4:]), "little")
    even = bytes(body) + b"\0" * (len(body) % 2)
    words = np.frombuffer(even, ">u2").astype(np.uint64)
    first, second = 0, 0
    for start in range(0, len(words), 2**20):  # sums that stay within 64 bits
        part = words[start : start + 2**20]
        weights = np.arange(len(part), 0, -1, dtype=np.uint64)
        second += len(part) * first + int((part * weights).sum())
        first += int(part.sum())
    found = [first % 65535, second % 65535]
    sums = [stored & 0xFFFF, stored >> 16]
    # Early versions of HDF5 swapped the bytes of each sum on some machines.
    swapped = [int.from_bytes(value.to_bytes(2, "little"), "big") for value in sums]
    if found not in (
        [value % 65535 for value in sums],
        [value % 65535 for value in swapped],
    ):
        raise OSError("its checksum is not that of its data")
    return body


def _copy(
    block: np.ndarray,
    frame: tuple[int, ...],
    corner: tuple[int, ...],
    window: Window,
    out: np.ndarray,
) -> None:
    """Copy what a block of a frame, (modules, rows, columns), has of a window of it."""
    height, width = frame[-2:]
    left, right = max(corner[-1], window.left), window.left + window.width
    right = min(corner[-1] + block.shape[-1], right, width)
    for within in np.ndindex(block.shape[:-2]):
        place = tuple(c + i for c, i in zip(corner[:-2], within, strict=True))
        if any(i >= n for i, n in zip(place, frame[:-2], strict=True)):
            continue  # what a chunk has behind the last module
        module = int(np.ravel_multi_index(place, frame[:-2])) if place else 0
        start = module * height + corner[-2]
        stop = module * height + min(corner[-2] + block.shape[-2], height)
        top, bottom = max(start, window.top), min(stop, window.top + window.height)
        if top < bottom and left < right:
            rows = slice(top - window.top, bottom - window.top)
            columns = slice(left - window.left, right - window.left)
            part = block[within][top - start : bottom - start]
            out[rows, columns] = part[:, left - corner[-1] : right - corner[-1]]


def _nothing() -> None:
    """Do what is left to be done where nothing is."""
