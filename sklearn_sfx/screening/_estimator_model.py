"""Any fitted estimator as a model that screens: what it reads, and what it says of a hit."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.utils.validation import check_is_fitted

from sklearn_sfx._models import THRESHOLDS, decision, estimators
from sklearn_sfx._stored import Stored
from sklearn_sfx._text import one_line, shortened
from sklearn_sfx.classifiers import PeakCountClassifier
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames import Frames
from sklearn_sfx.persistence import load_any
from sklearn_sfx.preprocessing import CentralCrop, PixelMask
from sklearn_sfx.screening._model import ScreeningModel

__all__ = ["HitProbability", "as_screening_model", "load_hit_finder", "split_preparation"]

HIT = "hit"  # how a class of strings says that it is the one, in any case of the letters
RESPONSES = ("predict_proba", "decision_function", "predict")
BLOCK_PIXELS = 2**25  # that an estimator which reads arrays is given at once
LEAST = np.finfo(float).tiny  # a threshold that a miss can still be below
RAW = (PixelMask, CentralCrop)  # steps after which frames still hold counts, so peaks


class HitProbability(BaseEstimator):
    """What any fitted classifier says of a hit, as a probability of two classes.

    A frame has `cut` or more just where `predict` of the estimator says that it is a hit.

    Parameters
    ----------
    estimator : fitted estimator
        Reads prepared frames.
    hit : label
        Its class of hits.
    response : {"predict_proba", "decision_function", "predict"}
        Which of its methods is asked. A decision function is squashed, in its order, so that the
        threshold on it is 0.5; a prediction is 1 or 0.
    threshold : float, optional
        From which on, in this response, it says `of`; without one `predict` is asked too.
    of : label, optional
        The class that the threshold is for.
    """

    def __init__(
        self,
        estimator: Any,
        hit: Any,
        response: str,
        threshold: float | None = None,
        of: Any = None,
    ):
        self.estimator = estimator
        self.hit = hit
        self.response = response
        self.threshold = threshold
        self.of = of

    @property
    def classes_(self) -> np.ndarray:
        """0 for a miss and 1 for a hit, whatever the classes of the estimator."""
        return np.array([0, 1])

    @property
    def cut(self) -> float:
        """The probability from which a frame is a hit."""
        if self.response != "predict_proba" or self.threshold is None:
            return 0.5
        cut = self.threshold if self.hit == self.of else 1 - self.threshold
        return float(np.clip(cut, LEAST, 1))

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __sfx_steps__(self) -> list[tuple[None, Any]]:
        """Return the estimator that this is around."""
        return [(None, self.estimator)]

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probability of a miss and of a hit, (n, 2) float64, of frames (n, ...)."""
        step = len(X)
        if not hasattr(estimators(self.estimator, unfold=False)[0], "frame_shape_in_"):
            # It is no step of this package, which would read frames one by one.
            step = max(1, BLOCK_PIXELS // int(np.prod(X.shape[1:])))
        hit = np.concatenate([self._of_block(X[i : i + step]) for i in range(0, len(X), step)])
        return np.column_stack([1 - hit, hit])

    def _of_block(self, X: Any) -> np.ndarray:
        name = type(self.estimator).__name__
        try:
            said, is_hit = self._asked(X)
        except InputError:
            raise
        except (ValueError, TypeError, IndexError) as error:
            raise InputError(
                f"This {name} cannot read frames of shape {tuple(X.shape[1:])} "
                f"({shortened(one_line(str(error)), 160)}): give it, in a pipeline, the steps that "
                "it was fitted behind, and frames of the shape that it was fitted on."
            ) from error
        if said.shape[:1] != (len(X),):
            raise InputError(
                f"This {name} gives {len(said)} answers on {len(X)} frames: it has to give one for "
                "each."
            )
        hit = self._hit(said)
        if np.isnan(hit).any():
            raise InputError(
                f"This {name} says NaN of some frames: put PixelMask, or a step that fills what "
                "is masked, before it."
            )
        # Ties, and what predict decides otherwise than by this response, move to its side.
        below = np.nextafter(self.cut, 0)
        return np.where(is_hit, np.maximum(hit, self.cut), np.minimum(hit, below))

    def _asked(self, X: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return what the estimator says of frames, and which are hits as it predicts."""
        asked = self.estimator
        if self.response == "predict":
            said = np.asarray(asked.predict(X))
            return said, said == self.hit
        if self.threshold is not None:
            said = np.asarray(getattr(asked, self.response)(X))
            is_of = self._of_class(said, self.of) >= self.threshold
            return said, is_of if self.hit == self.of else ~is_of
        if isinstance(_last(asked), Stored):  # of this package: the class of most probability
            said = np.asarray(asked.predict_proba(X))
            return said, said.argmax(axis=1) == self._place(self.hit)
        if isinstance(asked, Pipeline):  # asked twice, so what is before it is done once
            X, asked = asked[:-1].transform(X), asked[-1]
        X = np.asarray(X) if isinstance(X, Frames) else X
        said = np.asarray(getattr(asked, self.response)(X))
        return said, np.asarray(asked.predict(X)) == self.hit

    def _hit(self, said: np.ndarray) -> np.ndarray:
        """Return what was said as a probability of a hit."""
        if self.response == "predict":
            return (said == self.hit).astype(np.float64)
        if self.response == "predict_proba":
            return self._of_class(said, self.hit).astype(np.float64)
        if self.threshold is None:
            return _squashed(self._of_class(said, self.hit))
        beyond = self._of_class(said, self.of) - self.threshold
        return _squashed(beyond if self.hit == self.of else -beyond)

    def _of_class(self, said: np.ndarray, label: Any) -> np.ndarray:
        """Return probabilities of a class, or how far a decision function is on its side."""
        place = self._place(label)
        if said.ndim == 1:  # a decision function of two classes: of the second
            return said if place else -said
        if self.response == "predict_proba":
            return said[:, place]
        return said[:, place] - np.delete(said, place, axis=1).max(axis=1)

    def _place(self, label: Any) -> int:
        return int(np.flatnonzero(np.asarray(self.estimator.classes_) == label)[0])


def _squashed(margin: np.ndarray) -> np.ndarray:
    """Return numbers in their order between 0 and 1, 0 as 0.5, and the greatest still apart."""
    return 0.5 + np.arctan(np.arcsinh(margin.astype(np.float64))) / np.pi


def as_screening_model(model: Any, frames: Any, pos_label: Any = None) -> ScreeningModel:
    """Return a model that screens these frames as a fitted estimator would decide.

    Parameters
    ----------
    model : ScreeningModel or fitted estimator
        A `ScreeningModel` comes back as it is.
    frames : Frames, shape (n_frames, height, width)
        The run; one frame is read, for what the steps before the classifier make of it.
    pos_label : label, optional
        As for `screen`.

    Raises
    ------
    InputError
        It is no fitted classifier, or cannot say which class is that of hits.
    """
    if isinstance(model, ScreeningModel):
        if pos_label is not None:
            raise InputError(
                "pos_label is for other estimators: a model that train made has hits and misses."
            )
        return model
    name = type(model).__name__
    response = _response(model)
    threshold, of = _own_decision(model, response)
    hit = _hit_class(model, pos_label, of)
    prepare, classifier = split_preparation(model)
    known = getattr(estimators(model)[0], "frame_shape_in_", None)
    if known is not None and tuple(known) != tuple(frames.shape[1:]):
        raise InputError(
            f"This {name} was fitted on frames of shape {tuple(known)}, and this run has frames "
            f"of shape {tuple(frames.shape[1:])}: fit one on frames of this shape."
        )
    steps = make_pipeline(*prepare) if prepare else make_pipeline(CentralCrop(None))
    if not prepare:
        steps.fit(frames[:1])
    if threshold is not None and of is None:
        of = model.classes_[-1]
    decider = HitProbability(classifier, hit, response, threshold, of)
    return ScreeningModel(
        prepare=steps,
        classifier=decider,
        baseline=PeakCountClassifier().fit(steps.transform(frames[:1])),
        threshold=decider.cut,
        trained_on=(),
        frame_shape=(frames.shape[1], frames.shape[2]),
    )


def split_preparation(model: Any) -> tuple[list[Any], Any]:
    """Return the masks and crops that a fitted pipeline begins with, and what follows.

    What they leave still holds counts, in which peaks are found. Of an estimator that is no
    pipeline they are part of it.
    """
    while not isinstance(model, Pipeline):
        inner = getattr(model, "best_estimator_", None)
        if inner is None and isinstance(model, FrozenEstimator):
            inner = model.estimator
        if inner is None:
            return [], model
        model = inner
    n_raw = 0
    steps = [step for _, step in model.steps]
    while n_raw < len(steps) - 1 and isinstance(steps[n_raw], RAW):
        n_raw += 1
    return steps[:n_raw], model[n_raw:] if len(steps) - n_raw > 1 else steps[-1]


def load_hit_finder(path: str | os.PathLike) -> Any:
    """Load what ``sfx train`` wrote, or any other fitted estimator in a file.

    Parameters
    ----------
    path : path-like
        Of `ScreeningModel.save`, `save_model` or ``joblib.dump``.

    Raises
    ------
    InputError
        The file is missing, cannot be read, is damaged, or holds no estimator.
    """
    if not Path(path).exists():
        raise InputError(f"{path}: there is no such model file; make one with 'sfx train'.")
    model = load_any(path)
    if isinstance(model, ScreeningModel) or hasattr(model, "predict"):
        return model
    raise InputError(
        f"{path}: this holds a {type(model).__name__}, not a model that 'sfx train' wrote, nor a "
        "fitted estimator that predicts."
    )


def _response(model: Any) -> str:
    """Return the method to ask of a fitted classifier."""
    found = next((name for name in RESPONSES if hasattr(model, name)), None)
    if found is None or isinstance(model, type):
        raise InputError(
            f"screen takes what train returned or a fitted classifier or pipeline, got "
            f"{shortened(one_line(repr(model)), 80)}."
        )
    try:
        check_is_fitted(model)
    except NotFittedError:
        raise InputError(f"This {type(model).__name__} is not fitted: fit it first.") from None
    except (TypeError, AttributeError):  # a class of one's own, which only predicts
        pass
    last = _last(model)
    if isinstance(last, THRESHOLDS) and last.response_method == "decision_function":
        return last.response_method
    if found != "predict" and not hasattr(model, "classes_"):
        return "predict"
    of_pairs = getattr(last, "decision_function_shape", None) == "ovo"
    if found == "decision_function" and of_pairs and len(model.classes_) > 2:
        return "predict"
    return found


def _last(model: Any) -> Any:
    """Return what decides at the end of pipelines, searches and what is frozen."""
    while True:
        if isinstance(model, Pipeline):
            model = model.steps[-1][1]
        elif isinstance(model, FrozenEstimator):
            model = model.estimator
        elif hasattr(model, "best_estimator_"):
            model = model.best_estimator_
        else:
            return model


def _own_decision(model: Any, response: str) -> tuple[Any, Any]:
    """Return the threshold that a classifier has on its response, and of which class it is."""
    last = _last(model)
    if not isinstance(last, THRESHOLDS):
        return decision(last) if hasattr(type(last), "__sfx_decision__") else (None, None)
    threshold, of = decision(last)
    if response == "decision_function":
        threshold = getattr(last, "best_threshold_", None)
        if threshold is None:
            threshold = 0.0 if last.threshold == "auto" else last.threshold
    return threshold, of


def _hit_class(model: Any, pos_label: Any, own: Any) -> Any:
    """Return the class of hits: what is named, what is called hit, or the greater of two."""
    if pos_label is None and hasattr(type(_last(model)), "__sfx_decision__"):
        pos_label = own  # of what is made to find hits it is their class
    classes = getattr(model, "classes_", None)
    name = type(model).__name__
    if classes is None:
        if pos_label is None:
            raise InputError(
                f"This {name} does not say which classes it tells apart: name the label of a hit "
                "(pos_label, or --hit-label on the command line)."
            )
        return pos_label
    labels = np.asarray(classes).tolist()
    if pos_label is None:
        called = [one for one in labels if isinstance(one, str) and one.lower() == HIT]
        if len(called) == 1:
            return called[0]
        if len(labels) == 2 and not isinstance(labels[1], str):
            return labels[1]
        if own is not None:
            return own
    else:
        same = [one for one in labels if one == pos_label] or [
            one for one in labels if isinstance(pos_label, str) and str(one) == pos_label
        ]
        if same:
            return same[0]
    given = "" if pos_label is None else f", and {pos_label!r} is none of them"
    raise InputError(
        f"This {name} tells the classes {labels} apart{given}: name the one of hits (pos_label, or "
        "--hit-label on the command line)."
    )
