"""The classical hit finder: count the peaks of a frame, and call many a hit."""

from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import ArrayLike
from scipy.optimize import minimize_scalar
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin, _fit_context
from sklearn.utils import Tags
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_is_fitted

from sklearn_sfx._labels import encode_binary_labels
from sklearn_sfx._validation import check_frames, is_frames, is_tensor
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.preprocessing.peaks import Peaks, PeakSettings, find_peaks_in_frame

__all__ = ["PeakCountClassifier", "find_peaks"]

MAX_SLOPE = 3.0  # where no count is seen in both classes, any slope fits: stay modest


def find_peaks(
    frame: ArrayLike,
    *,
    min_snr: float = 5.0,
    min_pixels: int = 2,
    max_pixels: int = 200,
    background_radius: int = 8,
    noise_floor: float = 1.0,
) -> Peaks:
    """Find the peaks of one frame.

    The parameters are those of `PeakCountClassifier`.

    Parameters
    ----------
    frame : array-like of shape (height, width)
        Any real dtype; NaN marks pixels that are not to be used.
    min_snr : float, default=5.0
        Least height above the local background, over the local noise.
    min_pixels, max_pixels : int, default=2 and 200
        Fewest and most pixels of a peak.
    background_radius : int, default=8
        How far the square that the background is taken from reaches, in pixels.
    noise_floor : float, default=1.0
        Added in quadrature to the local noise, in the units of the frame.

    Returns
    -------
    Peaks
        Arrays ``row``, ``column``, ``n_pixels``, ``intensity`` and ``snr``, one entry per peak.

    Raises
    ------
    InputError
        If `frame` is not a single frame.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_sfx.classifiers import find_peaks
    >>> frame = np.random.default_rng(0).poisson(10.0, (100, 100))
    >>> frame[40:43, 70:73] += 60
    >>> peaks = find_peaks(frame)
    >>> len(peaks.row), round(float(peaks.row[0])), round(float(peaks.column[0]))
    (1, 41, 71)
    """
    frame = np.asarray(frame)
    if frame.ndim != 2 or frame.dtype.kind not in "biuf":
        raise InputError(
            "find_peaks needs one frame of real numbers, shape (height, width); got shape "
            f"{frame.shape} and dtype {frame.dtype}."
        )
    settings = PeakSettings(min_snr, min_pixels, max_pixels, background_radius, noise_floor)
    return find_peaks_in_frame(frame, settings)


class PeakCountClassifier(ClassifierMixin, BaseEstimator):
    """Count the peaks above a local signal-to-noise, and call a frame with many of them a hit.

    This is how hit finders decide today: the baseline for every other classifier. It reads raw
    counts; mask them, but do not normalize them. A peak is a connected set of pixels that stand
    out from a plane fitted to their surroundings, so a sloping background and the rims of rings
    are no peaks, on integrating and on photon-counting detectors alike.

    `fit` learns how many peaks make a hit: the count that gives the highest balanced accuracy (the
    mean of recall and specificity) on the labelled frames. Where several counts do, the lowest is
    taken, since losing a hit costs more than keeping a miss.

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
        The labels, sorted, of the dtype of y.
    hit_class_ : label
        The class whose frames have more peaks.
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
    CNN1D : A network on the vectors of row-wise decomposition.
    find_peaks : The peaks of one frame, with their positions.

    References
    ----------
    .. [1] Barty et al., "Cheetah: software for high-throughput reduction and analysis of serial
       femtosecond X-ray diffraction data", J. Appl. Cryst. 47, 1118 (2014): the peak finder by
       local signal-to-noise whose terms are used here.

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
    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Learn how many peaks make a hit.

        Parameters
        ----------
        X : array-like or Frames, shape (n, height, width)
            Raw frames; NaN, and what the mask of `Frames` calls unusable, take no part.
        y : array-like of shape (n,)
            Labels of two classes.

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
        self.classes_, targets = encode_binary_labels(self, X, y)
        return self._learn(self._count(X), targets)

    def _learn(self, counts: np.ndarray, targets: np.ndarray) -> Self:
        many = int(counts[targets == 1].mean() >= counts[targets == 0].mean())
        self.hit_class_ = self.classes_[many]
        is_hit = targets == many
        self.threshold_ = _best_threshold(counts, is_hit)
        self.slope_ = _best_slope(_log_ratio(counts, self.threshold_), is_hit)
        return self

    def count_peaks(self, X: ArrayLike) -> np.ndarray:
        """Return the number of peaks of each frame; the labels play no part in it.

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
        count = CountStep(
            PeakSettings(
                float(self.min_snr),
                int(self.min_pixels),
                int(self.max_pixels),
                int(self.background_radius),
                float(self.noise_floor),
            )
        )
        if is_frames(X):  # as one more step, so that reading and counting share their workers
            return np.asarray(X.append(count))[:, 0].astype(np.int64)
        if is_tensor(X):
            X = X.cpu().numpy()
        found = Parallel(prefer="threads")(delayed(count)(frame, None) for frame in X)
        return np.concatenate(found).astype(np.int64)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        tags.input_tags.allow_nan = True
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        return tags


@dataclass(frozen=True)
class CountStep:
    """Turns a frame into the number of its peaks: a step that `Frames.append` takes."""

    settings: PeakSettings

    def output_shape(self, frame_shape: tuple[int, ...]) -> tuple[int, ...]:
        return (1,)

    def append_to(self, window: Any, steps: tuple) -> tuple[Any, tuple]:
        return window, (*steps, self)

    def __call__(self, frame: np.ndarray, usable: np.ndarray | None) -> np.ndarray:
        if usable is not None:
            frame = np.where(usable, frame, np.float32(np.nan))
        peaks = find_peaks_in_frame(frame, self.settings)
        return np.array([len(peaks.row)], np.float32)


def _best_threshold(counts: np.ndarray, is_hit: np.ndarray) -> int:
    """Return the lowest count whose balanced accuracy none exceeds."""
    candidates = np.unique(np.concatenate([counts, counts + 1]))
    hits, misses = np.sort(counts[is_hit]), np.sort(counts[~is_hit])
    found = 1.0 - np.searchsorted(hits, candidates) / len(hits)
    rejected = np.searchsorted(misses, candidates) / len(misses)
    # Rounded, or the last bit of the sum would decide between equals.
    return int(candidates[np.argmax(np.round(found + rejected, 12))])


def _log_ratio(counts: np.ndarray, threshold: int) -> np.ndarray:
    return np.log((counts + 1.0) / (threshold + 0.5))


def _best_slope(log_ratio: np.ndarray, is_hit: np.ndarray) -> float:
    """Return the slope of greatest likelihood, with both classes weighing the same."""
    sign = np.where(is_hit, 1.0, -1.0)
    weight = np.where(is_hit, 0.5 / is_hit.sum(), 0.5 / (~is_hit).sum())

    def loss(slope: float) -> float:
        return float(weight @ np.logaddexp(0.0, -sign * slope * log_ratio))

    return float(minimize_scalar(loss, bounds=(0.5, MAX_SLOPE), method="bounded").x)
