"""Frames that lie together in a file, and the names that they go by."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import h5py
import numpy as np

from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames._facts import Facts, Unreadable
from sklearn_sfx.frames._protocols import Window
from sklearn_sfx.frames.hdf5._content import content_of
from sklearn_sfx.frames.hdf5._handles import HDF5_ERRORS, look_up
from sklearn_sfx.frames.hdf5._metadata import Field
from sklearn_sfx.frames.hdf5._stored import Stored
from sklearn_sfx.frames.hdf5._values import text
from sklearn_sfx.frames.hdf5._virtual import Piece, Tile, Virtual

__all__ = ["Images", "Segment", "first_of", "gone_segment", "make_segment"]

MOST_FRAMES, MOST_PIXELS = 2**31, 2**28  # what claims more is damaged
MOST_CHANNELS = 4  # of a colour picture; no module is so narrow


class Images(NamedTuple):
    """One dataset of frames, as a layout finds it.

    Parameters
    ----------
    name : str
        Its path in the file.
    event : str
        What stands before ``//`` in CrystFEL's name of a frame.
    n_lead : int or None
        How many axes count frames; None for one, of a dataset of three dimensions or more, and
        none of one of two.
    channel : int or None
        Which of several images of each frame is meant, on the axis behind those.
    """

    name: str
    event: str = ""
    n_lead: int | None = None
    channel: int | None = None


class Segment(NamedTuple):
    """Consecutive frames of one file that are read from one dataset.

    Parameters
    ----------
    path, dataset : str
        Absolute path of the file that was opened, and path of the dataset in it, links not
        followed.
    n_frames : int
        How many of the frames of `content`, from the first, count.
    content : Stored or Virtual
        Where they are.
    lead : tuple of int
        Lengths of the axes that count frames.
    first : int
        Number within the file of the first frame.
    event : str
        What stands before ``//`` in CrystFEL's name of a frame.
    fields : tuple of Field
        What the file says of each frame.
    field_start : int
        Which row of the fields is that of the first frame.
    facts : Facts
        What the file says of all frames.
    unreadable : tuple of Unreadable
        Those that are known not to be readable.
    """

    path: str
    dataset: str
    n_frames: int
    content: Stored | Virtual
    lead: tuple[int, ...]
    first: int = 0
    event: str = ""
    fields: tuple[Field, ...] = ()
    field_start: int = 0
    facts: Facts = Facts()
    unreadable: tuple[Unreadable, ...] = ()

    @property
    def shape(self) -> tuple[int, int, int]:
        """(n_frames, height, width), modules stacked."""
        return (self.n_frames, *self.content.frame_shape)

    def event_of(self, row: int) -> str:
        """Return CrystFEL's name of a frame: a placeholder for each axis that is longer than 1."""
        if not self.lead:
            return f"{self.event}//"
        if len(self.lead) == 1:  # nearly every file, and asked for each of its frames
            return f"{self.event}//{row}"
        index = np.unravel_index(row, self.lead)
        parts = [str(i) for i, n in zip(index, self.lead, strict=True) if n > 1] or ["0"]
        return f"{self.event}//{'/'.join(parts)}"


