"""The hit rate of a run, with an interval that holds although the decisions err."""

from typing import NamedTuple

import numpy as np

from sklearn_sfx._intervals import wilson
from sklearn_sfx._text import in_percent
from sklearn_sfx._weights import as_weights, weighted_counts
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.screening._choice import Expectation

__all__ = ["HitRate", "estimate_hit_rate", "expected_hit_rate"]

N_DRAWS = 20_000
ENDS = (0.025, 0.975)


class HitRate(NamedTuple):
    """Which share of a run are hits, as its decisions and some labels together say.

    Parameters
    ----------
    rate : float
        The estimate, from 0 to 1.
    low, high : float
        The ends of its 95 % interval.
    n_labels : int
        How many labels it rests on.
    of_model : bool
        Whether these are the labels that the model has learned from, of the same run or another.

    Examples
    --------
    >>> from sklearn_sfx.screening import HitRate
    >>> print(HitRate(0.051, 0.041, 0.07, 200))
    5.1 % (4.1 to 7.0 %), by 200 labels
    """

    rate: float
    low: float
    high: float
    n_labels: int
    of_model: bool = False

    def __str__(self) -> str:
        labels = f"{self.n_labels} labels{' of the model' if self.of_model else ''}"
        return f"{in_percent(self.rate, self.low, self.high)}, by {labels}"


def estimate_hit_rate(
    decision: np.ndarray, target: np.ndarray, sample_weight: np.ndarray | None = None
) -> HitRate:
    """Return the hit rate by the labels among the frames called hits, and among the others.

    The run says how many frames of each kind there are, and the labels which share of each are
    hits: an estimate by strata. The Wilson intervals of the two are put together as Zou and Donner
    do [1]_. The better the decisions, the narrower it is than that of the labels alone.

    Parameters
    ----------
    decision : ndarray of bool, shape (n_frames,)
        Which frames are called hits.
    target : ndarray of int, shape (n_frames,)
        1 for a hit, 0 for a miss, -1 for a frame without a label.
    sample_weight : ndarray of float, shape (n_frames,), optional
        What each label weighs within its kind; those of frames without a label are not looked at.

    Returns
    -------
    HitRate
        With the rate of the run.

    Raises
    ------
    InputError
        There is no label, or what is no label among them.

    References
    ----------
    .. [1] Zou and Donner, "Construction of confidence limits about effect measures: a general
       approach", Statistics in Medicine 27, 1693 (2008).
    """
    if not np.isin(target, (-1, 0, 1)).all():
        raise InputError("Labels are 1 for a hit, 0 for a miss and -1 for a frame without one.")
    labelled = target >= 0
    n_labels = int(labelled.sum())
    if n_labels == 0:
        raise InputError("The hit rate needs labels, and no frame that could be read has one.")
    if sample_weight is not None:
        sample_weight = sample_weight[labelled]
    weights = as_weights(sample_weight, n_labels, "hit_rate")
    rate = below = above = 0.0
    for called in (True, False):
        some = decision[labelled] == called
        weight = float(np.mean(decision == called))
        # Where nobody has looked the decision is the best guess, and anything is possible.
        share, (low, high) = float(called), (0.0, 1.0)
        if some.any():
            hits, trials = weighted_counts(target[labelled][some] == 1, weights[some])
            share, (low, high) = hits / trials, wilson(hits, trials)
        rate += weight * share
        below += (weight * (share - low)) ** 2
        above += (weight * (high - share)) ** 2
    low, high = max(rate - below**0.5, 0.0), min(rate + above**0.5, 1.0)
    return HitRate(rate, float(low), float(high), n_labels)


def expected_hit_rate(decision: np.ndarray, expected: Expectation) -> HitRate:
    """Return the hit rate of a run without labels, by what is expected of the model.

    The share of hits that it finds and of misses that it keeps are known from its labelled frames,
    and say with the share of the run that is called hits how many there are: the estimator of Rogan
    and Gladen [1]_, whatever the hit rate among the labels was. The interval holds how well these
    three shares are known: 95 % of their posteriors (Jeffreys).

    Parameters
    ----------
    decision : ndarray of bool, shape (n_frames,)
        Which frames are called hits, at the model's own threshold.
    expected : Expectation
        Of the model. It holds for hits and misses like those it has learned from.

    Returns
    -------
    HitRate
        With the rate of the run.

    References
    ----------
    .. [1] W. J. Rogan and B. Gladen, "Estimating prevalence from the results of a screening test",
       American Journal of Epidemiology 107, 71 (1978).
    """
    rng = np.random.default_rng(0)  # the same answer each time
    n_called, recall, wrongly = int(decision.sum()), expected.recall, expected.false_positive_rate
    called, found, kept = (
        rng.beta(yes + 0.5, no + 0.5, N_DRAWS)
        for yes, no in (
            (n_called, decision.size - n_called),
            (recall.count, recall.of - recall.count),
            (wrongly.count, wrongly.of - wrongly.count),
        )
    )
    tells = found > kept
    # Decisions that do not tell hits from misses leave any rate possible.
    rates = np.where(tells, (called - kept) / np.where(tells, found - kept, 1), rng.random(N_DRAWS))
    low, middle, high = np.quantile(rates.clip(0, 1), (ENDS[0], 0.5, ENDS[1])).tolist()
    return HitRate(middle, low, high, expected.n_labels, of_model=True)
