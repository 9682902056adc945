"""The hits among frames that were scored, with all that the next program wants of each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from sklearn_sfx._tasks import task_named
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames import Facts, FrameOrigin, Frames
from sklearn_sfx.preprocessing import Peaks, find_peaks
from sklearn_sfx.streams._protocols import ScoredFrames, frame_name

__all__ = ["Hit", "hits_of"]

NO_PEAKS = Peaks(*(np.empty(0, dtype) for dtype in ("f4", "f4", "i8", "f4", "f4")))


class Hit(NamedTuple):
    """One hit.

    Parameters
    ----------
    pixels : ndarray of shape (height, width)
        As they came.
    usable : ndarray of bool, shape (height, width)
        By mask and values.
    peaks : Peaks
        What `find_peaks` finds on the usable pixels; none of single particles.
    origin : FrameOrigin
        What the frame is called.
    probability : float
        What the model says.
    wavelength, distance, timestamp : float
        In angstrom, mm and s; NaN where they are not known.
    facts : Facts
        What is known of all frames.
    """

    pixels: np.ndarray
    usable: np.ndarray
    peaks: Peaks
    origin: FrameOrigin
    probability: float
    wavelength: float
    distance: float
    timestamp: float
    facts: Facts

    @property
    def name(self) -> str:
        """What it is called where there is but one name: the file's own, or file and event."""
        return frame_name(self.origin)


def hits_of(block: ScoredFrames) -> Iterator[Hit]:
    """Yield the hits of a block, in their order.

    Raises
    ------
    InputError
        Some cannot be read any more; raised behind all others.
    """
    hits = block.hits
    frames = hits.frames
    if not len(frames):
        return
    known, facts, stored = frames.metadata, frames.facts, frames.as_stored()
    wavelength = _values(known.get("wavelength"), facts.wavelength, len(frames))
    distance = _values(known.get("distance"), facts.distance, len(frames))
    timestamp = _values(known.get("timestamp"), None, len(frames))
    has_spots = task_named(hits.scores.task).has_spots
    gone: Exception | None = None
    for row, origin in enumerate(hits.scores.sources):
        try:
            pixels = stored[row]
        except (InputError, OSError) as error:
            gone = gone or error
            continue
        usable = _usable(frames, row, pixels)
        looked_at = np.where(usable, pixels, np.float32(np.nan))
        found = find_peaks(looked_at) if has_spots else NO_PEAKS
        yield Hit(
            pixels,
            usable,
            found,
            origin,
            float(hits.scores.probability[row]),
            wavelength[row],
            distance[row],
            timestamp[row],
            facts,
        )
    if gone is not None:
        raise InputError(str(gone)) from gone


def _usable(frames: Frames, row: int, pixels: np.ndarray) -> np.ndarray:
    mask = frames.mask
    usable = np.ones(pixels.shape, bool) if mask is None else np.array(mask)
    if usable.ndim == 3:
        usable = usable[row]
    bad = frames.values.not_usable(pixels)
    if bad is not None:
        usable &= ~bad
    if pixels.dtype.kind == "f":
        usable &= np.isfinite(pixels)
    return usable


def _values(of_each: Any, of_all: float | None, n: int) -> list[float]:
    """Return one number for each frame; NaN where there is none, or text."""
    if of_each is not None and np.asarray(of_each).dtype.kind in "iuf":
        return np.asarray(of_each, float).tolist()
    return [np.nan if of_all is None else of_all] * n
