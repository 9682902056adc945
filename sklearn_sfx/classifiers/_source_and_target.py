"""Which frames are of the source, by whose labels is learned, and which of the target."""

import warnings
from typing import Any

import numpy as np
from sklearn.utils import check_consistent_length, column_or_1d

from sklearn_sfx._labels import encode_labels, is_unlabelled
from sklearn_sfx.exceptions import InputError, NoTargetWarning

__all__ = ["encode_source", "warn_without_target"]


def encode_source(
    estimator: Any, X: Any, y: Any, sample_domain: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the classes of the source, sorted, and class numbers (n,), int64: -1 for the target.

    Parameters
    ----------
    estimator : DANN
        Says by `unlabelled` which label marks the target.
    X : array-like or Frames, shape (n, ...)
        Frames of both.
    y : array-like of shape (n,)
        Labels of the source; those of the target are not looked at.
    sample_domain : ndarray of shape (n,) or None
        0 or above for the source; None where y marks the target.

    Raises
    ------
    InputError
        No frame is of the source, or one of it has no label, or there is one class only, or labels
        are of kinds that cannot be sorted.
    """
    if y is None:
        return encode_labels(estimator, X, y)
    y = column_or_1d(y, warn=True)
    check_consistent_length(X, y)
    mark = estimator.unlabelled
    marked = is_unlabelled(y, mark)
    source = ~marked
    if sample_domain is not None:
        source = sample_domain >= 0
        if (source & marked).any():
            raise InputError(
                f"DANN: {int((source & marked).sum())} frames of the source have no label (y "
                f"is {mark!r}): label them, or leave them out."
            )
    if not source.any():
        raise InputError(
            "DANN: no frame is of the source: it learns from labels of another "
            "experiment, so give frames with labels of two classes too."
        )
    try:
        held = np.unique(y[source])
    except TypeError as error:
        kinds = sorted({type(label).__name__ for label in y[source].tolist()})
        raise InputError(
            f"DANN: labels of the source are of several kinds ({', '.join(kinds)}): give numbers "
            f"or strings only. The target is marked by unlabelled={mark!r}, or by sample_domain."
        ) from error
    if len(held) < 2 and marked.any() and sample_domain is None:
        raise InputError(
            f"DANN: the source needs labels of two classes at least, but y holds one class "
            f"only, {held.tolist()[0]!r}, beside {mark!r}, which marks the target: "
            "if that is a label, set unlabelled=None."
        )
    targets = np.full(len(y), -1, np.int64)
    classes, targets[source] = encode_labels(estimator, y[source], y[source])
    return classes, targets


def warn_without_target(targets: np.ndarray, unlabelled: Any, needed: int) -> None:
    """Warn, in the name of who calls `fit`, where too few frames are of the target, or the source.

    Parameters
    ----------
    targets : ndarray of int64, shape (n,)
        Class numbers of the source's frames, and -1 for those of the target.
    unlabelled : object
        The label that marks the target.
    needed : int
        How many of either it takes for the target to have a part in the training.
    """
    n_source, n_target = int((targets >= 0).sum()), int((targets < 0).sum())
    if min(n_source, n_target) >= needed:
        return
    message = (
        f"DANN: the levels of pixels are known from {needed} frames of either run, and there are "
        f"{n_source} of the source and {n_target} of the target. So nothing is made like the "
        "target, and this is a plain network of the source: give more frames."
    )
    if n_target == 0:
        message = (
            "DANN: no frame is of the target, so there is nothing to adapt to, and this is a "
            f"plain network of the source. Give frames with the label {unlabelled!r}, or "
            "a sample_domain below 0."
        )
    warnings.warn(message, NoTargetWarning, stacklevel=4)
