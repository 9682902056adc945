"""Which of several methods is best, where its threshold is, and what to expect of both.

All of it goes by probabilities that methods give to labelled frames that they have not learned
from. The choice, and what is expected of it, are nested: what is said of a fold was chosen, and
its threshold set, on the other folds. Where labels weigh, all of it is of weighted frames.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sklearn_sfx._intervals import clopper_pearson
from sklearn_sfx._stored import Stored
from sklearn_sfx._text import in_percent
from sklearn_sfx._weights import effective_counts

__all__ = [
    "Expectation",
    "best_method",
    "best_threshold",
    "expectation_of",
    "expected_of_choice",
]

CONFIDENCE = 0.9
BETA = 2.0  # recall weighs twice as much as precision
FOUND, LOST, KEPT, LEFT = range(4)  # the order of what is expected


@dataclass(frozen=True)
class Expectation(Stored):
    """What a model is expected to do on frames like its labelled ones.

    Counted are labelled frames, each decided by a model that has not learned from it, at a
    threshold that was chosen without it.

    Parameters
    ----------
    found, lost : int or float
        Labelled hits that are called hits, and others; the sums of their weights where labels
        weigh, of a mean of 1 over all.
    kept, left : int or float
        Labelled misses that are called hits, and others.
    squares : tuple of float, optional
        The sums of the squares of these weights, of those found, lost, kept and left; None where
        each label counts 1.

    Examples
    --------
    >>> from sklearn_sfx.screening import Expectation
    >>> expected = Expectation(found=19, lost=1, kept=2, left=178)
    >>> print(expected)
    recall 95.0 % (78.4 to 99.7 %), precision 90.5 % (72.9 to 98.3 %), hits 10.0 % (6.7 to 14.2 %)
    >>> expected.recall.interval
    (0.78..., 0.99...)
    >>> expected.precision.of, expected.hit_rate.value, expected.n_labels
    (21, 0.1, 200)
    >>> print(expected.false_positive_rate)
    1.1 % (0.2 to 3.5 %)
    >>> expected.in_words("singles").partition(", singles ")[2]
    '10.0 % (6.7 to 14.2 %)'
    >>> expected.more_labels()
    'twice as many labels would tell the recall to within 85 to 99 %'
    """

    found: float
    lost: float
    kept: float
    left: float
    squares: tuple[float, ...] | None = None

    @property
    def recall(self) -> Share:
        """Share of the hits that is found, with its 90 % interval."""
        return self._share((FOUND,), (LOST,))

    @property
    def precision(self) -> Share:
        """Share of what is called a hit that is one, with its 90 % interval."""
        return self._share((FOUND,), (KEPT,))

    @property
    def hit_rate(self) -> Share:
        """Share of the frames that are hits, with its 90 % interval."""
        return self._share((FOUND, LOST), (KEPT, LEFT))

    @property
    def false_positive_rate(self) -> Share:
        """Share of the misses that is called a hit, with its 90 % interval."""
        return self._share((KEPT,), (LEFT,))

    @property
    def n_labels(self) -> int:
        """How many labels it rests on."""
        return round(self.found + self.lost + self.kept + self.left)

    def _share(self, successes: tuple[int, ...], others: tuple[int, ...]) -> Share:
        sums = self.found, self.lost, self.kept, self.left
        yes, no = (sum(sums[i] for i in group) for group in (successes, others))
        if self.squares is None:
            return Share(yes, yes + no)
        squares = (sum(self.squares[i] for i in group) for group in (successes, others))
        return Share(*effective_counts(yes, no, *squares))

    def more_labels(self) -> str:
        """Return in words what twice the labels would tell of the recall, if it stays.

        Returns
        -------
        str
            A few words, with the interval of the recall.
        """
        low, high = (100 * end for end in Share(2 * self.recall.count, 2 * self.recall.of).interval)
        return f"twice as many labels would tell the recall to within {low:.0f} to {high:.0f} %"

    def __str__(self) -> str:
        return self.in_words("hits")

    def in_words(self, hits: str) -> str:
        """Return it as a line.

        Parameters
        ----------
        hits : str
            What hits are called.

        Returns
        -------
        str
            Recall, precision and the share of hits.
        """
        return f"recall {self.recall}, precision {self.precision}, {hits} {self.hit_rate}"


@dataclass(frozen=True)
class Share(Stored):
    """A share that was counted, and its exact (Clopper-Pearson) 90 % interval.

    Parameters
    ----------
    count, of : int or float
        So many of so many; where labels weigh, the effective numbers: so many labels that count 1
        each would tell the share as well.
    """

    count: float
    of: float

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


def best_method(
    probabilities: Mapping[str, np.ndarray],
    is_hit: np.ndarray,
    sample_weight: np.ndarray | None = None,
) -> str:
    """Return the first method that the best one does not beat by more than a standard error.

    Methods are ranked by the area under the ROC curve, and the standard error is that of the
    difference of two areas on the same frames, as DeLong et al. have it [1]_.

    Parameters
    ----------
    probabilities : mapping of str to ndarray of float, shape (n_frames,)
        Of a hit, by each method; simpler methods come first.
    is_hit : ndarray of bool, shape (n_frames,)
        The labels; two of each kind, at the least.
    sample_weight : ndarray of float, shape (n_frames,), optional
        What each label weighs. Frames that one method was in doubt about are harder for it than for
        the others, and without their weights would speak against it.

    References
    ----------
    .. [1] DeLong, DeLong and Clarke-Pearson, "Comparing the areas under two or more correlated
       receiver operating characteristic curves", Biometrics 44, 837 (1988).
    """
    weight = np.ones(len(is_hit)) if sample_weight is None else sample_weight
    places = {name: _places(p, is_hit, weight) for name, p in probabilities.items()}
    area = {name: np.average(hits, weights=weight[is_hit]) for name, (hits, _) in places.items()}
    best = max(area, key=lambda name: area[name])
    for name, (hits, misses) in places.items():
        of_hits, of_misses = places[best][0] - hits, places[best][1] - misses
        variance = _variance_of_mean(of_hits, weight[is_hit])
        variance += _variance_of_mean(of_misses, weight[~is_hit])
        if np.average(of_hits, weights=weight[is_hit]) <= variance**0.5:
            return name
    return best


def _places(
    probability: np.ndarray, is_hit: np.ndarray, weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return for each hit which share of the misses is below, and for each miss of the hits above.

    The weighted mean of either is the area under the ROC curve.
    """
    below = _share_below(probability[is_hit], probability[~is_hit], weight[~is_hit])
    return below, 1 - _share_below(probability[~is_hit], probability[is_hit], weight[is_hit])


