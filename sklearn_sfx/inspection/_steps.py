"""Frames on their way through the steps of a pipeline."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from sklearn_sfx.exceptions import InputError
from sklearn_sfx.preprocessing import FrameTransformer, PixelMask

__all__ = ["masked", "one_frame", "run_step"]


def one_frame(X: Any, index: int) -> Any:
    """Return one frame of a run, as a run of one frame."""
    X = X if hasattr(X, "shape") else np.asarray(X)
    if len(X.shape) != 3:
        raise InputError(
            f"A frame is drawn of frames, X of shape (n_frames, height, width); got {X.shape}."
        )
    if not -len(X) <= index < len(X):
        raise InputError(f"There is no frame {index}: X holds {len(X)}, counted from 0.")
    return X[[index]]


def masked(X: Any) -> np.ndarray:
    """Return frames as they are, float32, with NaN where their own mask says so."""
    return np.asarray(PixelMask().fit_transform(X))


def run_step(name: str, step: BaseEstimator, X: Any) -> Any:
    """Transform by a step; one that has nothing to learn need not be fitted."""
    try:
        check_is_fitted(step)
    except NotFittedError:
        if not isinstance(step, FrameTransformer) or getattr(step, "detect", False):
            raise InputError(
                f"The step {name!r} has to learn from frames before it can be shown: fit the "
                "pipeline first."
            ) from None
        step = clone(step).fit(X)
    if not hasattr(step, "transform"):
        raise InputError(f"The step {name!r} decides and transforms nothing: name one before it.")
    return step.transform(X)
