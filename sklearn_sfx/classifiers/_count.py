"""What decides by a count of each frame: how many make a hit, and how sure that is."""

from abc import ABC, abstractmethod
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize_scalar
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin, _fit_context
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from sklearn_sfx._labels import encode_binary_labels
from sklearn_sfx._stored import Stored
from sklearn_sfx._validation import check_frames

__all__ = ["MAX_SLOPE", "CountClassifier", "best_count", "threshold_and_slope"]

MAX_SLOPE = 3.0  # where no count is seen in both classes, any slope fits: stay modest


def best_count(counts: ArrayLike, is_hit: ArrayLike) -> int:
    """Return how many peaks make a hit: the count that tells labelled frames apart best.

    Best is the highest balanced accuracy, the mean of recall and specificity. Where several counts
    reach it, the lowest is taken, since losing a hit costs more than keeping a miss.

    Parameters
    ----------
    counts : array-like of int, shape (n_frames,)
        Peaks of each frame, as `count_peaks` counts them.
    is_hit : array-like of bool, shape (n_frames,)
        Which of them are labelled hits; some are, and some are not.

    Returns
    -------
    int
        A frame with this many peaks, or more, is a hit.

    Examples
    --------
    >>> from sklearn_sfx.classifiers import best_count
    >>> best_count([0, 1, 3, 20, 30], [False, False, False, True, True])
    4
    """
    counts, is_hit = np.asarray(counts), np.asarray(is_hit, dtype=bool)
    candidates = np.unique(np.concatenate([counts, counts + 1]))
    hits, misses = np.sort(counts[is_hit]), np.sort(counts[~is_hit])
    found = 1.0 - np.searchsorted(hits, candidates) / len(hits)
    rejected = np.searchsorted(misses, candidates) / len(misses)
    # Rounded, or the last bit of the sum would decide between equals.
    return int(candidates[np.argmax(np.round(found + rejected, 12))])


class CountClassifier(Stored, ClassifierMixin, BaseEstimator, ABC):
    """A classifier that calls a frame with many of something a hit; a base class.

    It counts with `_count`, and knows from `_without_labels` what to do without labels.
    """

    def _check_frames(self, X: Any, reset: bool) -> Any:
        return check_frames(self, X, reset=reset, allow_2d=False)

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> Self:
        """Learn how many make a hit.

        Parameters
        ----------
        X : array-like or Frames, shape (n, height, width)
            Raw frames; NaN, and what the mask of `Frames` calls unusable, take no part. Without
            labels only their shape is looked at.
        y : array-like of shape (n,), default=None
            Labels of two classes; None where there are none.

        Returns
        -------
        self : object
            The fitted classifier.

        Raises
        ------
        InputError
            Labels of one class or of more than two, input that is no frames, or no labels and
            parameters that need them.
        """
        X = self._check_frames(X, reset=True)
        if y is None:
            self.classes_, many = np.array([0, 1]), 1
            self.threshold_, self.slope_ = self._without_labels()
        else:
            self.classes_, targets = encode_binary_labels(self, X, y)
            counts = self._count(X)
            many = int(counts[targets == 1].mean() >= counts[targets == 0].mean())
            self.threshold_, self.slope_ = threshold_and_slope(counts, targets == many)
        self.hit_class_ = self.classes_[many]
        return self

    @abstractmethod
    def _without_labels(self) -> tuple[int, float]:
        """Return how many make a hit where nobody says it, and how steep the probability is."""

    @abstractmethod
    def _count(self, X: Any) -> np.ndarray:
        """Return the count of each frame, (n,) int64."""

    def _checked_count(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        return self._count(self._check_frames(X, reset=False))

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
        is_hit = self._checked_count(X) >= self.threshold_
        miss_class = self.classes_[self.classes_ != self.hit_class_][0]
        return np.where(is_hit, self.hit_class_, miss_class).astype(self.classes_.dtype)

    def predict_proba(self, X: ArrayLike) -> np.ndarray:
        """Return the probability of each class, which rises with the count and only with it.

        A logistic function of the logarithm of the count, one half between `threshold_` and the
        count below it, its slope fitted to the labels.

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
        counts = self._checked_count(X)
        hit = expit(self.slope_ * _log_ratio(counts, self.threshold_))
        columns = (1.0 - hit, hit)
        return np.column_stack(columns if self.hit_class_ == self.classes_[1] else columns[::-1])

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        tags.target_tags.required = False
        tags.input_tags.allow_nan = True
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        return tags


def threshold_and_slope(counts: np.ndarray, is_hit: np.ndarray) -> tuple[int, float]:
    """Return how many make a hit, and how steep the probability is, from labelled counts."""
    threshold = best_count(counts, is_hit)
    return threshold, _best_slope(_log_ratio(counts, threshold), is_hit)


def _log_ratio(counts: np.ndarray, threshold: int) -> np.ndarray:
    return np.log((counts + 1.0) / (threshold + 0.5))


def _best_slope(log_ratio: np.ndarray, is_hit: np.ndarray) -> float:
    """Return the slope of greatest likelihood, with both classes weighing the same."""
    sign = np.where(is_hit, 1.0, -1.0)
    weight = np.where(is_hit, 0.5 / is_hit.sum(), 0.5 / (~is_hit).sum())

    def loss(slope: float) -> float:
        return float(weight @ np.logaddexp(0.0, -sign * slope * log_ratio))

    return float(minimize_scalar(loss, bounds=(0.5, MAX_SLOPE), method="bounded").x)
