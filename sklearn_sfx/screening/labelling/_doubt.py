"""A draw of frames to label that prefers those a model is in doubt about, and keeps the chances."""

import numpy as np
from scipy.special import logit

__all__ = ["chances", "draw"]

LEAST = 1e-12  # of a probability, so that its logit is finite


def chances(probability: np.ndarray, threshold: float, n_drawn: int) -> np.ndarray:
    """Return with which chance each frame is drawn; they sum to the number of draws.

    Half of the places go to all frames alike, and half by doubt: q (1 - q), where q is the
    probability of a hit, shifted on the logit scale so that it is 0.5 at the threshold.

    Parameters
    ----------
    probability : ndarray of float, shape (n_frames,)
        Of a hit.
    threshold : float
        From which on the model calls a frame a hit.
    n_drawn : int
        How many are drawn; not more than there are frames.

    Returns
    -------
    ndarray of float64, shape (n_frames,)
        In (0, 1], and at least half of ``n_drawn / n_frames``.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_sfx.screening.labelling._doubt import chances
    >>> chances(np.array([0.5, 0.9, 0.1, 0.001, 0.001]), threshold=0.5, n_drawn=2).round(2)
    array([0.78, 0.41, 0.41, 0.2 , 0.2 ])
    """
    if n_drawn >= len(probability):
        return np.ones(len(probability))
    q = np.clip(np.append(probability, threshold), LEAST, 1 - LEAST)
    shifted = logit(q[:-1]) - logit(q[-1])
    doubt = 0.25 / np.cosh(shifted / 2) ** 2
    share = 0.5 / len(doubt) + 0.5 * doubt / doubt.sum()
    chance = n_drawn * share
    # What is drawn for sure leaves its surplus to the others.
    while (chance > 1).any():
        sure = chance >= 1
        chance = np.where(sure, 1, (n_drawn - sure.sum()) * share / share[~sure].sum())
    return chance


def draw(chance: np.ndarray, rng: np.random.RandomState) -> np.ndarray:
    """Draw frames, each with exactly its chance, and as many as the chances sum to.

    The draw is systematic: at equal steps along the summed chances of all frames in random order.

    Parameters
    ----------
    chance : ndarray of float, shape (n_frames,)
        As `chances` gives it.
    rng : RandomState
        What is random.

    Returns
    -------
    ndarray of int, shape (n_drawn,)
        Rows, in random order.
    """
    order = rng.permutation(len(chance))
    summed = chance[order].cumsum()
    steps = rng.uniform() + np.arange(round(summed[-1]))
    rows = np.searchsorted(summed * (len(steps) / summed[-1]), steps, side="right")
    return rng.permutation(order[rows])
