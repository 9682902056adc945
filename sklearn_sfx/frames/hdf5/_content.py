"""What a dataset of frames is made of: itself, or for a virtual one all that it names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import h5py
import numpy as np

from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames._facts import Unreadable
from sklearn_sfx.frames._protocols import Window
from sklearn_sfx.frames.hdf5._handles import NotOpened, look_up, open_file
from sklearn_sfx.frames.hdf5._links import find_linked_file, linked_path, place_of, why_dead
from sklearn_sfx.frames.hdf5._selections import (
    Odd,
    Selection,
    consecutive,
    is_all,
    printf_blocks,
    selected,
)
from sklearn_sfx.frames.hdf5._stored import Stored, never_written, store
from sklearn_sfx.frames.hdf5._unread import merged, split_by_rest
from sklearn_sfx.frames.hdf5._virtual import Piece, Tile, Virtual, name_of, said_of

__all__ = ["Content", "content_of"]

MAX_HOPS = 16  # virtual datasets of virtual datasets
FORESIGHT = 64  # numbers of files that are looked for behind the last
NUMBERED = re.compile(r"(?<!%)(?:%%)*%b")  # names of files of which each holds one block

Content = tuple[Stored | Virtual, tuple[Unreadable, ...]]


def content_of(
    dataset: h5py.Dataset, n_lead: int, channel: int | None = None, hops: int = MAX_HOPS
) -> Content:
    """Find out where the frames of an open dataset are, and which of them are not there.

    Parameters
    ----------
    dataset : h5py.Dataset
        Of frames; virtual or not.
    n_lead : int
        How many of its axes, the first ones, count frames.
    channel : int, default=None
        Which of several images of each frame is meant, on the axis behind those.
    hops : int
        How many virtual datasets may still lead to others.

    Returns
    -------
    Stored or Virtual
        What they are read from.
    tuple of Unreadable
        Those that cannot be read, as far as that is known without reading.

    Raises
    ------
    InputError
        If it is put together in a way that is not read, or its frames cannot be counted.
    """
    frames = store(dataset, n_lead, channel)
    if not dataset.is_virtual:
        return frames, never_written(dataset, frames)
    if hops == 0:
        raise InputError(f"The virtual datasets of {frames.path} go in a circle.")
    builder = _Builder(frames, hops)
    mappings = dataset.virtual_sources()
    try:
        for mapping in mappings:
            builder.add(mapping)
    except Odd as error:
        files = ", ".join(dict.fromkeys(mapping.file_name for mapping in mappings))
        raise InputError(
            f"Dataset {frames.dataset} of {frames.path} is put together in a way that is not read "
            f"here: give the files that hold its frames as a list ({files})."
        ) from error
    virtual = Virtual(
        frames.n_frames,
        frames.frame_shape,
        frames.dtype,
        dataset.fillvalue,
        frames.modules,
        tuple(builder.tiles),
        builder.pieces,
    )
    gone = list(merged([*builder.unreadable(), *virtual.lacking()]))
    return virtual, tuple(split_by_rest(gone, builder.readable()) if gone else ())


class _Builder:
    """Collects the tiles of a virtual dataset, mapping by mapping."""

    def __init__(self, frames: Stored, hops: int):
        self._frames = frames
        self._hops = hops
        self._found: dict[tuple, Content] = {}
        self._gone: list[tuple[Unreadable, ...]] = []  # of the content of each tile
        self.tiles: list[Tile] = []
        self.pieces: list[Piece] = []

    def add(self, mapping: Any) -> None:
        """Add what one mapping of the dataset takes from another dataset."""
        shape, names = self._frames.shape, (mapping.file_name, mapping.dset_name)
        if any(NUMBERED.search(name) for name in names):
            number = -1
            for number, target in enumerate(printf_blocks(mapping.vspace, shape)):
                file_name, dset_name = (_numbered(name, number) for name in names)
                self._add(target, file_name, dset_name, mapping.src_space)
            self._refuse_gap(mapping.file_name, number + 1)
        else:
            self._add(selected(mapping.vspace, shape), *names, mapping.src_space)

    def unreadable(self) -> Iterator[tuple[int, int, str]]:
        """Yield first, last and reason of the frames of which a tile cannot be read."""
        for start, stop, shift, number in self.pieces:
            content, reason, *_ = self.tiles[number]
            if content is None:
                yield start, stop, reason
                continue
            if stop + shift > content.n_frames:
                has = f"{name_of(content)} has {content.n_frames} frames only"
                yield max(start, content.n_frames - shift), stop, has
            for gone in self._gone[number]:
                first, last = max(start, gone.start - shift), min(stop, gone.stop - shift)
                if first < last:
                    yield first, last, said_of(content, gone.reason)

    def readable(self) -> Iterator[tuple[int, int]]:
        """Return first and last of the frames of which a tile can be read, at least in part."""
        for start, stop, shift, number in self.pieces:
            content = self.tiles[number].content
            if content is None:
                continue
            at, end = start, min(stop, content.n_frames - shift)
            for gone in self._gone[number]:
                if not gone.partly and gone.stop - shift > at:
                    yield at, min(end, gone.start - shift)
                    at = gone.stop - shift
            yield at, end

    def _add(
        self, target: Selection, file_name: str, dset_name: str, space: h5py.h5s.SpaceID
    ) -> None:
        path = self._frames.path
        if file_name != ".":
            found = find_linked_file(file_name, path, "HDF5_VDS_PREFIX")
            if found is None:
                missing = linked_path(file_name, path)
                self._add_missing(target, f"the file {missing}, which holds it, is not there")
                return
            path = found
        if not target.size:
            return
        try:
            with open_file(path) as opened:
                dataset = look_up(opened.file, dset_name)
                if not isinstance(dataset, h5py.Dataset):
                    self._add_missing(target, why_dead(opened.file, dset_name))
                else:
                    self._add_tiles(target, dataset, space)
        except NotOpened as error:
            self._add_missing(target, str(error).rstrip("."))

    def _refuse_gap(self, file_name: str, end: int) -> None:
        """Say which file is not there if HDF5 ended at its number, and there are later ones."""
        later = (_numbered(file_name, number) for number in range(end + 1, end + FORESIGHT))
        path = self._frames.path
        if any(find_linked_file(name, path, "HDF5_VDS_PREFIX") for name in later):
            missing = linked_path(_numbered(file_name, end), path)
            raise InputError(
                f"The frames of dataset {self._frames.dataset} of {path} cannot be counted: the "
                f"file {missing} is not there, and later ones are."
            )

    def _add_tiles(self, target: Selection, dataset: h5py.Dataset, space: h5py.h5s.SpaceID) -> None:
        if dataset.ndim < 2 or dataset.dtype.kind not in "biuf":
            raise Odd
        if dataset.dtype.kind == "f" and np.dtype(self._frames.dtype).kind != "f":
            raise Odd  # what becomes of fractions is not for us to say
        top, left, height, width = target.rectangle()
        n_images = target.size // (height * width)
        if is_all(space) and dataset.shape[-2:] != (height, width):
            self._add_missing(target, _too_small(dataset))
            return
        promised = dataset.shape
        if dataset.ndim == 3 and is_all(space):  # how many there were is not kept
            promised = (n_images, *dataset.shape[1:])
        elif not is_all(space):
            # What a selection was made in is not kept, only where it ends, or nothing of an
            # endless one; it is one of what is there now.
            promised = tuple(map(max, space.shape, dataset.shape))
        source = selected(space, promised).cut(n_images)
        n_whole = self._n_whole_axes(target, source, promised)
        n_lead = dataset.ndim - 2 - n_whole
        from_top, from_left, *extent = source.rectangle()
        if len(promised) != dataset.ndim or extent != [height, width]:
            raise Odd
        rows = source.flat(promised, 0, n_lead)
        content, gone = self._content(dataset, n_lead)
        if dataset.shape[max(1, n_lead) :] != promised[max(1, n_lead) :]:
            self._add_missing(target, _too_small(dataset))
            return
        for module, chosen, frames in self._by_module(target, n_whole):
            window = Window(module * self._frames.shape[-2] + top, left, height, width)
            if n_whole:
                window = Window(0, left, self._frames.frame_shape[0], width)
            tile = Tile(content, "", window, from_top, from_left)
            self._add_pieces(tile, frames, rows[chosen], gone)

    def _n_whole_axes(self, target: Selection, source: Selection, promised: tuple) -> int:
        """Return how many axes of modules are taken over whole, to be read at once."""
        shape, first = self._frames.shape, self._frames.n_lead
        n_modules = len(shape) - 2 - first
        behind = len(promised) - 2 - n_modules
        if self._frames.channel is not None or behind < 0:
            return 0
        same = promised[behind:-1] == shape[first:-1]
        whole = target.is_whole(shape, first, len(shape) - 1)
        return n_modules if same and whole and source.is_whole(promised, behind, -1) else 0

    def _by_module(
        self, target: Selection, n_whole: int
    ) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
        """Yield each module, which of the selected images are of it, and of which frames."""
        shape, first = self._frames.shape, self._frames.n_lead
        frames = target.flat(shape, 0, first)
        if n_whole:
            yield 0, np.arange(len(frames)), frames
            return
        modules = target.flat(shape, first, len(shape) - 2)
        places = np.arange(len(frames) * len(modules)).reshape(len(frames), len(modules))
        for number, module in enumerate(modules.tolist()):
            if self._frames.channel is None:
                yield module, places[:, number], frames
            elif module == self._frames.channel:
                yield 0, places[:, number], frames

    def _add_missing(self, target: Selection, reason: str) -> None:
        if not target.size:  # as many as the file would hold
            raise InputError(
                f"The frames of dataset {self._frames.dataset} of {self._frames.path} cannot be "
                f"counted: {reason}."
            )
        top, left, height, width = target.rectangle()
        for module, _, frames in self._by_module(target, 0):
            window = Window(module * self._frames.shape[-2] + top, left, height, width)
            self._add_pieces(Tile(None, reason, window, 0, 0), frames, frames, ())

    def _add_pieces(
        self, tile: Tile, frames: np.ndarray, rows: np.ndarray, gone: tuple[Unreadable, ...]
    ) -> None:
        if len(frames) != len(rows):
            raise Odd
        number = len(self.tiles)
        self.tiles.append(tile)
        self._gone.append(gone)
        for start, stop in consecutive(frames, rows):
            first, last = int(frames[start]), int(frames[stop - 1])
            self.pieces.append(Piece(first, last + 1, int(rows[start]) - first, number))

    def _content(self, dataset: h5py.Dataset, n_lead: int) -> Content:
        key = (*place_of(dataset), n_lead)
        if key not in self._found:
            self._found[key] = content_of(dataset, n_lead, hops=self._hops - 1)
        return self._found[key]


def _too_small(dataset: h5py.Dataset) -> str:
    path, name = place_of(dataset)
    return "the images of dataset {} of {} are {} x {} only".format(name, path, *dataset.shape[-2:])


def _numbered(name: str, number: int) -> str:
    return name.replace("%%", "\0").replace("%b", str(number)).replace("\0", "%")
