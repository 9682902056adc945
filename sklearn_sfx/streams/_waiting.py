"""Frames that wait to be scored: a bounded queue, and what becomes of frames when it is full."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames import FrameOrigin, Frames, are_alike, join_frames
from sklearn_sfx.streams._protocols import LiveFrames, Notice
from sklearn_sfx.streams._tally import Tally

__all__ = ["POLICIES", "Waiting", "WaitingFrames"]

POLICIES = ("wait", "newest", "spread")
MOST_FRAMES = 2048
MOST_BYTES = 2**29
LEAST_FRAMES = 8  # who skips keeps so many, however slowly they are scored
SKIPPING_S = 2.0  # or what is scored in this time, so that what is scored is new


@dataclass(frozen=True)
class WaitingFrames:
    """Frames that arrived together, or what is left of them, and their names."""

    live: LiveFrames
    sources: Sequence[FrameOrigin]

    def __len__(self) -> int:
        return len(self.sources)

    def __getitem__(self, rows: slice) -> WaitingFrames:
        return WaitingFrames(self.live[rows], self.sources[rows])


class Waiting:
    """A bounded queue between the thread that receives and the one that scores.

    Parameters
    ----------
    when_behind : {"wait", "newest", "spread"}
        What happens when it is full: who receives waits; the oldest frames are skipped; or every
        second of those that wait, so that the rest is spread evenly over all.
    tally : Tally
        Counts what is received and skipped.
    """

    def __init__(self, when_behind: str, tally: Tally):
        if when_behind not in POLICIES:
            raise InputError(
                f'when_behind has to be "wait", "newest" or "spread", not {when_behind!r}.'
            )
        self._when_behind, self._tally = when_behind, tally
        self._items: deque[WaitingFrames | Notice] = deque()
        self._changed = threading.Condition()
        self._n_frames = self._n_bytes = 0
        self._closed = False
        self._most = MOST_FRAMES

    def set_rate(self, rate: float) -> None:
        """Say how many frames are scored in a second: who skips keeps no more than is new then."""
        if self._when_behind != "wait":
            with self._changed:
                self._most = int(min(max(LEAST_FRAMES, rate * SKIPPING_S), MOST_FRAMES))

    def put(self, item: WaitingFrames | Notice) -> None:
        """Add frames, or a notice of unreadable ones, which takes no room."""
        with self._changed:
            if isinstance(item, Notice):
                self._tally.receive(len(item.sources))
            else:
                while self._is_full(item) and self._when_behind == "wait" and not self._closed:
                    self._changed.wait()
                self._tally.receive(len(item))
                self._n_frames += len(item)
                self._n_bytes += item.live.nbytes
            self._items.append(item)
            if self._when_behind == "spread":
                self._thin()
            if self._when_behind != "wait":
                self._drop_oldest()
            self._changed.notify_all()

    def take(self, most: int, timeout: float) -> list[WaitingFrames] | Notice | None:
        """Return frames that can be scored together, so many at most, or a notice; or None."""
        with self._changed:
            if not self._items:
                self._changed.wait_for(lambda: self._items or self._closed, timeout)
            if not self._items:
                return None
            first = self._items.popleft()
            if isinstance(first, Notice):
                return first
            taken, n = [], 0
            while True:
                if n + len(first) > most:
                    rest = first[slice(most - n, None)]
                    first = first[slice(0, most - n)]
                    self._items.appendleft(rest)
                else:
                    self._n_bytes -= first.live.nbytes
                taken.append(first)
                n += len(first)
                if n == most or not self._items:
                    break
                following = self._items[0]
                if isinstance(following, Notice):
                    break
                if not are_alike(first.live.frames, following.live.frames):
                    break
                first = following
                self._items.popleft()
            self._n_frames -= n
            self._changed.notify_all()
            return taken

    def first(self, least: int, timeout: float, patience: float) -> Frames | None:
        """Return what waits, once it is so many frames or has waited long; None for nothing."""
        with self._changed:
            if not self._n_frames:
                self._changed.wait_for(lambda: self._items or self._closed, timeout)
            if self._n_frames:
                self._changed.wait_for(lambda: self._n_frames >= least or self._closed, patience)
            alike: list[Frames] = []
            for item in self._items:
                if isinstance(item, WaitingFrames):
                    frames = item.live.frames
                    if alike and not are_alike(alike[0], frames):
                        break
                    alike.append(frames)
            return join_frames(alike) if alike else None

    def close(self) -> None:
        """Nothing more comes; nobody waits any more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    @property
    def is_over(self) -> bool:
        """Whether nothing waits and nothing more comes."""
        with self._changed:
            return self._closed and not self._items

    def _is_full(self, item: WaitingFrames | None = None) -> bool:
        n, n_bytes = (len(item), item.live.nbytes) if item else (0, 0)
        if item and not self._n_frames:
            return False  # so that there is room for any one
        return self._n_frames + n > self._most or self._n_bytes + n_bytes > MOST_BYTES

    def _thin(self) -> None:
        """Skip every second frame of all that wait, as long as they are too many."""
        while self._is_full() and self._n_frames > 1:
            kept: deque[WaitingFrames | Notice] = deque()
            n_skipped = n_bytes = offset = 0
            for item in self._items:
                if isinstance(item, WaitingFrames):
                    n = len(item)
                    item = item[slice(offset, None, 2)]
                    offset = (offset + n) % 2
                    n_skipped += n - len(item)
                    if not len(item):
                        continue
                    n_bytes += item.live.nbytes
                kept.append(item)
            self._items, self._n_bytes = kept, n_bytes
            self._n_frames -= n_skipped
            self._tally.skip(n_skipped)

    def _drop_oldest(self) -> None:
        while self._is_full():
            oldest = next(item for item in self._items if isinstance(item, WaitingFrames))
            n = min(len(oldest), max(1, self._n_frames - self._most))
            if self._n_frames <= self._most:  # too many bytes, which go with the last of them
                n = len(oldest)
            if n == self._n_frames:
                return  # one alone may be larger than there is room
            at = self._items.index(oldest)
            if n == len(oldest):
                del self._items[at]
                self._n_bytes -= oldest.live.nbytes
            else:
                self._items[at] = oldest[slice(n, None)]
            self._n_frames -= n
            self._tally.skip(n)
