"""From where on a pixel is lit, and how many of them are usual, by the frames of a run alone."""

from __future__ import annotations

from typing import Any

import numpy as np

from sklearn_sfx.exceptions import InputError, UnreadableFrame

__all__ = ["LIT", "lit_level", "unusual_count"]

LIT = 5.0  # standard deviations of the noise, from which on a pixel is lit
N_FRAMES = 64  # that are looked at
N_PIXELS = 20_000  # of each, at the most
LEAST = 0.5  # above the dark level, where a camera that counts photons has no noise
# Of a normal distribution: its quantile of 0.25 less that of 0.1.
BETWEEN = 0.607


def lit_level(frames: Any) -> float:
    """Return how much more than the noise a pixel holds that some light has reached.

    It is five standard deviations above the dark level. Both are of the darker half of the pixels
    of the darker quarter of the frames, so that neither particles nor stray light count.

    Parameters
    ----------
    frames : Frames or ndarray, shape (n_frames, height, width)
        Masked frames, NaN where a pixel is not usable; 64 of them are looked at.

    Returns
    -------
    float
        In the units of the frames, above 0.

    Raises
    ------
    InputError
        Not one of them can be read, or has a usable pixel.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_sfx.screening._lit_level import lit_level
    >>> frames = np.random.default_rng(0).normal(0.0, 2.0, (20, 64, 64))
    >>> round(lit_level(frames))
    10
    """
    rows = np.unique(np.linspace(0, len(frames) - 1, N_FRAMES).round().astype(int))
    found = []
    for row in rows:
        try:
            pixels = np.asarray(frames[[row]], np.float64).ravel()
        except UnreadableFrame:
            continue
        pixels = pixels[np.isfinite(pixels)]
        if pixels.size:
            found.append(np.percentile(pixels[:: max(1, pixels.size // N_PIXELS)], (50, 16)))
    if not found:
        raise InputError("Not one of the frames that were looked at has a pixel that is usable.")
    middle, low = sorted(map(tuple, found))[len(found) // 4]
    noise = float(middle - low)
    above = LIT * noise or LEAST
    return float(middle) + above if middle + above > 0 else above


def unusual_count(counts: np.ndarray) -> int:
    """Return how many lit pixels are more than an empty frame has.

    It is five standard deviations above the darker quarter of the frames, most of which are taken
    for empty.

    Parameters
    ----------
    counts : ndarray of int64, shape (n_frames,)
        Lit pixels of frames of a run.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_sfx.screening._lit_level import unusual_count
    >>> unusual_count(np.array([3, 4, 5, 4, 3, 5, 4, 900]))
    14
    """
    low, quarter = np.quantile(counts, (0.1, 0.25))
    spread = max((quarter - low) / BETWEEN, quarter**0.5, 1.0)
    return int(np.ceil(quarter + 5 * spread))
