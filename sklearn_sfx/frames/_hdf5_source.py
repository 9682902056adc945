"""Frames that lie in HDF5 files."""

from __future__ import annotations

import bisect

import h5py
import numpy as np

from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames._chunks import ChunkReader
from sklearn_sfx.frames._handles import HDF5_ERRORS, look_up, open_file, reason
from sklearn_sfx.frames._layouts import Segment
from sklearn_sfx.frames._metadata import Field, read_field
from sklearn_sfx.frames._protocols import FrameOrigin, Window

__all__ = ["Hdf5Source"]


class Hdf5Source:
    """Segments of HDF5 files, one after the other, as one run.

    Parameters
    ----------
    segments : list of Segment
        With frames of one shape; their dtypes are promoted to a common one.
    """

    def __init__(self, segments: list[Segment]):
        first = segments[0]
        for other in segments:
            if other.shape[1:] != first.shape[1:]:
                raise InputError(
                    "The frames of a run must have one shape, but they are "
                    f"{first.shape[1]} x {first.shape[2]} in {first.path} ({first.dataset}) and "
                    f"{other.shape[1]} x {other.shape[2]} in {other.path} ({other.dataset})."
                )
        self._segments = tuple(segments)
        self._starts = np.cumsum([0, *(segment.shape[0] for segment in segments)]).tolist()
        self.shape = (self._starts[-1], *first.shape[1:])
        self.dtype = np.result_type(*{segment.dtype for segment in segments})

    def read(self, position: int, window: Window, out: np.ndarray) -> None:
        """Write the `window` of frame `position` to `out`."""
        segment, row = self._locate(position)
        try:
            with open_file(segment.path) as (file, datasets):
                known = datasets.get(segment.dataset)
                if known is None:
                    dataset = _reopened(file, segment)
                    datasets[segment.dataset] = known = dataset, ChunkReader.of(dataset)
                dataset, reader = known
                pieces = None
                if reader is not None and reader.dtype == out.dtype:
                    pieces = reader.locate(row, window)
                if pieces is None:
                    on_disk = dataset.id.get_space()
                    _select(on_disk, row, window, segment.module_height)
                    dataset.id.read(h5py.h5s.create_simple(out.shape), on_disk, out)
            # The file may be lent to another thread meanwhile.
            if reader is not None and pieces is not None:
                reader.read(pieces, window, out)
        except InputError:
            raise
        except (*HDF5_ERRORS, EOFError) as error:
            raise InputError(_why_unreadable(segment, row, error)) from error

    def origin(self, position: int) -> FrameOrigin:
        """Return the file, the position in it and CrystFEL's name of frame `position`."""
        segment, row = self._locate(position)
        return FrameOrigin(segment.path, segment.first + row, f"{segment.event}//{row}")

    def metadata(self, positions: np.ndarray) -> dict[str, np.ndarray]:
        """Read the metadata that the files have; NaN or '' where only other files have it."""
        numbers = np.searchsorted(self._starts, positions, side="right") - 1
        found: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {}
        for number in np.unique(numbers):
            segment = self._segments[number]
            chosen = np.flatnonzero(numbers == number)
            rows = positions[chosen] - self._starts[number]
            with open_file(segment.path) as (file, _):
                for field in segment.fields:
                    values = _read_metadata(file, segment, field, rows)
                    found.setdefault(field.name, []).append((chosen, values))
        return {name: _joined(parts, len(positions)) for name, parts in found.items()}

    def narrowed(self, index: range | np.ndarray) -> tuple[Hdf5Source, range | np.ndarray]:
        """Return a source with only the segments that hold the frames at `index`."""
        if len(index) == 0 or len(self._segments) == 1:
            return self, index
        positions = np.asarray(index, dtype=np.int64)
        numbers = np.searchsorted(self._starts, positions, side="right") - 1
        first, last = int(numbers.min()), int(numbers.max())
        if last - first + 1 == len(self._segments):
            return self, index
        source = Hdf5Source(list(self._segments[first : last + 1]))
        source.dtype = self.dtype  # that of the whole run
        start = self._starts[first]
        if isinstance(index, range):
            return source, range(index.start - start, index.stop - start, index.step)
        return source, positions - start

    def _locate(self, position: int) -> tuple[Segment, int]:
        number = bisect.bisect_right(self._starts, position) - 1
        return self._segments[number], position - self._starts[number]


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


def _joined(parts: list[tuple[np.ndarray, np.ndarray]], n_frames: int) -> np.ndarray:
    """One array over all frames from the values of some of them."""
    if any(values.dtype.kind == "U" for _, values in parts):
        parts = [(rows, values.astype(str)) for rows, values in parts]
    dtype = np.result_type(*(values.dtype for _, values in parts))
    complete = sum(len(rows) for rows, _ in parts) == n_frames
    if dtype.kind == "U":
        out = np.zeros(n_frames, dtype)
    elif complete:
        out = np.empty(n_frames, dtype)
    else:
        out = np.full(n_frames, np.nan)
    for rows, values in parts:
        out[rows] = values
    return out
