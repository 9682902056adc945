"""What decides by a count of each frame: how many make a hit, and how sure that is."""

from abc import abstractmethod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize_scalar
from sklearn.utils.validation import check_is_fitted

from sklearn_sfx.classifiers._finding import FindingClassifier

__all__ = ["MAX_SLOPE", "CountClassifier", "best_count", "threshold_and_slope"]

MAX_SLOPE = 3.0  # where no count is seen in both classes, any slope fits: stay modest


def best_count(counts: ArrayLike, is_hit: ArrayLike, sample_weight: ArrayLike | None = None) -> int:
    """Return how many peaks make a hit: the count that tells labelled frames apart best.

    Best is the highest balanced accuracy, the mean of recall and specificity. Where several counts
    reach it, the lowest is taken, since losing a hit costs more than keeping a miss.

    Parameters
    ----------
    counts : array-like of int, shape (n_frames,)
        Peaks of each frame, as `count_peaks` counts them.
    is_hit : array-like of bool, shape (n_frames,)
        Which of them are labelled hits; some are, and some are not.
    sample_weight : array-like of float, shape (n_frames,), optional
        How many frames each counts as, above 0.

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
    weight = np.ones(len(counts)) if sample_weight is None else np.asarray(sample_weight)
    candidates = np.unique(np.concatenate([counts, counts + 1]))
    found = 1.0 - _share_below(candidates, counts[is_hit], weight[is_hit])
    rejected = _share_below(candidates, counts[~is_hit], weight[~is_hit])
    # Rounded, or the last bit of the sum would decide between equals.
    return int(candidates[np.argmax(np.round(found + rejected, 12))])


def _share_below(candidates: np.ndarray, counts: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Return the share of the weight of frames that have fewer peaks, for each candidate."""
    order = np.argsort(counts)
    below = np.concatenate([[0.0], weight[order].cumsum()])
    return below[np.searchsorted(counts[order], candidates)] / below[-1]


class CountClassifier(FindingClassifier):
    """A classifier that calls a frame with many of something a hit; a base class.

    It counts with `_find`, and knows from `_without_labels` what to do without labels. The
    probability is a logistic function of the logarithm of the count, one half between `threshold_`
    and the count below it, its slope fitted to the labels.
    """

    @abstractmethod
    def _without_labels(self) -> tuple[int, float]:
        """Return how many make a hit where nobody says it, and how steep the probability is."""

    def _as_found(self, values: np.ndarray) -> np.ndarray:
        return values[:, 0].astype(np.int64)

    def _learn(
        self,
        found: np.ndarray | None,
        is_hit: np.ndarray | None,
        sample_weight: np.ndarray | None,
    ) -> None:
        if found is None or is_hit is None:
            self.threshold_, self.slope_ = self._without_labels()
        else:
            self.threshold_, self.slope_ = threshold_and_slope(found, is_hit, sample_weight)

    def _log_odds(self, found: np.ndarray) -> np.ndarray:
        """Return the logarithm of the odds of a hit: above 0 from `threshold_` on."""
        return self.slope_ * _log_ratio(found, self.threshold_)

    def _checked_count(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        return self._find(self._check_frames(X, reset=False))


def threshold_and_slope(
    counts: np.ndarray, is_hit: np.ndarray, sample_weight: np.ndarray | None = None
) -> tuple[int, float]:
    """Return how many make a hit, and how steep the probability is, from labelled counts."""
    weight = np.ones(len(counts)) if sample_weight is None else sample_weight
    threshold = best_count(counts, is_hit, weight)
    return threshold, _best_slope(_log_ratio(counts, threshold), is_hit, weight)


def _log_ratio(counts: np.ndarray, threshold: int) -> np.ndarray:
    return np.log((counts + 1.0) / (threshold + 0.5))


def _best_slope(log_ratio: np.ndarray, is_hit: np.ndarray, sample_weight: np.ndarray) -> float:
    """Return the slope of greatest likelihood, with both classes weighing the same."""
    sign = np.where(is_hit, 1.0, -1.0)
    of_class = np.where(is_hit, sample_weight[is_hit].sum(), sample_weight[~is_hit].sum())
    weight = 0.5 / of_class * sample_weight

    def loss(slope: float) -> float:
        return float(weight @ np.logaddexp(0.0, -sign * slope * log_ratio))

    return float(minimize_scalar(loss, bounds=(0.5, MAX_SLOPE), method="bounded").x)
