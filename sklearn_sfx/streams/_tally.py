"""What a watch has counted: frames, hits, how long they took, and what happened."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from typing import Any

import numpy as np

from sklearn_sfx._intervals import wilson
from sklearn_sfx._tasks import CRYSTALLOGRAPHY, task_named
from sklearn_sfx._text import counted, in_percent
from sklearn_sfx.frames import FrameOrigin
from sklearn_sfx.streams._protocols import Notice, ScoredFrames

__all__ = ["Tally"]

MINUTE = 60
RECENT_HITS = 64
RECENT_LATENCIES = 20_000


class Tally:
    """Counts of a watch, which add up at any moment.

    What was received is what was scored, skipped, found unreadable, and waits.

    It may be read from any thread while the watch runs.

    Attributes
    ----------
    received, scored, skipped, unreadable, waiting : int
        Frames that came; of these, those with a probability, those left out since the watch was
        behind, those that cannot be read, and the others.
    hits : int
        Of those that were scored.
    repeated, lost : int
        Frames that came a second time, or were scored by an earlier watch, and frames that never
        came: neither was received.
    notices : Counter of str
        How often each kind of `Notice` came.
    recent_hits : deque of (FrameOrigin, float)
        The newest hits, and their probabilities.

    Examples
    --------
    >>> import time
    >>> import numpy as np
    >>> from sklearn_sfx.screening import Scores
    >>> from sklearn_sfx.streams import Notice, ScoredFrames, Tally, arrived_frames
    >>> tally = Tally()
    >>> tally.receive(5)
    >>> tally.skip(2)
    >>> tally.received, tally.skipped, tally.waiting
    (5, 2, 3)
    >>> tally.notice(Notice("lost", "images 5 to 6 never came", 2))
    >>> tally.repeat(1)
    >>> tally.lost, tally.repeated
    (2, 1)
    >>> tally.to_dict()["waiting"], str(tally)
    (3, '0 hits of 0 frames; 5 received, 3 waiting, 2 skipped, 0 unreadable')
    >>> frames = arrived_frames(np.zeros((3, 4, 5), np.uint16))
    >>> scores = Scores(frames.sources, np.array([0.9, 0.1, 0.2]), np.arange(3) < 1, None, 0.5)
    >>> tally.add(ScoredFrames(frames, scores, np.full(3, time.monotonic())))
    >>> tally.scored, tally.hits, tally.waiting
    (3, 1, 0)
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.received = self.scored = self.skipped = self.unreadable = self.waiting = 0
        self.hits = self.repeated = self.lost = 0
        self.notices: Counter[str] = Counter()
        self.recent_hits: deque[tuple[FrameOrigin, float]] = deque(maxlen=RECENT_HITS)
        self._words = CRYSTALLOGRAPHY.words
        self._latencies: deque[float] = deque(maxlen=RECENT_LATENCIES)
        self._seconds: deque[list[int]] = deque(maxlen=MINUTE)  # second, scored and hits in it

    def receive(self, n_frames: int) -> None:
        """Count frames that came, and wait now.

        Parameters
        ----------
        n_frames : int
            How many.
        """
        with self._lock:
            self.received += n_frames
            self.waiting += n_frames

    def skip(self, n_frames: int) -> None:
        """Count frames that waited, and are left out.

        Parameters
        ----------
        n_frames : int
            How many.
        """
        with self._lock:
            self.waiting -= n_frames
            self.skipped += n_frames

    def repeat(self, n_frames: int) -> None:
        """Count frames that were there before.

        Parameters
        ----------
        n_frames : int
            How many.
        """
        with self._lock:
            self.repeated += n_frames

    def notice(self, notice: Notice) -> None:
        """Count what happened, and the frames that it stands for.

        Parameters
        ----------
        notice : Notice
            Unreadable frames without names are received and done with; with names they are
            counted as others are.
        """
        with self._lock:
            self.notices[notice.kind] += 1
            if notice.kind == "lost":
                self.lost += notice.n_frames
            elif notice.kind == "unreadable" and not notice.sources:
                self.received += notice.n_frames
                self.unreadable += notice.n_frames

    def add(self, block: ScoredFrames) -> None:
        """Count frames that waited, and are scored and written now.

        Parameters
        ----------
        block : ScoredFrames, of frames of shape (n_frames, height, width)
            The frames.

        Raises
        ------
        InputError
            The scores are of no task that is known.
        """
        now, scores = time.monotonic(), block.scores
        n_read, n_hits = int(scores.is_read.sum()), int(scores.decision.sum())
        with self._lock:
            self._words = task_named(scores.task).words
            self.waiting -= len(block)
            self.scored += n_read
            self.unreadable += len(block) - n_read
            self.hits += n_hits
            self._latencies.extend((now - block.arrived[scores.is_read]).tolist())
            for row in np.flatnonzero(scores.decision).tolist():
                self.recent_hits.append((scores.sources[row], float(scores.probability[row])))
            if not self._seconds or self._seconds[-1][0] != int(now):
                self._seconds.append([int(now), 0, 0])
            self._seconds[-1][1] += n_read
            self._seconds[-1][2] += n_hits

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as plain numbers, for JSON.

        Returns
        -------
        dict
            The counts by their names; ``latency_ms`` with the median and 99 % of the newest 20,000
            frames, None before the first; ``last_minute`` with frames scored and hits.
        """
        with self._lock:
            names = ("received", "scored", "skipped", "unreadable", "waiting", "hits")
            found: dict[str, Any] = {name: getattr(self, name) for name in names}
            found |= {"repeated": self.repeated, "lost": self.lost, "notices": dict(self.notices)}
            latencies = np.array(self._latencies)
            since = int(time.monotonic()) - MINUTE
            recent = [second for second in self._seconds if second[0] > since]
        middle = np.percentile(latencies, [50, 99]) * 1000 if latencies.size else None
        found["latency_ms"] = None if middle is None else [round(v, 1) for v in middle.tolist()]
        found["last_minute"] = {
            "scored": sum(second[1] for second in recent),
            "hits": sum(second[2] for second in recent),
        }
        return found

    def __str__(self) -> str:
        now = self.to_dict()
        said = f"{counted(now['hits'], self._words.one)} of {counted(now['scored'], 'frame')}"
        if now["scored"]:
            said += f", {_rate(now['hits'], now['scored'])}"
        last = now["last_minute"]
        if last["scored"] and last["scored"] != now["scored"]:
            said += f"; in the last minute {last['scored']}, {_rate(**last)}"
        said += "; {received} received, {waiting} waiting, {skipped} skipped".format(**now)
        said += f", {now['unreadable']} unreadable"
        if now["latency_ms"]:
            said += "; {:.0f} ms, 99 % within {:.0f} ms".format(*now["latency_ms"])
        return said


def _rate(hits: int, scored: int) -> str:
    low, high = wilson(hits, scored)
    return in_percent(hits / scored, float(low), float(high))
