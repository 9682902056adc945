"""The pixels that a geometry says not to use, in the stacked modules."""

from __future__ import annotations

import os

import numpy as np

from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames._frames import Frames
from sklearn_sfx.frames._masks import files_of_mask, read_mask
from sklearn_sfx.frames.geometry._assembly import rows_of_panel
from sklearn_sfx.frames.geometry._crystfel import BadRegion, Geometry, MaskFile, Panel

__all__ = ["geometry_mask"]


def geometry_mask(
    geometry: Geometry, stack: tuple[int, int], rows: int, run: str | None
) -> tuple[np.ndarray, frozenset[str], tuple[MaskFile, ...]]:
    """Return which pixels a geometry lets be used, and the files that say so.

    Parameters
    ----------
    geometry : Geometry
        With panels, bad regions and masks.
    stack : (int, int)
        (height, width) of the stacked modules.
    rows : int
        Of one module.
    run : str or None
        Path of the file of the frames, where masks without a file of their own lie.

    Returns
    -------
    bool ndarray of shape (height, width)
        True where a pixel is usable, of the stacked modules.
    frozenset of str
        Absolute paths of the files that its masks are read from.
    tuple of MaskFile
        Its masks of which each frame has its own.
    """
    usable = np.ones(stack, bool)
    read: dict[MaskFile, np.ndarray | None] = {}
    files: set[str] = set()
    for panel in geometry.panels:
        part = (
            rows_of_panel(geometry, panel, stack, rows),
            slice(panel.first_fs, panel.first_fs + panel.width),
        )
        good = usable[part]
        if panel.is_bad:
            good[...] = False
        if edge := panel.edge:
            good[:edge] = good[-edge:] = False
            good[:, :edge] = good[:, -edge:] = False
        for region in geometry.bad:
            if region.panel in ("", panel.name):
                good &= ~_in_region(region, panel)
        for mask in panel.masks:
            if mask not in read:
                read[mask] = _read(geometry, mask, stack, run)
                path = _path_of(geometry, mask) if mask.file else run
                if path is not None and read[mask] is not None:
                    files |= files_of_mask(path, dataset=mask.dataset)
            if (values := read[mask]) is not None:
                good &= values[part]
    per_frame = tuple(
        mask
        for mask, values in read.items()
        if values is None and mask.good_bits | mask.bad_bits and (mask.file or run is not None)
    )
    return usable, frozenset(files), per_frame


def _in_region(region: BadRegion, panel: Panel) -> np.ndarray:
    ss, fs = np.arange(panel.height)[:, None], np.arange(panel.width)[None]
    if region.in_pixels:
        one, other = fs + panel.first_fs + 0.0 * ss, ss + panel.first_ss + 0.0 * fs
    else:
        one = panel.corner[0] + fs * panel.fs[0] + ss * panel.ss[0]
        other = panel.corner[1] + fs * panel.fs[1] + ss * panel.ss[1]
    inside = (one >= region.first[0]) & (one <= region.last[0])
    return inside & (other >= region.first[1]) & (other <= region.last[1])


def _read(
    geometry: Geometry, mask: MaskFile, stack: tuple[int, int], run: str | None
) -> np.ndarray | None:
    """Return a mask of all modules; None for one per frame, and for one without a rule."""
    if not mask.good_bits and not mask.bad_bits:
        return None
    path = _path_of(geometry, mask) if mask.file else run
    if path is None or (not mask.file and "%" in mask.dataset):
        return None
    values = read_mask(
        path,
        dataset=mask.dataset,
        good_bits=mask.good_bits or None,
        bad_bits=mask.bad_bits or None,
    )
    if isinstance(values, Frames):  # of modules, or of frames
        if values.shape[0] * values.shape[1] != stack[0]:
            return None
        values = np.asarray(values).reshape(-1, values.shape[2])
    if values.shape != stack:
        raise InputError(
            f"The mask {mask.dataset} of {path}, which {geometry.path} names, is of shape "
            f"{values.shape}, and the frames are {stack[0]} x {stack[1]}."
        )
    return values


def _path_of(geometry: Geometry, mask: MaskFile) -> str:
    """Return the path of a mask: as CrystFEL, from where one works, or else beside the geometry."""
    places = (os.getcwd(), os.path.dirname(geometry.path))
    for folder in places:
        if os.path.exists(path := os.path.join(folder, mask.file)):
            return path
    raise InputError(
        f"The mask {mask.file}, which {geometry.path} names, is neither in {places[0]} nor in "
        f"{places[1]}: put it there, or leave its line out."
    )
