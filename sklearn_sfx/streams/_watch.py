"""Score frames as they arrive."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from sklearn_sfx._text import counted
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames import FrameOrigin, Frames, join_frames
from sklearn_sfx.preprocessing import PixelMask
from sklearn_sfx.screening import PART, Scores, as_scores, checked_threshold
from sklearn_sfx.streams._deciding import Deciding, Misfit
from sklearn_sfx.streams._model_file import ModelFile
from sklearn_sfx.streams._open import open_source
from sklearn_sfx.streams._protocols import (
    LiveFrames,
    LiveSource,
    Notice,
    ScoredFrames,
    arrived_frames,
    frame_name,
)
from sklearn_sfx.streams._seen import Seen
from sklearn_sfx.streams._tally import Tally
from sklearn_sfx.streams._waiting import Waiting, WaitingFrames

__all__ = ["watch"]

TICK_S = 0.2
BLOCK_S = 0.5  # so long, about, is scored before the next rows are given
FIRST_S = 5.0  # without a model, so long is waited for the frames that defects are looked for in


def watch(
    source: str | Path | LiveSource | Iterable,
    model: Any = None,
    *,
    threshold: float | Callable[[], float | None] | None = None,
    pos_label: Any = None,
    task: str | None = None,
    peaks: bool = True,
    when_behind: str = "wait",
    silent_after: float = 30.0,
    end_after: float | None = None,
    tally: Tally | None = None,
    tell: Callable[[Notice], Any] | None = None,
    seen: Seen | None = None,
    stop: threading.Event | None = None,
) -> Iterator[ScoredFrames]:
    """Score frames as they arrive, and yield them block by block.

    A thread receives frames into a bounded queue. What waits is scored together, up to about half
    a second of work, so rows come soon where frames come slowly, and many frames are scored where
    they come fast. A frame counts as scored when the next block is asked for.

    Parameters
    ----------
    source : path, LiveSource, or iterable of arrays of shape (height, width) or (n, height, width)
        A file that grows, a folder into which files fall, what `open_source` returned, or whatever
        yields arrays.
    model : ScreeningModel, fitted estimator, path or ModelFile, optional
        What `screen` takes, or the file of one, which is loaded again between two blocks when it is
        replaced: no frame is lost, a "model" `Notice` says from which frame on the other one
        decides, and one that cannot be used is "refused", and the one before stays. Without a
        model, frames with six Bragg spots or more are hits, as `untrained_model` says, which looks
        at the first ten frames.
    threshold : float in [0, 1], or callable, optional
        The probability from which a frame is called a hit; by default the model's own. A callable
        is asked before each block, and None of it is the model's own: so it can be moved.
    pos_label : int, float, bool or str, default=None
        The class of hits of an estimator, as for `screen`; of a `ModelFile` it is its own.
    task : {"crystallography", "single-particle"}, optional
        What is looked for: that of a model that `train` made, and what decides how the frames of
        another estimator are called and whether peaks or lit pixels are counted beside it.
    peaks : bool
        Whether to count the peaks of each frame too.
    when_behind : {"wait", "newest", "spread"}
        What happens when frames come faster than they are scored. "wait": up to 2048 frames, or
        512 MiB of them, wait, and then the source does. The others keep no more than is scored in
        two seconds: "newest" skips the oldest, "spread" every second one of those that wait.
    silent_after : float
        After so many seconds without a frame this is told, once.
    end_after : float, optional
        After so many seconds without a frame the watch ends.
    tally : Tally, optional
        Counts all that happens.
    tell : callable, optional
        Called with each `Notice`, from any thread.
    seen : Seen, optional
        Frames that are not to be scored again, as `Record.seen` has them.
    stop : threading.Event, optional
        Once it is set, what was received is scored, and the watch ends.

    Returns
    -------
    iterator of ScoredFrames
        Blocks of frames of shape (n_frames, height, width) and any dtype.

    Raises
    ------
    InputError
        Nothing can be received, or the model or another argument cannot be used, as where single
        particles are looked for without a model; the first frames
        are such as the model, the mask or the geometry cannot be for, as of another shape. Where
        only later frames are, they are unreadable.

    Warns
    -----
    OtherMaskWarning
        The model was trained behind a mask and the frames have none, or the other way round.

    Examples
    --------
    >>> from sklearn_sfx import make_sfx_frames
    >>> from sklearn_sfx.streams import Tally, watch
    >>> frames = make_sfx_frames(12, frame_shape=(160, 160), random_state=0).data
    >>> tally = Tally()
    >>> for block in watch((frame for frame in frames), tally=tally):
    ...     decisions = block.scores.decision
    >>> tally.received, tally.scored, tally.waiting
    (12, 12, 0)
    """
    if isinstance(model, str | Path):
        model = ModelFile(model, pos_label=pos_label)
    checked_threshold(None, threshold() if callable(threshold) else threshold)
    tally = Tally() if tally is None else tally
    watching = _Watch(
        open_source(source),
        model,
        pos_label,
        task,
        threshold,
        peaks,
        Waiting(when_behind, tally),
        tally,
        tell or (lambda notice: None),
        Seen() if seen is None else seen,
        threading.Event() if stop is None else stop,
        silent_after,
        end_after,
    )
    return watching.blocks()


class _Watch:
    def __init__(
        self,
        source: LiveSource,
        model: Any,
        pos_label: Any,
        task: str | None,
        threshold: float | Callable[[], float | None] | None,
        peaks: bool,
        waiting: Waiting,
        tally: Tally,
        tell: Callable[[Notice], Any],
        seen: Seen,
        stop: threading.Event,
        silent_after: float,
        end_after: float | None,
    ):
        self._source = source
        self._deciding = Deciding(model, pos_label, task, peaks, self._note)
        self._threshold, self._peaks = threshold, peaks
        self._waiting, self._tally, self._tell = waiting, tally, tell
        self._seen, self._stop = seen, stop
        self._silent_after, self._end_after = silent_after, end_after
        self._came_at = time.monotonic()
        self._is_silent = False
        self._failure: Exception | None = None
        self._shape: tuple[int, ...] = (1, 1)  # of frames that were scored
        self._told = ""
        self._most = 1

    def blocks(self) -> Iterator[ScoredFrames]:
        receiver = threading.Thread(target=self._receive, daemon=True)
        receiver.start()
        try:
            while not self._waiting.is_over:
                if self._deciding.has_to_look_first:
                    self._look_first()
                taken = self._waiting.take(self._most, TICK_S)
                self._mind_silence()
                if taken is None:
                    continue
                block = self._gone(taken) if isinstance(taken, Notice) else self._scored(taken)
                if block is None:
                    continue
                yield block
                self._tally.add(block)
            if self._failure is not None:
                raise self._failure
        finally:
            self._stop.set()
            self._waiting.close()
            receiver.join()

    def _receive(self) -> None:
        try:
            for item in self._source.arrivals(self._stop):
                if isinstance(item, Notice):
                    self._take_notice(item)
                else:
                    self._take_frames(item)
        except Exception as error:
            self._failure = error
        finally:
            self._waiting.close()

    def _take_notice(self, notice: Notice) -> None:
        if notice.kind == "restart":
            for source in notice.sources:
                if source.path is not None:
                    self._seen.forget(source.path)
        elif notice.kind in ("unreadable", "misfit"):
            if notice.sources and not self._seen.new_rows(notice.sources):
                return
            if notice.kind == "misfit" or notice.sources:
                self._waiting.put(notice)
            if notice.kind == "misfit":  # who scores knows what it means
                return
        self._note(notice)

    def _take_frames(self, live: LiveFrames) -> None:
        self._came_at = time.monotonic()
        try:
            sources = live.frames.sources
        except (InputError, OSError) as error:  # the file was taken away
            self._note(Notice("unreadable", str(error).rstrip("."), len(live)))
            return
        rows = self._seen.new_rows(sources)
        if n_known := len(live) - len(rows):
            self._tally.repeat(n_known)
            live, sources = live[np.array(rows, int)], [sources[row] for row in rows]
        if rows:
            self._waiting.put(WaitingFrames(live, sources))

    def _note(self, notice: Notice) -> None:
        self._tally.notice(notice)
        self._tell(notice)

    def _mind_silence(self) -> None:
        quiet = time.monotonic() - self._came_at
        if quiet < self._silent_after:
            self._is_silent = False
        elif not self._is_silent and self._tally.waiting == 0:
            self._is_silent = True
            self._note(Notice("silent", f"nothing has come for {quiet:.0f} s"))
        if self._end_after is not None and quiet > self._end_after:
            self._stop.set()

    def _look_first(self) -> None:
        """Let the model be made that needs no training, once the first frames are there."""
        frames = self._waiting.first(PixelMask.MIN_FRAMES, TICK_S, FIRST_S)
        if frames is not None:
            self._deciding.look_at(frames)

    def _scored(self, taken: list[WaitingFrames]) -> ScoredFrames:
        begin = time.monotonic()
        frames = join_frames([item.live.frames for item in taken])
        arrived = np.concatenate([item.live.arrived for item in taken])
        sources = list(chain.from_iterable(item.sources for item in taken))
        try:
            model, found = self._deciding.score(frames)
        except Misfit as error:
            why = self._misfit(str(error), sources, len(frames))
            return self._unreadable(sources, why, frames, arrived)
        threshold = checked_threshold(model, self._asked_threshold())
        scores = as_scores(model, sources, found, threshold, self._peaks)
        self._shape = frames.shape[1:]
        rate = len(frames) / max(1e-6, time.monotonic() - begin)
        self._waiting.set_rate(rate)
        self._most = int(np.clip(rate * BLOCK_S, 1, min(PART, 2 * self._most + 1)))
        return ScoredFrames(frames, scores, arrived, model)

    def _asked_threshold(self) -> float | None:
        return self._threshold() if callable(self._threshold) else self._threshold

    def _misfit(self, why: str, sources: Sequence[FrameOrigin], n: int) -> str:
        """Say that frames do not fit, once, and return it; where none ever did, it is the end."""
        if not self._deciding.has_decided:
            named = f"{frame_name(sources[0])}: " if sources else ""
            raise InputError(f"{named}{why}.")
        if why != self._told:
            self._told = why
            self._note(Notice("misfit", f"{counted(n, 'frame')}, and all like these: {why}"))
        return why

    def _gone(self, notice: Notice) -> ScoredFrames | None:
        """Return rows for frames that came and cannot be used; None where they have no names."""
        if notice.kind == "misfit":
            self._misfit(notice.text, notice.sources, notice.n_frames)
            if not notice.sources:
                self._tally.notice(Notice("unreadable", notice.text, notice.n_frames))
                return None
        nothing = np.broadcast_to(np.float32(np.nan), (len(notice.sources), *self._shape))
        frames = arrived_frames(nothing, sources=notice.sources)
        arrived = np.full(len(frames), time.monotonic())
        return self._unreadable(notice.sources, notice.text, frames, arrived)

    def _unreadable(
        self, sources: Sequence[FrameOrigin], why: str, frames: Frames, arrived: np.ndarray
    ) -> ScoredFrames:
        n, threshold = len(sources), self._asked_threshold()
        scores = Scores(
            sources=sources,
            probability=np.full(n, np.nan),
            decision=np.zeros(n, bool),
            peak_count=None,
            threshold=0.5 if threshold is None else threshold,
            reason=np.full(n, why),
            task=self._deciding.about.name,
        )
        return ScoredFrames(frames, scores, arrived)
