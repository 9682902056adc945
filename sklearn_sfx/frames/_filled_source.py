"""Frames of which some cannot be read, as frames of NaN."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from sklearn_sfx._text import counted
from sklearn_sfx.exceptions import InputError, UnreadableFrame
from sklearn_sfx.frames._facts import Facts, Unreadable
from sklearn_sfx.frames._protocols import FrameOrigin, FrameSource, Window

__all__ = ["FilledSource", "all_unreadable", "refuse_unreadable"]


class FilledSource:
    """The frames of another source in float32, and NaN where there is no value.

    That is in frames, or parts of frames, that cannot be read, and where a value is infinite.

    Parameters
    ----------
    source : FrameSource
        Of the frames.
    """

    gives_nan = True

    def __init__(self, source: FrameSource):
        self._source = source
        # Frames that turned out not to be readable, in this process, and whether it is all of them.
        self._met: dict[int, Unreadable] = {}
        self.shape = source.shape
        self.dtype = np.dtype(np.float32)
        self.stored_dtype = getattr(source, "stored_dtype", source.dtype)

    @property
    def files(self) -> frozenset[str]:
        """The files that the source reads."""
        return getattr(self._source, "files", frozenset())

    @property
    def facts(self) -> Facts:
        """What the source says of its frames."""
        return getattr(self._source, "facts", Facts())

    @property
    def unreadable(self) -> tuple[Unreadable, ...]:
        """The frames that are known not to be readable, and those that were met."""
        met, found = dict(self._met), []
        for known in getattr(self._source, "unreadable", ()):
            inside = sorted(position for position in met if known.start <= position < known.stop)
            # What is left of a frame is known once it was met; all else was known before.
            partly = [position for position in inside if met[position].partly]
            for start, stop in pairwise([known.start - 1, *partly, known.stop]):
                if start + 1 < stop:
                    found.append(known._replace(start=start + 1, stop=stop))
            for position in set(inside) - set(partly):
                del met[position]
        return tuple(sorted([*found, *met.values()]))

    def read(self, position: int, window: Window, out: np.ndarray) -> None:
        """Write the `window` of frame `position` to `out`; NaN where it cannot be read."""
        values = np.empty(out.shape, self._source.dtype)
        usable: np.ndarray | bool = True
        try:
            self._source.read(position, window, values)
        except UnreadableFrame as error:
            usable = False if error.usable is None else error.usable
            reason, partly = str(error).rstrip("."), error.usable is not None
            self._met[position] = Unreadable(position, position + 1, reason, partly)
        with np.errstate(over="ignore", invalid="ignore"):
            out[...] = values
        if values.dtype.kind == "f":
            usable = usable & ~np.isinf(out)
        if usable is not True:
            out[np.broadcast_to(~np.asarray(usable), out.shape)] = np.nan

    def origin(self, position: int) -> FrameOrigin:
        """Return where frame `position` comes from."""
        return self._source.origin(position)

    def metadata(self, positions: np.ndarray) -> dict[str, np.ndarray]:
        """Return what is known of the frames at `positions`."""
        return self._source.metadata(positions)

    def narrowed(self, index: range | np.ndarray) -> tuple[FilledSource, range | np.ndarray]:
        """Return a source with less that still holds the frames at `index`."""
        if not hasattr(self._source, "narrowed"):
            return self, index
        source, index = self._source.narrowed(index)
        return FilledSource(source), index


def all_unreadable(source: FrameSource) -> bool:
    """Whether it is known that not one of the frames can be read, not even in part."""
    known = getattr(source, "unreadable", ())
    return sum(gone.stop - gone.start for gone in known if not gone.partly) == source.shape[0]


def refuse_unreadable(source: FrameSource) -> None:
    """Say in one sentence which frames cannot be read, if there are some, and what to do."""
    known: Sequence[Unreadable] = getattr(source, "unreadable", ())
    if not known:
        return
    n_gone, n_frames = sum(gone.stop - gone.start for gone in known), source.shape[0]
    first = source.origin(known[0].start)
    reasons = list(dict.fromkeys(gone.reason for gone in known))
    others = f" (and for {counted(len(reasons) - 1, 'other reason')})" if len(reasons) > 1 else ""
    way_out = (
        'Put the files back or, to go on without these frames, open the run with missing="nan" or '
        '"on_read"; on the command line leave out --strict.'
    )
    if all_unreadable(source):
        way_out = "Put the files back."
    raise InputError(
        f"{n_gone} of {n_frames} frames cannot be read, first frame [{first.position + 1}] of "
        f"{first.path}: {reasons[0]}{others}. {way_out}"
    )
