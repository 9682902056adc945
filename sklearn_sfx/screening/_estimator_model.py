"""Any fitted estimator as a model that screens: what reads frames, and which class is a hit."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.utils.validation import check_is_fitted

from sklearn_sfx._models import THRESHOLDS, decision, estimators
from sklearn_sfx._tasks import CRYSTALLOGRAPHY, refuse_other_task, task_asked
from sklearn_sfx._text import one_line, shortened
from sklearn_sfx.classifiers import PeakCountClassifier
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.persistence import load_any
from sklearn_sfx.preprocessing import CentralCrop, PixelMask
from sklearn_sfx.screening._hit_probability import HitProbability, last_of
from sklearn_sfx.screening._model import ScreeningModel
from sklearn_sfx.screening._untrained import untrained_model

__all__ = ["as_screening_model", "check_hit_finder", "load_hit_finder"]

HIT = "hit"  # how a class of strings says that it is the one, in any case of the letters
RESPONSES = ("predict_proba", "decision_function", "predict")
RAW = (PixelMask, CentralCrop)  # steps after which frames still hold counts, so peaks


def as_screening_model(
    model: Any, frames: Any, pos_label: Any = None, task: str | None = None
) -> ScreeningModel:
    """Return a model that screens these frames as a fitted estimator would decide.

    Parameters
    ----------
    model : ScreeningModel or fitted estimator
        A `ScreeningModel` comes back as it is.
    frames : Frames, shape (n_frames, height, width)
        The run; one frame is read, for what the steps before the classifier make of it, and of
        single particles some more, for what lights a pixel.
    pos_label : label, optional
        As for `screen`.
    task : str, optional
        What is looked for: that of a `ScreeningModel`, and what decides how the frames of another
        estimator are called.

    Raises
    ------
    InputError
        It is no fitted classifier, cannot say which class is that of hits, or has another task.
    """
    if isinstance(model, ScreeningModel):
        check_hit_finder(model, pos_label)
        refuse_other_task(model.about, task)
        return model
    about = task_asked(task)
    is_named = about.kept in np.asarray(getattr(model, "classes_", ())).tolist()
    if pos_label is None and is_named and about is not CRYSTALLOGRAPHY:
        pos_label = about.kept
    response, threshold, of, hit = _how_it_decides(model, pos_label)
    name = type(model).__name__
    prepare, classifier = _split_preparation(model)
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
    if of != hit and len(getattr(model, "classes_", ())) > 2:
        threshold = of = None  # who is not of that class is not yet of this one: predict decides
    decider = HitProbability(classifier, hit, response, threshold, of)
    one = steps.transform(frames[:1])
    if about is CRYSTALLOGRAPHY:
        baseline: Any = PeakCountClassifier().fit(one)
    else:
        baseline = untrained_model(frames, about.option).baseline.fit(one)
    return ScreeningModel(
        prepare=steps,
        classifier=decider,
        baseline=baseline,
        threshold=decider.cut,
        trained_on=(),
        frame_shape=(frames.shape[1], frames.shape[2]),
        task=about.name,
    )


def check_hit_finder(model: Any, pos_label: Any = None) -> None:
    """Refuse what cannot find hits, before there are frames.

    Parameters
    ----------
    model, pos_label : any
        As for `as_screening_model`.

    Raises
    ------
    InputError
        It is no fitted classifier, or cannot say which class is that of hits.
    """
    if not isinstance(model, ScreeningModel):
        _how_it_decides(model, pos_label)
    elif pos_label is not None:
        raise InputError(
            "pos_label is for other estimators: a model that train made has hits and misses."
        )


def _how_it_decides(model: Any, pos_label: Any) -> tuple[str, Any, Any, Any]:
    """Return the method to ask, the threshold on it and of which class that is, and the hits'."""
    response = _response(model)
    threshold, of = _own_decision(model, response)
    return response, threshold, of, _hit_class(model, pos_label, of)


def _split_preparation(model: Any) -> tuple[list[Any], Any]:
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
    last = last_of(model)
    if isinstance(last, THRESHOLDS) and last.response_method == "decision_function":
        return last.response_method
    if found != "predict" and not hasattr(model, "classes_"):
        return "predict"
    of_pairs = getattr(last, "decision_function_shape", None) == "ovo"
    if found == "decision_function" and of_pairs and len(model.classes_) > 2:
        return "predict"
    return found


def _own_decision(model: Any, response: str) -> tuple[Any, Any]:
    """Return the threshold that a classifier has on its response, and of which class it is."""
    last = last_of(model)
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
    if pos_label is None and hasattr(type(last_of(model)), "__sfx_decision__"):
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
