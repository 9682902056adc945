"""Frames of a watch to label, on the page to label on: picked or drawn, and found in their run."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from sklearn_sfx._tasks import CRYSTALLOGRAPHY
from sklearn_sfx._text import one_line
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames import FrameOrigin, Frames, are_alike, join_frames, open_frames
from sklearn_sfx.screening import (
    FrameName,
    LabelFile,
    Scores,
    chances,
    draw,
    label_app,
    labelling_of,
    names_of,
)
from sklearn_sfx.streams._hit_files import HitFiles
from sklearn_sfx.streams._protocols import ScoredFrames
from sklearn_sfx.streams.live._kept import KeptFrame

__all__ = ["LiveLabels"]

N_DRAWN = 20  # frames of one sitting
N_SITTINGS = 8  # that can be gone on with
ORDER = "half drawn at random and half where the model is in doubt, of those it has scored"
PICKED = f"the first one picked, and so no sample; the others {ORDER}"
THEN = (
    "Train with 'sfx train RUN --labels {} --model MODEL{}': a watch with this model file takes "
    "what is written over it."
)


class LiveLabels:
    """Labels that are given while a watch runs.

    Each time somebody begins to label, some frames of the sample are drawn by doubt, as
    ``sfx label --model`` draws them and with the same weights; a frame that was picked comes before
    them. They are labelled on the page to label on. A frame that is in no file is written to one
    first, ``LABELS-00001.cxi`` beside the labels, so that labels can name it.

    Parameters
    ----------
    path : path-like
        The file of labels.
    task : str, default="crystallography"
        What the labels are of.
    back : str
        The address that the page to label on leads back to.
    seed : int
        Of the draws.
    """

    def __init__(
        self,
        path: str | os.PathLike,
        *,
        task: str = CRYSTALLOGRAPHY.name,
        back: str = "/",
        seed: int = 0,
    ):
        self.path = Path(path)
        self._file = LabelFile(path, task)
        is_usual = self._file.task is CRYSTALLOGRAPHY
        self._option = "" if is_usual else f" --task {self._file.task.option}"
        self._back, self._rng = back, check_random_state(seed)
        self._sittings: dict[int, Any] = {}
        self._n_sittings = 0
        self._lock = threading.Lock()

    def label_of(self, origin: FrameOrigin) -> str | None:
        """Return the label of a frame that is in a file."""
        if origin.path is None:
            return None
        name = FrameName(os.path.basename(one_line(origin.path)), origin.position + 1)
        found = self._file.labels().get(name)
        return None if found is None else found.name

    def counts(self) -> dict[str, int]:
        """Return how many labels of each kind the file has."""
        names = [label.name for label in self._file.labels().values()]
        return {name: names.count(name) for name in self._file.task.labels}

    def app(self, number: int) -> Any:
        """Return the application of a sitting; None of one that is over."""
        return self._sittings.get(number)

    def begin(self, sample: list[KeptFrame], picked: KeptFrame | None, threshold: float) -> int:
        """Begin a sitting, and return its number.

        Raises
        ------
        InputError
            There is no frame to label yet, or frames cannot be written.
        """
        with self._lock:
            frames, weights = self._drawn(sample, picked, threshold)
            frames, names = self._named(frames, threshold)
            labelling = labelling_of(
                frames,
                names,
                weights,
                LabelFile(
                    self.path, self._file.task.name
                ),  # of its own, so that undo stays in the sitting
                order=ORDER if picked is None else PICKED,
                n_wanted=len(names),
                stop=lambda: None,
                back=self._back,
                then=THEN.format(one_line(str(self.path)), self._option),
            )
            self._n_sittings += 1
            self._sittings[self._n_sittings] = label_app(labelling)
            while len(self._sittings) > N_SITTINGS:
                del self._sittings[next(iter(self._sittings))]
            return self._n_sittings

    def _drawn(
        self, sample: list[KeptFrame], picked: KeptFrame | None, threshold: float
    ) -> tuple[list[KeptFrame], list[float]]:
        """Return a frame that was picked, and others; and what the label of each weighs."""
        if picked is not None:
            sample = [picked, *(one for one in sample if one.number != picked.number)]
        if not sample:
            raise InputError("There is no frame to label yet.")
        first = sample[0].frames
        sample = [one for one in sample if are_alike(first, one.frames)]
        labelled = [self.label_of(one.origin) is not None for one in sample]
        sample = [
            one
            for one, is_done in zip(sample, labelled, strict=True)
            if not is_done or one is picked
        ]
        if not sample:
            raise InputError("Every frame that is held is labelled; more come with the next ones.")
        probability = np.array([one.probability for one in sample])
        n_drawn = min(N_DRAWN, len(sample))
        chance = chances(probability, threshold, n_drawn)
        weight = n_drawn / len(sample) / chance
        rows = draw(chance, self._rng)
        if picked is not None:
            rows = np.append(0, rows[rows != 0])
        return [sample[row] for row in rows], weight[rows].tolist()

    def _named(self, kept: Sequence[KeptFrame], threshold: float) -> tuple[Frames, list[FrameName]]:
        """Return frames that lie in files, and what labels call them."""
        frames = join_frames([one.frames for one in kept])
        origins = [one.origin for one in kept]
        if any(origin.path is None for origin in origins):
            frames = self._written(frames, kept, threshold)
            origins = frames.sources
        place = _Places()
        return frames, names_of([place.now(origin) for origin in origins])

    def _written(self, frames: Frames, kept: Sequence[KeptFrame], threshold: float) -> Frames:
        n = len(kept)
        scores = Scores(
            frames.sources,
            np.array([one.probability for one in kept]),
            np.ones(n, bool),
            None,
            threshold,
            task=self._file.task.name,
        )
        files = HitFiles(self.path.with_suffix(".cxi"), n_frames=n)
        try:
            files.add(ScoredFrames(frames, scores, np.zeros(n)))
            files.close()
        except OSError as error:
            raise InputError(f"{error.filename}: {error.strerror}.") from error
        return open_frames(files.written[0])


class _Places:
    """Where frames are in their files now: files of a series may come in another order."""

    def __init__(self) -> None:
        self._known: dict[str, dict[str, int]] = {}

    def now(self, origin: FrameOrigin) -> FrameOrigin:
        path, position, event, _ = origin
        if path is None:
            return origin
        if path not in self._known:
            with suppress(InputError, OSError):
                sources = open_frames(path, mask=False, missing="on_read").sources
                self._known[path] = {
                    source.event: source.position for source in sources if source.path == path
                }
        found: Callable[[str, int], int] = self._known.get(path, {}).get
        return origin._replace(position=found(event, position))
