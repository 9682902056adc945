"""A run in words: one line, or a table with a picture for notebooks."""

from __future__ import annotations

import base64
from html import escape
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np

from sklearn_sfx.frames._facts import Facts, Unreadable
from sklearn_sfx.frames._highest import MASKED_COLOUR, PERCENTILES, highest_of_blocks

if TYPE_CHECKING:
    from sklearn_sfx.frames._frames import Frames

__all__ = ["as_html", "facts_in_words", "in_few_words", "number_in_words", "unreadable_in_words"]

N_BLOCKS = 200  # along the shorter side of the picture, where a frame has as many pixels
MOST_REASONS = 5


def in_few_words(frames: Frames) -> list[str]:
    """Return size, first file, steps, and whether there is a mask."""
    size = " x ".join(str(length) for length in frames.shape)
    parts = [f"{size} {frames.dtype}"]
    if len(frames):
        path = frames._source.origin(int(frames._index[0])).path
        parts.append(f"from {path}" if path else f"from {type(frames._source).__name__}")
    if frames.steps:
        parts.append("steps " + ", ".join(type(step).__name__ for step in frames.steps))
    if frames.mask is not None:
        parts.append("masked")
    return parts


def facts_in_words(facts: Facts) -> dict[str, str]:
    """Return a name and a value, with its unit, for each fact that the files say."""
    said: dict[str, str] = {
        "format": facts.format,
        "dataset": facts.dataset,
        "compression": facts.compression,
    }
    if facts.modules is not None:
        said["modules"] = f"{facts.modules[0]} of {facts.modules[1]} rows, stacked"
    if facts.beam_center is not None:
        row, column = facts.beam_center
        said["beam centre"] = f"row {number_in_words(row)}, column {number_in_words(column)}"
    for name, value, unit in (
        ("pixel size", facts.pixel_size, " mm"),
        ("distance", facts.distance, " mm"),
        ("wavelength", facts.wavelength, " angstrom"),
        ("saturated from", facts.saturation, ""),
        ("not usable below", facts.lowest, ""),
    ):
        if value is not None:
            said[name] = f"{number_in_words(value)}{unit}"
    said["no data"] = ", ".join(number_in_words(value) for value in facts.no_data)
    said["note"] = facts.note
    return {name: value for name, value in said.items() if value}


def unreadable_in_words(unreadable: tuple[Unreadable, ...]) -> list[str]:
    """Return a line for each group of frames that cannot be read, counted from 1 as labels are."""
    lines = []
    for start, stop, reason, partly in unreadable[:MOST_REASONS]:
        which = f"frame [{start + 1}]" if stop == start + 1 else f"frames [{start + 1}] to [{stop}]"
        lines.append(f"{which}{', a part' if partly else ''}: {reason}")
    if len(unreadable) > MOST_REASONS:
        n_more = sum(gone.stop - gone.start for gone in unreadable[MOST_REASONS:])
        lines.append(f"and {n_more} more frames")
    return lines


def number_in_words(value: float) -> str:
    """Return a number as a person would write it: whole ones whole, others with six digits."""
    whole = float(value).is_integer() and abs(value) < 1e15
    return str(int(value)) if whole else f"{value:.6g}"


def as_html(self: Frames) -> str:
    """Return a table of what the run is, and a picture of its first frame.

    One frame is read at the most. Whatever goes wrong with it is said in words.
    """
    first, *others = in_few_words(self)
    rows = {"frames": first, "": "; ".join(others)}
    try:
        picture, trouble = _picture(self), ""
    except Exception as error:  # a notebook shows the run all the same
        picture, trouble = "", f"no picture: {error}"
    try:
        rows |= facts_in_words(self.facts)
        rows["unreadable"] = "; ".join(unreadable_in_words(self.unreadable))
    except Exception as error:
        rows["facts"] = f"not known: {error}"
    rows["picture"] = trouble
    cells = "".join(
        f"<tr><th style='text-align:left'>{escape(name)}</th>"
        f"<td style='text-align:left'>{escape(value)}</td></tr>"
        for name, value in rows.items()
        if value
    )
    return f"<div><strong>Frames</strong><table>{cells}</table>{picture}</div>"


def _picture(frames: Frames) -> str:
    """Return the first frame before all steps as an image; "" where there is none to draw."""
    try:
        from matplotlib import colormaps
        from matplotlib.image import imsave
    except ImportError:
        return ""
    if not len(frames):
        return ""
    shown = frames[:1]
    frame = _as_numbers(np.asarray(shown.as_stored())[0])
    mask: Any = shown.mask
    if mask is not None:
        frame[~(mask if isinstance(mask, np.ndarray) else np.asarray(mask)[0])] = np.nan
    highest, _ = highest_of_blocks(frame, N_BLOCKS)
    usable = highest[np.isfinite(highest)]
    low, high = np.percentile(usable, PERCENTILES) if usable.size else (0, 1)
    cmap = colormaps["gray_r"].with_extremes(bad=MASKED_COLOUR)
    file = BytesIO()
    imsave(file, highest, vmin=low, vmax=max(high, low + 1e-6), cmap=cmap, format="png")
    data = base64.b64encode(file.getvalue()).decode("ascii")
    return f"<img alt='the first frame' src='data:image/png;base64,{data}'/>"


def _as_numbers(frame: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore", invalid="ignore"):
        values = frame.astype(np.float32)
    values[~np.isfinite(values)] = np.nan
    return values
