"""What is raised between the parts of this room where pixels cannot be had."""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from sklearn_sfx.frames._facts import Unreadable

__all__ = ["NEVER_WRITTEN", "Unread", "merged", "split_by_rest", "why_unreadable"]

NEVER_WRITTEN = "it was never written"


class Unread(Exception):
    """Why a frame, or a part of it, cannot be read: a clause that is put behind its name.

    Parameters
    ----------
    reason : str
        As in "it was never written".
    usable : bool ndarray of the shape of the window, default=None
        Which pixels were read all the same; None for none.
    """

    def __init__(self, reason: str, usable: np.ndarray | None = None):
        super().__init__(reason)
        self.reason = reason
        self.usable = usable


def merged(ranges: Iterable[tuple[int, int, str] | Unreadable]) -> Iterator[Unreadable]:
    """Yield ranges that do not overlap, in order; of two reasons the first is kept."""
    last: Unreadable | None = None
    for start, stop, reason, *_ in sorted(set(ranges), key=lambda each: each[:2]):
        start = max(start, last.stop if last else 0)
        if start >= stop:
            continue
        if last is not None and (last.stop, last.reason) == (start, reason):
            last = last._replace(stop=stop)
            continue
        if last is not None:
            yield last
        last = Unreadable(start, stop, reason)
    if last is not None:
        yield last


def split_by_rest(
    gone: Iterable[Unreadable], rest: Iterable[tuple[int, int]]
) -> Iterator[Unreadable]:
    """Yield ranges of frames, cut so that each is left in part in all its frames, or in none.

    Parameters
    ----------
    gone : iterable of Unreadable
        In order, without overlap.
    rest : iterable of (int, int)
        First frame and one past the last, of frames of which a part can be read; in any order.
    """
    united: list[list[int]] = []
    for start, stop in sorted(rest):
        if united and start <= united[-1][1]:
            united[-1][1] = max(united[-1][1], stop)
        elif start < stop:
            united.append([start, stop])
    for known in gone:
        at = known.start
        first = bisect.bisect_right(united, known.start, key=lambda pair: pair[1])
        for start, stop in united[first:]:
            if start >= known.stop:
                break
            if at < start:
                yield known._replace(start=at, stop=start)
            at = min(stop, known.stop)
            yield known._replace(start=max(start, known.start), stop=at, partly=True)
        if at < known.stop:
            yield known._replace(start=at)


def why_unreadable(known: Sequence[Unreadable], position: int) -> str:
    """Return the reason of the range that holds a frame; "" if there is none."""
    at = bisect.bisect_right(known, position, key=lambda gone: gone.start) - 1
    return known[at].reason if at >= 0 and position < known[at].stop else ""
