"""The model that `train` makes, kept in a file and loaded again."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from sklearn.pipeline import Pipeline

from sklearn_sfx._files import replacing
from sklearn_sfx._models import estimators
from sklearn_sfx._stored import Stored
from sklearn_sfx._tasks import CRYSTALLOGRAPHY, Task, task_named
from sklearn_sfx._version import __version__
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames import Frames
from sklearn_sfx.persistence import load_model, load_pickle, save_model
from sklearn_sfx.screening._choice import Expectation
from sklearn_sfx.screening._held_out import HeldOut
from sklearn_sfx.screening._seen_frames import SeenFrame, find_seen
from sklearn_sfx.screening._shown import Shown

__all__ = ["ScreeningModel", "load_screening_model"]


@dataclass(frozen=True, repr=False)
class ScreeningModel(Shown, Stored):
    """A fitted hit finder, the peak-count baseline beside it, and what they were trained on.

    `train` makes one, and `train_single_particles` one whose baseline counts lit pixels.

    Parameters
    ----------
    prepare : fitted Pipeline
        Masks and crops frames; its output goes to the classifier and to the baseline.
    classifier : fitted Pipeline, or another classifier
        Prepared frames to the probability of a hit.
    baseline : fitted PeakCountClassifier, or what counts something else
        Prepared frames to the count of their peaks, and a decision by that count.
    threshold : float
        The probability from which a frame is a hit, as tuned on the training frames.
    trained_on : tuple of SeenFrame
        The training frames, which are not for evaluation. Of models of older versions each is
        the name of its file and its number, from 0.
    frame_shape : tuple of int
        (height, width) in pixels of the frames it reads.
    version : str
        The version of this package that trained it.
    masked : bool or None
        Whether the training frames came with a mask; None in models of older versions.
    method : str
        What it goes by, as `train` names it; empty in models of older versions.
    compared : tuple of str
        The methods that the labels chose it from.
    expected : Expectation or None
        What to expect of it on frames like its labelled ones; None where they were too few, and in
        models of older versions.
    held_out : HeldOut or None
        What it rests on: by it another threshold has an expectation too.
    task : str
        What it looks for: "crystallography", "single-particle", or "particle-hits", frames with one
        particle or more.

    Examples
    --------
    >>> import tempfile
    >>> from sklearn_sfx import make_sfx_frames, train
    >>> from sklearn_sfx.screening import load_screening_model
    >>> run = make_sfx_frames(20, frame_shape=(160, 160), random_state=0)
    >>> model = train(run.data, method="peaks", crop=160)
    >>> model
    ScreeningModel
      method: peaks
      reads: frames of 160 x 160 pixels, with a mask
      steps: PixelMask, CentralCrop, PeakHeightClassifier
      trained on: 0 labelled frames
      threshold: 0.5
      version: ...
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     model.save(f"{folder}/model.joblib")
    ...     load_screening_model(f"{folder}/model.joblib").frame_shape
    (160, 160)
    >>> bool(model.has_seen(run.data).any())  # it was trained without labels
    False
    >>> model.about.name, model.about.words.many
    ('crystallography', 'hits')
    """

    prepare: Pipeline
    classifier: Any
    baseline: Any
    threshold: float
    trained_on: tuple[SeenFrame, ...]
    frame_shape: tuple[int, int]
    version: str = __version__
    masked: bool | None = None
    method: str = ""
    compared: tuple[str, ...] = ()
    expected: Expectation | None = None
    held_out: HeldOut | None = None
    task: str = CRYSTALLOGRAPHY.name

    @property
    def about(self) -> Task:
        """What it looks for: labels, words and lists.

        Raises
        ------
        InputError
            If no task has that name.
        """
        return task_named(self.task)

    def __sfx_steps__(self) -> list[tuple[str | None, Any]]:
        """Return what prepares the frames, and what decides."""
        return [("prepare", self.prepare), ("classifier", self.classifier)]

    def _facts(self) -> dict[str, str]:
        height, width = self.frame_shape
        mask = {True: ", with a mask", False: ", without a mask", None: ""}[self.masked]
        steps = [type(step).__name__ for step in estimators(self)]
        facts = {
            "task": "" if self.about is CRYSTALLOGRAPHY else self.task,
            "method": self.method or "not known",
            "chosen from": ", ".join(self.compared) if len(self.compared) > 1 else "",
            "reads": f"frames of {height} x {width} pixels{mask}",
            "steps": ", ".join(steps),
            "trained on": f"{len(self.trained_on)} labelled frames",
            "threshold": f"{self.threshold:.3g}",
            "expected": self.expected.in_words(self.about.words.many) if self.expected else "",
            "version": self.version,
        }
        return {name: said for name, said in facts.items() if said}

    def has_seen(self, frames: Frames) -> np.ndarray:
        """Return which frames the model was trained on: those are not for evaluation.

        Parameters
        ----------
        frames : Frames, shape (n_frames, height, width)
            Frames of a run. A frame is known by its pixels, before any mask or step, in whatever
            file it lies now; so all are read, unless the model was trained without labels. Models
            of older versions go by the name of the file and the number, and read none.

        Returns
        -------
        ndarray of bool, shape (n_frames,)
            False, too, for a frame that cannot be read.
        """
        return find_seen(frames, self.trained_on)

    def save(self, path: str | os.PathLike) -> None:
        """Write the model; a file that is there stays whole until this one is.

        Parameters
        ----------
        path : path-like
            A path that ends in ``.skops`` is written by `save_model`: loading it cannot run code.
            Any other is a pickle, written with joblib.

        Raises
        ------
        InputError
            What `save_model` refuses.
        """
        if _is_safe(path):
            save_model(self, path)
            return
        with replacing(path) as temporary:
            joblib.dump(self, temporary, compress=3)


def load_screening_model(path: str | os.PathLike) -> ScreeningModel:
    """Load what `ScreeningModel.save` wrote.

    Parameters
    ----------
    path : path-like
        The model file. Unless it ends in ``.skops`` it is a pickle, which can run code: load only
        files that you trust.

    Returns
    -------
    ScreeningModel
        As it was saved.

    Raises
    ------
    InputError
        The file is missing, cannot be read, is damaged, holds something else, or was written by
        versions too different from these.

    Warns
    -----
    NewerVersionWarning
        A newer version of this package wrote the file.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from sklearn_sfx import make_sfx_frames, train
    >>> from sklearn_sfx.screening import load_screening_model
    >>> run = make_sfx_frames(10, frame_shape=(96, 96), random_state=0)
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "model.joblib"
    >>> train(run.data, method="peaks", crop=90).save(path)
    >>> load_screening_model(path).frame_shape
    (96, 96)
    """
    if not Path(path).exists():
        raise InputError(f"{path}: there is no such model file; make one with 'sfx train'.")
    model = load_model(path) if _is_safe(path) else load_pickle(path)
    if not isinstance(model, ScreeningModel):
        raise InputError(
            f"{path}: this holds a {type(model).__name__}, not a model that 'sfx train' wrote."
        )
    return model


def _is_safe(path: str | os.PathLike) -> bool:
    return Path(path).suffix == ".skops"
