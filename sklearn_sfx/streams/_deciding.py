"""What decides on the frames of a watch: a model for each kind of them, replaced between blocks."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from sklearn_sfx._tasks import CRYSTALLOGRAPHY, Task, refuse_other_task, task_asked
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames import Frames
from sklearn_sfx.screening import (
    PartScores,
    ScreeningModel,
    as_screening_model,
    check_frames,
    check_hit_finder,
    joined,
    score_part,
    unread,
    untrained_model,
    use_device,
)
from sklearn_sfx.streams._model_file import ModelFile
from sklearn_sfx.streams._protocols import Notice, arrived_frames, frame_name

__all__ = ["Deciding", "Misfit", "task_of_watch"]

MOST_KINDS = 8  # of frames, whose models are kept
REPEATED_S = 10.0  # after so long what was said of a file is said again


class Misfit(InputError):
    """Frames that cannot be decided on, as no frame of their shape, type and mask can."""


class Deciding:
    """Scores blocks of frames by a model, by what lies in its file now, or by one that it makes.

    What goes wrong with all frames of a kind is told from what goes wrong with one of them by a
    plain frame in their place: same shape, type and mask, and nothing on it.

    Parameters
    ----------
    model : ScreeningModel, fitted estimator, ModelFile or None
        As for `watch`.
    pos_label : label
        The class of hits of an estimator.
    task : str or None
        As for `watch`.
    peaks : bool
        Whether to count peaks too.
    tell : callable
        Called with a `Notice` when the file has changed.

    Attributes
    ----------
    about : Task
        What is looked for.
    has_decided : bool
        Whether there was a frame on which it could decide.
    """

    def __init__(
        self,
        model: Any,
        pos_label: Any,
        task: str | None,
        peaks: bool,
        tell: Callable[[Notice], Any],
    ):
        self._file = model if isinstance(model, ModelFile) else None
        self._estimator = None if self._file else model
        self._pos_label = self._file.pos_label if self._file else pos_label
        if self._estimator is not None:
            check_hit_finder(model, pos_label)
        estimator = self._file.estimator if self._file else model
        self.about = task_of_watch(estimator, task)
        self._peaks, self._tell = peaks, tell
        self._models: dict[tuple, ScreeningModel] = {}
        self._refused: tuple[str, float] = ("", 0.0)
        self.has_decided = False

    @property
    def has_to_look_first(self) -> bool:
        """Whether a model is still to be made of the first frames."""
        return self._file is None and self._estimator is None and not self._models

    def look_at(self, frames: Frames) -> None:
        """Make the model that needs no training of some frames."""
        with contextlib.suppress(InputError):  # none can be read, as their rows will say
            self._model_for(frames)

    def score(self, frames: Frames) -> tuple[ScreeningModel, PartScores]:
        """Return what is found in frames that are alike, and what has found it.

        Raises
        ------
        Misfit
            It cannot decide on frames like these.
        """
        if self._file is not None:
            self._take_newer(self._file, frames)
        try:
            model = self._model_for(frames)
            found = score_part(model, frames, peaks=self._peaks)
        except (InputError, OSError) as error:
            model = self._fitting(frames, error)
            found = joined([self._alone(frames[i : i + 1]) for i in range(len(frames))])
        self.has_decided = self.has_decided or bool(np.isfinite(found.probability).any())
        return model, found

    def _take_newer(self, file: ModelFile, frames: Frames) -> None:
        """Use what lies in the file now, if it can decide on such frames; else all stays."""
        try:
            newer = file.newer()
            if newer is None:
                return
            model = self._made_of(newer[0], frames)
            self._try(model, frames)
        except (InputError, OSError) as error:
            why = str(error).rstrip(".").removeprefix(f"{file.path}: ")
            text = f"{file.path}: {why}; the model from before stays"
            if (text, time.monotonic() // REPEATED_S) != self._refused:  # it may be half there
                self._refused = text, time.monotonic() // REPEATED_S
                self._tell(Notice("refused", text))
            return
        file.use(*newer)
        self._models = {_kind_of(frames): model}
        first = frames[:1].sources[0]
        text = f"{file.path}: the model has changed, and decides from {frame_name(first)} on"
        self._tell(Notice("model", text, 0, (first,)))

    def _model_for(self, frames: Frames) -> ScreeningModel:
        kind = _kind_of(frames)
        if kind not in self._models:
            model = self._made(frames)
            while len(self._models) >= MOST_KINDS:
                del self._models[next(iter(self._models))]
            self._models[kind] = model
        return self._models[kind]

    def _made(self, frames: Frames) -> ScreeningModel:
        estimator = self._file.estimator if self._file else self._estimator
        return untrained_model(frames) if estimator is None else self._made_of(estimator, frames)

    def _made_of(self, estimator: Any, frames: Frames) -> ScreeningModel:
        model = as_screening_model(estimator, frames, self._pos_label, self.about.option)
        check_frames(model, frames)
        if self._file is not None and self._file.device is not None:
            use_device(model, self._file.device)
        return model

    def _fitting(self, frames: Frames, why: Exception) -> ScreeningModel:
        """Return a model that can decide on frames like these, though not on all of them."""
        try:
            known = self._models.get(_kind_of(frames))
            model = self._made(_plain(frames)) if known is None else known
            self._try(model, frames)
        except InputError as error:
            raise Misfit(str(error).rstrip(".")) from why
        return model

    def _try(self, model: ScreeningModel, frames: Frames) -> None:
        score_part(model, _plain(frames), peaks=self._peaks)

    def _alone(self, frame: Frames) -> PartScores:
        """Return what is found in one frame, or why nothing is."""
        try:
            return score_part(self._model_for(frame), frame, peaks=self._peaks)
        except (InputError, OSError) as error:
            return unread([str(error).rstrip(".")], self.about)


def task_of_watch(model: Any, task: str | None) -> Task:
    """Return what is looked for as long as a watch lasts, whichever model decides.

    Parameters
    ----------
    model : ScreeningModel, fitted estimator or None
        With which it begins.
    task : str or None
        What is asked for, as for `watch`.

    Raises
    ------
    InputError
        The model is of another task, or one that is needed is not given.
    """
    asked = task_asked(task)
    if model is None and asked is not CRYSTALLOGRAPHY:
        raise InputError(
            "A watch without a model looks for Bragg spots: for the task "
            f"{asked.option} give a model, as train makes it of labels of this task."
        )
    if isinstance(model, ScreeningModel):
        refuse_other_task(model.about, task)
        asked = model.about
    return asked


def _kind_of(frames: Frames) -> tuple:
    return frames.shape[1:], frames.mask is not None


def _plain(frames: Frames) -> Frames:
    """Return a frame like some others, with nothing on it but noise."""
    noise = np.random.default_rng(0).poisson(3, (1, *frames.shape[1:]))
    usable = None if frames.mask is None else np.array(frames.mask)
    if usable is not None and usable.ndim == 3:
        usable = np.logical_or.reduce(usable)
    return arrived_frames(noise.astype(frames.as_stored().dtype), facts=frames.facts, mask=usable)
