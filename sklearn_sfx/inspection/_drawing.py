"""What the pictures share: axes, colours, and frames whose spots stay visible."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from sklearn_sfx._extras import require
from sklearn_sfx.frames import MASKED_COLOUR, PERCENTILES, highest_of_blocks

__all__ = [
    "HIT_COLOUR",
    "LINE_STYLES",
    "MISS_COLOUR",
    "OTHER_COLOURS",
    "class_colours",
    "draw_frame",
    "masked_patch",
    "new_axes",
]

HIT_COLOUR, MISS_COLOUR = "#c2410c", "#1d4ed8"
# Those of Okabe and Ito that differ from the two above for colour-blind readers too.
OTHER_COLOURS = ("#009e73", "#cc79a7", "#000000", "#e69f00", "#56b4e9")
LINE_STYLES = ("-", "--", "-.", ":")


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
