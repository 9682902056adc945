"""The one gate through which the classifiers take their labels."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.utils import check_consistent_length, column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import assert_all_finite

from sklearn_sfx.exceptions import InputError

__all__ = ["encode_binary_labels", "encode_labels"]


def encode_labels(
    estimator: BaseEstimator, X: Any, y: ArrayLike | None
) -> tuple[np.ndarray, np.ndarray]:
    """Check labels as scikit-learn does; return the classes and the class number of each row."""
    name = type(estimator).__name__
    if y is None:
        raise InputError(f"{name} requires y to be passed, but the target y is None.")
    y = column_or_1d(y, warn=True)
    assert_all_finite(y, input_name="y", estimator_name=name)
    check_classification_targets(y)
    check_consistent_length(X, y)
    classes, targets = np.unique(y, return_inverse=True)
    if len(classes) < 2:
        raise InputError(
            f"{name} needs labels of two classes at least to learn from, but y holds one class "
            f"only: {classes.tolist()[0]!r}."
        )
    return classes, targets.astype(np.int64)


def encode_binary_labels(
    estimator: BaseEstimator, X: Any, y: ArrayLike
) -> tuple[np.ndarray, np.ndarray]:
    """Do the same for a classifier that tells hits from misses, and refuse a third class."""
    classes, targets = encode_labels(estimator, X, y)
    if len(classes) > 2:
        raise InputError(
            "Only binary classification is supported. The type of the target is multiclass; "
            f"{type(estimator).__name__} tells hits from misses: drop a class or join two."
        )
    return classes, targets
