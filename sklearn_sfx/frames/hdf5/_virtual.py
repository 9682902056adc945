"""Frames that are put together from those of other datasets."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from sklearn_sfx.frames._protocols import Window
from sklearn_sfx.frames.hdf5._stored import Stored
from sklearn_sfx.frames.hdf5._unread import Unread

__all__ = ["NOWHERE", "PARTLY", "Piece", "Tile", "Virtual"]

NOWHERE = "the virtual dataset has nothing for it"
PARTLY = "the virtual dataset has a part of it only"


class Tile(NamedTuple):
    """A rectangle of the frames of a virtual dataset, and where its pixels are.

    Parameters
    ----------
    content : Stored, Virtual or None
        Frames that hold the rectangle; None where they are not there.
    reason : str
        Why they are not there.
    target : Window
        The rectangle.
    top, left : int
        Where it begins in the frames that hold it.
    """

    content: Stored | Virtual | None
    reason: str
    target: Window
    top: int
    left: int


class Piece(NamedTuple):
    """Consecutive frames that have a tile: frame number i is number i + shift of its content."""

    start: int
    stop: int
    shift: int
    tile: int


class Virtual:
    """Frames that are put together from those of other datasets, each read as if it were alone.

    HDF5 would read what is missing as the fill value, whole chunks where a window is wanted, and
    with one thread.

    Parameters
    ----------
    n_frames : int
        How many there are.
    frame_shape : (int, int)
        Height and width, modules stacked.
    dtype : str
        Of the pixels, in the byte order of this machine.
    fill : number
        What pixels are that no tile holds.
    modules : (int, int) or None
        As in `Facts`.
    tiles : tuple of Tile
        The rectangles.
    pieces : list of Piece
        Which frames have which.
    """

    def __init__(
        self,
        n_frames: int,
        frame_shape: tuple[int, int],
        dtype: str,
        fill: float,
        modules: tuple[int, int] | None,
        tiles: tuple[Tile, ...],
        pieces: list[Piece],
    ):
        self.n_frames = n_frames
        self.frame_shape = frame_shape
        self.dtype = dtype
        self.modules = modules
        self.tiles = tiles
        self._fill = fill
        self._whole = Window(0, 0, *frame_shape)
        self._lay_out(pieces)

    @property
    def files(self) -> frozenset[str]:
        """The files in which the tiles lie."""
        contents = (tile.content for tile in self.tiles)
        return frozenset().union(*(content.files for content in contents if content is not None))

    def _lay_out(self, pieces: list[Piece]) -> None:
        """Cut the frames into bands in which all have the same tiles.

        Band number b begins at frame `_edges[b]`; its tiles are those of `_tile` from number
        `_first[b]` to `_first[b + 1]`, and their content begins `_shift` frames further.
        """
        ends = [end for piece in pieces for end in (piece.start, piece.stop)]
        self._edges = np.unique([0, self.n_frames, *ends])[:-1]
        ordered = sorted(pieces)
        first, tile, shift = [0], [], []
        active: list[Piece] = []
        at = 0
        for edge in self._edges:
            active = [piece for piece in active if piece.stop > edge]
            while at < len(ordered) and ordered[at].start <= edge:
                active.append(ordered[at])
                at += 1
            active.sort(key=lambda piece: piece.tile)  # of two that overlap HDF5 takes the later
            tile += [piece.tile for piece in active]
            shift += [piece.shift for piece in active]
            first.append(len(tile))
        self._first = np.array(first, np.int64)
        self._tile = np.array(tile, np.int32)
        self._shift = np.array(shift, np.int64)
        areas: dict[frozenset[Window], int] = {}
        covered = []
        for start, stop in pairwise(first):
            held = frozenset(self.tiles[number].target for number in tile[start:stop])
            if held not in areas:
                areas[held] = _area(held)
            covered.append(areas[held])
        self._covered = np.array(covered, np.int64)
        # What is left open in all frames are gaps between modules; in some, a module is missing.
        self._full = int(self._covered.max(initial=0))
        if np.isnan(self._fill):
            self._full = min(1, self._full)

    def lacking(self) -> list[tuple[int, int, str]]:
        """Return first, last and reason of the frames of which no file holds all that it should."""
        stops = [*self._edges[1:].tolist(), self.n_frames]
        return [
            (int(start), int(stop), NOWHERE if covered == 0 else PARTLY)
            for start, stop, covered in zip(self._edges, stops, self._covered, strict=True)
            if covered < max(1, self._full)
        ]

    def read(self, row: int, window: Window, out: np.ndarray) -> None:
        """Write the `window` of one frame to `out`, C-contiguous and of this dtype.

        Raises
        ------
        Unread
            If it, or a part of it, cannot be read; it says which pixels were.
        InputError
            If a file is no longer the one that was opened.
        """
        band = int(np.searchsorted(self._edges, row, side="right")) - 1
        places = range(self._first[band], self._first[band + 1])
        reasons, has_some = [], False
        if self._covered[band] < max(1, self._full):
            reasons.append(NOWHERE if self._covered[band] == 0 else PARTLY)
        usable = np.zeros(out.shape, bool) if reasons else None
        if not (len(places) == 1 and self.tiles[self._tile[places[0]]].target == self._whole):
            out[...] = self._fill
        for place in places:
            tile = self.tiles[self._tile[place]]
            part = _overlap(tile.target, window)
            if part is None:
                continue
            inside = (
                slice(part.top - window.top, part.top - window.top + part.height),
                slice(part.left - window.left, part.left - window.left + part.width),
            )
            reason, read = _read_tile(tile, row + int(self._shift[place]), part, out[inside])
            if usable is None and reason:
                usable = np.ones(out.shape, bool)
            if usable is not None:
                usable[inside] = read
            has_some = has_some or read is True or bool(np.any(read))
            reasons += [reason] if reason else []
        if reasons:
            raise Unread("; ".join(dict.fromkeys(reasons)), usable if has_some else None)


def _read_tile(
    tile: Tile, row: int, part: Window, out: np.ndarray
) -> tuple[str, np.ndarray | bool]:
    """Read a part of a tile; return why it cannot be read, "" if it was, and which pixels were."""
    content = tile.content
    if content is None:
        return tile.reason, False
    if row >= content.n_frames:
        return f"{name_of(content)} has {content.n_frames} frames only", False
    top = part.top - tile.target.top + tile.top
    window = Window(top, part.left - tile.target.left + tile.left, part.height, part.width)
    direct = out.flags.c_contiguous and out.dtype == content.dtype
    values = out if direct else np.empty(out.shape, content.dtype)
    why, read = "", True
    try:
        content.read(row, window, values)
    except Unread as error:
        why = said_of(content, error.reason, f", row {row}")
        if error.usable is None:
            return why, False
        read = error.usable
    if not direct:
        _convert(values, out)
    return why, read


def name_of(content: Stored | Virtual) -> str:
    """Return what a sentence calls the dataset that holds a tile."""
    if isinstance(content, Stored):
        return f"dataset {content.dataset} of {content.path}"
    return "a virtual dataset"


def said_of(content: Stored | Virtual, reason: str, row: str = "") -> str:
    """Return why frames cannot be read, and of which dataset; a virtual one has said it itself."""
    return f"{reason} ({name_of(content)}{row})" if isinstance(content, Stored) else reason


def _convert(values: np.ndarray, out: np.ndarray) -> None:
    """Copy as HDF5 does: integers that are too large become the largest that there is."""
    if out.dtype.kind in "iu" and not np.can_cast(values.dtype, out.dtype, "safe"):
        limits, have = np.iinfo(out.dtype), np.iinfo(values.dtype)
        values = np.clip(values, max(limits.min, have.min), min(limits.max, have.max))
    with np.errstate(over="ignore"):
        out[...] = values


def _area(windows: Iterable[Window]) -> int:
    """Return how many pixels are in one window at least."""
    corners = np.array([(w.top, w.left, w.top + w.height, w.left + w.width) for w in windows])
    if not len(corners):
        return 0
    rows, columns = np.unique(corners[:, ::2]), np.unique(corners[:, 1::2])
    held = np.zeros((len(rows) - 1, len(columns) - 1), bool)
    for top, left, bottom, right in corners:
        held[(rows[:-1] >= top) & (rows[:-1] < bottom)] |= (columns[:-1] >= left) & (
            columns[:-1] < right
        )
    return int(np.diff(rows) @ held @ np.diff(columns))


def _overlap(a: Window, b: Window) -> Window | None:
    top, left = max(a.top, b.top), max(a.left, b.left)
    bottom = min(a.top + a.height, b.top + b.height)
    right = min(a.left + a.width, b.left + b.width)
    if top >= bottom or left >= right:
        return None
    return Window(top, left, bottom - top, right - left)
