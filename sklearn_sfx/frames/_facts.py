"""What a file says of all its frames: the part of the beam, of the detector and of the values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

__all__ = ["Facts", "Unreadable", "common_facts", "unreadable_rows"]


class Unreadable(NamedTuple):
    """Frames that cannot be read.

    Parameters
    ----------
    start, stop : int
        The first of them, and one past the last.
    reason : str
        Why, as a sentence: "the file run_data_000002.h5, which holds them, is not there".
    partly : bool, default=False
        Whether some of the pixels of each can be read all the same.

    Examples
    --------
    >>> from sklearn_sfx.frames import Unreadable
    >>> Unreadable(100, 200, "the file b.h5, which holds them, is not there").stop
    200
    """

    start: int
    stop: int
    reason: str
    partly: bool = False


@dataclass(frozen=True)
class Facts:
    """What a format says of all frames of a source; None or empty for what it does not say.

    Parameters
    ----------
    format : str
        The name of the format.
    dataset : str
        Where the frames lie in the file, for formats that have such places.
    compression : str
        How they are compressed, as a person would say it: "bitshuffle-LZ4".
    beam_center : (float, float) or None
        Row and column where the direct beam meets the frame, in pixels, counted from the centre of
        the first one. It may lie outside.
    pixel_size : float or None
        Side of a pixel in mm.
    distance : float or None
        From sample to detector in mm, where the format has one for all frames.
    wavelength : float or None
        In angstrom, likewise.
    saturation : float or None
        A pixel of this value or more has not counted rightly and is not to be used.
    no_data : tuple of float
        Values that stand for no data wherever they occur: a gap, a lost module, an overflow.
    lowest : float or None
        A pixel below this value is not to be used: the least trusted value.
    modules : (int, int) or None
        How many modules of how many rows are stacked along the slow axis; None for an image. Rows
        of different modules are no neighbours, so nothing is cropped across them.
    note : str
        What a user has to know: "raw values, not calibrated".

    Examples
    --------
    >>> from sklearn_sfx.frames import Facts
    >>> Facts(format="CBF", beam_center=(840.5, 737.5)).saturation is None
    True
    """

    format: str = ""
    dataset: str = ""
    compression: str = ""
    beam_center: tuple[float, float] | None = None
    pixel_size: float | None = None
    distance: float | None = None
    wavelength: float | None = None
    saturation: float | None = None
    no_data: tuple[float, ...] = ()
    lowest: float | None = None
    modules: tuple[int, int] | None = None
    note: str = ""


def unreadable_rows(
    known: Sequence[Unreadable], index: range | np.ndarray
) -> tuple[Unreadable, ...]:
    """Return which rows of a selection of frames are known not to be readable.

    Parameters
    ----------
    known : sequence of Unreadable
        Frames of the source, in order.
    index : range or int ndarray
        The frames that are selected.
    """
    if not known or not len(index):
        return ()
    starts, stops = (np.array([getattr(gone, end) for gone in known]) for end in ("start", "stop"))
    positions = np.asarray(index, np.int64)
    which = np.searchsorted(starts, positions, side="right") - 1
    which[(which >= 0) & (positions >= stops[which])] = -1
    edges = [0, *(np.flatnonzero(np.diff(which)) + 1).tolist(), len(which)]
    return tuple(
        known[which[start]]._replace(start=start, stop=stop)
        for start, stop in pairwise(edges)
        if which[start] >= 0
    )


def common_facts(parts: Sequence[Facts]) -> Facts:
    """Return what all parts of a run say alike; names that differ are listed."""
    if len(set(parts)) == 1:
        return parts[0]
    common: dict[str, Any] = {}
    for field in fields(Facts):
        values = list(dict.fromkeys(getattr(part, field.name) for part in parts))
        if len(values) == 1:
            common[field.name] = values[0]
        elif field.name in ("format", "compression", "note"):
            common[field.name] = ", ".join(value for value in values if value)
        elif field.name == "no_data":  # a value that means nothing in one part means it in the run
            common[field.name] = tuple(dict.fromkeys(value for part in values for value in part))
        elif field.name in ("saturation", "lowest"):
            known = [value for value in values if value is not None]
            common[field.name] = min(known) if field.name == "saturation" else max(known)
    return Facts(**common)