def _share_below(values: np.ndarray, others: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Return which share of the others, by weight, is below each value; equal ones count half."""
    order = np.argsort(others)
    summed = np.concatenate([[0.0], weight[order].cumsum()])
    ends = (np.searchsorted(others[order], values, side) for side in ("left", "right"))
    return sum(summed[end] for end in ends) / (2 * summed[-1])


def _variance_of_mean(values: np.ndarray, weight: np.ndarray) -> float:
    """Return the variance of a weighted mean; of equal weights that of the mean of a sample."""
    weight = weight / weight.sum()
    squares = weight @ weight
    spread = weight**2 @ (values - weight @ values) ** 2
    return float(spread / (1 - squares)) if squares < 1 else 0.0


def best_threshold(
    probability: np.ndarray,
    is_hit: np.ndarray,
    recall: float | None = None,
    sample_weight: np.ndarray | None = None,
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
    sample_weight : ndarray of float, shape (n_frames,), optional
        What each label weighs; then recall and precision are weighted.

    Returns
    -------
    float
        Midway between two probabilities that occur, so that equal ones are on one side.
    """
    levels, row = np.unique(probability, return_inverse=True)
    weight = np.ones(len(is_hit)) if sample_weight is None else sample_weight
    n_kept, n_found = (
        np.bincount(row, weights, len(levels))[::-1].cumsum()[::-1]
        for weights in (weight, weight * is_hit)
    )
    if recall is None:
        score = (1 + BETA**2) * n_found / (BETA**2 * n_found[0] + n_kept)
        lowest = int(np.argmax(np.round(score, 12)))
    else:
        wanted = recall * n_found[0] * (1 - 1e-9)  # sums of weights are not exact
        lowest = int(np.flatnonzero(n_found >= wanted)[-1])
    below = levels[lowest - 1] if lowest else 0.0
    return float((below + levels[lowest]) / 2)


def expected_of_choice(
    probabilities: Mapping[str, np.ndarray],
    is_hit: np.ndarray,
    folds: Sequence[tuple[np.ndarray, np.ndarray]],
    recall: float | None = None,
    sample_weight: np.ndarray | None = None,
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
    sample_weight : ndarray of float, shape (n_frames,), optional
        What each label weighs, of mean 1.
    """
    weight = np.ones(len(is_hit)) if sample_weight is None else sample_weight
    decision = np.zeros(len(is_hit), bool)
    for train, test in folds:
        known = is_hit[train], weight[train]
        chosen = best_method({name: p[train] for name, p in probabilities.items()}, *known)
        probability = probabilities[chosen]
        threshold = best_threshold(probability[train], known[0], recall, known[1])
        decision[test] = probability[test] >= threshold
    return expectation_of(decision, is_hit, sample_weight)


def expectation_of(
    decision: np.ndarray, is_hit: np.ndarray, sample_weight: np.ndarray | None = None
) -> Expectation:
    """Return what is expected of decisions, by those on labelled frames that none has learned from.

    Parameters
    ----------
    decision : ndarray of bool, shape (n_frames,)
        Which are called hits.
    is_hit : ndarray of bool, shape (n_frames,)
        The labels.
    sample_weight : ndarray of float, shape (n_frames,), optional
        What each label weighs, of mean 1.
    """
    kind = np.select([is_hit & decision, is_hit, decision], [FOUND, LOST, KEPT], LEFT)
    if sample_weight is None:
        return Expectation(*np.bincount(kind, minlength=4).tolist())
    found, lost, kept, left = np.bincount(kind, sample_weight, 4).tolist()
    squares = tuple(np.bincount(kind, sample_weight**2, 4).tolist())
    return Expectation(found, lost, kept, left, squares)
