"""Which of several methods is best, where its threshold is, and what to expect of both.

All of it goes by probabilities that methods give to labelled frames that they have not learned
from. The choice, and what is expected of it, are nested: what is said of a fold was chosen, and
its threshold set, on the other folds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from sklearn_sfx._intervals import clopper_pearson
from sklearn_sfx._stored import Stored
from sklearn_sfx._text import in_percent

__all__ = ["Expectation", "best_method", "best_threshold", "expected_of_choice"]

CONFIDENCE = 0.9
BETA = 2.0  # recall weighs twice as much as precision


@dataclass(frozen=True)
class Expectation(Stored):
    """What a model is expected to do on frames like its labelled ones.

    Counted are labelled frames, each decided by a model that has not learned from it, at a
    threshold that was chosen without it.

    Parameters
    ----------
    found, lost : int
        Labelled hits that are called hits, and others.
    kept, left : int
        Labelled misses that are called hits, and others.

    Examples
    --------
    >>> from sklearn_sfx.screening import Expectation
    >>> expected = Expectation(found=19, lost=1, kept=2, left=178)
    >>> print(expected)
    recall 95.0 % (78.4 to 99.7 %), precision 90.5 % (72.9 to 98.3 %), hits 10.0 % (6.7 to 14.2 %)
    >>> expected.recall.interval
    (0.78..., 0.99...)
    >>> expected.precision.of, expected.hit_rate.value
    (21, 0.1)
    >>> expected.more_labels()
    'twice as many labels would tell the recall to within 85 to 99 %'
    """

    found: int
    lost: int
    kept: int
    left: int

    @property
    def recall(self) -> Share:
        """Share of the hits that is found, with its 90 % interval."""
        return Share(self.found, self.found + self.lost)

    @property
    def precision(self) -> Share:
        """Share of what is called a hit that is one, with its 90 % interval."""
        return Share(self.found, self.found + self.kept)

    @property
    def hit_rate(self) -> Share:
        """Share of the frames that are hits, with its 90 % interval."""
        n_hits = self.found + self.lost
        return Share(n_hits, n_hits + self.kept + self.left)

    def more_labels(self) -> str:
        """Return in words what twice the labels would tell of the recall, if it stays.

        Returns
        -------
        str
            A few words, with the interval of the recall.
        """
        low, high = (100 * end for end in Share(2 * self.found, 2 * self.recall.of).interval)
        return f"twice as many labels would tell the recall to within {low:.0f} to {high:.0f} %"

    def __str__(self) -> str:
        return f"recall {self.recall}, precision {self.precision}, hits {self.hit_rate}"


@dataclass(frozen=True)
class Share(Stored):
    """A share that was counted, and its exact (Clopper-Pearson) 90 % interval.

    Parameters
    ----------
    count, of : int
        So many of so many.
    """

    count: int
    of: int

    @property
    def value(self) -> float:
        """The share, from 0 to 1; NaN of none."""
        return self.count / self.of if self.of else float("nan")

    @property
    def interval(self) -> tuple[float, float]:
        """Its ends."""
        low, high = clopper_pearson(self.count, self.of, CONFIDENCE)
        return float(low), float(high)

    def __str__(self) -> str:
        return in_percent(self.value, *self.interval) if self.of else "unknown"


def best_method(probabilities: Mapping[str, np.ndarray], is_hit: np.ndarray) -> str:
    """Return the first method that the best one does not beat by more than a standard error.

    Methods are ranked by the area under the ROC curve, and the standard error is that of the
    difference of two areas on the same frames, as DeLong et al. have it [1]_.

    Parameters
    ----------
    probabilities : mapping of str to ndarray of float, shape (n_frames,)
        Of a hit, by each method; simpler methods come first.
    is_hit : ndarray of bool, shape (n_frames,)
        The labels; two of each kind, at the least.

    References
    ----------
    .. [1] DeLong, DeLong and Clarke-Pearson, "Comparing the areas under two or more correlated
       receiver operating characteristic curves", Biometrics 44, 837 (1988).
    """
    places = {name: _places(p, is_hit) for name, p in probabilities.items()}
    best = max(places, key=lambda name: places[name][0].mean())
    for name, (hits, misses) in places.items():
        of_hits, of_misses = places[best][0] - hits, places[best][1] - misses
        variance = of_hits.var(ddof=1) / of_hits.size + of_misses.var(ddof=1) / of_misses.size
        if of_hits.mean() <= variance**0.5:
            return name
    return best


def _places(probability: np.ndarray, is_hit: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return for each hit which share of the misses is below, and for each miss of the hits above.

    The mean of either is the area under the ROC curve.
    """
    n_hits, n_misses = int(is_hit.sum()), int((~is_hit).sum())
    ranks = rankdata(probability)
    below = (ranks[is_hit] - rankdata(probability[is_hit])) / n_misses
    above = 1 - (ranks[~is_hit] - rankdata(probability[~is_hit])) / n_hits
    return below, above


def best_threshold(
    probability: np.ndarray, is_hit: np.ndarray, recall: float | None = None
) -> float:
    """Return the probability from which a frame is to be called a hit.

    Parameters
    ----------
    probability : ndarray of float, shape (n_frames,)
        Of a hit.
    is_hit : ndarray of bool, shape (n_frames,)
        The labels, of which one at the least is a hit.
    recall : float in (0, 1], optional
        The share of the labelled hits to keep; by default what has the best F2 score, in which
        recall weighs twice as much as precision.

    Returns
    -------
    float
        Midway between two probabilities that occur, so that equal ones are on one side.
    """
    levels, row = np.unique(probability, return_inverse=True)
    n_kept, n_found = (
        np.bincount(row, weights, len(levels))[::-1].cumsum()[::-1] for weights in (None, is_hit)
    )
    if recall is None:
        score = (1 + BETA**2) * n_found / (BETA**2 * n_found[0] + n_kept)
        lowest = int(np.argmax(np.round(score, 12)))
    else:
        wanted = np.ceil(np.round(recall * n_found[0], 9))
        lowest = int(np.flatnonzero(n_found >= wanted)[-1])
    below = levels[lowest - 1] if lowest else 0.0
    return float((below + levels[lowest]) / 2)


def expected_of_choice(
    probabilities: Mapping[str, np.ndarray],
    is_hit: np.ndarray,
    folds: Sequence[tuple[np.ndarray, np.ndarray]],
    recall: float | None = None,
) -> Expectation:
    """Return what a choice among methods, made by all these labels, is expected to do.

    Parameters
    ----------
    probabilities : mapping of str to ndarray of float, shape (n_frames,)
        As for `best_method`.
    is_hit : ndarray of bool, shape (n_frames,)
        The labels.
    folds : sequence of (train, test)
        Positions; each frame is in one ``test``.
    recall : float in (0, 1], optional
        As for `best_threshold`.
    """
    decision = np.zeros(len(is_hit), bool)
    for train, test in folds:
        chosen = best_method({name: p[train] for name, p in probabilities.items()}, is_hit[train])
        probability = probabilities[chosen]
        threshold = best_threshold(probability[train], is_hit[train], recall)
        decision[test] = probability[test] >= threshold
    found, kept = int((decision & is_hit).sum()), int((decision & ~is_hit).sum())
    return Expectation(found, int(is_hit.sum()) - found, kept, int((~is_hit).sum()) - kept)
