"""What the pixels of some frames of a run are like."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from sklearn_sfx.exceptions import UnreadableFrame
from sklearn_sfx.frames import Frames, Unreadable, stored_dtype

__all__ = ["FrameSample", "sample_of"]


@dataclass(frozen=True)
class FrameSample:
    """What the pixels of some frames are like, evenly taken from a run.

    Shares are of the pixels that the mask leaves, of all these frames together.

    Parameters
    ----------
    n_frames : int
        How many were read.
    lowest, mean, highest : float or None
        Of the pixels that may be used: those that the mask leaves, but for NaN, for values that
        mean no data, and for what is saturated or below the least trusted value. None without any.
    not_finite : float
        Share of NaN and of infinite values.
    no_data : tuple of (float, float)
        Each value that means no data, or may mean it, and its share. They are those that the file
        names, and the least and largest numbers of an integer type, which no pixel counts to.
    saturated, below : float
        Share of the pixels from the file's saturation on, and of those below its least trusted
        value.
    usable : float or None
        Share of all pixels that the mask leaves; None without a mask.
    """

    n_frames: int
    lowest: float | None
    mean: float | None
    highest: float | None
    not_finite: float
    no_data: tuple[tuple[float, float], ...]
    saturated: float
    below: float
    usable: float | None


def sample_of(frames: Frames, n_frames: int) -> tuple[FrameSample, tuple[Unreadable, ...]]:
    """Read some frames of a run one by one, and return what they are like.

    Parameters
    ----------
    frames : Frames, shape (n_run, height, width)
        The run; its steps are not run.
    n_frames : int
        How many are read at the most.

    Returns
    -------
    sample : FrameSample
        Of those that can be read.
    unreadable : tuple of Unreadable
        Of those that cannot.
    """
    rows = np.unique(np.linspace(0, len(frames) - 1, min(n_frames, len(frames))).astype(int))
    stored, mask, count, unreadable = frames.as_stored(), frames.mask, _Count(frames), []
    for row in rows.tolist():
        try:
            values, usable = stored[row], mask[row] if isinstance(mask, Frames) else mask
        except UnreadableFrame as error:
            unreadable.append(Unreadable(row, row + 1, str(error).rstrip(".")))
            continue
        if any(gone.start <= row < gone.stop for gone in frames.unreadable):  # it is NaN
            continue
        count.add(values, usable)
    return count.result(), tuple(unreadable)


class _Count:
    """Sums over frames of which one is held at a time."""

    def __init__(self, frames: Frames):
        facts = frames.facts
        self.saturation, self.least = facts.saturation, facts.lowest
        self.values = dict.fromkeys([*facts.no_data, *_ends_of(stored_dtype(frames))], 0)
        self.n_frames = self.n_pixels = self.n_left = self.n_used = 0
        self.not_finite = self.saturated = self.below = 0
        self.sum, self.lowest, self.highest = 0.0, math.inf, -math.inf
        self.is_masked = frames.mask is not None

    def add(self, frame: np.ndarray, mask: np.ndarray | None) -> None:
        self.n_frames += 1
        self.n_pixels += frame.size
        values = frame[mask] if mask is not None else frame.ravel()
        self.n_left += values.size
        bad = ~np.isfinite(values)
        self.not_finite += int(bad.sum())
        for value in self.values:
            held = _is_value(values, value)
            self.values[value] += int(held.sum())
            bad |= held
        if self.saturation is not None:
            high = (values >= self.saturation) & ~bad
            self.saturated += int(high.sum())
            bad |= high
        if self.least is not None:
            low = (values < self.least) & ~bad
            self.below += int(low.sum())
            bad |= low
        used = values[~bad]
        if used.size:
            self.n_used += used.size
            self.sum += float(used.sum(dtype=np.float64))
            self.lowest = min(self.lowest, float(used.min()))
            self.highest = max(self.highest, float(used.max()))

    def result(self) -> FrameSample:
        left = max(1, self.n_left)
        known = self.n_used > 0
        return FrameSample(
            n_frames=self.n_frames,
            lowest=self.lowest if known else None,
            mean=self.sum / self.n_used if known else None,
            highest=self.highest if known else None,
            not_finite=self.not_finite / left,
            no_data=tuple((value, n / left) for value, n in self.values.items()),
            saturated=self.saturated / left,
            below=self.below / left,
            usable=self.n_left / max(1, self.n_pixels) if self.is_masked else None,
        )


def _is_value(values: np.ndarray, value: float) -> np.ndarray:
    """Return where numbers are a value, which has digits that float32 may not have."""
    if values.dtype.kind == "f":
        return values == values.dtype.type(value)
    return values == (int(value) if value == int(value) else value)


def _ends_of(dtype: np.dtype) -> list[float]:
    """Return the numbers of a type that are no counts: its largest, and a negative least one."""
    if dtype.kind not in "iu":
        return []
    limits = np.iinfo(dtype)
    return [float(limits.max)] if dtype.kind == "u" else [float(limits.max), float(limits.min)]
