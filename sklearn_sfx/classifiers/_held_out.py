"""What pipelines say of labelled frames that they have not learned from, each read once.

The steps before the last learn nothing, and neither does what a `FindingClassifier` finds in a
frame. So both are done once, and only what learns from labels is fitted for each fold.
"""

import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from scipy.special import expit
from sklearn.base import BaseEstimator, clone
from sklearn.pipeline import Pipeline

from sklearn_sfx._side_by_side import side_by_side
from sklearn_sfx.classifiers._base import TorchClassifier
from sklearn_sfx.classifiers._finding import FindingClassifier
from sklearn_sfx.classifiers._training import find_device
from sklearn_sfx.exceptions import FewLabelsWarning, NotLearnedWarning
from sklearn_sfx.frames import Frames, FrameStep, open_frames
from sklearn_sfx.preprocessing import peaks_once

__all__ = [
    "find_in",
    "find_together",
    "fit_found",
    "held_out_probability",
    "probability_of_found",
    "takes_long",
]

WORTH_PROCESSES = 1000  # frames times epochs; fewer are learned before a process has started


def find_in(classifier: Pipeline, X: Any) -> np.ndarray:
    """Return what the last step of a pipeline, not yet fitted, learns from in each frame.

    Parameters
    ----------
    classifier : Pipeline
        Of steps that learn nothing, and a classifier.
    X : Frames or ndarray, shape (n_frames, height, width)
        What it reads.

    Returns
    -------
    ndarray of shape (n_frames, ...)
        For `fit_found` and `held_out_probability`.
    """
    *steps, (_, decider) = classifier.steps
    if steps:
        X = Pipeline(steps).fit_transform(X)
    return decider._find(X) if isinstance(decider, FindingClassifier) else np.asarray(X)


def find_together(classifiers: Sequence[FindingClassifier], X: Any) -> list[np.ndarray]:
    """Return what each of some classifiers, fitted or not, finds in frames that are read once.

    Parameters
    ----------
    classifiers : sequence of FindingClassifier
        Those that look for the same peaks find them once; one that looks for something else stands
        alone.
    X : Frames or ndarray, shape (n_frames, height, width)
        What they read.

    Returns
    -------
    list of ndarray of shape (n_frames, ...)
        For `fit_found` and `probability_of_found`; of a classifier that counts, the counts.
    """
    frames = X if isinstance(X, Frames) else open_frames(X)
    steps: list[Any] = []
    for classifier in classifiers:
        if hasattr(classifier, "frame_shape_in_"):
            classifier._check_frames(frames, reset=False)
        steps.append(classifier._step())
    together: FrameStep = steps[0] if len(steps) == 1 else peaks_once(steps)
    values = np.asarray(frames.append(together))
    lengths = [step.output_shape(frames.shape[1:])[0] for step in steps]
    parts = np.split(values, np.cumsum(lengths)[:-1], axis=1)
    return [one._as_found(part) for one, part in zip(classifiers, parts, strict=True)]


def fit_found(classifier: Pipeline, X: Any, found: np.ndarray, y: np.ndarray) -> Pipeline:
    """Fit a pipeline to labelled frames, given what `find_in` found in them.

    Parameters
    ----------
    classifier : Pipeline
        As for `find_in`; it is fitted.
    X : Frames or ndarray, shape (n_frames, height, width)
        The frames, of which one is read, for the shape.
    found : ndarray of shape (n_frames, ...)
        What `find_in` found in them.
    y : ndarray of shape (n_frames,)
        Labels, of two classes for a `FindingClassifier`.

    Returns
    -------
    Pipeline
        The same one.
    """
    *steps, (_, decider) = classifier.steps
    first = Pipeline(steps).fit_transform(X[:1]) if steps else X[:1]  # their shape is enough
    if isinstance(decider, FindingClassifier):
        decider._check_frames(first, reset=True)
    _fit(decider, found, y)
    return classifier


def held_out_probability(
    classifier: Pipeline,
    found: np.ndarray,
    y: np.ndarray,
    folds: Iterable[tuple[np.ndarray, np.ndarray]],
    own: Callable[[], object] | None = None,
    pos_label: Any = 1,
) -> np.ndarray:
    """Return the probability of a hit, from the fold that each frame was left out of.

    Networks that learn on a processor learn side by side, as joblib has been told; every number of
    jobs gives the same numbers.

    Parameters
    ----------
    classifier : Pipeline
        Not yet fitted, and not fitted by this.
    found : ndarray of shape (n_frames, ...)
        What `find_in` found.
    y : ndarray of shape (n_frames,)
        Labels, of two classes for a `FindingClassifier`.
    folds : iterable of (train, test)
        Positions; each frame is in one ``test``.
    own : callable, optional
        What this process is to do while others learn from folds.
    pos_label : label, default=1
        The class of hits.

    Returns
    -------
    ndarray of float64, shape (n_frames,)
    """
    folds = list(folds)
    tasks = [
        (clone(classifier[-1]), found[train], y[train], found[test], pos_label)
        for train, test in folds
    ]
    if takes_long(classifier[-1], len(y)):
        parts = side_by_side(_of_fold, tasks, own)
    else:
        if own is not None:
            own()
        parts = [_of_fold(*task) for task in tasks]
    probability = np.full(len(y), np.nan)
    for (_, test), part in zip(folds, parts, strict=True):
        probability[test] = part
    return probability


def takes_long(decider: BaseEstimator, n_frames: int) -> bool:
    """Whether it pays to train elsewhere too; on a GPU they would wait for each other.

    Parameters
    ----------
    decider : estimator
        The last step of a pipeline.
    n_frames : int
        How many it would learn from.
    """
    if not isinstance(decider, TorchClassifier):
        return False
    learned = n_frames * decider.max_epochs
    return learned >= WORTH_PROCESSES and find_device(decider.device).type == "cpu"


def _of_fold(
    decider: BaseEstimator, found: np.ndarray, y: np.ndarray, left_out: np.ndarray, pos_label: Any
) -> np.ndarray:
    with warnings.catch_warnings():  # the fit to all labels warns of what is wrong with them
        warnings.simplefilter("ignore", FewLabelsWarning)
        warnings.simplefilter("ignore", NotLearnedWarning)
        _fit(decider, found, y)
    return probability_of_found(decider, left_out, pos_label)


def probability_of_found(
    decider: BaseEstimator, found: np.ndarray, pos_label: Any = 1
) -> np.ndarray:
    """Return the probability of a hit, given what `find_in` found.

    Parameters
    ----------
    decider : fitted estimator
        The last step of the pipeline.
    found : ndarray of shape (n_frames, ...)
        What `find_in` found.
    pos_label : label, default=1
        The class of hits; of a `FindingClassifier` it is the greater one.

    Returns
    -------
    ndarray of float64, shape (n_frames,)
    """
    if isinstance(decider, FindingClassifier):
        return expit(decider._decide_found(found))
    return decider.predict_proba(found)[:, list(decider.classes_).index(pos_label)]


def _fit(decider: BaseEstimator, found: np.ndarray, y: np.ndarray) -> None:
    if isinstance(decider, FindingClassifier):
        decider._fit_found(found, y)
    else:
        decider.fit(found, y)
