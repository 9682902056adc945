"""The frames that a live page can show: the newest hits, the most doubtful, and a sample of all."""

from __future__ import annotations

import pickle
import time
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import logit

from sklearn_sfx._models import estimators
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames import FrameOrigin, Frames
from sklearn_sfx.preprocessing import PixelMask
from sklearn_sfx.streams._protocols import ScoredFrames, arrived_frames

__all__ = ["KeptFrame", "KeptFrames"]

N_SHOWN = 12
LEAST_SHOWN = 3
N_SAMPLE = 1000
ROOM = 2**26  # bytes of pixels of each kind, where frames come from no file
BETWEEN_HITS_S = 0.5  # so that one who looks sees them
DOUBTFUL_S = 600.0  # after which a frame is no longer among the doubtful
LEAST = 1e-12  # of a probability, so that its logit is finite


@dataclass(frozen=True)
class KeptFrame:
    """A frame that was scored, held so that it can be shown later.

    Parameters
    ----------
    number : int
        Which frame of the watch it was, from 1.
    frames : Frames, shape (1, height, width)
        The frame alone; its pixels are in it only if they are in no file.
    origin : FrameOrigin
        What it is called.
    probability : float
        What the model said of it.
    is_hit : bool
        Whether it was called a hit.
    at : float
        When it was scored, in seconds since 1970.
    mask : PixelMask or None
        That of the model, which hides defective pixels.
    """

    number: int
    frames: Frames
    origin: FrameOrigin
    probability: float
    is_hit: bool
    at: float
    mask: PixelMask | None


class KeptFrames:
    """Frames of a watch that can be looked at, in memory that does not grow.

    Frames of files are read when they are looked at. Of others the pixels are held, in 64 MiB for
    each kind of frames, but for three at the least. Of the hits two a second are shown.

    Parameters
    ----------
    seed : int
        Of the sample of all frames, in which each has the same chance to be.
    """

    def __init__(self, seed: int = 0):
        self._rng = np.random.default_rng(seed)
        self.hits: deque[KeptFrame] = deque()
        self.doubtful: list[KeptFrame] = []
        self.sample: list[KeptFrame] = []
        self._n_read = 0
        self._hit_at = 0.0

    def __iter__(self) -> Iterator[KeptFrame]:
        """Each frame that is kept, some of them twice."""
        yield from (*self.hits, *self.doubtful, *self.sample)

    def find(self, number: int) -> KeptFrame | None:
        """Return a frame by its number, None if it is no longer there."""
        return next((one for one in self if one.number == number), None)

    def forget_doubts(self) -> None:
        """Begin anew with what is doubtful, and with the sample: the model is another one."""
        self.doubtful, self.sample, self._n_read = [], [], 0

    def add(self, block: ScoredFrames, first: int) -> None:
        """Keep some frames of a block, of which the first one has a number."""
        scores = block.scores
        rows = np.flatnonzero(scores.is_read)
        if not len(rows):
            return
        room = self._room(block)
        doubts = _doubts(scores.probability[rows], scores.threshold)
        made: dict[int, KeptFrame | None] = {}

        def kept(row: int) -> Iterator[KeptFrame]:
            if row not in made:
                made[row] = _kept(block, row, first + row)
            one = made[row]
            if one is not None:
                yield one

        hits = rows[scores.decision[rows]]
        if len(hits) and time.monotonic() > self._hit_at + BETWEEN_HITS_S:
            self._hit_at = time.monotonic()
            self.hits.extend(kept(int(hits[-1])))
        while len(self.hits) > room(N_SHOWN):
            self.hits.popleft()
        new = rows[np.argsort(doubts)[: room(N_SHOWN)]].tolist()
        self._add_doubtful([one for row in new for one in kept(row)], scores.threshold, room)
        for row in rows.tolist():
            self._n_read += 1
            size = room(N_SAMPLE)
            if len(self.sample) < size:
                self.sample.extend(kept(row))
            elif (place := int(self._rng.integers(self._n_read))) < size:
                for one in kept(row):
                    self.sample[place] = one

    def _add_doubtful(self, new: list[KeptFrame], threshold: float, room: Any) -> None:
        since = time.time() - DOUBTFUL_S
        every = [one for one in self.doubtful if one.at > since] + new
        doubts = _doubts(np.array([one.probability for one in every]), threshold)
        self.doubtful = [every[i] for i in np.argsort(doubts, kind="stable")[: room(N_SHOWN)]]

    def _room(self, block: ScoredFrames) -> Any:
        """Return what says how many frames such as these may be held, of so many at most."""
        if block.scores.sources[0].path is not None:
            return lambda most: most
        shape, dtype = block.frames.shape, block.frames.as_stored().dtype
        n_bytes = max(1, int(np.prod(shape[1:])) * dtype.itemsize)
        return lambda most: int(np.clip(ROOM // n_bytes, LEAST_SHOWN, most))


def _doubts(probability: np.ndarray, threshold: float) -> np.ndarray:
    """Return how far from the threshold each lies, on the scale on which doubt is even."""
    at = logit(np.clip(np.append(probability, threshold), LEAST, 1 - LEAST))
    return np.abs(at[:-1] - at[-1])


def _kept(block: ScoredFrames, row: int, number: int) -> KeptFrame | None:
    """Return a frame without the rest of its block; None where it cannot be had any more."""
    with suppress(InputError, OSError):
        mask = None
        if block.model is not None:
            steps = estimators(block.model)
            mask = next((step for step in steps if isinstance(step, PixelMask)), None)
        return KeptFrame(
            number,
            _alone(block.frames[row : row + 1], block.scores.sources[row]),
            block.scores.sources[row],
            float(block.scores.probability[row]),
            bool(block.scores.decision[row]),
            time.time(),
            mask,
        )
    return None


def _alone(one: Frames, origin: FrameOrigin) -> Frames:
    """Return a frame that holds nothing of those that came with it."""
    if origin.path is not None:
        return pickle.loads(pickle.dumps(one))  # with the least source that has it
    mask = one.mask
    return arrived_frames(
        np.array(one.as_stored()),
        sources=[origin],
        metadata=one.metadata,
        facts=one.facts,
        mask=None if mask is None else np.array(mask).reshape(one.shape[1:]),
    )
