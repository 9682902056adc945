"""Several sources as one run, whatever their formats."""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Sequence
from itertools import accumulate

import numpy as np

from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames._facts import Facts, Unreadable, common_facts
from sklearn_sfx.frames._protocols import FrameOrigin, FrameSource, Window

__all__ = ["JoinedSource", "join_sources"]


def join_sources(sources: Sequence[FrameSource]) -> FrameSource:
    """Return one source of all frames; a source that is alone is not wrapped."""
    return sources[0] if len(sources) == 1 else JoinedSource(sources)


class JoinedSource:
    """The frames of several sources, one after the other.

    Parameters
    ----------
    sources : sequence of FrameSource
        With frames of one shape; their dtypes are promoted to a common one. Sources that are
        joined themselves are taken apart, so that a frame is found in one step.

    Raises
    ------
    InputError
        If the shapes of the frames differ.
    """

    _parts: tuple[FrameSource, ...]

    def __init__(self, sources: Sequence[FrameSource]):
        parts: list[FrameSource] = []
        for source in sources:
            parts.extend(source._parts if isinstance(source, JoinedSource) else [source])
        for other in parts:
            if other.shape[1:] != parts[0].shape[1:]:
                raise InputError(_why_not_one_run(parts[0], other))
        self._parts = tuple(parts)
        self._starts = [0, *accumulate(part.shape[0] for part in parts)]
        self.shape = (self._starts[-1], *parts[0].shape[1:])
        self.dtype = np.result_type(*{part.dtype for part in parts})

    @property
    def advice(self) -> str:
        """How the frames would be quicker to read, as the first part says that has advice."""
        return next((advice for part in self._parts if (advice := getattr(part, "advice", ""))), "")

    @property
    def facts(self) -> Facts:
        """What all parts say of their frames."""
        return common_facts([getattr(part, "facts", Facts()) for part in self._parts])

    @property
    def unreadable(self) -> tuple[Unreadable, ...]:
        """The frames that the parts know not to be readable."""
        return tuple(
            known._replace(start=known.start + start, stop=known.stop + start)
            for part, start in zip(self._parts, self._starts, strict=False)
            for known in getattr(part, "unreadable", ())
        )

    def read(self, position: int, window: Window, out: np.ndarray) -> None:
        """Write the `window` of frame `position` to `out`."""
        part, row = self._locate(position)
        if part.dtype == out.dtype:
            part.read(row, window, out)
            return
        values = np.empty(out.shape, part.dtype)
        part.read(row, window, values)
        out[...] = values

    def origin(self, position: int) -> FrameOrigin:
        """Return where frame `position` comes from, as its part says."""
        part, row = self._locate(position)
        return part.origin(row)

    def metadata(self, positions: np.ndarray) -> dict[str, np.ndarray]:
        """Return what the parts know of their frames; NaN or '' where only other parts know it."""
        found: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {}
        for number, chosen in _rows_by_number(self._numbers(positions)):
            rows = positions[chosen] - self._starts[number]
            for name, values in self._parts[number].metadata(rows).items():
                found.setdefault(name, []).append((chosen, values))
        return {name: _merged(parts, len(positions)) for name, parts in found.items()}

    def narrowed(self, index: range | np.ndarray) -> tuple[JoinedSource, range | np.ndarray]:
        """Return a source with only the parts that hold the frames at `index`."""
        if len(index) == 0:
            return self._of_parts(np.arange(1)), index
        if isinstance(index, range):  # remains one, so the parts between its ends are kept
            first, last = self._numbers(np.sort([index[0], index[-1]]))
            start = self._starts[first]
            moved = range(index.start - start, index.stop - start, index.step)
            return self._of_parts(np.arange(first, last + 1)), moved
        numbers = self._numbers(index)
        kept, where = np.unique(numbers, return_inverse=True)
        source = self._of_parts(kept)
        moves = np.array(source._starts)[:-1] - np.array(self._starts)[kept]
        return source, index + moves[where]

    def _of_parts(self, numbers: np.ndarray) -> JoinedSource:
        if len(numbers) == len(self._parts):
            return self
        source = JoinedSource([self._parts[number] for number in numbers])
        source.dtype = self.dtype  # that of the whole run
        return source

    def _locate(self, position: int) -> tuple[FrameSource, int]:
        number = bisect.bisect_right(self._starts, position) - 1
        return self._parts[number], position - self._starts[number]

    def _numbers(self, positions: np.ndarray) -> np.ndarray:
        return np.searchsorted(self._starts, positions, side="right") - 1


def _why_not_one_run(first: FrameSource, other: FrameSource) -> str:
    origins = [source.origin(0) for source in (first, other)]
    names = [origin.path or "an array" for origin in origins]
    if names[0] == names[1]:
        names = [f"{name} ({at.event})" for name, at in zip(names, origins, strict=True)]
    return (
        f"The frames of a run must have one shape, but they are {first.shape[1]} x "
        f"{first.shape[2]} in {names[0]} and {other.shape[1]} x {other.shape[2]} in {names[1]}."
    )


def _rows_by_number(numbers: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Yield each number that occurs, and where; in one pass, however many there are."""
    order = np.argsort(numbers, kind="stable")
    kept, starts = np.unique(numbers[order], return_index=True)
    yield from zip(kept.tolist(), np.split(order, starts[1:]), strict=False)


def _merged(parts: list[tuple[np.ndarray, np.ndarray]], n_frames: int) -> np.ndarray:
    """One array over all frames from the values of some of them."""
    if any(values.dtype.kind == "U" for _, values in parts):
        parts = [(rows, values.astype(str)) for rows, values in parts]
    dtype = np.result_type(*{values.dtype for _, values in parts})
    shape = (n_frames, *parts[0][1].shape[1:])
    complete = sum(len(rows) for rows, _ in parts) == n_frames
    if dtype.kind == "U":
        out = np.zeros(shape, dtype)
    elif complete:
        out = np.empty(shape, dtype)
    else:
        out = np.full(shape, np.nan)
    for rows, values in parts:
        out[rows] = values
    return out
