"""One picture of what a model sees and says: a hit, a miss, their row profiles, the scores."""

import numpy as np
from numpy.typing import ArrayLike

from sklearn_sfx.exceptions import InputError

__all__ = ["plot_overview"]

HIT_COLOUR, MISS_COLOUR = "#c2410c", "#1d4ed8"


def plot_overview(
    hit: ArrayLike,
    miss: ArrayLike,
    hit_profile: ArrayLike,
    miss_profile: ArrayLike,
    probability: ArrayLike,
    target: ArrayLike,
    *,
    threshold: float = 0.5,
    title: str = "",
):
    """Draw a hit, a miss, their row profiles and the histogram of the scores.

    Parameters
    ----------
    hit, miss : array-like, shape (height, width)
        Two frames, NaN where a pixel is masked.
    hit_profile, miss_profile : array-like, shape (n_rows,)
        What `RowWiseDecomposition` made of them.
    probability : array-like, shape (n_frames,)
        Probability of a hit for each frame of the run.
    target : array-like of int, shape (n_frames,)
        The labels, 1 for a hit.
    threshold : float
        The probability from which a frame is called a hit.
    title : str
        Says what the frames are.

    Returns
    -------
    matplotlib.figure.Figure
        Save it with its ``savefig``.

    Raises
    ------
    InputError
        matplotlib is not installed.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_sfx.inspection import plot_overview
    >>> frame, profile = np.eye(8), np.ones(8)
    >>> figure = plot_overview(frame, frame, profile, profile, [0.1, 0.9], [0, 1])
    >>> len(figure.axes)
    4
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise InputError(
            "Pictures need matplotlib: install it with pip install 'sklearn_sfx[plot]'."
        ) from None
    figure = Figure(figsize=(11, 8.5), layout="constrained")
    axes = figure.subplots(2, 2, height_ratios=[1.5, 1])
    for ax, frame, name in zip(axes[0], (hit, miss), ("a hit", "a miss"), strict=True):
        frame = np.asarray(frame)
        usable = frame[np.isfinite(frame)]
        low, high = np.percentile(usable, [1, 99.7]) if usable.size else (0, 1)
        ax.imshow(frame, cmap="gray_r", vmin=low, vmax=high, interpolation="nearest")
        ax.set(title=name, xlabel="column / pixel", ylabel="row / pixel")
    profiles, histogram = axes[1]
    profiles.plot(np.asarray(hit_profile), color=HIT_COLOUR, lw=0.8, label="the hit")
    profiles.plot(np.asarray(miss_profile), color=MISS_COLOUR, lw=0.8, label="the miss")
    profiles.set(
        title="row-wise decomposition", xlabel="row / pixel", ylabel="largest - smallest value"
    )
    profiles.legend()
    probability, target = np.asarray(probability), np.asarray(target)
    edges = np.linspace(0, 1, 26)
    for value, name, colour in (
        (0, "labelled misses", MISS_COLOUR),
        (1, "labelled hits", HIT_COLOUR),
    ):
        histogram.hist(probability[target == value], edges, color=colour, alpha=0.6, label=name)
    histogram.axvline(threshold, color="black", ls="--", lw=1, label=f"threshold {threshold:.3f}")
    histogram.set(
        title="scores", xlabel="probability of a hit", ylabel="frames", yscale="symlog", xlim=(0, 1)
    )
    histogram.legend()
    figure.suptitle(title)
    return figure
