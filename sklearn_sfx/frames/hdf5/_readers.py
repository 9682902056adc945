"""Which way a dataset of frames is read: past HDF5 where that is quick or safer, or by it."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from typing import Protocol

import h5py
import numpy as np

from sklearn_sfx.frames._protocols import Window
from sklearn_sfx.frames.hdf5._filters import check_header, filters_of
from sklearn_sfx.frames.hdf5._handles import RawFile
from sklearn_sfx.frames.hdf5._links import missing_raw_files
from sklearn_sfx.frames.hdf5._rows import RowReader
from sklearn_sfx.frames.hdf5._unread import NEVER_WRITTEN, Unread
from sklearn_sfx.frames.hdf5._whole_chunks import WholeChunkReader, overlaps

__all__ = ["Hdf5Reader", "Reader", "reader_of"]

HEADER_BYTES = 32  # of a chunk, in which filters say how large it is


class Reader(Protocol):
    """Reads windows of the frames of one open dataset."""

    def start(self, index: tuple[int, ...], window: Window, out: np.ndarray) -> Callable:
        """Do the part that one thread at a time may do, and return the rest.

        Parameters
        ----------
        index : tuple of int
            The frame, along the axes that count frames.
        window : Window
            The part of it.
        out : ndarray of shape (window.height, window.width), C-contiguous
            Filled once what is returned was called; of the dataset's dtype in native byte order.

        Raises
        ------
        Unread
            If the frame was never written, or lies where there is nothing.
        OSError, EOFError and others
            If it is damaged.
        """


def reader_of(dataset: h5py.Dataset, n_lead: int, raw: RawFile) -> Reader:
    """Return what reads the frames of a dataset, whose first `n_lead` axes count them."""
    for kind in (RowReader, WholeChunkReader):
        reader = kind.of(dataset, n_lead, raw)
        if reader is not None:
            return reader
    return Hdf5Reader(dataset, n_lead, raw)


class Hdf5Reader:
    """Leaves the reading to HDF5, once it is sure that there is something to be read.

    Parameters
    ----------
    dataset : h5py.Dataset
        Of frames; not a virtual one.
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
        self._chunk_bytes = math.prod(dataset.chunks or ()) * dataset.id.get_type().get_size()
        self._has_user_block = bool(dataset.file.userblock_size)
        self._layout = dataset.id.get_create_plist().get_layout()

    def start(self, index: tuple[int, ...], window: Window, out: np.ndarray) -> Callable:
        """Read a window into `out`; nothing is left to be done afterwards."""
        if self._layout == h5py.h5d.CHUNKED:
            for corner in overlaps(self._dataset, index, window):
                self._check(corner)
        elif missing := missing_raw_files(self._dataset):
            raise Unread(missing)
        elif not self._dataset.external and self._dataset.id.get_storage_size() == 0:
            raise Unread(NEVER_WRITTEN)
        space = self._dataset.id.get_space()
        _select(space, index, window)
        self._dataset.id.read(h5py.h5s.create_simple(out.shape), space, out)
        return lambda: None

    def _check(self, corner: tuple[int, ...]) -> None:
        chunk = self._dataset.id.get_chunk_info_by_coord(corner)
        if chunk.byte_offset is None:
            raise Unread(NEVER_WRITTEN)
        if chunk.byte_offset + chunk.size > self._raw.size:
            raise Unread("its bytes lie behind the end of the file")
        if not self._filters:
            return
        if self._has_user_block:  # versions differ in whether the offset has it
            coded = self._dataset.id.read_direct_chunk(corner)[1][:HEADER_BYTES]
        else:
            coded = os.pread(self._raw.number, HEADER_BYTES, chunk.byte_offset)
        used = tuple(f for n, f in enumerate(self._filters) if not chunk.filter_mask >> n & 1)
        check_header(used, coded, chunk.size, self._chunk_bytes)


def _select(space: h5py.h5s.SpaceID, index: tuple[int, ...], window: Window) -> None:
    """Select the window of one frame, whose rows may run over several modules."""
    top, left, height, width = window
    *modules, module_height, _ = space.shape[len(index) :]
    lead = (1,) * len(index)
    if not modules:
        space.select_hyperslab((*index, top, left), (*lead, height, width))
        return
    space.select_none()
    while height > 0:
        number, start = divmod(top, module_height)
        rows = min(height, module_height - start)
        place = tuple(int(i) for i in np.unravel_index(number, modules))
        corner, extent = (*index, *place, start, left), (*lead, *[1] * len(modules), rows, width)
        space.select_hyperslab(corner, extent, op=h5py.h5s.SELECT_OR)
        top, height = top + rows, height - rows
