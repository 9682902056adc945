"""The interval of a proportion that was counted: so many successes in so many trials.

scipy has both as ``binomtest(k, n).proportion_ci(...)``, for one proportion at a time and after a
test of it; these take thousands at once, and the tests hold them to it.
"""

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betaincinv

__all__ = ["clopper_pearson", "clopper_pearson_lower", "wilson"]

Z = 1.959963984540054  # of a normal distribution, 95 % lie within so many standard deviations


def wilson(successes: ArrayLike, trials: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Return Wilson's 95 % interval of proportions [1]_.

    Parameters
    ----------
    successes, trials : int or array-like of int, of one shape
        So many of so many.

    Returns
    -------
    low, high : float64, of the same shape
        NaN for no trials.

    References
    ----------
    .. [1] E. B. Wilson, "Probable inference, the law of succession, and statistical inference",
       J. Am. Stat. Assoc. 22, 209 (1927).

    Examples
    --------
    >>> from sklearn_sfx._intervals import wilson
    >>> [round(float(end), 4) for end in wilson(81, 263)]
    [0.2553, 0.3662]
    """
    k, n = np.asarray(successes, dtype=float), np.asarray(trials, dtype=float)
    n = np.where(n > 0, n, np.nan)
    middle = (k + Z**2 / 2) / (n + Z**2)
    half = Z / (n + Z**2) * np.sqrt(k * (n - k) / n + Z**2 / 4)
    # Where none or all succeed one end is 0 or 1, but for the last bits.
    return np.where(k == 0, 0 * n, middle - half)[()], np.where(k == n, 1.0, middle + half)[()]


def clopper_pearson(
    successes: ArrayLike, trials: ArrayLike, confidence: float = 0.95
) -> tuple[np.ndarray, np.ndarray]:
    """Return the exact (Clopper-Pearson) interval of proportions [1]_.

    Parameters
    ----------
    successes, trials : int or array-like of int, of one shape
        So many of so many.
    confidence : float between 0 and 1, default=0.95
        In so many of all samples the interval holds the true proportion, at the least.

    Returns
    -------
    low, high : float64, of the same shape
        NaN for no trials.

    References
    ----------
    .. [1] C. J. Clopper and E. S. Pearson, "The use of confidence or fiducial limits illustrated
       in the case of the binomial", Biometrika 26, 404 (1934).

    Examples
    --------
    >>> from sklearn_sfx._intervals import clopper_pearson
    >>> [round(float(end), 4) for end in clopper_pearson(8, 10)]
    [0.4439, 0.9748]
    """
    k, n = np.asarray(successes), np.asarray(trials)
    # The share of failures has the same interval, from the other end.
    one_sided = (1 + confidence) / 2
    return clopper_pearson_lower(k, n, one_sided), 1 - clopper_pearson_lower(n - k, n, one_sided)


def clopper_pearson_lower(successes: ArrayLike, trials: ArrayLike, confidence: float) -> np.ndarray:
    """Return the exact one-sided lower bound of proportions.

    Parameters
    ----------
    successes, trials : int or array-like of int, of one shape
        So many of so many.
    confidence : float between 0 and 1
        In so many of all samples the bound lies below the true proportion.

    Returns
    -------
    low : float64, of the same shape
        NaN for no trials.

    Examples
    --------
    >>> from sklearn_sfx._intervals import clopper_pearson_lower
    >>> clopper_pearson_lower([0, 43, 45], 45, confidence=0.9).round(3)
    array([0.   , 0.886, 0.95 ])
    """
    k, n = np.asarray(successes, dtype=float), np.asarray(trials, dtype=float)
    bound = np.where(k > 0, betaincinv(k, n - k + 1, 1 - confidence), 0.0)
    return np.where(n > 0, bound, np.nan)[()]
