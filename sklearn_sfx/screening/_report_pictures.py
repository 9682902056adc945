"""The pictures of a report: charts and thumbnails, each as a data URI that a page holds."""

from __future__ import annotations

import base64
from io import BytesIO
from itertools import pairwise
from typing import Any

import numpy as np

from sklearn_sfx.frames import MASKED_COLOUR
from sklearn_sfx.inspection import (
    CONTRAST,
    HIT_COLOUR,
    MISS_COLOUR,
    RecallThresholdDisplay,
    above_background,
)
from sklearn_sfx.screening._evaluation import proportion

__all__ = ["hit_rate", "rate_in_bins", "recall_and_precision", "score_histogram", "thumbnail"]

N_BLOCKS = 200  # along the shorter side of a thumbnail, at the least, where a frame has as many
N_GREYS = 32  # few, so that the page stays small
N_BINS, BIN = 40, 20  # bins of a run at the most, frames in a bin at the least
DPI = 150


def thumbnail(frame: np.ndarray, n_blocks: int = N_BLOCKS) -> str:
    """Draw a frame, shape (height, width), small, so that its spots stay.

    The highest pixel of each block is drawn, less the median around it, on a scale of the noise
    that is the same for all frames; otherwise a ring of water is all that is seen.
    """
    from matplotlib import colormaps
    from matplotlib.image import imsave

    highest = above_background(frame, n_blocks)
    low, high = CONTRAST
    cmap = colormaps["gray_r"].resampled(N_GREYS).with_extremes(bad=MASKED_COLOUR)
    file = BytesIO()
    imsave(file, highest, vmin=low, vmax=high, cmap=cmap, format="png")
    return _data_uri(file)


def rate_in_bins(decision: np.ndarray) -> np.ndarray:
    """Return middle (a frame number), hit rate and ends of its interval for each bin of a run.

    Shape (4, n_bins).
    """
    n_bins = max(1, min(N_BINS, len(decision) // BIN))
    edges = np.linspace(0, len(decision), n_bins + 1).astype(int)
    bins = []
    for start, stop in pairwise(edges):
        rate, interval = proportion(int(decision[start:stop].sum()), int(stop - start))
        bins.append(((start + stop - 1) / 2, rate, *interval))
    return np.transpose(bins)


def hit_rate(decision: np.ndarray) -> str:
    """Draw the share of frames that are called hits over the run."""
    figure, ax = _figure()
    middle, rate, low, high = rate_in_bins(decision)
    error = np.maximum(0, [rate - low, high - rate])
    ax.errorbar(middle, rate, error, fmt="o", ms=4, lw=1, color=HIT_COLOUR, label="95 % interval")
    ax.axhline(decision.mean(), color="black", ls="--", lw=1, label="whole run")
    ax.set(xlabel="frame, in the order screened", ylabel="share called a hit")
    ax.set(xlim=(-0.5, len(decision) - 0.5), ylim=(-0.02, 1.02))
    _legend_above(ax)
    return _as_png(figure)


def score_histogram(
    probability: np.ndarray, threshold: float, target: np.ndarray | None = None
) -> str:
    """Draw how many frames have which score, by label where there are labels."""
    figure, ax = _figure()
    if target is None:
        parts = {"frames": ("#64748b", probability)}
    else:
        parts = {
            "labelled misses": (MISS_COLOUR, probability[target == 0]),
            "labelled hits": (HIT_COLOUR, probability[target == 1]),
        }
    for name, (colour, part) in parts.items():
        ax.hist(part, np.linspace(0, 1, 41), color=colour, alpha=0.6, label=name)
    ax.axvline(threshold, color="black", ls="--", lw=1, label=f"threshold {threshold:.3f}")
    ax.set(xlabel="score: probability of a hit", ylabel="frames", yscale="symlog", xlim=(0, 1))
    _legend_above(ax)
    return _as_png(figure)


def recall_and_precision(target: np.ndarray, probability: np.ndarray, threshold: float) -> str:
    """Draw recall and precision for each threshold; the labels are of both kinds."""
    figure, ax = _figure()
    RecallThresholdDisplay.from_predictions(target, probability, threshold=threshold, ax=ax)
    _legend_above(ax)
    return _as_png(figure)


def _legend_above(ax: Any) -> None:
    """Put the legend above the axes, where it covers nothing."""
    if ax.get_legend() is not None:
        ax.get_legend().remove()
    handles, _ = ax.get_legend_handles_labels()
    place = {"loc": "outside upper left", "ncols": 2, "fontsize": "small", "frameon": False}
    ax.figure.legend(handles=handles, **place)


def _figure() -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.8, 3.2), layout="constrained")
    return figure, figure.subplots()


def _as_png(figure: Any) -> str:
    file = BytesIO()
    figure.savefig(file, format="png", dpi=DPI)
    return _data_uri(file)


def _data_uri(file: BytesIO) -> str:
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode("ascii")
