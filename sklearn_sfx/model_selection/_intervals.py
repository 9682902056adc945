"""The interval of a proportion that was counted."""

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["wilson"]

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
    >>> from sklearn_sfx.reproduction import wilson
    >>> [round(float(end), 4) for end in wilson(81, 263)]
    [0.2553, 0.3662]
    """
    k, n = np.asarray(successes, dtype=float), np.asarray(trials, dtype=float)
    n = np.where(n > 0, n, np.nan)
    middle = (k + Z**2 / 2) / (n + Z**2)
    half = Z / (n + Z**2) * np.sqrt(k * (n - k) / n + Z**2 / 4)
    # Where none or all succeed one end is 0 or 1, but for the last bits.
    return np.where(k == 0, 0 * n, middle - half)[()], np.where(k == n, 1.0, middle + half)[()]
