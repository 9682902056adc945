"""The hit rate of a run, with an interval that holds although the decisions err."""

from typing import NamedTuple

import numpy as np

from sklearn_sfx._intervals import wilson
from sklearn_sfx.exceptions import InputError

__all__ = ["HitRate", "estimate_hit_rate"]


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

    def __str__(self) -> str:
        rate, low, high = (100 * share for share in (self.rate, self.low, self.high))
        return f"{rate:.1f} % ({low:.1f} to {high:.1f} %), by {self.n_labels} labels"


def estimate_hit_rate(decision: np.ndarray, target: np.ndarray) -> HitRate:
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
    n_labels = int((target >= 0).sum())
    if n_labels == 0:
        raise InputError("The hit rate needs labels, and no frame that could be read has one.")
    rate = below = above = 0.0
    for called in (True, False):
        labels = target[(decision == called) & (target >= 0)]
        weight = float(np.mean(decision == called))
        # Where nobody has looked the decision is the best guess, and anything is possible.
        share, (low, high) = float(called), (0.0, 1.0)
        if labels.size:
            share, (low, high) = float(labels.mean()), wilson(int(labels.sum()), labels.size)
        rate += weight * share
        below += (weight * (share - low)) ** 2
        above += (weight * (high - share)) ** 2
    low, high = max(rate - below**0.5, 0.0), min(rate + above**0.5, 1.0)
    return HitRate(rate, float(low), float(high), n_labels)
