"""A live page beside a watch, and what it says at any moment."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from sklearn_sfx._extras import require
from sklearn_sfx._tasks import CRYSTALLOGRAPHY, task_named
from sklearn_sfx._text import one_line
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames import are_simulated
from sklearn_sfx.screening import ScreeningModel
from sklearn_sfx.serving import PageServer
from sklearn_sfx.streams._protocols import Notice, ScoredFrames
from sklearn_sfx.streams._tally import Tally
from sklearn_sfx.streams.live._app import live_app
from sklearn_sfx.streams.live._history import RateHistory, RecentScores, proportion
from sklearn_sfx.streams.live._kept import KeptFrame, KeptFrames
from sklearn_sfx.streams.live._labelling import LiveLabels
from sklearn_sfx.streams.live._metrics import Metrics

__all__ = ["LivePage"]

N_NOTICES = 12


class LivePage:
    """Serve a page that says what a watch finds, and on which frames can be labelled.

    It shows the hit rate over time and in the last minute, how fast frames come and are scored,
    their scores, the newest hits and the most doubtful frames. The threshold can be moved there: it
    is shown what that would change, and a button uses it for the frames from then on. A browser
    asks for what is new each second, and is answered from a thread of its own, so one that hangs
    delays nothing. ``/metrics`` gives the counts to Prometheus.

    Parameters
    ----------
    tally : Tally
        That of the watch.
    name : str
        What is watched, as the page calls it.
    model : str
        What the page calls the model, such as its path.
    task : str, default="crystallography"
        What is looked for, as `Scores.task` says: how frames are called, labelled and drawn.
    labels : path-like, optional
        The file of labels that are given on the page; without it none can be.
    host : str, default="127.0.0.1"
        Address that is listened on; by default only this machine can open the page.
    port : int, optional
        By default 8765, or one that is free; 0 is any.
    token : str, optional
        What the page's address and who collects ``/metrics`` have to have; by default a new one.

    Attributes
    ----------
    url : str
        The address to open, with the token.
    chosen : float or None
        The threshold that was chosen on the page; None is the model's own.

    Raises
    ------
    InputError
        The address or the port cannot be had, the file holds something else than labels, or
        prometheus-client, starlette, uvicorn or jinja2 is not installed.

    See Also
    --------
    sklearn_sfx.screening.label_frames : A page to label a run on that is over.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_sfx.streams import LivePage, Notice, Tally, watch
    >>> tally, frames = Tally(), np.zeros((12, 96, 96), np.uint16)
    >>> with LivePage(tally, name="noise", port=0) as page:
    ...     options = {"threshold": page.threshold, "tally": tally, "tell": page.tell}
    ...     for block in watch((frame for frame in frames), **options):
    ...         page.add(block)
    ...     page.choose(0.4)  # as a button of the page does
    ...     now = page.snapshot()
    >>> page.url.partition("/?")[0], page.threshold(), now["rate"]["of"]
    ('http://127.0.0.1:...', 0.4, 12)
    >>> page.consequences(0.4)["kept"]["count"], page.threshold_for(0.9) is None
    (0, True)
    >>> page.find(13) is None  # frames are counted from 1
    True
    >>> page.begin_labelling(12)
    Traceback (most recent call last):
    ...
    sklearn_sfx.exceptions.InputError: Labels go nowhere: name a file for them ...
    >>> page.tell(Notice("end", "the detector is off"))
    >>> page.close()
    """

    def __init__(
        self,
        tally: Tally,
        *,
        name: str = "frames",
        model: str = "",
        task: str = CRYSTALLOGRAPHY.name,
        labels: str | os.PathLike | None = None,
        host: str = "127.0.0.1",
        port: int | None = None,
        token: str | None = None,
    ):
        for package in ("prometheus_client", "starlette", "uvicorn", "jinja2"):
            require(package, extra="live", what="Live pages")
        self._tally, self._name = tally, one_line(name)
        self.task = task_named(task)
        self._lock = threading.Lock()
        self._history, self._scores = RateHistory(time.time()), RecentScores()
        self.kept = KeptFrames()
        self._model: ScreeningModel | None = None
        self._about_model = {"name": one_line(model), "method": "", "since": 0, "at": None}
        self._n_frames = 0
        self._last_at: float | None = None
        self._now_threshold: float | None = None
        self._is_simulated = False
        self._notices: deque[tuple[float, str, str]] = deque(maxlen=N_NOTICES)
        self.chosen: float | None = None
        self.labels = None if labels is None else LiveLabels(Path(labels), task=task)
        self.metrics = Metrics(tally, lambda: self._now_threshold)
        self._server = PageServer(live_app(self), host=host, port=port, token=token)
        self.url = self._server.url

    def __enter__(self) -> Self:
        self._server.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Serve no more."""
        self._server.__exit__(None, None, None)

    # -- What the watch asks and tells

    def threshold(self) -> float | None:
        """Return the threshold that was chosen on the page, for `watch` to ask before each block.

        Returns
        -------
        float or None
            None is that of the model.
        """
        return self.chosen

    def add(self, block: ScoredFrames) -> None:
        """Show a block.

        Parameters
        ----------
        block : ScoredFrames, of frames of shape (n_frames, height, width)
            What was scored; of some frames that are in no file a copy is kept.

        Raises
        ------
        InputError
            The file of the first frame cannot be opened any more.
        """
        scores, first = block.scores, self._n_frames + 1
        probability = scores.probability[scores.is_read]
        with self._lock:
            if block.model is not None and block.model is not self._model:
                self._take_model(block.model, first)
            if first == 1:
                self._is_simulated = are_simulated(scores.sources[:1])
            if len(probability):
                self._now_threshold = scores.threshold
            self._last_at = time.time()
            self._history.add(self._last_at, len(probability), int(scores.decision.sum()))
            self._scores.add(probability)
            self.kept.add(block, first)
            self._n_frames += len(block)

    def tell(self, notice: Notice) -> None:
        """Show what happened.

        Parameters
        ----------
        notice : Notice
            As `watch` tells it.
        """
        self._notices.append((time.time(), notice.kind, notice.text))

    def _take_model(self, model: ScreeningModel, first: int) -> None:
        if self._model is not None:  # what the other one said is on another scale
            self._scores.clear()
            self.kept.forget_doubts()
        self._model = model
        self._about_model |= {"method": model.method, "since": first, "at": time.time()}

    # -- What a page asks

    def choose(self, threshold: float | None) -> None:
        """Use another threshold for the frames from now on.

        Parameters
        ----------
        threshold : float in [0, 1] or None
            None is that of the model.

        Raises
        ------
        InputError
            It is none of these.
        """
        if threshold is not None:
            if not 0 <= threshold <= 1:
                raise InputError(f"threshold has to lie between 0 and 1, got {threshold}.")
            threshold = float(f"{threshold:.6g}")  # so that it can be typed
        self.chosen = threshold

    def threshold_for(self, recall: float) -> float | None:
        """Return the threshold that would keep a share of the hits.

        Parameters
        ----------
        recall : float in (0, 1]
            The share of the labelled hits, each judged by a model that had not learned from it.

        Returns
        -------
        float or None
            None where the model does not know it.
        """
        held_out = None if self._model is None else self._model.held_out
        return None if held_out is None else held_out.threshold_for(recall)

    def consequences(self, threshold: float) -> dict[str, Any]:
        """Return what a threshold would change.

        Parameters
        ----------
        threshold : float in [0, 1]
            Which one.

        Returns
        -------
        dict
            ``kept`` and ``now``, the share of the newest 20,000 frames that it keeps, and that the
            one in use does; ``expected``, recall and misses kept by the labels of the model, None
            where it does not know.
        """
        with self._lock:
            model, now = self._model, self._now_threshold
            kept = self._scores.kept(threshold)
            before = self._scores.kept(threshold if now is None else now)
        return {
            "threshold": threshold,
            "kept": kept,
            "now": before,
            "expected": _expected(model, threshold),
        }

    def snapshot(self) -> dict[str, Any]:
        """Return what the page shows now, as plain numbers and text.

        Returns
        -------
        dict
            For JSON.
        """
        counts, now = self._tally.to_dict(), time.time()
        with self._lock:
            (width, points), speed = self._history.points(), self._history.speed(now)
            histogram, n_scores = self._scores.histogram(), len(self._scores)
            hits, doubtful = list(self.kept.hits)[::-1], list(self.kept.doubtful)
            model, threshold, about = self._model, self._now_threshold, dict(self._about_model)
        last = counts["last_minute"]
        return {
            "at": now,
            "name": self._name,
            "words": self.task.words._asdict(),
            "simulated": self._is_simulated,
            "last_at": self._last_at,
            "counts": counts,
            "speed": speed,
            "rate": proportion(counts["hits"], counts["scored"]),
            "minute": proportion(last["hits"], last["scored"]),
            "history": {"width": width, "points": points},
            "scores": histogram | {"of": n_scores},
            "model": about,
            "threshold": {
                "now": threshold,
                "own": None if model is None else model.threshold,
                "chosen": self.chosen,
                "expected": None if threshold is None else _expected(model, threshold),
                "knows_recall": model is not None and model.held_out is not None,
            },
            "hits": [self._said(one) for one in hits],
            "doubtful": [self._said(one) for one in doubtful],
            "notices": [list(one) for one in list(self._notices)[::-1]],
            "labels": self._labels_now(),
        }

    def find(self, number: int) -> KeptFrame | None:
        """Return a frame that is kept; None if it is none, or no longer.

        Parameters
        ----------
        number : int
            Of the frame in the watch, from 1.

        Returns
        -------
        KeptFrame or None
            With what it takes to show it.
        """
        with self._lock:
            return self.kept.find(number)

    def begin_labelling(self, picked: int | None) -> int:
        """Begin to label, and return the number of the sitting.

        Parameters
        ----------
        picked : int or None
            The frame to begin with, by its number in the watch, from 1.

        Returns
        -------
        int
            A part of the address of the page to label on.

        Raises
        ------
        InputError
            Labels go nowhere, or there is no such frame.
        """
        if self.labels is None:
            raise InputError("Labels go nowhere: name a file for them when the watch is started.")
        with self._lock:
            one = None if picked is None else self.kept.find(picked)
            sample, threshold = list(self.kept.sample), self._now_threshold
        if picked is not None and one is None:
            raise InputError("This frame is no longer held; take a newer one.")
        return self.labels.begin(sample, one, 0.5 if threshold is None else threshold)

    def _said(self, one: KeptFrame) -> dict[str, Any]:
        path, position, event, identifier = one.origin
        name = f"{os.path.basename(path)} [{position + 1}]" if path else identifier or event
        label = None
        if self.labels is not None:
            try:
                label = self.labels.label_of(one.origin)
            except InputError:  # as the page says when a label is given
                label = None
        return {
            "number": one.number,
            "name": one_line(name),
            "probability": one.probability,
            "hit": one.is_hit,
            "at": one.at,
            "label": label,
        }

    def _labels_now(self) -> dict[str, Any] | None:
        if self.labels is None:
            return None
        try:
            counts, problem = self.labels.counts(), ""
        except InputError as error:
            counts, problem = {}, str(error)
        return {"path": one_line(str(self.labels.path)), "counts": counts, "problem": problem}


def _expected(model: ScreeningModel | None, threshold: float) -> dict[str, Any] | None:
    if model is None:
        return None
    expected = model.expected
    if threshold != model.threshold:
        expected = None if model.held_out is None else model.held_out.at(threshold)
    if expected is None:
        return None
    shares = {"recall": expected.recall, "misses_kept": expected.false_positive_rate}
    said: dict[str, Any] = {"n_labels": expected.n_labels}
    for name, share in shares.items():
        ends = share.interval if share.of else (np.nan, np.nan)
        values = {"value": share.value, "low": ends[0], "high": ends[1]}
        said[name] = {key: None if np.isnan(v) else float(v) for key, v in values.items()}
    return said
