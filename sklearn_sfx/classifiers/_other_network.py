"""The network inside a model of another experiment, whatever stands around it."""

import os
from typing import Any

from sklearn.pipeline import Pipeline, make_pipeline

from sklearn_sfx._models import estimators
from sklearn_sfx.classifiers._base import TorchClassifier
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.persistence import load_any

__all__ = ["open_base"]


def open_base(base: Any) -> tuple[Pipeline | None, TorchClassifier]:
    """Return the steps that prepare frames for a fitted network, if any, and its classifier.

    Parameters
    ----------
    base : fitted estimator, ScreeningModel, or path
        As `FineTuned` takes it.

    Raises
    ------
    InputError
        There is no network in it, or more than one; it is not fitted; or the file cannot be read.
    """
    if isinstance(base, str | os.PathLike):
        base = load_any(base)
    found = _ways_to_networks(base)
    if len(found) != 1:
        has = f"which has {len(found)} networks" if found else "which has no network"
        raise InputError(
            "FineTuned takes as base a fitted CNN1D, CNN2D or DANN, or another network of this "
            "package, a fitted pipeline that ends in one, or the path of a saved one, not "
            f"{type(estimators(base)[-1]).__name__}, {has}: use that model as it is, or train one "
            "there with the method 'rows'."
        )
    *before, classifier = found[0]
    if not hasattr(classifier, "net_"):
        raise InputError(
            f"FineTuned takes a fitted base, and this {type(classifier).__name__} is not fitted: "
            "fit it first, and where scikit-learn clones it, as in a grid, wrap it in "
            "FrozenEstimator."
        )
    return (make_pipeline(*before) if before else None), classifier


def _ways_to_networks(model: Any) -> list[list[Any]]:
    """Return for each network in a model the steps that lead to it, and it."""
    *before, last = estimators(model)
    if isinstance(last, TorchClassifier):
        return [[*before, last]]
    return [[*before, *way] for part in _combined(last) for way in _ways_to_networks(part)]


def _combined(model: Any) -> list[Any]:
    """Return the estimators that a vote, a stack or a calibration puts together."""
    calibrated = getattr(model, "calibrated_classifiers_", None)
    if calibrated is not None:
        return [one.estimator for one in calibrated]
    parts = getattr(model, "estimators_", None)
    return parts if isinstance(parts, list) else []
