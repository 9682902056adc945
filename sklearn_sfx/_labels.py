"""The one gate through which labels come in, and which of two labels is that of a hit."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.utils import check_consistent_length, column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import assert_all_finite

from sklearn_sfx.exceptions import InputError

__all__ = [
    "check_labels",
    "decided",
    "encode_binary_labels",
    "encode_labels",
    "hit_class",
    "is_unlabelled",
    "refuse_marks",
    "strata",
]


def check_labels(name: str, y: ArrayLike | None) -> np.ndarray:
    """Return y as an array (n,), checked as scikit-learn does; `name` is that of who asks."""
    if y is None:
        raise InputError(f"{name} requires y to be passed, but the target y is None.")
    y = column_or_1d(y, warn=True)
    assert_all_finite(y, input_name="y", estimator_name=name)
    check_classification_targets(y)
    return y


def encode_labels(
    estimator: BaseEstimator, X: Any, y: ArrayLike | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the classes, sorted, and the class number of each row, int64; y has two at least."""
    name = type(estimator).__name__
    y = check_labels(name, y)
    check_consistent_length(X, y)
    classes, targets = np.unique(y, return_inverse=True)
    if len(classes) < 2:
        raise InputError(
            f"{name} needs labels of two classes at least to learn from, but y holds one class "
            f"only: {classes.tolist()[0]!r}."
        )
    refuse_marks(name, classes, ("",))
    return classes, targets.astype(np.int64)


def encode_binary_labels(
    estimator: BaseEstimator, X: Any, y: ArrayLike
) -> tuple[np.ndarray, np.ndarray]:
    """Do the same for a classifier that tells hits from misses, and refuse a third class."""
    classes, targets = encode_labels(estimator, X, y)
    if len(classes) > 2:
        raise InputError(
            "Only binary classification is supported. The type of the target is multiclass; "
            f"{type(estimator).__name__} tells hits from misses, and the labels are "
            f"{classes.tolist()}: say which one is a hit, as y == {classes.tolist()[-1]!r} does."
        )
    return classes, targets


def refuse_marks(name: str, classes: np.ndarray, marks: tuple[Any, ...]) -> None:
    """Refuse classes (n_classes,) among which is a mark of frames without a label."""
    found = [label for label in classes.tolist() if label in marks]
    if found:
        raise InputError(
            f"{name} learns from frames with a label, and {found[0]!r} in y marks frames without "
            f"one: leave them out, as X[y != {found[0]!r}] and y[y != {found[0]!r}] do."
        )


def is_unlabelled(y: np.ndarray, mark: Any) -> np.ndarray:
    """Return which rows of y hold the mark of a frame without a label; none if it is None."""
    if mark is None:
        return np.zeros(len(y), dtype=bool)
    if y.dtype.kind == "U":  # numpy has made strings of numbers that came with strings
        mark = str(mark)
    return np.broadcast_to(y == mark, y.shape)


def hit_class(classes: ArrayLike, pos_label: Any = None) -> Any:
    """Return the class that counts as a hit: what is named, or the greater of two numbers.

    Of "hit" and "miss" the greater is the wrong one, so strings have to be named.
    """
    labels = np.asarray(classes).tolist()
    if pos_label is None and len(labels) == 2 and not isinstance(labels[1], str):
        return labels[1]
    if pos_label is None:
        raise InputError(f"Name the class that counts as a hit: pos_label, of {labels}.")
    if pos_label not in labels:
        raise InputError(f"pos_label={pos_label!r} is not one of the labels, {labels}.")
    return pos_label


def decided(
    probability: np.ndarray, classes: np.ndarray, pos_label: Any, threshold: float
) -> np.ndarray:
    """Return the label of each row: a hit where its probability reaches the threshold.

    Any other row has the likeliest of the other classes. probability (n, n_classes) float, by the
    columns of classes (n_classes,); pos_label is the class of hits.
    """
    hit = int(np.flatnonzero(classes == pos_label)[0])
    others = np.delete(np.arange(len(classes)), hit)
    likeliest = others[probability[:, others].argmax(axis=1)]
    return classes[np.where(probability[:, hit] >= threshold, hit, likeliest)]


def strata(y: np.ndarray, pos_label: Any, n_folds: int) -> np.ndarray:
    """Return y (n,) for stratified folds: of a class too rare for them rows count as another.

    That is the commonest of those that are no hits. Of two classes y comes back as it is.
    """
    classes, counts = np.unique(y, return_counts=True)
    is_other = classes != pos_label
    commonest = classes[is_other][counts[is_other].argmax()]
    return np.where(np.isin(y, classes[is_other & (counts < n_folds)]), commonest, y)
