"""Frames that are stored in one dataset of one file."""

from __future__ import annotations

import math
from typing import NamedTuple

import h5py
import numpy as np

from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames._facts import Unreadable
from sklearn_sfx.frames._protocols import Window
from sklearn_sfx.frames.hdf5._filters import filters_of, in_words, refuse_missing
from sklearn_sfx.frames.hdf5._handles import HDF5_ERRORS, NotOpened, look_up, open_file, reason
from sklearn_sfx.frames.hdf5._links import missing_raw_files, place_of
from sklearn_sfx.frames.hdf5._readers import reader_of
from sklearn_sfx.frames.hdf5._unread import NEVER_WRITTEN, Unread

__all__ = ["Stored", "never_written", "store"]


class Stored(NamedTuple):
    """Frames that are stored in one dataset; it is opened anew when one of them is read.

    Parameters
    ----------
    path, dataset : str
        Absolute path of the file in which the dataset lies, links followed, and its path there.
    shape : tuple of int
        Of the dataset: the axes that count frames, then modules, rows and columns.
    dtype : str
        Of the pixels, in the byte order of this machine.
    n_lead : int
        How many axes count frames; 0 for a dataset that is one frame.
    channel : int or None
        Which one of several images of each frame is meant, on the axis behind those; None where
        there is no such axis.
    compression : str
        How they are compressed, in words.
    """

    path: str
    dataset: str
    shape: tuple[int, ...]
    dtype: str
    n_lead: int = 1
    channel: int | None = None
    compression: str = ""

    @property
    def files(self) -> frozenset[str]:
        """The file in which they lie."""
        return frozenset([self.path])

    @property
    def n_frames(self) -> int:
        """How many frames there is room for."""
        return math.prod(self.shape[: self.n_lead])

    @property
    def _frame_axes(self) -> tuple[int, ...]:
        return self.shape[self.n_lead + (self.channel is not None) :]

    @property
    def frame_shape(self) -> tuple[int, int]:
        """(height, width), modules stacked."""
        *modules, height, width = self._frame_axes
        return math.prod(modules) * height, width

    @property
    def modules(self) -> tuple[int, int] | None:
        """How many modules of how many rows are stacked; None where there are none."""
        *modules, height, _ = self._frame_axes
        return (math.prod(modules), height) if math.prod(modules) > 1 else None

    def place(self, row: int) -> tuple[int, ...]:
        """Return where a frame lies along the axes that count frames, and its channel."""
        channel = () if self.channel is None else (self.channel,)
        if self.n_lead == 1:  # nearly always, and numpy takes long
            return (row, *channel)
        lead = np.unravel_index(row, self.shape[: self.n_lead]) if self.n_lead else ()
        return (*(int(i) for i in lead), *channel)

    def read(self, row: int, window: Window, out: np.ndarray) -> None:
        """Write the `window` of one frame to `out`, C-contiguous and of this dtype.

        Raises
        ------
        Unread
            If that frame cannot be read, or its file cannot be opened any more.
        InputError
            If the file is no longer the one that was opened.
        """
        try:
            with open_file(self.path) as opened:
                reader = opened.reader(self)
                if reader is None:
                    dataset = self._reopened(opened.file)
                    reader = reader_of(dataset, len(self.place(0)), opened.raw)
                    opened.keep(self, reader)
                rest = reader.start(self.place(row), window, out)
            rest()  # the file may be lent to another thread meanwhile
        except NotOpened as error:
            raise Unread(str(error).rstrip(".")) from error
        except (InputError, Unread):
            raise
        except (*HDF5_ERRORS, EOFError) as error:
            raise Unread(_why_damaged(error)) from error

    def _reopened(self, file: h5py.File) -> h5py.Dataset:
        """Open the dataset, and check that it still holds what it held before."""
        dataset = look_up(file, self.dataset)
        changed = f"{self.path} has changed since it was opened: dataset {self.dataset} "
        if not isinstance(dataset, h5py.Dataset):
            raise InputError(f"{changed}is gone.")
        if dataset.shape == self.shape and dataset.dtype.newbyteorder("=") == self.dtype:
            return dataset
        if self.n_lead != 1 or dataset.shape[1:] != self.shape[1:]:
            raise InputError(f"{changed}has now the shape {dataset.shape}; open it again.")
        if dataset.dtype.newbyteorder("=") != self.dtype:
            raise InputError(f"{changed}has now the dtype {dataset.dtype}; open it again.")
        if dataset.shape[0] < self.shape[0]:
            raise InputError(
                f"{self.path} has shrunk since it was opened: dataset {self.dataset} holds "
                f"{dataset.shape[0]} frames now and held {self.shape[0]}; open it again."
            )
        return dataset


