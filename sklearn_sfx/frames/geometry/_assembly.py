"""Which pixel of the stacked modules lies at each place of the assembled image."""

from __future__ import annotations

from functools import lru_cache
from math import ceil
from typing import NamedTuple

import numpy as np

from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames._protocols import Window
from sklearn_sfx.frames.geometry._crystfel import Geometry, Panel

__all__ = ["Canvas", "Plan", "canvas_of", "pixel_places", "plan_for", "rows_of_panel"]

MOST_PIXELS = 2**28  # of an assembled image; more is a mistake in the geometry
GAP = -1
NEAR_ROWS = 64  # rows that are read for nothing rather than to begin anew behind them
TINY = 1e-6  # of a pixel, by which a panel may end beyond the last one


class Canvas(NamedTuple):
    """The assembled image.

    Parameters
    ----------
    height, width : int
        Rows, along y, and columns, along x.
    beam_center : (float, float)
        Row and column of x = y = 0, from the centre of the first pixel.
    resolution : float
        Pixels per metre.
    """

    height: int
    width: int
    beam_center: tuple[float, float]
    resolution: float


class Plan(NamedTuple):
    """How a part of the image is made.

    Parameters
    ----------
    rows : tuple of (int, int)
        Ranges of rows of the stacked modules that are read, one behind the other.
    places : int32 ndarray of shape (height, width)
        Which of the pixels that were read comes where; one past the last in gaps.
    """

    rows: tuple[tuple[int, int], ...]
    places: np.ndarray


@lru_cache(maxsize=8)
def canvas_of(geometry: Geometry) -> Canvas:
    """Return the smallest image that holds all panels, in pixels of the finest."""
    resolution = max(panel.resolution for panel in geometry.panels)
    corners = np.concatenate([_corners(panel, resolution) for panel in geometry.panels])
    if not np.isfinite(corners).all():
        raise InputError(f"{geometry.path} does not say where all panels are.")
    left, top = corners.min(axis=0).tolist()
    right, bottom = corners.max(axis=0).tolist()
    height, width = ceil(bottom - top - TINY), ceil(right - left - TINY)
    if height * width > MOST_PIXELS:
        raise InputError(
            f"By {geometry.path} the detector has {height} x {width} pixels, gaps included, which "
            "cannot be right."
        )
    return Canvas(height, width, (-top - 0.5, -left - 0.5), resolution)


def rows_of_panel(geometry: Geometry, panel: Panel, stack: tuple[int, int], rows: int) -> slice:
    """Return the rows of a panel in the stacked modules.

    Parameters
    ----------
    geometry : Geometry
        Of which the panel is.
    panel : Panel
        Which.
    stack : (int, int)
        (height, width) of the stacked modules.
    rows : int
        Of one module.
    """
    first = panel.first_ss + (panel.module or 0) * rows
    beyond = panel.first_ss + panel.height > rows and panel.module is not None
    if beyond or first + panel.height > stack[0] or panel.first_fs + panel.width > stack[1]:
        raise InputError(
            f"Panel {panel.name} of {geometry.path} lies outside of the frames, which are "
            f"{stack[0]} x {stack[1]}: the geometry is of another detector, or of another layout."
        )
    return slice(first, first + panel.height)


@lru_cache(maxsize=4)
def pixel_places(geometry: Geometry, stack: tuple[int, int], rows: int) -> np.ndarray:
    """Return the pixel that is nearest to each place of the image, `GAP` where there is none.

    Returns
    -------
    int64 ndarray of shape (height, width)
        Positions in the flattened stack. Read-only.
    """
    canvas = canvas_of(geometry)
    places = np.full((canvas.height, canvas.width), GAP, np.int64)
    top, left = (-place - 0.5 for place in canvas.beam_center)
    for panel in geometry.panels:
        first = rows_of_panel(geometry, panel, stack, rows).start
        scale = canvas.resolution / panel.resolution
        corners = _corners(panel, canvas.resolution) - (left, top)
        x0, y0 = np.floor(corners.min(axis=0)).astype(int)
        x1, y1 = np.ceil(corners.max(axis=0)).astype(int)
        part = (slice(max(y0, 0), y1), slice(max(x0, 0), x1))
        shape = places[part].shape
        y = (np.arange(shape[0]) + part[0].start + 0.5 + top)[:, None] / scale - panel.corner[1]
        x = (np.arange(shape[1]) + part[1].start + 0.5 + left)[None] / scale - panel.corner[0]
        (a, b), (c, d) = panel.fs, panel.ss
        determinant = a * d - b * c
        fs = np.floor((d * x - c * y) / determinant + TINY).astype(np.int64)
        ss = np.floor((a * y - b * x) / determinant + TINY).astype(np.int64)
        inside = (fs >= 0) & (fs < panel.width) & (ss >= 0) & (ss < panel.height)
        found = (first + ss) * stack[1] + panel.first_fs + fs
        places[part][inside] = found[inside]
    places.setflags(write=False)
    return places


@lru_cache(maxsize=16)
def plan_for(
    geometry: Geometry, stack: tuple[int, int], rows: int, window: Window, in_one: bool
) -> Plan:
    """Return how a part of the image is made of few rows of the stack.

    Parameters
    ----------
    geometry, stack, rows
        As for `pixel_places`.
    window : Window
        The part.
    in_one : bool
        Whether all rows between the first and the last are read at once.
    """
    wanted = pixel_places(geometry, stack, rows)[window.slices]
    filled = wanted != GAP
    used = np.zeros(stack[0], bool)
    used[np.unique(wanted[filled] // stack[1])] = True
    edges = np.flatnonzero(np.diff(used, prepend=False, append=False)).reshape(-1, 2)
    ranges: list[tuple[int, int]] = []
    for start, stop in edges.tolist():
        if ranges and (in_one or start - ranges[-1][1] < NEAR_ROWS):
            start = ranges.pop()[0]
        ranges.append((start, stop))
    moved = np.zeros(stack[0], np.int64)
    n_rows = 0
    for start, stop in ranges:
        moved[start:stop] = np.arange(n_rows, n_rows + stop - start)
        n_rows += stop - start
    index = np.full(wanted.shape, n_rows * stack[1], np.int32)
    index[filled] = moved[wanted[filled] // stack[1]] * stack[1] + wanted[filled] % stack[1]
    index.setflags(write=False)
    return Plan(tuple(ranges), index)


def _corners(panel: Panel, resolution: float) -> np.ndarray:
    """Return x and y of the four corners, in pixels of some resolution."""
    ends = np.array([(0, 0), (panel.width, 0), (0, panel.height), (panel.width, panel.height)])
    steps = np.array([panel.fs, panel.ss])
    return (np.array(panel.corner) + ends @ steps) * (resolution / panel.resolution)
