"""The pictures of a report: charts and thumbnails, each as a data URI that a page holds."""

from __future__ import annotations

import base64
from io import BytesIO
from itertools import pairwise
from typing import Any

import numpy as np

from sklearn_sfx._tasks import CRYSTALLOGRAPHY, Words
from sklearn_sfx.frames import MASKED_COLOUR
from sklearn_sfx.inspection import (
    CONTRAST,
    HIT_COLOUR,
    MISS_COLOUR,
    RecallThresholdDisplay,
    above_background,
)
from sklearn_sfx.screening._evaluation import proportion

__all__ = [
    "SPAN",
    "hit_rate",
    "log_thumbnail",
    "rate_in_bins",
    "recall_and_precision",
    "score_histogram",
    "thumbnail",
]

N_BLOCKS = 200  # along the shorter side of a thumbnail, at the least, where a frame has as many
N_GREYS = 32  # few, so that the page stays small
N_BINS, BIN = 40, 20  # bins of a run at the most, frames in a bin at the least
DPI = 150
SPAN = 300  # how many times the level of a lit pixel is drawn black
WORDS = CRYSTALLOGRAPHY.words


def thumbnail(frame: np.ndarray, n_blocks: int = N_BLOCKS) -> str:
    """Draw a frame, shape (height, width), small, so that its spots stay.

    The highest pixel of each block is drawn, less the median around it, on a scale of the noise
    that is the same for all frames; otherwise a ring of water is all that is seen.
    """
    highest = above_background(frame, n_blocks)
    return _drawn(highest, *CONTRAST)


def log_thumbnail(frame: np.ndarray, level: float, n_blocks: int = N_BLOCKS) -> str:
    """Draw a frame, shape (height, width), small, on a logarithmic scale.

    The mean of each block is drawn, on a scale that is the same for all frames: from none to `SPAN`
    times `level`, in the units of the frame.
    """
    mean = _block_means(frame, max(1, min(frame.shape) // n_blocks))
    return _drawn(np.log1p(np.maximum(mean, 0) / level), 0.0, float(np.log1p(SPAN)))


def _block_means(frame: np.ndarray, side: int) -> np.ndarray:
    """Return the mean of each square; NaN where no pixel of it is usable."""
    padding = [(0, -length % side) for length in frame.shape]
    padded = np.pad(np.asarray(frame, np.float64), padding, constant_values=np.nan)
    rows, columns = (length // side for length in padded.shape)
    blocks = padded.reshape(rows, side, columns, side)
    is_usable = np.isfinite(blocks)
    n_usable = is_usable.sum(axis=(1, 3))
    sums = np.where(is_usable, blocks, 0.0).sum(axis=(1, 3))
    return np.where(n_usable > 0, sums / np.maximum(n_usable, 1), np.nan)


def _drawn(values: np.ndarray, low: float, high: float) -> str:
    from matplotlib import colormaps
    from matplotlib.image import imsave

    cmap = colormaps["gray_r"].resampled(N_GREYS).with_extremes(bad=MASKED_COLOUR)
    file = BytesIO()
    imsave(file, values, vmin=low, vmax=high, cmap=cmap, format="png")
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


def hit_rate(decision: np.ndarray, words: Words = WORDS) -> str:
    """Draw the share of frames that are called hits over the run."""
    figure, ax = _figure()
    middle, rate, low, high = rate_in_bins(decision)
    error = np.maximum(0, [rate - low, high - rate])
    ax.errorbar(middle, rate, error, fmt="o", ms=4, lw=1, color=HIT_COLOUR, label="95 % interval")
    ax.axhline(decision.mean(), color="black", ls="--", lw=1, label="whole run")
    ax.set(xlabel="frame, in the order screened", ylabel=f"share called a {words.one}")
    ax.set(xlim=(-0.5, len(decision) - 0.5), ylim=(-0.02, 1.02))
    _legend_above(ax)
    return _as_png(figure)


def score_histogram(
    probability: np.ndarray,
    threshold: float,
    target: np.ndarray | None = None,
    words: Words = WORDS,
) -> str:
    """Draw how many frames have which score, by label where there are labels."""
    figure, ax = _figure()
    if target is None:
        parts = {"frames": ("#64748b", probability)}
    else:
        parts = {
            f"labelled {words.rest_many}": (MISS_COLOUR, probability[target == 0]),
            f"labelled {words.many}": (HIT_COLOUR, probability[target == 1]),
        }
    for name, (colour, part) in parts.items():
        ax.hist(part, np.linspace(0, 1, 41), color=colour, alpha=0.6, label=name)
    ax.axvline(threshold, color="black", ls="--", lw=1, label=f"threshold {threshold:.3f}")
    ax.set(
        xlabel=f"score: probability of a {words.one}", ylabel="frames", yscale="symlog", xlim=(0, 1)
    )
    _legend_above(ax)
    return _as_png(figure)


def recall_and_precision(
    target: np.ndarray, probability: np.ndarray, threshold: float, words: Words = WORDS
) -> str:
    """Draw recall and precision for each threshold; the labels are of both kinds."""
    figure, ax = _figure()
    RecallThresholdDisplay.from_predictions(target, probability, threshold=threshold, ax=ax)
    ax.set_xlabel(f"threshold on the probability of a {words.one}")
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
