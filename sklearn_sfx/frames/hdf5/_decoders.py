"""From the bytes of a stored piece of a frame to the pixels of some of its rows and columns."""

from __future__ import annotations

import os
import threading
import zlib
from typing import Protocol

import numpy as np

from sklearn_sfx.frames.hdf5 import _bitshuffle

__all__ = ["Bitshuffled", "BytesOfFile", "Decoder", "Deflated", "Plain", "StoredBytes"]

MARGIN = 1.1  # by how much more of a chunk is read than its share of the rows

_kept = threading.local()


class StoredBytes(Protocol):
    """The bytes of a piece; what it returns stays valid until this thread asks for others."""

    size: int

    def __call__(self, start: int, stop: int) -> np.ndarray:
        """Return some of the bytes, as uint8."""


class BytesOfFile:
    """Bytes that are read from the file itself.

    Parameters
    ----------
    file : int
        Its descriptor.
    offset, size : int
        Where they lie in it.
    """

    def __init__(self, file: int, offset: int, size: int):
        self._file = file
        self._offset = offset
        self.size = size

    def __call__(self, start: int, stop: int) -> np.ndarray:
        # Fresh memory for each frame would cost as much as the reading.
        data = getattr(_kept, "bytes", None)
        if data is None or len(data) < stop - start:
            data = _kept.bytes = np.empty(stop - start, np.uint8)
        data = data[: stop - start]
        self.read_into(data, start)
        return data

    def read_into(self, data: np.ndarray, start: int) -> None:
        """Fill an array, uint8 and contiguous, with the bytes from `start` on."""
        done = 0
        while done < len(data):
            n_read = os.preadv(self._file, [data[done:].data], self._offset + start + done)
            if n_read == 0:
                raise EOFError("the file ends early")
            done += n_read


class Decoder(Protocol):
    """Turns stored bytes into the pixels of some rows and columns."""

    def __call__(
        self,
        stored: StoredBytes,
        shape: tuple[int, int],
        first_row: int,
        first_column: int,
        out: np.ndarray,
        to_end: bool,
    ) -> None:
        """Fill `out` from a piece of `shape` rows and columns, in which it begins there.

        Pixels are left in the byte order of the file. Where `to_end`, all rows up to the last are
        wanted, so that what stands behind it can be looked at too.

        Raises
        ------
        OSError or EOFError
            If the bytes cannot be read, or do not decode.
        """


class Plain:
    """Pixels as they are."""

    def __call__(self, stored, shape, first_row, first_column, out, to_end):
        row_bytes = shape[1] * out.itemsize
        if stored.size < (first_row + len(out)) * row_bytes:
            raise EOFError("there are fewer bytes than pixels")
        if out.shape[1] == shape[1]:  # whole rows go where they belong at once
            stored.read_into(out.reshape(-1).view(np.uint8), first_row * row_bytes)
            return
        data = stored(first_row * row_bytes, (first_row + len(out)) * row_bytes)
        rows = data.view(out.dtype).reshape(-1, shape[1])
        out[:] = rows[:, first_column : first_column + out.shape[1]]


class Deflated:
    """A stream that has to be decoded up to the last wanted row, and to its end to be checked.

    The checksum stands at the end, so a window that ends above the last row is decoded without it:
    the rest of the stream would take half as long again for a central crop.
    """

    def __call__(self, stored, shape, first_row, first_column, out, to_end):
        last_row = shape[0] if to_end else first_row + len(out)
        n_bytes = last_row * shape[1] * out.itemsize
        stream = zlib.decompressobj()
        try:
            data = stream.decompress(stored(0, stored.size), n_bytes)
            if to_end and len(data) == n_bytes and stream.decompress(stream.unconsumed_tail, 1):
                raise OSError("there are more pixels in it than there should be")
        except zlib.error as error:
            raise OSError(str(error)) from error
        if len(data) < n_bytes or (to_end and not stream.eof):
            raise EOFError("the compressed data end early")
        rows = np.frombuffer(data, out.dtype).reshape(-1, shape[1])[first_row:]
        out[:] = rows[: len(out), first_column : first_column + out.shape[1]]


class Bitshuffled:
    """Blocks that are decoded each by itself.

    Parameters
    ----------
    codec : int
        How each is compressed.
    block : int
        Pixels in a block that is not compressed.
    """

    def __init__(self, codec: int, block: int = 0):
        self._codec = codec
        self._block = block

    def __call__(self, stored, shape, first_row, first_column, out, to_end):
        decode = _bitshuffle.decode_rows
        share = (first_row + len(out)) / shape[0]
        wanted = (self._codec, shape, first_row, first_column, out, self._block)
        guess = min(stored.size, int(MARGIN * share * stored.size))
        try:
            decode(stored(0, guess), *wanted)
        except EOFError:  # the first rows take more space than the others, if it is not damaged
            decode(stored(0, stored.size), *wanted)
