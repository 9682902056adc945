"""What a model says of rows that it has not learned from."""

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.metaestimators import _safe_split
from sklearn.utils.validation import _check_method_params, assert_all_finite

from sklearn_sfx.exceptions import InputError

__all__ = ["hit_probability_of_fold"]


def hit_probability_of_fold(
    model: BaseEstimator,
    X: Any,
    y: np.ndarray,
    train: np.ndarray,
    test: np.ndarray,
    fit_params: dict,
    pos_label: Any,
    labels: np.ndarray,
) -> np.ndarray:
    """Fit on the training rows; return the probability of a hit of each test row.

    X and y (n,) are all rows, train and test positions; labels are those that any fold tests.
    """
    X_train, y_train = _safe_split(model, X, y, train)
    X_test, _ = _safe_split(model, X, y, test, train)
    model.fit(X_train, y_train, **_check_method_params(X, fit_params, indices=train))
    learned = model.classes_.tolist()
    marks = set(y.tolist()).difference(labels.tolist())  # of rows that are never tested
    if len(learned) < 2 or pos_label not in learned or marks.intersection(learned):
        raise InputError(
            f"In a fold the estimator learned the classes {learned}, but it has to tell "
            f"{pos_label!r} from others: the folds of cv need rows of both to train on, and where "
            "y marks rows without a label the estimator has to know that mark."
        )
    probability = model.predict_proba(X_test)[:, np.flatnonzero(model.classes_ == pos_label)[0]]
    assert_all_finite(probability, input_name="the probability of a hit")
    return probability
