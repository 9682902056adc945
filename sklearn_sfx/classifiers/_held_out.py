"""What pipelines say of labelled frames that they have not learned from, each read once.

The steps before the last learn nothing, and neither does what a `FindingClassifier` finds in a
frame. So both are done once, and only what learns from labels is fitted for each fold.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
from scipy.special import expit
from sklearn.base import BaseEstimator, clone
from sklearn.pipeline import Pipeline

from sklearn_sfx.classifiers._finding import FindingClassifier

__all__ = ["find_in", "fit_found", "held_out_probability", "probability_of_found"]


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
        Labels of two classes.

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
) -> np.ndarray:
    """Return the probability of the second class, from the fold that each frame was left out of.

    Parameters
    ----------
    classifier : Pipeline
        Not yet fitted, and not fitted by this.
    found : ndarray of shape (n_frames, ...)
        What `find_in` found.
    y : ndarray of shape (n_frames,)
        Labels of two classes.
    folds : iterable of (train, test)
        Positions; each frame is in one ``test``.

    Returns
    -------
    ndarray of float64, shape (n_frames,)
    """
    probability = np.full(len(y), np.nan)
    for train, test in folds:
        decider = clone(classifier[-1])
        _fit(decider, found[train], y[train])
        probability[test] = probability_of_found(decider, found[test])
    return probability


def probability_of_found(decider: BaseEstimator, found: np.ndarray) -> np.ndarray:
    """Return the probability of the second class, given what `find_in` found.

    Parameters
    ----------
    decider : fitted estimator
        The last step of the pipeline.
    found : ndarray of shape (n_frames, ...)
        What `find_in` found.

    Returns
    -------
    ndarray of float64, shape (n_frames,)
    """
    if isinstance(decider, FindingClassifier):
        return expit(decider._decide_found(found))
    return decider.predict_proba(found)[:, 1]


def _fit(decider: BaseEstimator, found: np.ndarray, y: np.ndarray) -> None:
    if isinstance(decider, FindingClassifier):
        decider._fit_found(found, y)
    else:
        decider.fit(found, y)
