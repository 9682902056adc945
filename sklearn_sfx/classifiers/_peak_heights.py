"""The classifier that knows simulated frames, and needs few labels of one's own or none."""

from numbers import Real
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin, _fit_context
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from sklearn.utils import Tags
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_is_fitted

from sklearn_sfx._labels import encode_binary_labels
from sklearn_sfx._stored import Stored
from sklearn_sfx._validation import check_frames, is_tensor
from sklearn_sfx.classifiers._simulated_peaks import simulated_peaks
from sklearn_sfx.preprocessing import StrongestPeaks

__all__ = ["PeakHeightClassifier", "learn_from_heights"]


def learn_from_heights(
    heights: np.ndarray | None, is_hit: np.ndarray | None, *, label_weight: float, C: float
) -> tuple[np.ndarray, float]:
    """Return weights and intercept learned from simulated frames, and from these if there are any.

    heights (n, 12) float, is_hit (n,) bool; the parameters are those of `PeakHeightClassifier`.
    """
    known, known_hits, _ = simulated_peaks()
    scaler = StandardScaler().fit(known)
    weight = np.ones(len(known))
    if heights is not None and is_hit is not None:
        share = np.where(is_hit, is_hit.mean(), 1 - is_hit.mean())
        known, known_hits = np.concatenate([known, heights]), np.concatenate([known_hits, is_hit])
        weight = np.concatenate([weight, label_weight * 0.5 / share])
    model = LogisticRegression(C=C, max_iter=1000)
    model.fit(scaler.transform(known), known_hits, sample_weight=weight)
    coef = model.coef_[0] / scaler.scale_
    return coef, float(model.intercept_[0] - scaler.mean_ @ coef)


class PeakHeightClassifier(Stored, ClassifierMixin, BaseEstimator):
    """Decide by the heights of a frame's strongest peaks, with few labels or none.

    A logistic regression on what `StrongestPeaks` makes of a frame. It learns from 2560 simulated
    frames of 64 random experiments, which come with the package, and from the labelled frames of
    your own, each of which counts as much as `label_weight` of those. Heights in units of the local
    noise mean the same on every detector, so it works without any label; your labels say how many
    visible spots, and how weak ones, make a hit for you.

    It reads raw counts: put `PixelMask` with ``detect=True`` and a crop before it, and no
    normalization.

    Parameters
    ----------
    label_weight : float, default=10.0
        How many simulated frames a labelled frame counts as, in the mean; classes weigh the same
        however many labels they have. 0 leaves your labels out.
    C : float, default=0.1
        Inverse of the regularization strength, as in `sklearn.linear_model.LogisticRegression`.

    Attributes
    ----------
    classes_ : ndarray of shape (2,)
        The labels, sorted, of the dtype of y; 0 and 1 without labels.
    hit_class_ : label
        The class whose frames have the higher peaks; 1 without labels.
    coef_ : ndarray of float64, shape (12,)
        Weight of each value of `StrongestPeaks`.
    intercept_ : float
        What is added to their sum.
    n_features_in_ : int
        Height of the frames seen in `fit`, in pixels.
    frame_shape_in_ : tuple of int
        (height, width) of the frames seen in `fit`, in pixels.

    See Also
    --------
    StrongestPeaks : What it reads of a frame, for a classifier of your own.
    PeakCountClassifier : Counts peaks, and learns nothing but their number.

    Notes
    -----
    The simulated frames are 724 x 724 pixels, a crop that shows most spots; on a much smaller one
    there are fewer, and labels of your own matter more. Their labels follow the number of spots
    whose height exceeds the local noise, so results on simulated frames flatter this classifier.
    Figures, with those of real frames, are on the results page of the manual.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_sfx import PeakHeightClassifier
    >>> frames = np.random.default_rng(0).poisson(3.0, (20, 96, 96))
    >>> frames[10:, 10::20, 10::20] += 50
    >>> frames[10:, 11::20, 10::20] += 50
    >>> PeakHeightClassifier().fit(frames).predict(frames[[0, 10]])
    array([0, 1])
    >>> PeakHeightClassifier().fit(frames).decision_function(frames[[0, 10]]) > 0
    array([False,  True])
    >>> PeakHeightClassifier().fit(frames).predict_proba(frames).shape
    (20, 2)
    >>> labels = np.repeat(["miss", "hit"], 10)
    >>> PeakHeightClassifier().fit(frames[8:12], labels[8:12]).score(frames, labels)
    1.0
    """

    _parameter_constraints: ClassVar[dict] = {
        "label_weight": [Interval(Real, 0, None, closed="left")],
        "C": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(self, *, label_weight: float = 10.0, C: float = 0.1):
        self.label_weight = label_weight
        self.C = C

    def _check_frames(self, X: Any, reset: bool) -> Any:
        return check_frames(self, X, reset=reset, allow_2d=False)

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> Self:
        """Learn from the simulated frames and from these.

        Parameters
        ----------
        X : array-like or Frames, shape (n, height, width)
            Raw frames; NaN, and what the mask of `Frames` calls unusable, take no part. Without
            labels only their shape is looked at.
        y : array-like of shape (n,), default=None
            Labels of two classes. None learns from the simulated frames alone.

        Returns
        -------
        self : object
            The fitted classifier.

        Raises
        ------
        InputError
            Labels of one class or of more than two, or input that is no frames.
        """
        X = self._check_frames(X, reset=True)
        self.classes_, self.hit_class_, heights, is_hit = np.array([0, 1]), 1, None, None
        if y is not None:
            self.classes_, targets = encode_binary_labels(self, X, y)
            heights = self._heights(X)
            higher = int(heights[targets == 1].mean() >= heights[targets == 0].mean())
            self.hit_class_, is_hit = self.classes_[higher], targets == higher
        self.coef_, self.intercept_ = learn_from_heights(
            heights, is_hit, label_weight=self.label_weight, C=self.C
        )
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
        log_odds = self._heights(self._check_frames(X, reset=False)) @ self.coef_ + self.intercept_
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

    @staticmethod
    def _heights(X: Any) -> np.ndarray:
        if is_tensor(X):
            X = X.cpu().numpy()
        return np.asarray(StrongestPeaks().fit_transform(X), dtype=np.float64)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        tags.target_tags.required = False
        tags.input_tags.allow_nan = True
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        return tags
