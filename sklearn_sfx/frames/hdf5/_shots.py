"""Frames that are a dataset each: a group, or an entry, for every shot."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import h5py
import numpy as np

from sklearn_sfx.exceptions import InputError, UnreadableFrame
from sklearn_sfx.frames._facts import Facts, Unreadable
from sklearn_sfx.frames._protocols import FrameOrigin, Window
from sklearn_sfx.frames.hdf5._contents import is_dead
from sklearn_sfx.frames.hdf5._handles import HDF5_ERRORS, look_up, open_file, reason
from sklearn_sfx.frames.hdf5._links import why_dead
from sklearn_sfx.frames.hdf5._metadata import Field, read_field
from sklearn_sfx.frames.hdf5._source import advice_for
from sklearn_sfx.frames.hdf5._stored import Stored, store
from sklearn_sfx.frames.hdf5._units import conversion
from sklearn_sfx.frames.hdf5._unread import NEVER_WRITTEN, Unread, merged, why_unreadable
from sklearn_sfx.frames.hdf5._values import attribute

__all__ = ["ShotSource", "open_shots"]

GONE = "its dataset is not there"


class ShotSource:
    """The frames of a file that has a dataset for each of them.

    Parameters
    ----------
    like : Stored
        One of the datasets; all others have its shape and dtype.
    shots : ndarray of str
        The group of each shot.
    numbers : ndarray of int
        The position of each within the file.
    leaf : str
        Path of the frame within its group.
    fields : tuple of Field
        What the groups say of their frames, with paths within the group.
    facts : Facts
        What the file says of all frames.
    unreadable : tuple of Unreadable
        Those that are known not to be readable.
    """

    def __init__(
        self,
        like: Stored,
        shots: np.ndarray,
        numbers: np.ndarray,
        leaf: str,
        fields: tuple[Field, ...],
        facts: Facts,
        unreadable: tuple[Unreadable, ...] = (),
    ):
        self._like = like
        self._shots = shots
        self._numbers = numbers
        self._leaf = leaf
        self._fields = fields
        self.facts = facts
        self.unreadable = unreadable
        self.shape = (len(shots), *like.frame_shape)
        self.dtype = np.dtype(like.dtype)

    @property
    def files(self) -> frozenset[str]:
        """The file in which they lie, links followed."""
        return self._like.files

    @property
    def advice(self) -> str:
        """What to do about large frames that are compressed with gzip."""
        return advice_for(self.facts, self.shape)

    def read(self, position: int, window: Window, out: np.ndarray) -> None:
        """Write the `window` of frame `position` to `out`."""
        name = f"/{self._shots[position]}/{self._leaf}"
        try:
            if known := why_unreadable(self.unreadable, position):
                raise Unread(known)
            self._like._replace(dataset=name).read(0, window, out)
        except Unread as error:
            raise UnreadableFrame(
                f"Frame [{self._numbers[position] + 1}] of {self._like.path} (dataset {name}) "
                f"cannot be read: {error.reason}."
            ) from error

    def origin(self, position: int) -> FrameOrigin:
        """Return the file, the position in it and the group of a shot."""
        shot = str(self._shots[position])
        return FrameOrigin(self._like.path, int(self._numbers[position]), f"{shot}//")

    def metadata(self, positions: np.ndarray) -> dict[str, np.ndarray]:
        """Read what the groups of some shots say of them; NaN or '' where one does not."""
        found: dict[str, list] = {field.name: [] for field in self._fields}
        one = np.zeros(1, np.int64)
        with open_file(self._like.path) as opened:
            for position in positions.tolist():
                for field in self._fields:
                    item = look_up(opened.file, f"/{self._shots[position]}/{field.dataset}")
                    values: Sequence = ["" if field.name == "identifier" else np.nan]
                    if isinstance(item, h5py.Dataset) and item.size == 1:
                        values = _read_one(self._like.path, field, item, one)
                    found[field.name] += values
        return {name: np.array(values) for name, values in found.items()}

    def narrowed(self, index: range | np.ndarray) -> tuple[ShotSource, range | np.ndarray]:
        """Return a source of the shots at `index` alone."""
        if len(index) in (0, len(self._shots)):
            return self, index
        kept, rows = np.unique(np.asarray(index, np.int64), return_inverse=True)
        gone = [
            (row, row + 1, known.reason)
            for known in self.unreadable
            for row in range(*np.searchsorted(kept, [known.start, known.stop]).tolist())
        ]
        source = ShotSource(
            self._like,
            self._shots[kept],
            self._numbers[kept],
            self._leaf,
            self._fields,
            self.facts,
            tuple(merged(gone)),
        )
        return source, rows


def open_shots(
    path: str,
    file: h5py.File,
    names: Sequence[str],
    format_name: str,
    facts: Facts,
    fields: Mapping[str, tuple[str, str]],
) -> ShotSource | None:
    """Return the frames of datasets of one image each, None where that is not what they are.

    Parameters
    ----------
    path : str
        Absolute path of the file.
    file : h5py.File
        The open file.
    names : sequence of str
        Path of each dataset, whose first part is the group of the shot.
    format_name : str
        Name of the layout.
    facts : Facts
        What it says of all frames.
    fields : mapping of str to (str, str)
        Paths within a group of what it says of its frame: the name, and the unit.

    Raises
    ------
    InputError
        If they differ in shape, or none is there.
    """
    shots, leaf = [], ""
    for name in names:
        shot, _, leaf_here = name.strip("/").partition("/")
        leaf = leaf or leaf_here
        if leaf_here != leaf:
            return None
        shots.append(shot)
    like: Stored | None = None
    gone = []
    for row, (name, found) in enumerate(_looked_at(file, names)):
        if found is None:
            gone.append((row, row + 1, why_dead(file, name) if is_dead(file, name) else GONE))
            continue
        shape, dtype, n_bytes, is_here = found
        if not is_here or len(shape) != 2:
            return None
        if like is None:
            like = store(file[name], 0)
            first = name
        elif (shape, dtype) != (like.shape, like.dtype):
            raise InputError(
                f"The frames of a run must have one shape, but they are {_said(like.shape)}, "
                f"{np.dtype(like.dtype).name}, in {first} of {path} and {_said(shape)}, "
                f"{np.dtype(dtype).name}, in {name}."
            )
        if not n_bytes:
            gone.append((row, row + 1, NEVER_WRITTEN))
    if like is None:
        raise InputError(f"{path} has no frames: none of its datasets {leaf} can be opened.")
    facts = replace(facts, format=format_name, dataset=leaf, compression=like.compression)
    known = _fields_of(file[first.rpartition(leaf)[0]], fields)
    numbers = np.arange(len(shots))
    return ShotSource(like, np.array(shots), numbers, leaf, known, facts, tuple(merged(gone)))


def _said(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape))


def _read_one(path: str, field: Field, item: h5py.Dataset, one: np.ndarray) -> list:
    """Return what a group says of its frame."""
    try:
        return read_field(field, item, one).tolist()
    except HDF5_ERRORS as error:
        raise InputError(
            f"The {field.name} of the frames of {path} cannot be read from dataset {item.name}: "
            f"{reason(error)}."
        ) from error


def _looked_at(file: h5py.File, names: Sequence[str]) -> Iterator[tuple[str, tuple | None]]:
    """Yield shape, dtype, bytes, and whether it is stored in this file, of each dataset.

    Past h5py's objects, which take ten times as long to make.
    """
    here = os.fsencode(file.filename)
    for name in names:
        try:
            item = h5py.h5d.open(file.id, name.encode())
            is_here = h5py.h5f.get_name(item) == here
            is_here &= item.get_create_plist().get_layout() != h5py.h5d.VIRTUAL
            dtype = item.dtype.newbyteorder("=").str
            yield name, (item.shape, dtype, item.get_storage_size(), is_here)
        except HDF5_ERRORS:
            yield name, None


def _fields_of(group: h5py.Group, fields: Mapping[str, tuple[str, str]]) -> tuple[Field, ...]:
    """Return the fields that the group of a shot has, of several of one name the first."""
    found: dict[str, Field] = {}
    for path, (name, unit) in fields.items():
        item = look_up(group, path)
        if not isinstance(item, h5py.Dataset) or item.size != 1 or name in found:
            continue
        scale = (1.0, False) if not unit else conversion(name, attribute(item, "units") or unit)
        if scale is not None:
            found[name] = Field(name, path, *scale)
    return tuple(found.values())
