"""What decides by numbers that it finds in each frame: their fit, and the probability of a hit."""

from abc import ABC, abstractmethod
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit
from sklearn.base import _fit_context
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from sklearn_sfx._labels import encode_binary_labels
from sklearn_sfx._weights import left_in
from sklearn_sfx.classifiers._frame_classifier import FrameClassifier
from sklearn_sfx.preprocessing import BaseStep

__all__ = ["FindingClassifier"]


class FindingClassifier(FrameClassifier, ABC):
    """A classifier that finds numbers in each frame and decides by them; a base class.

    What is found does not depend on labels, so it is found once where one learns several times.
    """

    @abstractmethod
    def _find(self, X: Any) -> np.ndarray:
        """Return what is found in checked frames: (n,) or (n, k), higher in hits."""

    @abstractmethod
    def _step(self) -> BaseStep:
        """Return the step that finds it in a frame."""

    @abstractmethod
    def _as_found(self, values: np.ndarray) -> np.ndarray:
        """Return what `_find` does, of what the step gave for each frame, (n, k) float32."""

    @abstractmethod
    def _learn(
        self,
        found: np.ndarray | None,
        is_hit: np.ndarray | None,
        sample_weight: np.ndarray | None,
    ) -> None:
        """Set what is learned: from what was found, labels and weights, or from none of them."""

    @abstractmethod
    def _log_odds(self, found: np.ndarray) -> np.ndarray:
        """Return the logarithm of the odds of a hit, (n,) float64."""

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Learn from labelled frames, or do without.

        Parameters
        ----------
        X : array-like or Frames, shape (n, height, width)
            Raw frames; NaN, and what the mask of `Frames` calls unusable, take no part. Without
            labels only their shape is looked at.
        y : array-like of shape (n,), default=None
            Labels of two classes; None where there are none.
        sample_weight : array-like of float, shape (n,), default=None
            How many frames each counts as, 0 or more; without labels they are not looked at.

        Returns
        -------
        self : object
            The fitted classifier.

        Raises
        ------
        InputError
            Labels of one class or of more than two, weights below 0 or all 0, input that is no
            frames, or no labels and parameters that need them.
        """
        X = self._check_frames(X, reset=True)
        if y is None:
            self.classes_, self.hit_class_ = np.array([0, 1]), 1
            self._learn(None, None, None)
            return self
        X, y, sample_weight = left_in(self, X, y, sample_weight)
        encode_binary_labels(self, X, y)  # before what takes long
        return self._fit_found(self._find(X), y, sample_weight)

    def _fit_found(
        self, found: np.ndarray, y: ArrayLike, sample_weight: np.ndarray | None = None
    ) -> Self:
        """Learn from what was found in labelled frames."""
        self.classes_, targets = encode_binary_labels(self, found, y)
        weight = np.ones(len(found)) if sample_weight is None else sample_weight
        of_class = [
            np.average(found[rows], axis=0, weights=weight[rows]).mean()
            for rows in (targets == 0, targets == 1)
        ]
        higher = int(of_class[1] >= of_class[0])
        self.hit_class_, is_hit = self.classes_[higher], targets == higher
        self._learn(found, is_hit, weight)
        return self

    def decision_function(self, X: ArrayLike) -> np.ndarray:
        """Return the logarithm of the odds of the second class.

        Parameters
        ----------
        X : array-like or Frames, shape (n, height, width)
            Of the shape seen in `fit`. `Frames` are read frame by frame.

        Returns
        -------
        log_odds : ndarray of float64, shape (n,)
            Above 0 where `predict` says the second of ``classes_``.

        Raises
        ------
        InputError
            X is not made of frames, or is of another shape than in `fit`.
        """
        check_is_fitted(self)
        return self._decide_found(self._find(self._check_frames(X, reset=False)))

    def _decide_found(self, found: np.ndarray) -> np.ndarray:
        log_odds = self._log_odds(found)
        return log_odds if self.hit_class_ == self.classes_[1] else -log_odds

    def predict_proba(self, X: ArrayLike) -> np.ndarray:
        """Return the probability of each class.

        Parameters
        ----------
        X : array-like or Frames, shape (n, height, width)
            Of the shape seen in `fit`. `Frames` are read frame by frame.

        Returns
        -------
        probability : ndarray of float64, shape (n, 2)
            Columns in the order of ``classes_``; rows sum to 1.

        Raises
        ------
        InputError
            X is not made of frames, or is of another shape than in `fit`.
        """
        log_odds = self.decision_function(X)
        return np.column_stack([expit(-log_odds), expit(log_odds)])

    def predict(self, X: ArrayLike) -> np.ndarray:
        """Return the label of each frame.

        Parameters
        ----------
        X : array-like or Frames, shape (n, height, width)
            Of the shape seen in `fit`. `Frames` are read frame by frame.

        Returns
        -------
        labels : ndarray of shape (n,)
            Of the kind that `fit` was given.

        Raises
        ------
        InputError
            X is not made of frames, or is of another shape than in `fit`.
        """
        is_second = self.decision_function(X) > 0
        return self.classes_[is_second.astype(int)]

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = False
        return tags
