"""From stacked modules and their mask to an image and its mask."""

from __future__ import annotations

from typing import Any

import numpy as np

from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames._array_source import ArraySource
from sklearn_sfx.frames._carried_mask import fit_mask
from sklearn_sfx.frames._facts import Facts
from sklearn_sfx.frames._frames import Frames
from sklearn_sfx.frames._picked_source import PickedSource
from sklearn_sfx.frames._protocols import FrameSource
from sklearn_sfx.frames.geometry._assembled_source import AssembledSource
from sklearn_sfx.frames.geometry._assembly import pixel_places
from sklearn_sfx.frames.geometry._crystfel import Geometry, MaskFile
from sklearn_sfx.frames.geometry._masks import geometry_mask

__all__ = ["assemble", "assembled_frames"]


def assemble(
    source: FrameSource, mask: Any, geometry: Geometry, *, use_masks: bool, run: str | None
) -> tuple[AssembledSource, np.ndarray | Frames]:
    """Return assembled frames and their mask, which has the gaps in any case.

    Parameters
    ----------
    source : FrameSource
        Of stacked modules.
    mask : bool ndarray, bool Frames or None
        Of the stacked modules, or of the assembled image.
    geometry : Geometry
        Where the modules are.
    use_masks : bool
        Whether masks and bad regions of the geometry apply.
    run : str or None
        Path of the file of the frames.

    Raises
    ------
    InputError
        If the geometry names masks of single frames, and `mask` has none.
    """
    stack, rows = source.shape[1:], _rows_of_module(source, geometry)
    places = pixel_places(geometry, stack, rows)
    of_geometry, files = np.ones(stack, bool), frozenset[str]()
    if use_masks:
        of_geometry, files, per_frame = geometry_mask(geometry, stack, rows, run)
        if per_frame and (mask is None or mask.ndim == 2):
            raise InputError(_how_to_give(per_frame[0], geometry, run))
    frames = AssembledSource(source, geometry, rows, mask_files=files)
    usable = frames.has_pixel
    where = places[usable]

    def put(stacked: np.ndarray) -> np.ndarray:
        image = np.zeros(places.shape, bool)
        image[usable] = stacked.ravel()[where]
        return image

    image = put(of_geometry)
    if mask is None:
        return frames, image
    if isinstance(mask, np.ndarray) and mask.shape == frames.shape[1:]:
        return frames, image & mask
    mask = fit_mask(mask, source.shape)
    if mask.ndim == 2:
        return frames, image & put(mask)
    if isinstance(mask, Frames):
        masks: Any = PickedSource(mask._source, np.asarray(mask._index))
    else:
        masks = ArraySource(mask)
    return frames, Frames(AssembledSource(masks, geometry, rows, usable=image))


def assembled_frames(frames: Frames, geometry: Geometry) -> Frames:
    """Return stacked modules that are in memory already as frames put together by a geometry.

    Parameters
    ----------
    frames : Frames, shape (n_frames, height, width)
        Of stacked modules, to which nothing was done; their mask and values hold on.
    geometry : Geometry
        Where the modules are.
    """
    source, mask = assemble(frames._source, frames._mask, geometry, use_masks=True, run=None)
    values = frames.values | geometry.values
    return Frames(source, mask=mask, values=values, mask_origin=geometry.path)


def _how_to_give(mask: MaskFile, geometry: Geometry, run: str | None) -> str:
    bits = [
        f"{name}={value:#x}"
        for name, value in (("good_bits", mask.good_bits), ("bad_bits", mask.bad_bits))
        if value
    ]
    where = mask.file or run or "the run"
    return (
        f"The mask {mask.dataset} of {where}, which {geometry.path} names, is another one for each "
        f"frame: give it with the frames, mask=read_mask({where!r}, dataset={mask.dataset!r}, "
        f"{', '.join(bits)}), --mask and --mask-dataset on the command line, or go on without: "
        "mask=False, --no-mask."
    )


def _rows_of_module(source: FrameSource, geometry: Geometry) -> int:
    """Return the rows of a module, from the frames or else from the number of modules."""
    modules = getattr(source, "facts", Facts()).modules
    if modules is not None:
        return modules[1]
    counts = [panel.module for panel in geometry.panels if panel.module is not None]
    return source.shape[1] // (max(counts) + 1) if counts else source.shape[1]
