"""Rows of frames read from the file itself, past the HDF5 library.

HDF5 decodes whole chunks, one thread at a time. Here only what holds the wanted rows is read and
decoded, without the interpreter's lock, so that threads do this side by side. HDF5 is asked where
the bytes lie, and is left with every layout and filter that is not known here.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import h5py
import numpy as np

from sklearn_sfx.frames._protocols import Window
from sklearn_sfx.frames.hdf5 import _bitshuffle
from sklearn_sfx.frames.hdf5._decoders import Bitshuffled, BytesOfFile, Decoder, Deflated, Plain
from sklearn_sfx.frames.hdf5._filters import BITSHUFFLE, DEFLATE, Filter, filters_of
from sklearn_sfx.frames.hdf5._handles import RawFile
from sklearn_sfx.frames.hdf5._unread import NEVER_WRITTEN, Unread

__all__ = ["Piece", "RowReader", "is_plain"]


class Piece(NamedTuple):
    """Rows of a frame that are stored together: in a chunk, or the whole frame."""

    first_row: int
    n_rows: int
    offset: int
    size: int
    decoder: Decoder


class RowReader:
    """Reads windows of frames that are stored row by row, whole or in pieces.

    Parameters
    ----------
    dataset : h5py.Dataset
        Of frames.
    n_lead : int
        How many of its axes, the first ones, count frames.
    raw : RawFile
        The file in which it lies.
    rows_per_piece : int
        Rows of a frame that are stored together.
    decoder : Decoder
        From the stored bytes to pixels.
    """

    def __init__(
        self,
        dataset: h5py.Dataset,
        n_lead: int,
        raw: RawFile,
        rows_per_piece: int,
        decoder: Decoder,
    ):
        # What h5py would look up anew for each frame is kept.
        self._id = dataset.id
        self._lead = dataset.shape[:n_lead]
        self._raw = raw
        self._rows_per_piece = rows_per_piece
        self._decoder = decoder
        self._shape = (math.prod(dataset.shape[n_lead:-1]), dataset.shape[-1])
        self._dtype = dataset.dtype
        self._frame_bytes = math.prod(self._shape) * dataset.dtype.itemsize
        # Where the chunks of a frame differ: in the first of its axes, for the others are whole.
        self._chunk_rows = dataset.chunks[n_lead] if dataset.chunks else 0
        self._other_axes = (0,) * (dataset.ndim - n_lead - 1)

    @classmethod
    def of(cls, dataset: h5py.Dataset, n_lead: int, raw: RawFile) -> RowReader | None:
        """Return a reader of this dataset, or None where others have to read it."""
        if not is_plain(dataset) or dataset.is_virtual or dataset.file.userblock_size:
            return None
        if dataset.chunks is None:
            layout = dataset.id.get_create_plist().get_layout()
            if layout != h5py.h5d.CONTIGUOUS or dataset.external:
                return None
            return cls(dataset, n_lead, raw, math.prod(dataset.shape[n_lead:-1]), Plain())
        rows = _rows_of_chunk(dataset, n_lead)
        decoder = _find_decoder(filters_of(dataset), dataset.dtype.itemsize)
        if rows is None or decoder is None:
            return None
        return cls(dataset, n_lead, raw, rows, decoder)

    def start(self, index: tuple[int, ...], window: Window, out: np.ndarray) -> Callable:
        """Find the rows of a window, and return what reads them into `out`.

        This much is HDF5's work, so one thread at a time may do it; what is returned, any number.

        Raises
        ------
        Unread
            If they were never written, or lie where no file has bytes.
        """
        pieces = self._locate(index, window)
        return lambda: self._read(pieces, window, out)

    def _locate(self, index: tuple[int, ...], window: Window) -> list[Piece]:
        pieces, n_rows = [], self._rows_per_piece
        first, last = window.top // n_rows, -(-(window.top + window.height) // n_rows)
        for number in range(first, last):
            if not self._chunk_rows:
                offset = self._id.get_offset()
                size = self._frame_bytes
                if offset is None:
                    raise Unread(NEVER_WRITTEN)
                offset += size * _flat(index, self._lead)
                decoder = self._decoder
            else:
                within = (number * self._chunk_rows, *self._other_axes)
                chunk = self._id.get_chunk_info_by_coord((*index, *within))
                if chunk.byte_offset is None:
                    raise Unread(NEVER_WRITTEN)
                offset, size = chunk.byte_offset, chunk.size
                decoder = Plain() if chunk.filter_mask & 1 else self._decoder
            if offset + size > self._raw.size:
                raise Unread("its bytes lie behind the end of the file")
            pieces.append(Piece(number * n_rows, n_rows, offset, size, decoder))
        return pieces

    def _read(self, pieces: list[Piece], window: Window, out: np.ndarray) -> None:
        for piece in pieces:
            top = max(window.top, piece.first_row)
            bottom = min(window.top + window.height, piece.first_row + piece.n_rows)
            part = out[top - window.top : bottom - window.top]
            shape = (piece.n_rows, self._shape[1])
            stored = BytesOfFile(self._raw.number, piece.offset, piece.size)
            to_end = bottom == min(piece.first_row + piece.n_rows, self._shape[0])
            piece.decoder(stored, shape, top - piece.first_row, window.left, part, to_end)
        if not self._dtype.isnative:
            out.byteswap(inplace=True)


def _flat(index: tuple[int, ...], lead: tuple[int, ...]) -> int:
    """Return the number of a frame that lies there along the axes that count frames."""
    if len(lead) == 1:  # nearly always, and numpy takes longer than the rest
        return index[0]
    return int(np.ravel_multi_index(index, lead)) if lead else 0


def is_plain(dataset: h5py.Dataset) -> bool:
    """Whether pixels are stored just as numpy has them, but perhaps for the order of the bytes.

    Not so are integers of fewer bits than their bytes have, or whose bits begin somewhere else.
    """
    try:
        return bool(h5py.h5t.py_create(dataset.dtype).equal(dataset.id.get_type()))
    except TypeError:
        return False


def _rows_of_chunk(dataset: h5py.Dataset, n_lead: int) -> int | None:
    """Return how many rows of one frame a chunk holds; None where it is cut in another way."""
    lead, (first, *grid) = dataset.chunks[:n_lead], dataset.chunks[n_lead:]
    if any(n != 1 for n in lead) or grid != list(dataset.shape[n_lead + 1 :]):
        return None
    return math.prod([first, *grid[:-1]])


def _find_decoder(filters: tuple[Filter, ...], itemsize: int) -> Decoder | None:
    if not filters:
        return Plain()
    if len(filters) > 1:
        return None
    code, values, _ = filters[0]
    if code == DEFLATE:
        return Deflated()
    if code == BITSHUFFLE and len(values) >= 3 and values[2] == itemsize:
        codec = values[4] if len(values) > 4 else _bitshuffle.UNCODED
        block = values[3] if len(values) > 3 else 0
        if codec == _bitshuffle.UNCODED or _bitshuffle.decoder_address(codec):
            return Bitshuffled(codec, block)
    return None
