"""One picture of what a model sees and says: a hit, a miss, their row profiles, the scores."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from sklearn_sfx._extras import require
from sklearn_sfx.inspection._drawing import (
    HIT_COLOUR,
    MISS_COLOUR,
    masked_patch,
)
from sklearn_sfx.inspection._row_profile import RowProfileDisplay
from sklearn_sfx.inspection._spot_contrast import draw_spots

__all__ = ["plot_overview"]


BESIDE = {"loc": "upper left", "bbox_to_anchor": (1.01, 1), "borderaxespad": 0}  # covers nothing


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
) -> Any:
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
    require("matplotlib", extra="plot", what="Pictures")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 8.5), layout="constrained")
    axes = figure.subplots(2, 2, height_ratios=[1.5, 1])
    for ax, frame, name in zip(axes[0], (hit, miss), ("a hit", "a miss"), strict=True):
        frame = np.asarray(frame)
        draw_spots(ax, frame)
        ax.set_title(f"{name}, less its local background")
        if not np.isfinite(frame).all():
            ax.legend(handles=[masked_patch()], **BESIDE)
    profiles, histogram = axes[1]
    display = RowProfileDisplay(profiles=np.array([hit_profile, miss_profile]), y=["hit", "miss"])
    display.plot(profiles).ax_.set_title("row-wise decomposition")
    profiles.legend(**BESIDE)
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
    histogram.legend(**BESIDE)
    figure.suptitle(title)
    return figure