def store(dataset: h5py.Dataset, n_lead: int, channel: int | None = None) -> Stored:
    """Describe an open dataset of frames, wherever it lies.

    Raises
    ------
    InputError
        If a filter is needed that is not installed.
    """
    path, name = place_of(dataset)
    filters = filters_of(dataset)
    refuse_missing(path, name, filters)
    dtype = dataset.dtype.newbyteorder("=").str
    return Stored(path, name, dataset.shape, dtype, n_lead, channel, in_words(filters))


def never_written(dataset: h5py.Dataset, stored: Stored) -> tuple[Unreadable, ...]:
    """Return the frames of a dataset that hold nothing, since nobody wrote them.

    A chunk that was never written reads as the fill value, whatever it stands for. No filter leaves
    chunks out because they are empty, so a frame of which one chunk is missing is not whole.
    """
    n_frames = stored.n_frames
    layout = dataset.id.get_create_plist().get_layout()
    if missing := missing_raw_files(dataset):
        return (Unreadable(0, n_frames, missing),)
    if layout == h5py.h5d.CONTIGUOUS and not dataset.external:
        return _missing_bytes(dataset, stored)
    if layout != h5py.h5d.CHUNKED:
        return ()
    grid = [-(-n // c) for n, c in zip(dataset.shape, dataset.chunks, strict=True)]
    if dataset.id.get_num_chunks() >= math.prod(grid):
        return ()
    written = _whole_rows(dataset, stored, grid)
    per_chunk = dataset.chunks[0] if stored.n_lead == 1 else 1
    gone = []
    for start, stop in _gaps(written, -(-n_frames // per_chunk)):
        stop = min(stop * per_chunk, n_frames)
        gone.append(Unreadable(start * per_chunk, stop, NEVER_WRITTEN))
    return tuple(gone)


def _whole_rows(dataset: h5py.Dataset, stored: Stored, grid: list[int]) -> np.ndarray:
    """Return the rows of chunks (frames, where each has chunks of its own) that are complete.

    Nothing here is as long as the dataset claims to be, only as what was written.
    """
    corners: list[tuple[int, ...]] = []
    dataset.id.chunk_iter(lambda chunk: corners.append(chunk.chunk_offset))
    if not corners:
        return np.zeros(0, np.int64)
    if stored.n_lead == 0:
        return np.zeros(1 if len(corners) >= math.prod(grid) else 0, np.int64)
    lead = np.array(corners, np.int64)[:, : stored.n_lead] // dataset.chunks[: stored.n_lead]
    counted = np.ravel_multi_index(tuple(lead.T), grid[: stored.n_lead])
    rows, counts = np.unique(counted, return_counts=True)
    rows = rows[counts >= math.prod(grid[stored.n_lead :])]
    if stored.n_lead == 1:
        return rows
    # Of several axes: chunk by chunk, every frame that it holds.
    places = np.stack(np.unravel_index(rows, grid[: stored.n_lead]), axis=1)
    chunks, lengths = dataset.chunks[: stored.n_lead], stored.shape[: stored.n_lead]
    inside = np.stack(np.unravel_index(np.arange(math.prod(chunks)), chunks), axis=1)
    frames = (places[:, None] * chunks + inside).reshape(-1, stored.n_lead)
    frames = frames[(frames < lengths).all(axis=1)]
    return np.sort(np.ravel_multi_index(tuple(frames.T), lengths))


def _missing_bytes(dataset: h5py.Dataset, stored: Stored) -> tuple[Unreadable, ...]:
    start = dataset.id.get_offset()
    if start is None:
        return (Unreadable(0, stored.n_frames, NEVER_WRITTEN),)
    with open_file(stored.path) as opened:
        there = max(0, opened.raw.size - start)
    frame_bytes = dataset.nbytes // max(1, stored.n_frames)
    n_there = there // frame_bytes if frame_bytes else stored.n_frames
    if n_there >= stored.n_frames:
        return ()
    return (Unreadable(n_there, stored.n_frames, "its bytes lie behind the end of the file"),)


def _gaps(present: np.ndarray, n: int) -> list[tuple[int, int]]:
    """Return the stretches of 0 to n - 1 that are not among some sorted numbers."""
    edges = np.concatenate([[-1], present[present < n], [n]])
    wide = np.flatnonzero(np.diff(edges) > 1)
    return [(int(edges[i]) + 1, int(edges[i + 1])) for i in wide]


def _why_damaged(error: BaseException) -> str:
    message = reason(error)
    if "filter" in message and ("not registered" in message or "not available" in message):
        return f"it is compressed with a filter that is not installed ({message})"
    return f"its chunk is damaged or does not decompress ({message})"
