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
    geometry: Geometry, stack: tuple[int, int], rows: int, run: tuple[str, ...]
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
    run : tuple of str
        Paths of the files of the frames, where masks without a file of their own lie.

    Returns
    -------
    bool ndarray of shape (height, width)
        True where a pixel is usable, of the stacked modules.
    frozenset of str
        Absolute paths of the files that its masks are read from.
    tuple of MaskFile
        Its masks that are not among these pixels: of which each frame has its own, and, without a
        file of the frames, those that lie there.
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
                paths = (_path_of(geometry, mask),) if mask.file else run
                read[mask] = _read_same(geometry, mask, stack, paths)
                if read[mask] is not None:
                    for path in paths:
                        files |= files_of_mask(path, dataset=mask.dataset)
            if (values := read[mask]) is not None:
                good &= values[part]
    elsewhere = tuple(
        mask for mask, values in read.items() if values is None and mask.good_bits | mask.bad_bits
    )
    return usable, frozenset(files), elsewhere


def _in_region(region: BadRegion, panel: Panel) -> np.ndarray:
    ss, fs = np.arange(panel.height)[:, None], np.arange(panel.width)[None]
    if region.in_pixels:
        one, other = fs + panel.first_fs + 0.0 * ss, ss + panel.first_ss + 0.0 * fs
    else:
        one = panel.corner[0] + fs * panel.fs[0] + ss * panel.ss[0]
        other = panel.corner[1] + fs * panel.fs[1] + ss * panel.ss[1]
    inside = (one >= region.first[0]) & (one <= region.last[0])
    return inside & (other >= region.first[1]) & (other <= region.last[1])


def _read_same(
    geometry: Geometry, mask: MaskFile, stack: tuple[int, int], paths: tuple[str, ...]
) -> np.ndarray | None:
    """Return a mask of all modules, one and the same in all files; None as `_read` does."""
    if not paths or (not mask.good_bits and not mask.bad_bits):
        return None
    first, *others = paths
    values = _read(geometry, mask, stack, first)
    for path in others:
        other = _read(geometry, mask, stack, path)
        if other is None or values is None:
            return None
        if not np.array_equal(values, other):
            raise InputError(
                f"The mask {mask.dataset}, which {geometry.path} names, is one in {first} and "
                f"another in {path}: open these files one by one, or go on without: mask=False, "
                "--no-mask on the command line."
            )
    return values


def _read(
    geometry: Geometry, mask: MaskFile, stack: tuple[int, int], path: str
) -> np.ndarray | None:
    """Return a mask of all modules; None for one of which each frame has its own."""
    if not mask.file and "%" in mask.dataset:
        return None
    try:
        values = read_mask(
            path,
            dataset=mask.dataset,
            good_bits=mask.good_bits or None,
            bad_bits=mask.bad_bits or None,
        )
    except InputError as error:
        raise InputError(
            f"The mask {mask.dataset}, which {geometry.path} names, cannot be had: "
            f"{str(error).rstrip('.')}; or go on without: mask=False, --no-mask on the "
            "command line."
        ) from error
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
