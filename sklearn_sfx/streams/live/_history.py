"""What a live page remembers of all frames, in memory that does not grow."""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np
from scipy.special import expit, logit

from sklearn_sfx._intervals import wilson

__all__ = ["RateHistory", "RecentScores", "proportion"]

MOST_BINS = 160
LEAST_BINS, ENOUGH = 12, 60  # of bins that are shown, and of frames in one
N_RECENT = 20_000
SPEED_S = 10.0
# Probabilities are shown by their logit: most are near 0 or 1, and so may be a threshold.
LEAST_LOGIT, MOST_LOGIT, N_BARS = -7.0, 7.0, 56


def proportion(successes: int, trials: int) -> dict[str, Any]:
    """Return a share with its 95 % interval, as JSON takes it; None of none."""
    if not trials:
        return {"of": 0, "count": 0, "value": None, "low": None, "high": None}
    low, high = (float(end) for end in wilson(successes, trials))
    return {
        "of": trials,
        "count": successes,
        "value": successes / trials,
        "low": low,
        "high": high,
    }


class RateHistory:
    """Frames and hits over time, in bins that become twice as wide when there are too many.

    Parameters
    ----------
    start : float
        When the first bin begins, in seconds of whatever clock `add` is told the time by.

    Examples
    --------
    >>> from sklearn_sfx.streams.live._history import RateHistory
    >>> history = RateHistory(100.0)
    >>> history.add(100.5, 100, 10)
    >>> history.add(101.5, 100, 30)
    >>> width, points = history.points()
    >>> width, [(one["at"], one["count"], one["of"]) for one in points]
    (1.0, [(100.5, 10, 100), (101.5, 30, 100)])
    >>> history.add(100.0 + 3600, 5, 5)
    >>> history.points()[0], history.speed(100.0 + 3600)
    (32.0, 0.5)
    """

    def __init__(self, start: float):
        self._start, self.width = start, 1.0
        self._bins: list[list[int]] = []
        self._speed: deque[tuple[float, int]] = deque()

    def add(self, now: float, n_frames: int, n_hits: int) -> None:
        """Count frames that were scored at a time, which is none before the last one."""
        while (place := int((now - self._start) / self.width)) >= MOST_BINS:
            pairs = zip(self._bins[::2], [*self._bins[1::2], [0, 0]], strict=False)
            self._bins = [[a + b for a, b in zip(*pair, strict=True)] for pair in pairs]
            self.width *= 2
        while len(self._bins) <= place:
            self._bins.append([0, 0])
        self._bins[place][0] += n_frames
        self._bins[place][1] += n_hits
        self._speed.append((now, n_frames))
        while self._speed[0][0] < now - SPEED_S:
            self._speed.popleft()

    def speed(self, now: float) -> float:
        """Return how many frames a second were scored in the last ten."""
        since = max(self._start, now - SPEED_S)
        n_frames = sum(n for at, n in list(self._speed) if at >= since)
        return n_frames / max(1.0, now - since)

    def points(self) -> tuple[float, list[dict[str, Any]]]:
        """Return the width of a bin in seconds, and of each with frames its middle and its share.

        Bins are put together as long as most have few frames, and there are enough of them.
        """
        bins, width = np.array(self._bins, int).reshape(-1, 2), self.width
        while len(bins) >= 2 * LEAST_BINS and np.median(bins[bins[:, 0] > 0, 0]) < ENOUGH:
            bins = np.concatenate([bins, np.zeros((len(bins) % 2, 2), int)])
            bins, width = bins[::2] + bins[1::2], 2 * width
        return width, [
            {"at": self._start + (place + 0.5) * width} | proportion(n_hits, n_frames)
            for place, (n_frames, n_hits) in enumerate(bins.tolist())
            if n_frames
        ]


class RecentScores:
    """The probabilities of the newest 20,000 frames.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_sfx.streams.live._history import RecentScores
    >>> scores = RecentScores()
    >>> scores.add(np.array([0.9, 0.2, 0.1, 0.0]))
    >>> scores.kept(0.2)["count"], len(scores), sum(scores.histogram()["counts"])
    (2, 4, 4)
    >>> scores.clear()
    >>> scores.kept(0.2)["value"] is None
    True
    """

    def __init__(self) -> None:
        self._values = np.zeros(N_RECENT)
        self._n = 0

    def __len__(self) -> int:
        return min(self._n, N_RECENT)

    def add(self, probability: np.ndarray) -> None:
        """Take the probabilities of some more frames, none of them NaN."""
        places = (self._n + np.arange(len(probability))) % N_RECENT
        self._values[places] = probability
        self._n += len(probability)

    def clear(self) -> None:
        """Forget them: another model has another scale."""
        self._n = 0

    def kept(self, threshold: float) -> dict[str, Any]:
        """Return which share of them a threshold would keep."""
        values = self._values[: len(self)]
        return proportion(int(np.count_nonzero(values >= threshold)), len(values))

    def histogram(self) -> dict[str, list]:
        """Return how many lie in each of a number of bins of the same width in the logit."""
        edges = np.linspace(LEAST_LOGIT, MOST_LOGIT, N_BARS + 1)
        values = np.clip(self._values[: len(self)], expit(LEAST_LOGIT), expit(MOST_LOGIT))
        at = np.clip(logit(values), LEAST_LOGIT, MOST_LOGIT)
        counts, _ = np.histogram(at, edges)
        return {"edges": edges.tolist(), "counts": counts.tolist()}
