"""Frames that lie in one dataset of an HDF5 file."""

from __future__ import annotations

import h5py
import numpy as np

from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames._protocols import FrameOrigin, Window
from sklearn_sfx.frames.hdf5._chunks import ChunkReader
from sklearn_sfx.frames.hdf5._handles import HDF5_ERRORS, look_up, open_file, reason
from sklearn_sfx.frames.hdf5._metadata import Field, read_field
from sklearn_sfx.frames.hdf5._segments import Segment

__all__ = ["Hdf5Source"]

LARGE_FRAME = 2**20  # pixels; below, nobody waits for a frame


class Hdf5Source:
    """The frames of one segment of an HDF5 file.

    Parameters
    ----------
    segment : Segment
        Where they lie.
    """

    def __init__(self, segment: Segment):
        self._segment = segment
        self.shape = segment.shape
        self.dtype = np.dtype(segment.dtype)

    def __reduce__(self) -> tuple:
        """Pickle the segment alone, since runs have thousands of files."""
        return Hdf5Source, (self._segment,)

    @property
    def advice(self) -> str:
        """What to do about large frames that are compressed with gzip."""
        _, height, width = self.shape
        if self._segment.compression != "gzip" or height * width < LARGE_FRAME:
            return ""
        return (
            "These frames are compressed with gzip, which takes ten to twenty times as long to "
            "read as bitshuffle-LZ4: if they are read more than once, write them anew with "
            "hdf5plugin.Bitshuffle()."
        )

    def read(self, position: int, window: Window, out: np.ndarray) -> None:
        """Write the `window` of frame `position` to `out`."""
        segment = self._segment
        try:
            with open_file(segment.path) as (file, datasets):
                known = datasets.get(segment.dataset)
                if known is None:
                    dataset = _reopened(file, segment)
                    datasets[segment.dataset] = known = dataset, ChunkReader.of(dataset)
                dataset, reader = known
                pieces = None
                if reader is not None and reader.dtype == out.dtype:
                    pieces = reader.locate(position, window)
                if pieces is None:
                    on_disk = dataset.id.get_space()
                    _select(on_disk, position, window, segment.module_height)
                    dataset.id.read(h5py.h5s.create_simple(out.shape), on_disk, out)
            # The file may be lent to another thread meanwhile.
            if reader is not None and pieces is not None:
                reader.read(pieces, window, out)
        except InputError:
            raise
        except (*HDF5_ERRORS, EOFError) as error:
            raise InputError(_why_unreadable(segment, position, error)) from error

    def origin(self, position: int) -> FrameOrigin:
        """Return the file, the position in it and CrystFEL's name of frame `position`."""
        segment = self._segment
        return FrameOrigin(segment.path, segment.first + position, f"{segment.event}//{position}")

    def metadata(self, positions: np.ndarray) -> dict[str, np.ndarray]:
        """Read what the file says of the frames at `positions`."""
        with open_file(self._segment.path) as (file, _):
            return {
                field.name: _read_metadata(file, self._segment, field, positions)
                for field in self._segment.fields
            }


def _reopened(file: h5py.File, segment: Segment) -> h5py.Dataset:
    """Open the dataset of a segment, and check that it still holds what it held before."""
    dataset = look_up(file, segment.dataset)
    n_frames, height, width = segment.shape
    if not isinstance(dataset, h5py.Dataset):
        raise InputError(
            f"{segment.path} has changed since it was opened: dataset {segment.dataset} is gone."
        )
    modules = dataset.shape[1] if dataset.ndim == 4 else 1
    if dataset.ndim not in (3, 4) or (modules * dataset.shape[-2], dataset.shape[-1]) != (
        height,
        width,
    ):
        raise InputError(
            f"{segment.path} has changed since it was opened: dataset {segment.dataset} has now "
            f"the shape {dataset.shape}; open it again."
        )
    if dataset.shape[0] < n_frames:
        raise InputError(
            f"{segment.path} has shrunk since it was opened: dataset {segment.dataset} holds "
            f"{dataset.shape[0]} frames now and held {n_frames}; open it again."
        )
    return dataset


def _select(space: h5py.h5s.SpaceID, row: int, window: Window, module_height: int) -> None:
    """Select the window of one frame, whose rows may run over several modules."""
    top, left, height, width = window
    if len(space.shape) == 3:
        space.select_hyperslab((row, top, left), (1, height, width))
        return
    space.select_none()
    while height > 0:
        module, start = divmod(top, module_height)
        if start == 0 and height >= module_height:
            modules, rows = height // module_height, module_height
        else:
            modules, rows = 1, min(height, module_height - start)
        corner, extent = (row, module, start, left), (1, modules, rows, width)
        space.select_hyperslab(corner, extent, op=h5py.h5s.SELECT_OR)
        top, height = top + modules * rows, height - modules * rows


def _why_unreadable(segment: Segment, row: int, error: Exception) -> str:
    where = f"Frame {segment.first + row} of {segment.path} (dataset {segment.dataset}, row {row})"
    message = reason(error)
    if "filter" in message and ("not registered" in message or "not available" in message):
        return f"{where} is compressed with a filter that is not installed: {message}."
    return f"{where} cannot be read, its chunk is damaged or does not decompress: {message}."


def _read_metadata(file: h5py.File, segment: Segment, field: Field, rows: np.ndarray) -> np.ndarray:
    try:
        return read_field(field, file[field.dataset], rows)
    except HDF5_ERRORS as error:
        raise InputError(
            f"The {field.name} of the frames of {segment.path} cannot be read from dataset "
            f"{field.dataset}: {reason(error)}."
        ) from error
