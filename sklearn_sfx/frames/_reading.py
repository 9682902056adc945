"""Read frames into an array, as they are or masked and prepared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import repeat
from typing import NamedTuple

import numpy as np

from sklearn_sfx.frames._array_source import ArraySource
from sklearn_sfx.frames._blank import refuse_blank
from sklearn_sfx.frames._finite import refuse_infinity
from sklearn_sfx.frames._other_ways import other_way
from sklearn_sfx.frames._protocols import FrameSource, FrameStep, Window
from sklearn_sfx.frames._value_rule import ValueRule

__all__ = ["OneMask", "prepare_into", "read_into", "read_whole"]

AT_ONCE = 64  # frames; after each so many, whoever stops the program is heard


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


Masks = np.ndarray | Iterable[OneMask] | None


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
    masks: Masks,
    values: ValueRule,
    needs_some: bool,
) -> None:
    """Read a part of each frame as the source has it, and refuse infinity where it is not masked.

    Parameters are those of `prepare_into`.
    """
    if out.dtype.kind != "f" and not needs_some:
        masks = None
    each = zip(out, index, _read_masks(masks, len(out), window), strict=True)
    for row, position, usable in each:
        source.read(int(position), window, row)
        refuse_infinity(row, usable, source, int(position))
        if needs_some:
            refuse_blank(row, usable, values, source, int(position))


def prepare_into(
    out: np.ndarray,
    source: FrameSource,
    index: range | np.ndarray,
    window: Window,
    masks: Masks,
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
    masks : bool ndarray of shape (height, width), iterable of OneMask, or None
        Of all frames, or one of each; of whole ones.
    values : ValueRule
        Values that are not to be used.
    needs_some : bool
        Whether a frame without a pixel to be used is refused.
    steps : tuple of FrameStep
        What is run on each.
    """
    frame = np.empty((window.height, window.width), source.dtype)
    looks_at_values, may_be_infinite = bool(values), frame.dtype.kind == "f"
    rows: range | np.ndarray = range(len(out))
    if not (looks_at_values or may_be_infinite or needs_some):
        rows = _left_of_many(out, source, index, window, masks, steps)
    for row, of_place in zip(rows, _read_masks(masks, len(rows), window), strict=True):
        position = index[row]
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


def _left_of_many(
    out: np.ndarray,
    source: FrameSource,
    index: range | np.ndarray,
    window: Window,
    masks: Masks,
    steps: tuple[FrameStep, ...],
) -> range | np.ndarray:
    """Prepare frames in memory many at once, where their step can.

    Parameters are those of `prepare_into`.

    Returns
    -------
    range or int ndarray
        The rows of `out` that are left.

    Raises
    ------
    TypeError
        The step does not say of each frame whether it has done it.
    """
    on_array = other_way(steps[0], "on_array") if len(steps) == 1 else None
    if type(source) is not ArraySource or on_array is None:
        return range(len(out))
    if not (masks is None or isinstance(masks, np.ndarray)):
        return range(len(out))
    usable = None if masks is None else np.ascontiguousarray(masks[window.slices])
    positions, done = np.asarray(index, dtype=np.int64), np.zeros(len(out), dtype=bool)
    for start in range(0, len(out), AT_ONCE):
        some = slice(start, start + AT_ONCE)
        found = np.asarray(on_array(source.array, positions[some], window, usable, out[some]))
        if found.dtype != bool or found.shape != done[some].shape:
            raise TypeError(
                f"{type(steps[0]).__name__}.on_array has to say which frames it has done by "
                f"{len(done[some])} bools, and gave {found.dtype} of shape {found.shape}."
            )
        done[some] = found
    return np.flatnonzero(~done)


def _read_masks(masks: Masks, n: int, window: Window) -> Iterator[np.ndarray | None]:
    """Yield the part of each of n masks."""
    if masks is None or isinstance(masks, np.ndarray):
        part = None if masks is None else np.ascontiguousarray(masks[window.slices])
        yield from repeat(part, n)
        return
    part = np.empty((window.height, window.width), bool)
    for mask in masks:
        mask.source.read(mask.position, window, part)
        yield part
