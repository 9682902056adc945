"""Frames of which nothing is left once mask and values are taken out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sklearn_sfx.exceptions import UnreadableFrame
from sklearn_sfx.frames._facts import Unreadable
from sklearn_sfx.frames._protocols import FrameSource
from sklearn_sfx.frames._value_rule import ValueRule

__all__ = ["refuse_blank"]

SPARSE = (slice(None, None, 16), slice(None, None, 16))  # most frames are told by these pixels


def refuse_blank(
    frame: np.ndarray,
    usable: np.ndarray | None,
    values: ValueRule,
    source: FrameSource,
    position: int,
) -> None:
    """Raise `UnreadableFrame` if not one pixel of a frame is to be used.

    Parameters
    ----------
    frame : ndarray of shape (height, width)
        As it was read.
    usable : bool ndarray of the same shape, or None
        Its mask.
    values : ValueRule
        Values that are not to be used.
    source : FrameSource
        Where it comes from.
    position : int
        Which one it is there.
    """
    of_sparse = None if usable is None else usable[SPARSE]
    if _has_some(frame[SPARSE], of_sparse, values) or _has_some(frame, usable, values):
        return
    if getattr(source, "gives_nan", False):
        known: Sequence[Unreadable] = getattr(source, "unreadable", ())
        if any(gone.start <= position < gone.stop for gone in known):
            return  # it is NaN since it cannot be read, and whoever asks is told so
    origin = source.origin(position)
    raise UnreadableFrame(
        f"Frame [{origin.position + 1}] of {origin.path or 'the array'} has no pixel to look at: "
        "all are masked, NaN, or hold a value that means no data."
    )


def _has_some(frame: np.ndarray, usable: np.ndarray | None, values: ValueRule) -> bool:
    left = np.ones(frame.shape, bool) if usable is None else usable
    if frame.dtype.kind == "f":
        left = left & ~np.isnan(frame)
    bad = values.not_usable(frame)
    return bool((left if bad is None else left & ~bad).any())
