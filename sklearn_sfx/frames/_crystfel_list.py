r"""CrystFEL's lists of files and events, such as the hit lists that are written here.

One frame to a line, ``run.cxi //42``, or a whole file; see "EVENT LISTS" in the manual of
indexamajig. The last word of a line is an event only if it has ``//``, so names may have blanks.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

import numpy as np

from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames._format_protocol import DamagedFile, Format, StoredMask
from sklearn_sfx.frames._joined_source import join_sources
from sklearn_sfx.frames._own_mask import own_masks
from sklearn_sfx.frames._picked_source import PickedSource
from sklearn_sfx.frames._protocols import FrameSource
from sklearn_sfx.frames._recognize import Part, find_format, gone_among

__all__ = ["CrystfelList", "ListLine", "split_line"]

_BOM = b"\xef\xbb\xbf"
_SUFFIX = ".lst"
_LARGEST = 2**30  # bytes of a list
_ONLY = ("//", "//0")  # names of the frame of a file that has one
_EVENT = re.compile(r"(.*\S)[ \t]+(\S*//\S*)")
_EVENT_OF_OM = re.compile(
    r"(.*\S)[ \t]+//[ \t]+([0-9]{1,18})"
)  # which puts a blank and zeros into it


class ListLine(NamedTuple):
    """One line of a list.

    Parameters
    ----------
    number : int
        Of the line, from 1.
    name : str
        Of the file, as it stands there.
    event : str or None
        None where all frames of the file are meant.
    """

    number: int
    name: str
    event: str | None


class CrystfelList(Format):
    """A list, with or without events, of files of whatever other formats."""

    name = "CrystFEL's lists of files and events"

    def knows(self, path: str, head: bytes) -> bool:
        """Told by text whose first line has an event or names a file that is there.

        Only of a list whose first file is gone the name, .lst, has to say what it is.
        """
        if not head or b"\0" in head:
            return False
        if path.lower().endswith(_SUFFIX):
            return True
        first = next(_lines(head), None)
        return first is not None and (first.event is not None or bool(_there(path, first.name)))

    def open(self, path: str, dataset: str | None = None) -> FrameSource:
        """Return the frames that are listed, in their order; each file is opened once.

        A damaged file among single images is a frame that cannot be read.
        """
        opened, positions = _open_listed(path, dataset)
        source = opened.joined()
        if np.array_equal(positions, np.arange(source.shape[0])):
            return source
        return PickedSource(source, positions)

    def find_mask(self, path: str, dataset: str | None = None) -> StoredMask | None:
        """Return the mask of the listed files: one for all of their frames, or one for each."""
        masks = [known.find_mask(file, dataset) for file, known in _known(path)]
        if _are_alike(masks) or dataset is not None:
            return masks[0] if _are_alike(masks) else None
        return self._masks_of_lines(path, None)

    def find_mask_beside(self, path: str, dataset: str | None = None) -> StoredMask | None:
        """Return the mask of the listed files, whose frames are in a dataset that may be named."""
        masks = [known.find_mask_beside(file, dataset) for file, known in _known(path)]
        return masks[0] if _are_alike(masks) else self._masks_of_lines(path, dataset)

    def _masks_of_lines(self, path: str, dataset: str | None) -> StoredMask | None:
        opened, positions = _open_listed(path, dataset)
        own, where = own_masks(opened.parts(), dataset)
        if own is None or isinstance(own, np.ndarray):
            return None if own is None else StoredMask(own, where)
        return StoredMask(PickedSource(own, positions), where)

    def is_simulated(self, path: str) -> bool:
        """Whether a listed file says so."""
        return any(known.is_simulated(file) for file, known in _known(path))


def _are_alike(masks: list[StoredMask | None]) -> bool:
    """Whether all are the same mask for all frames."""
    first = masks[0]
    return all(
        mask is not None
        and first is not None
        and isinstance(mask.values, np.ndarray)
        and np.array_equal(mask.values, first.values)  # type: ignore
        and (mask.good_bits, mask.bad_bits) == (first.good_bits, first.bad_bits)
        for mask in masks
    )


class _Opened:
    """The files of a list, each opened once, and where in their join each event is."""

    def __init__(self, path: str, dataset: str | None):
        self._path, self._dataset = path, dataset
        self._sources: dict[str, FrameSource] = {}  # absolute path -> its frames
        self._formats: dict[str, Format] = {}  # absolute path -> what it is
        self._n_frames = 0
        self._files: dict[str, str] = {}  # name in the list -> absolute path
        self._starts: dict[str, int] = {}  # absolute path -> position of its first frame
        self._events: dict[str, dict[str, list[int]]] = {}  # absolute path -> event -> positions

    def parts(self) -> list[Part]:
        """Return each file as a part of a run."""
        return [Part(self._formats[file], (file,), s) for file, s in self._sources.items()]

    def joined(self) -> FrameSource:
        """Return the frames of all files, in the order in which they came up."""
        return join_sources(list(self._sources.values()))

    def open_all(self, lines: list[ListLine]) -> None:
        """Open each file once; damaged ones last, when it is known what the others are."""
        damaged: dict[str, DamagedFile] = {}
        for line in lines:
            if line.name in self._files:
                continue
            file = self._files[line.name] = _resolve(self._path, line)
            if file not in self._sources and file not in damaged:
                try:
                    self._open(file, line)
                except DamagedFile as error:
                    damaged[file] = error
        if damaged:
            stand_ins = gone_among(list(self._sources.values()), damaged)
            like, *_ = self._formats.values()
            for file, source in stand_ins.items():
                self._add(file, like, source)

    def positions(self, line: ListLine) -> np.ndarray:
        """Return where the frames of a line are."""
        file = self._files[line.name]
        if line.event is None:
            start = self._starts[file]
            return np.arange(start, start + self._sources[file].shape[0])
        found = self._find(file, line.event)
        if len(found) != 1:
            raise InputError(f"Line {line.number} of {self._path}: {self._why_not(file, line)}.")
        return np.array(found)

    def _open(self, file: str, line: ListLine) -> None:
        try:
            known = find_format(file)
            if isinstance(known, CrystfelList):
                raise InputError(f"{file} is a list itself: put its lines into this one.")
            source = known.open(file, self._dataset)
            first = next(iter(self._sources.values()), source)
            join_sources([first, source])  # which asks whether the shapes agree
        except InputError as error:
            raise type(error)(f"Line {line.number} of {self._path}: {error}") from error
        self._add(file, known, source)

    def _add(self, file: str, known: Format, source: FrameSource) -> None:
        self._sources[file], self._formats[file] = source, known
        self._starts[file] = self._n_frames
        self._n_frames += source.shape[0]

    def _find(self, file: str, event: str) -> list[int]:
        if file not in self._events:
            source, events = self._sources[file], self._events.setdefault(file, {})
            for i in range(source.shape[0]):
                events.setdefault(source.origin(i).event, []).append(self._starts[file] + i)
        events = self._events[file]
        if len(events) == 1 and event in _ONLY:  # two names for the one frame of a file
            return next(iter(events.values()))
        return events.get(event, [])

    def _why_not(self, file: str, line: ListLine) -> str:
        names = list(self._events[file])
        if line.event in names:
            return f"several frames of {file} are called {line.event}"
        shown = names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}"
        return f"{file} has no event {line.event}; its events are {shown}"


def _open_listed(path: str, dataset: str | None) -> tuple[_Opened, np.ndarray]:
    """Return the files of a list, and where in their join its frames are."""
    opened, lines = _Opened(path, dataset), _read(path)
    opened.open_all(lines)
    pieces = [opened.positions(line) for line in lines]
    return opened, np.concatenate(pieces)


def split_line(number: int, text: str) -> ListLine:
    """Take a line apart as CrystFEL does, and an event with a blank in it as OM means it."""
    text = text.strip(" \t\r")
    if found := _EVENT_OF_OM.fullmatch(text):
        return ListLine(number, found[1], f"//{int(found[2])}")
    if found := _EVENT.fullmatch(text):
        return ListLine(number, found[1], found[2])
    return ListLine(number, text, None)


def _lines(data: bytes) -> Iterator[ListLine]:
    text = os.fsdecode(data.removeprefix(_BOM))
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield split_line(number, line)


def _read(path: str) -> list[ListLine]:
    with open(path, "rb") as file:
        data = file.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        raise InputError(f"{path} is no list of frames: it has more than {_LARGEST} bytes.")
    lines = list(_lines(data))
    if not lines:
        raise InputError(f"{path} lists no frame.")
    return lines


def _files(path: str) -> list[str]:
    names = {line.name: line for line in _read(path)}
    return list(dict.fromkeys(_resolve(path, line) for line in names.values()))


def _known(path: str) -> Iterator[tuple[str, Format]]:
    """Yield each listed file and its format, but for empty ones."""
    for file in _files(path):
        with suppress(DamagedFile):
            yield file, find_format(file)


def _there(path: str, name: str) -> list[str]:
    """Return what a name can mean and is there."""
    places = (os.path.join(folder, name) for folder in _folders(path))
    there = [os.path.abspath(place) for place in places if os.path.exists(place)]
    return list({os.path.realpath(place): place for place in there[::-1]}.values())


def _folders(path: str) -> list[str]:
    """Return where names of a list begin: where one works, as for CrystFEL, and beside the list."""
    return list(dict.fromkeys((os.getcwd(), os.path.dirname(path))))


def _resolve(path: str, line: ListLine) -> str:
    """Return the absolute path of a file of a list."""
    found = _there(path, line.name)
    if len(found) == 1:
        return found[0]
    tried = " and in ".join(_folders(path))
    if found:
        raise InputError(
            f"Line {line.number} of {path}: there is a {line.name} in {tried}: give its absolute "
            "path."
        )
    tried = "" if os.path.isabs(line.name) else f", which was looked for in {tried}"
    raise InputError(f"Line {line.number} of {path}: there is no file {line.name}{tried}.")