def make_segment(path: str, dataset: h5py.Dataset, images: Images) -> Segment | None:
    """Describe one dataset of frames; None where it holds no frame.

    Tools that grow the dataset while they write set the attribute ``numEvents``. Closed, the
    extent is cut to it. Otherwise the extent is larger, padded, and ``numEvents`` is the position
    of a frame written recently, not a count; all before that one are read, and none after. Of a
    file that is open for writing (SWMR), the frames count that are there.
    """
    n_lead = images.n_lead
    if n_lead is None:
        n_lead = min(1, max(0, dataset.ndim - 2))
    n_axes = dataset.ndim - n_lead - (images.channel is not None)
    if dataset.dtype.kind not in "biuf" or n_axes not in (2, 3):
        raise InputError(
            f"Dataset {images.name} of {path} has the shape {dataset.shape} and dtype "
            f"{dataset.dtype}: frames are numbers of shape (height, width), (n, height, width) or "
            "(n, modules, height, width)."
        )
    if n_axes == 3 and dataset.shape[-1] <= MOST_CHANNELS:
        raise InputError(
            f"Dataset {images.name} of {path} has the shape {dataset.shape}, whose last axis is "
            "one of channels rather than of pixels: write one channel, of shape (n, height, width)."
        )
    n_frames = math.prod(dataset.shape[:n_lead])
    n_pixels = math.prod(dataset.shape[n_lead:])
    if n_frames > MOST_FRAMES or n_pixels > MOST_PIXELS:
        raise InputError(
            f"Dataset {images.name} of {path} claims the shape {dataset.shape}, which no frames "
            "have: the file is damaged."
        )
    if min(dataset.shape[n_lead:]) < 1:
        return None
    content, unreadable = content_of(dataset, n_lead, images.channel)
    said = _frames_said(path, dataset, images.name)
    lacking = said is not None and said > n_frames
    note = f"the file says {said} frames, {n_frames} are there" if lacking else ""
    n_frames = n_frames if said is None else min(n_frames, said)
    if dataset.file.swmr_mode and unreadable and unreadable[-1].stop == content.n_frames:
        n_frames = min(n_frames, unreadable[-1].start)
    if n_frames < 1:
        return None
    facts = Facts(
        dataset=images.name,
        compression=_compression(content),
        modules=content.modules,
        note=note,
    )
    segment = Segment(
        path,
        images.name,
        content.n_frames,
        content,
        dataset.shape[:n_lead],
        event=images.event,
        facts=facts,
        unreadable=unreadable,
    )
    return first_of(segment, n_frames)


def first_of(segment: Segment, n_frames: int) -> Segment:
    """Return a segment with the first frames only, if it has more."""
    n_frames = min(n_frames, segment.n_frames)
    gone = (u for u in segment.unreadable if u.start < n_frames)
    kept = tuple(u._replace(stop=min(u.stop, n_frames)) for u in gone)
    return segment._replace(n_frames=n_frames, unreadable=kept)


def gone_segment(path: str, images: Images, n_frames: int, like: Segment, reason: str) -> Segment:
    """Describe frames of which it is known how many there are, and that none is there."""
    content = like.content
    tile = Tile(None, reason, Window(0, 0, *content.frame_shape), 0, 0)
    pieces = [Piece(0, n_frames, 0, 0)]
    nothing = Virtual(
        n_frames, content.frame_shape, content.dtype, 0, content.modules, (tile,), pieces
    )
    return like._replace(
        path=path,
        dataset=images.name,
        n_frames=n_frames,
        content=nothing,
        lead=(n_frames,),
        event=images.event,
        facts=Facts(dataset=images.name, modules=content.modules),
        unreadable=(Unreadable(0, n_frames, reason),),
    )


def _compression(content: Stored | Virtual) -> str:
    """Return how the frames are compressed, as the first that are there are."""
    if isinstance(content, Stored):
        return content.compression
    there = (tile.content for tile in content.tiles if tile.content is not None)
    return next((_compression(part) for part in there), "")


def _frames_said(path: str, dataset: h5py.Dataset, name: str) -> int | None:
    """Return how many frames count, by what the writer says of it; None where it says nothing."""
    for item, where in ((dataset, name), (dataset.parent, name.rpartition("/")[0] or "/")):
        if "numEvents" not in item.attrs:
            continue
        try:
            attribute = item.attrs["numEvents"]
        except HDF5_ERRORS:
            attribute = None
        value = _whole_number(attribute)
        if value is None or value < 0:
            said = np.asarray(attribute).tolist()
            raise InputError(
                f"The attribute numEvents of {where} in {path} should be how many frames were "
                f"written, but it is {said!r}: give the frames that count as another dataset."
            )
        return value
    file, entry = dataset.file, str(dataset.name).strip("/").partition("/")[0]
    for place in (f"{entry}/numEvents", "numEvents" if "entry_2" not in file else ""):
        item = look_up(file, place) if place else None
        if isinstance(item, h5py.Dataset) and item.size == 1:
            value = _whole_number(item[()])
            if value is not None and value >= 0:
                return value
    return None


def _whole_number(value: Any) -> int | None:
    """Return an integer however it is wrapped up, None for anything else."""
    if isinstance(value, str | bytes) or np.asarray(value).dtype.kind in "SUO":
        word = text(value)
        return int(word) if word.isdecimal() and len(word) < 19 else None
    values = np.ravel(value)
    if values.size != 1 or values.dtype.kind not in "iuf" or values[0] % 1 != 0:
        return None
    return int(values[0])
