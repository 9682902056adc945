"""The classical hit finder: a frame with many peaks is a hit."""

from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize_scalar
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin, _fit_context
from sklearn.utils import Tags
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_is_fitted

from sklearn_sfx._labels import encode_binary_labels
from sklearn_sfx._stored import Stored
from sklearn_sfx._validation import check_frames
from sklearn_sfx.classifiers._simulated_peaks import simulated_peaks
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.preprocessing import count_peaks

__all__ = ["PeakCountClassifier", "best_count"]

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


class PeakCountClassifier(Stored, ClassifierMixin, BaseEstimator):
    """Count the peaks above a local signal-to-noise, and call a frame with many of them a hit.

    This is how hit finders decide today: the baseline for every other classifier. It reads raw
    counts; mask them, but do not normalize them. `count_peaks` counts, and `fit` learns how many
    peaks make a hit, by the rule of `best_count`: from labelled frames or, without labels, from the
    2560 simulated ones that come with the package.

    Parameters
    ----------
    min_snr : float, default=5.0
        Height of the highest pixel of a peak above the local background, over the local noise. The
        other pixels of the peak reach 0.7 of it.
    min_pixels, max_pixels : int, default=2 and 200
        Fewest and most pixels of a peak.
    background_radius : int, default=8
        The background is taken from the square that reaches this many pixels to each side.
    noise_floor : float, default=1.0
        Added in quadrature to the local noise, in the units of the frames: one photon on a
        photon-counting detector, so that two counts in an empty corner are no peak. On an
        integrating detector with a noise of many units it has no effect. Lower it for frames in
        small units.

    Attributes
    ----------
    classes_ : ndarray of shape (2,)
        The labels, sorted, of the dtype of y; 0 and 1 without labels.
    hit_class_ : label
        The class whose frames have more peaks; 1 without labels.
    threshold_ : int
        A frame with this many peaks, or more, is a hit.
    slope_ : float
        How steeply the probability rises with the logarithm of the count.
    n_features_in_ : int
        Height of the frames seen in `fit`.
    frame_shape_in_ : tuple of int
        (height, width) of the frames seen in `fit`.

    See Also
    --------
    count_peaks : The counts alone.
    PeakHeightClassifier : Looks at how high the peaks are, too.

    References
    ----------
    .. [1] Barty et al., "Cheetah: software for high-throughput reduction and analysis of serial
       femtosecond X-ray diffraction data", J. Appl. Cryst. 47, 1118 (2014): hit finding by the
       number of peaks.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_sfx import PeakCountClassifier
    >>> rng = np.random.default_rng(0)
    >>> frames = rng.poisson(3.0, (20, 64, 64))
    >>> labels = np.repeat(["miss", "hit"], 10)
    >>> frames[10:, 10::20, 10::20] += 50
    >>> frames[10:, 11::20, 10::20] += 50
    >>> model = PeakCountClassifier().fit(frames, labels)
    >>> model.count_peaks(frames[[0, 10]]).tolist(), model.threshold_, str(model.hit_class_)
    ([0, 9], 1, 'hit')
    >>> model.predict(frames[[0, 10]]).tolist(), model.predict_proba(frames).shape
    (['miss', 'hit'], (20, 2))
    >>> PeakCountClassifier().fit(frames).predict(frames[[0, 10]])  # no label is needed
    array([0, 1])
    """

    _parameter_constraints: ClassVar[dict] = {
        "min_snr": [Interval(Real, 0, None, closed="neither")],
        "min_pixels": [Interval(Integral, 1, None, closed="left")],
        "max_pixels": [Interval(Integral, 1, None, closed="left")],
        "background_radius": [Interval(Integral, 4, None, closed="left")],
        "noise_floor": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        *,
        min_snr: float = 5.0,
        min_pixels: int = 2,
        max_pixels: int = 200,
        background_radius: int = 8,
        noise_floor: float = 1.0,
    ):
        self.min_snr = min_snr
        self.min_pixels = min_pixels
        self.max_pixels = max_pixels
        self.background_radius = background_radius
        self.noise_floor = noise_floor

    def _check_frames(self, X: Any, reset: bool) -> Any:
        return check_frames(self, X, reset=reset, allow_2d=False)

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> Self:
        """Learn how many peaks make a hit.

        Parameters
        ----------
        X : array-like or Frames, shape (n, height, width)
            Raw frames; NaN, and what the mask of `Frames` calls unusable, take no part. Without
            labels only their shape is looked at.
        y : array-like of shape (n,), default=None
            Labels of two classes. None learns from the simulated frames, whose peaks were counted
            with the default parameters.

        Returns
        -------
        self : object
            The fitted classifier.

        Raises
        ------
        InputError
            Labels of one class or of more than two, input that is no frames, or no labels and
            parameters that are not the defaults.
        """
        X = self._check_frames(X, reset=True)
        if y is None:
            self._refuse_other_settings()
            self.classes_, many = np.array([0, 1]), 1
            _, is_hit, counts = simulated_peaks()
        else:
            self.classes_, targets = encode_binary_labels(self, X, y)
            counts = self._count(X)
            many = int(counts[targets == 1].mean() >= counts[targets == 0].mean())
            is_hit = targets == many
        self.hit_class_ = self.classes_[many]
        self.threshold_ = best_count(counts, is_hit)
        self.slope_ = _best_slope(_log_ratio(counts, self.threshold_), is_hit)
        return self

    def _refuse_other_settings(self) -> None:
        defaults = type(self)().get_params()
        changed = [f"{k}={v}" for k, v in self.get_params().items() if v != defaults[k]]
        if changed:
            raise InputError(
                f"{type(self).__name__}({', '.join(changed)}): without labels it learns from "
                "simulated frames whose peaks were counted with the default parameters: leave them "
                "as they are, or give labels."
            )

    def count_peaks(self, X: ArrayLike) -> np.ndarray:
        """Return the number of peaks of each frame, as `preprocessing.count_peaks` does.

        Parameters
        ----------
        X : array-like or Frames, shape (n, height, width)
            Of the shape seen in `fit`. `Frames` are read frame by frame.

        Returns
        -------
        counts : ndarray of int64, shape (n,)
            How many pixel groups in each frame are peaks by the parameters.

        Raises
        ------
        InputError
            X is not made of frames, or is of another shape than in `fit`.
        """
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
        is_hit = self.count_peaks(X) >= self.threshold_
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
        counts = self.count_peaks(X)
        hit = expit(self.slope_ * _log_ratio(counts, self.threshold_))
        columns = (1.0 - hit, hit)
        return np.column_stack(columns if self.hit_class_ == self.classes_[1] else columns[::-1])

    def _count(self, X: Any) -> np.ndarray:
        return count_peaks(X, **self.get_params())

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        tags.target_tags.required = False
        tags.input_tags.allow_nan = True
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        return tags


def _log_ratio(counts: np.ndarray, threshold: int) -> np.ndarray:
    return np.log((counts + 1.0) / (threshold + 0.5))


def _best_slope(log_ratio: np.ndarray, is_hit: np.ndarray) -> float:
    """Return the slope of greatest likelihood, with both classes weighing the same."""
    sign = np.where(is_hit, 1.0, -1.0)
    weight = np.where(is_hit, 0.5 / is_hit.sum(), 0.5 / (~is_hit).sum())

    def loss(slope: float) -> float:
        return float(weight @ np.logaddexp(0.0, -sign * slope * log_ratio))

    return float(minimize_scalar(loss, bounds=(0.5, MAX_SLOPE), method="bounded").x)
