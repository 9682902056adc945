"""What any fitted classifier says of a hit, as a probability from which on it predicts one."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline

from sklearn_sfx._models import estimators
from sklearn_sfx._stored import Stored
from sklearn_sfx._text import one_line, shortened
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames import Frames

__all__ = ["HitProbability", "last_of"]

BLOCK_PIXELS = 2**25  # that an estimator which reads arrays is given at once
SLACK = 1e-6  # by which rounding may bring a probability beyond 0 or 1
LEAST = np.finfo(float).tiny  # a threshold that a miss can still be below


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
        if self.response == "predict_proba":
            self._check_probability(said)
        hit = self._hit(said)
        if np.isnan(hit).any():
            raise InputError(
                f"This {name} says NaN of some frames: put PixelMask, or a step that fills what "
                "is masked, before it."
            )
        # Ties, and what predict decides otherwise than by this response, move to its side.
        below = np.nextafter(self.cut, 0)
        return np.where(is_hit, np.maximum(hit, self.cut), np.minimum(hit, below))

    def _check_probability(self, said: np.ndarray) -> None:
        n_classes = len(self.estimator.classes_)
        is_beyond = (said < -SLACK) | (said > 1 + SLACK)  # NaN is neither
        if said.shape[1:] != (n_classes,) or is_beyond.any():
            shape = ", ".join(["n_frames", *map(str, said.shape[1:])])
            raise InputError(
                f"{type(last_of(self.estimator)).__name__}.predict_proba has to give the "
                f"probability of each of the {n_classes} classes, numbers from 0 to 1 of shape "
                f"(n_frames, {n_classes}), and gives some others, of shape ({shape})."
            )

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
        last = last_of(asked)
        if isinstance(last, Stored) and not hasattr(type(last), "__sfx_decision__"):
            # Of this package, without a threshold: the class of most probability.
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


def last_of(model: Any) -> Any:
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
