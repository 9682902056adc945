"""Read frames into an array, as they are or masked and prepared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from sklearn_sfx.frames._blank import refuse_blank
from sklearn_sfx.frames._finite import refuse_infinity
from sklearn_sfx.frames._protocols import FrameSource, FrameStep, Window
from sklearn_sfx.frames._value_rule import ValueRule

__all__ = ["OneMask", "prepare_into", "read_into", "read_whole"]


class OneMask(NamedTuple):
    """The mask of one frame, which is yet to be read.

    Parameters
    ----------
    source : FrameSource
        Of masks.
    position : int
        Which of them.
    """

    source: FrameSource
    position: int


Mask = np.ndarray | OneMask | None


def read_whole(
    out: np.ndarray, source: FrameSource, index: range | np.ndarray, window: Window
) -> None:
    """Read frames just as the source has them; parameters are those of `prepare_into`."""
    for row, position in zip(out, index, strict=True):
        source.read(int(position), window, row)


def read_into(
    out: np.ndarray,
    source: FrameSource,
    index: range | np.ndarray,
    window: Window,
    masks: Iterable[Mask],
    values: ValueRule,
    needs_some: bool,
) -> None:
    """Read a part of each frame as the source has it, and refuse infinity where it is not masked.

    Parameters are those of `prepare_into`.
    """
    if out.dtype.kind != "f" and not needs_some:
        masks = [None] * len(out)
    for row, position, usable in zip(out, index, _read_masks(masks, window), strict=True):
        source.read(int(position), window, row)
        refuse_infinity(row, usable, source, int(position))
        if needs_some:
            refuse_blank(row, usable, values, source, int(position))


def prepare_into(
    out: np.ndarray,
    source: FrameSource,
    index: range | np.ndarray,
    window: Window,
    masks: Iterable[Mask],
    values: ValueRule,
    needs_some: bool,
    steps: tuple[FrameStep, ...],
) -> None:
    """Read a part of each frame, mask it, and run the steps, frame by frame.

    Parameters
    ----------
    out : float32 ndarray of shape (n_frames, ...)
        Filled with what the steps return; or bool where masks are cropped.
    source : FrameSource
        Of the frames.
    index : range or int ndarray of shape (n_frames,)
        Which of them.
    window : Window
        The part that is read.
    masks : iterable of bool ndarray of shape (height, width), OneMask, or None
        Of whole frames.
    values : ValueRule
        Values that are not to be used.
    needs_some : bool
        Whether a frame without a pixel to be used is refused.
    steps : tuple of FrameStep
        What is run on each.
    """
    frame = np.empty((window.height, window.width), source.dtype)
    looks_at_values, may_be_infinite = bool(values), frame.dtype.kind == "f"
    for row, position, of_place in zip(
        range(len(out)), index, _read_masks(masks, window), strict=True
    ):
        source.read(int(position), window, frame)
        usable = of_place
        if looks_at_values and (bad := values.not_usable(frame)) is not None:
            usable = ~bad if of_place is None else of_place & ~bad
        if may_be_infinite:
            refuse_infinity(frame, usable, source, int(position))
        if needs_some:
            refuse_blank(frame, of_place, values, source, int(position))
        if steps:
            result = steps[0](frame, usable)
            for step in steps[1:]:
                result = step(result, None)
            out[row] = result
        else:
            out[row] = frame
            if usable is not None:
                out[row][~usable] = np.nan


def _read_masks(masks: Iterable[Mask], window: Window) -> Iterator[np.ndarray | None]:
    """Yield the part of each mask; an array is used again for the next frame."""
    part: np.ndarray | None = None
    last: Mask = None
    for mask in masks:
        if isinstance(mask, OneMask):
            part = np.empty((window.height, window.width), bool) if part is None else part
            mask.source.read(mask.position, window, part)
        elif mask is not last:
            part = None if mask is None else np.ascontiguousarray(mask[window.slices])
        last = mask
        yield part
