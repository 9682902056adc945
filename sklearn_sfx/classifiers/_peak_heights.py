"""The classifier that knows simulated frames, and needs few labels of one's own or none."""

from numbers import Real
from typing import Any, ClassVar

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from sklearn.utils._param_validation import Interval

from sklearn_sfx._tensors import is_tensor, lies_on_gpu
from sklearn_sfx.classifiers._finding import FindingClassifier
from sklearn_sfx.classifiers._simulated_peaks import simulated_peaks
from sklearn_sfx.preprocessing import PeakStep, StrongestPeaks

__all__ = ["PeakHeightClassifier", "learn_from_heights"]


# Of a simulated hit, as that of a miss is 1. Of random experiments that were held out it gives a
# recall of 0.91; without it 0.88, since a miss with cosmic rays has high peaks too.
HIT_WEIGHT = 1.2


def learn_from_heights(
    heights: np.ndarray | None,
    is_hit: np.ndarray | None,
    sample_weight: np.ndarray | None = None,
    *,
    label_weight: float,
    C: float,
) -> tuple[np.ndarray, float]:
    """Return weights and intercept learned from simulated frames, and from these if there are any.

    heights (n, 12) float, is_hit (n,) bool, sample_weight (n,) float; the parameters are those of
    `PeakHeightClassifier`.
    """
    known, known_hits, _ = simulated_peaks()
    scaler = StandardScaler().fit(known)
    weight = np.where(known_hits, HIT_WEIGHT, 1.0)
    if heights is not None and is_hit is not None:
        each = np.ones(len(is_hit)) if sample_weight is None else sample_weight
        hits = np.average(is_hit, weights=each)
        share = np.where(is_hit, hits, 1 - hits)
        known, known_hits = np.concatenate([known, heights]), np.concatenate([known_hits, is_hit])
        weight = np.concatenate([weight, label_weight * 0.5 / share * each])
    model = LogisticRegression(C=C, max_iter=1000)
    model.fit(scaler.transform(known), known_hits, sample_weight=weight)
    coef = model.coef_[0] / scaler.scale_
    return coef, float(model.intercept_[0] - scaler.mean_ @ coef)


class PeakHeightClassifier(FindingClassifier):
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
        How many simulated frames a labelled frame counts as, in the mean, times its weight where
        `fit` is given one; classes weigh the same however many labels they have. 0 leaves your
        labels out.
    C : float, default=0.03
        Inverse of the regularization strength, as in `sklearn.linear_model.LogisticRegression`. Of
        six values the one by which random experiments that are held out are ranked best.

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

    def __init__(self, *, label_weight: float = 10.0, C: float = 0.03):
        self.label_weight = label_weight
        self.C = C

    def _find(self, X: Any) -> np.ndarray:
        """Return what `StrongestPeaks` makes of each frame, (n, 12) float64."""
        if is_tensor(X) and not lies_on_gpu(X):
            X = X.cpu().numpy()  # which all workers share
        heights = StrongestPeaks().fit_transform(X)
        return self._as_found(heights.cpu().numpy() if is_tensor(heights) else np.asarray(heights))

    def _step(self) -> PeakStep:
        return StrongestPeaks()._make_step()

    def _as_found(self, values: np.ndarray) -> np.ndarray:
        return values.astype(np.float64)

    def _learn(
        self,
        found: np.ndarray | None,
        is_hit: np.ndarray | None,
        sample_weight: np.ndarray | None,
    ) -> None:
        self.coef_, self.intercept_ = learn_from_heights(
            found, is_hit, sample_weight, label_weight=self.label_weight, C=self.C
        )

    def _log_odds(self, found: np.ndarray) -> np.ndarray:
        """Return the logarithm of the odds of a hit, (n,) float64."""
        return found @ self.coef_ + self.intercept_
