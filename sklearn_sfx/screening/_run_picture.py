"""A picture of a run: one frame, the beam centre, and the part that is looked at."""

from __future__ import annotations

from typing import Any

import numpy as np

from sklearn_sfx._extras import require
from sklearn_sfx.exceptions import InputError, UnreadableFrame
from sklearn_sfx.frames import Frames
from sklearn_sfx.inspection import HIT_COLOUR, draw_frame, masked_patch
from sklearn_sfx.screening._looked_at import together
from sklearn_sfx.screening._run_info import RunInfo

__all__ = ["draw_run"]

COLOURS = ("#009e73", "#cc79a7", "#e69f00")  # of Okabe and Ito, for colour-blind readers too


def draw_run(frames: Frames, info: RunInfo) -> Any:
    """Draw the first frame of a run that can be read.

    Parameters
    ----------
    frames : Frames, shape (n_frames, height, width)
        The run. Its steps are not run.
    info : RunInfo
        What `run_info` says of it.

    Returns
    -------
    matplotlib.figure.Figure
        Save it with its ``savefig``.

    Raises
    ------
    InputError
        If no frame can be read, or matplotlib is not installed.

    Examples
    --------
    >>> from sklearn_sfx import make_sfx_frames
    >>> from sklearn_sfx.screening import draw_run, run_info
    >>> frames = make_sfx_frames(4, frame_shape=(96, 96), random_state=0).data
    >>> len(draw_run(frames, run_info(frames, crop=80)).axes)
    1
    """
    require("matplotlib", extra="plot", what="Pictures")
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle

    row, frame = _first_readable(frames, info)
    figure = Figure(figsize=(8, 7), layout="constrained")
    ax = figure.subplots()
    draw_frame(ax, frame)
    ax.set_title(f"frame [{row + 1}]")
    handles = [] if np.isfinite(frame).all() else [masked_patch()]
    for part, colour in zip(together(info.looked_at), COLOURS, strict=False):
        if part.window is not None:
            top, left, height, width = part.window
            box = Rectangle((left - 0.5, top - 0.5), width, height, fill=False, ec=colour, lw=1.5)
            box.set_label(f"looked at by {part.method}")
            handles.append(ax.add_patch(box))
    if info.facts.beam_center is not None:
        y, x = info.facts.beam_center
        line = ax.plot(x, y, "+", ms=14, color=HIT_COLOUR, label="beam centre", ls="none")
        handles.extend(line)
    if handles:
        ax.legend(handles=handles, loc="upper left", bbox_to_anchor=(1.01, 1), borderaxespad=0)
    return figure


def _first_readable(frames: Frames, info: RunInfo) -> tuple[int, np.ndarray]:
    """Return the first frame that can be read, and its row; NaN where a pixel is not used."""
    stored, row = frames.as_stored(), 0
    gone = list(info.unreadable)
    while row < len(frames):
        known = next((part for part in gone if part.start <= row < part.stop), None)
        if known is not None:
            row = known.stop
            continue
        try:
            frame = stored[row].astype(np.float32)
        except UnreadableFrame:
            row += 1
            continue
        mask = frames.mask[row] if isinstance(frames.mask, Frames) else frames.mask
        bad = ~np.isfinite(frame) if mask is None else ~mask | ~np.isfinite(frame)
        for value, _ in info.sample.no_data:
            bad |= frame == np.float32(value)
        frame[bad] = np.nan
        return row, frame
    raise InputError("No frame of this run can be read, so there is none to draw.")
