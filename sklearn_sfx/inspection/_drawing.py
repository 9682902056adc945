"""What the pictures share: axes, colours, and frames whose spots stay visible."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from sklearn_sfx._extras import require

__all__ = [
    "HIT_COLOUR",
    "LINE_STYLES",
    "MASKED_COLOUR",
    "MISS_COLOUR",
    "OTHER_COLOURS",
    "PERCENTILES",
    "class_colours",
    "draw_frame",
    "highest_of_blocks",
    "masked_patch",
    "new_axes",
]

HIT_COLOUR, MISS_COLOUR = "#c2410c", "#1d4ed8"
MASKED_COLOUR = "#9cc9f0"
# Those of Okabe and Ito that differ from the two above for colour-blind readers too.
OTHER_COLOURS = ("#009e73", "#cc79a7", "#000000", "#e69f00", "#56b4e9")
LINE_STYLES = ("-", "--", "-.", ":")
PERCENTILES = (1.0, 99.9)
N_BLOCKS = 400  # along the shorter side of a frame at the most: what axes can show


def new_axes(ax: Any = None, **figure: Any) -> Any:
    """Return the axes that were given, or those of a new figure of pyplot."""
    require("matplotlib", extra="plot", what="Pictures")
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.subplots(layout="constrained", **figure)[1]


def class_colours(classes: Iterable[Any]) -> dict[Any, str]:
    """Return a colour for each class: hits and misses have the same in all pictures."""
    known = {"hit": HIT_COLOUR, "1": HIT_COLOUR, "miss": MISS_COLOUR, "0": MISS_COLOUR}
    colours, n_others = {}, 0
    for label in classes:
        name = str(label).lower()
        if name not in known:
            known[name] = OTHER_COLOURS[n_others % len(OTHER_COLOURS)]
            n_others += 1
        colours[label] = known[name]
    return colours


def highest_of_blocks(frame: np.ndarray, n_blocks: int = N_BLOCKS) -> tuple[np.ndarray, int]:
    """Return the highest pixel of each square block, and the side of a block in pixels.

    A spot of a pixel or two would vanish where a large frame is drawn small. A block is NaN where
    all its pixels are.
    """
    side = math.ceil(min(frame.shape) / n_blocks)
    rows, columns = (math.ceil(length / side) for length in frame.shape)
    whole = np.full((rows * side, columns * side), np.nan, np.float32)
    whole[: frame.shape[0], : frame.shape[1]] = frame
    return np.fmax.reduce(whole.reshape(rows, side, columns, side), axis=(1, 3)), side


def draw_frame(
    ax: Any, frame: np.ndarray, percentiles: tuple[float, float] = PERCENTILES, **image: Any
) -> Any:
    """Draw a frame, dark where it is high, with masked pixels in a colour of their own."""
    from matplotlib import colormaps

    highest, side = highest_of_blocks(np.asarray(frame))
    usable = highest[np.isfinite(highest)]
    low, high = np.percentile(usable, percentiles) if usable.size else (0, 1)
    rows, columns = highest.shape
    image = {"cmap": "gray_r", "vmin": low, "vmax": high, "interpolation": "nearest", **image}
    image["cmap"] = colormaps[image["cmap"]].with_extremes(bad=MASKED_COLOUR)
    extent = (-0.5, columns * side - 0.5, rows * side - 0.5, -0.5)
    drawn = ax.imshow(np.ma.masked_invalid(highest), extent=extent, **image)
    ax.set(xlim=(-0.5, frame.shape[1] - 0.5), ylim=(frame.shape[0] - 0.5, -0.5))
    ax.set(xlabel="column / pixel", ylabel="row / pixel")
    return drawn


def masked_patch() -> Any:
    """Return what a legend shows for masked pixels."""
    from matplotlib.patches import Patch

    return Patch(color=MASKED_COLOUR, label="masked")
