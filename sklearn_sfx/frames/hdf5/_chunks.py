"""Rows of frames read from the file itself, past the HDF5 library.

HDF5 decodes whole chunks, one thread at a time. Here only what holds the wanted rows is read and
decoded, without the interpreter's lock, so that threads do this side by side. HDF5 is asked where
the bytes lie, and is left with every layout and filter that is not known here.
"""

from __future__ import annotations

import math
import os
import threading
import weakref
import zlib
from typing import NamedTuple, Protocol

import h5py
import numpy as np

from sklearn_sfx.frames._protocols import Window
from sklearn_sfx.frames.hdf5 import _bitshuffle

__all__ = ["ChunkReader", "Piece"]

DEFLATE, BITSHUFFLE = 1, 32008  # registered numbers of HDF5 filters
MARGIN = 1.1  # by how much more of a chunk is read than its share of the rows

_kept = threading.local()


class Piece(NamedTuple):
    """Rows of a frame that are stored together: in a chunk, or the whole frame."""

    first_row: int
    n_rows: int
    offset: int
    size: int


class ChunkReader:
    """Reads windows of the frames of one dataset.

    Parameters
    ----------
    dataset : h5py.Dataset
        With frames on its first axis.
    rows_per_piece : int
        Rows of a frame that are stored together.
    decoder : Decoder
        From the stored bytes to pixels.
    """

    def __init__(self, dataset: h5py.Dataset, rows_per_piece: int, decoder: Decoder):
        self._dataset = dataset
        self._rows_per_piece = rows_per_piece
        self._decoder = decoder
        self._shape = (math.prod(dataset.shape[1:-1]), dataset.shape[-1])
        self._file = os.open(dataset.file.filename, os.O_RDONLY)
        weakref.finalize(self, os.close, self._file)
        self.dtype = dataset.dtype

    @classmethod
    def of(cls, dataset: h5py.Dataset) -> ChunkReader | None:
        """Return a reader of this dataset, or None where it is left to HDF5."""
        if not dataset.dtype.isnative or dataset.is_virtual or dataset.file.userblock_size:
            return None
        created = dataset.id.get_create_plist()
        if dataset.chunks is None:
            if created.get_layout() != h5py.h5d.CONTIGUOUS or dataset.external:
                return None
            return cls(dataset, math.prod(dataset.shape[1:-1]), Stored())
        rows, decoder = _rows_of_chunk(dataset), _find_decoder(created, dataset.dtype.itemsize)
        return None if rows is None or decoder is None else cls(dataset, rows, decoder)

    def locate(self, frame: int, window: Window) -> list[Piece] | None:
        """Find the rows of a window in the file; None where HDF5 has to be asked for them.

        This is HDF5's work, so one thread at a time may do it.
        """
        if self._dataset.chunks is None:
            start = self._dataset.id.get_offset()
            size = math.prod(self._shape) * self.dtype.itemsize
            return None if start is None else [Piece(0, self._shape[0], start + frame * size, size)]
        pieces, n_rows = [], self._rows_per_piece
        for number in range(window.top // n_rows, -(-(window.top + window.height) // n_rows)):
            corner = [frame, number * self._dataset.chunks[1], *[0] * (self._dataset.ndim - 2)]
            chunk = self._dataset.id.get_chunk_info_by_coord(tuple(corner))
            if chunk.byte_offset is None or chunk.filter_mask:  # never written, or not coded
                return None
            pieces.append(Piece(number * n_rows, n_rows, chunk.byte_offset, chunk.size))
        return pieces

    def read(self, pieces: list[Piece], window: Window, out: np.ndarray) -> None:
        """Write the window to `out`; any number of threads may do this at the same time.

        Raises
        ------
        OSError or EOFError
            If the file cannot be read, or what it holds does not decode.
        """
        for piece in pieces:
            top = max(window.top, piece.first_row)
            bottom = min(window.top + window.height, piece.first_row + piece.n_rows)
            part = out[top - window.top : bottom - window.top]
            shape = (piece.n_rows, self._shape[1])
            stored = StoredBytes(self._file, piece)
            self._decoder(stored, shape, top - piece.first_row, window.left, part)


class StoredBytes:
    """The bytes of a piece; they stay valid until this thread asks for others."""

    def __init__(self, file: int, piece: Piece):
        self._file = file
        self._offset = piece.offset
        self.size = piece.size

    def __call__(self, start: int, stop: int) -> np.ndarray:
        # Fresh memory for each frame would cost as much as the reading.
        data = getattr(_kept, "bytes", None)
        if data is None or len(data) < stop - start:
            data = _kept.bytes = np.empty(stop - start, np.uint8)
        data, done = data[: stop - start], 0
        while done < len(data):
            n_read = os.preadv(self._file, [data[done:].data], self._offset + start + done)
            if n_read == 0:
                raise EOFError("the file ends early")
            done += n_read
        return data


class Decoder(Protocol):
    """Turns stored bytes into the pixels of some rows and columns."""

    def __call__(
        self,
        stored: StoredBytes,
        shape: tuple[int, int],
        first_row: int,
        first_column: int,
        out: np.ndarray,
    ) -> None:
        """Fill `out` from a piece of `shape` rows and columns, in which it begins there."""


class Stored:
    """Pixels as they are."""

    def __call__(self, stored, shape, first_row, first_column, out):
        row_bytes = shape[1] * out.itemsize
        data = stored(first_row * row_bytes, (first_row + len(out)) * row_bytes)
        rows = data.view(out.dtype).reshape(-1, shape[1])
        out[:] = rows[:, first_column : first_column + out.shape[1]]


class Deflated:
    """A stream that has to be decoded up to the last wanted row."""

    def __call__(self, stored, shape, first_row, first_column, out):
        n_bytes = (first_row + len(out)) * shape[1] * out.itemsize
        try:
            data = zlib.decompressobj().decompress(stored(0, stored.size), n_bytes)
        except zlib.error as error:
            raise OSError(str(error)) from error
        if len(data) < n_bytes:
            raise EOFError("the compressed data end early")
        rows = np.frombuffer(data, out.dtype).reshape(-1, shape[1])
        out[:] = rows[first_row:, first_column : first_column + out.shape[1]]


class Bitshuffled:
    """Blocks that are decoded each by itself."""

    def __init__(self, codec: int):
        self.codec = codec

    def __call__(self, stored, shape, first_row, first_column, out):
        share = (first_row + len(out)) / shape[0]
        wanted = (self.codec, shape, first_row, first_column, out)
        guess = min(stored.size, int(MARGIN * share * stored.size))
        try:
            _bitshuffle.decode_rows(stored(0, guess), *wanted)
        except EOFError:  # the first rows take more space than the others, if it is not damaged
            _bitshuffle.decode_rows(stored(0, stored.size), *wanted)


def _rows_of_chunk(dataset: h5py.Dataset) -> int | None:
    """Return how many rows of one frame a chunk holds; None where it is cut in another way."""
    n_frames, *grid, width = dataset.chunks
    if n_frames != 1 or width != dataset.shape[-1] or grid[1:] != list(dataset.shape[2:-1]):
        return None
    return math.prod(grid)


def _find_decoder(created: h5py.h5p.PropDCID, itemsize: int) -> Decoder | None:
    if created.get_nfilters() == 0:
        return Stored()
    if created.get_nfilters() > 1:
        return None
    code, _, values, _ = created.get_filter(0)
    if code == DEFLATE:
        return Deflated()
    if code == BITSHUFFLE and len(values) >= 5 and values[2] == itemsize:
        codec = values[4]
        return Bitshuffled(codec) if _bitshuffle.decoder_address(codec) else None
    return None
