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
    source: FrameSource, mask: Any, geometry: Geometry, *, use_masks: bool, run: tuple[str, ...]
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
    run : tuple of str
        Paths of the files of the frames; none where they are in memory.

    Raises
    ------
    InputError
        If the geometry names masks of single frames, and `mask` has none; if it names some that lie
        in the file of the frames, there is none, and no mask is given.
    """
    stack, rows = source.shape[1:], _rows_of_module(source, geometry)
    places = pixel_places(geometry, stack, rows)
    of_geometry, files = np.ones(stack, bool), frozenset[str]()
    if use_masks:
        of_geometry, files, elsewhere = geometry_mask(geometry, stack, rows, run)
        for one in elsewhere:
            is_of_frames = bool(one.file or run)
            if mask is None or (is_of_frames and mask.ndim == 2):
                raise _how_to_give(one, geometry, run)
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
        Of stacked modules, to which nothing was done; their mask and values hold on. Masks that
        the geometry names and that lie in the file of the frames are not known.
    geometry : Geometry
        Where the modules are.
    """
    mask = np.ones(frames.shape[1:], bool) if frames._mask is None else frames._mask
    source, mask = assemble(frames._source, mask, geometry, use_masks=True, run=())
    values = frames.values | geometry.values
    return Frames(source, mask=mask, values=values, mask_origin=geometry.path)


def _how_to_give(mask: MaskFile, geometry: Geometry, run: tuple[str, ...]) -> InputError:
    bits = [
        f"{name}={value:#x}"
        for name, value in (("good_bits", mask.good_bits), ("bad_bits", mask.bad_bits))
        if value
    ]
    if not mask.file and not run:
        return InputError(
            f"The mask {mask.dataset}, which {geometry.path} names, lies in the file of the "
            f"frames, and these are in memory: give it, mask=read_mask(that file, "
            f"dataset={mask.dataset!r}, {', '.join(bits)}), or go on without masks: mask=False."
        )
    where = mask.file or run[0]
    return InputError(
        f"The mask {mask.dataset} of {where}, which {geometry.path} names, is another one for each "
        f"frame: give it with the frames, mask=read_mask({where!r}, dataset={mask.dataset!r}, "
        f"{', '.join(bits)}), --mask and --mask-dataset on the command line, or go on without: "
        "mask=False, --no-mask on the command line."
    )


def _rows_of_module(source: FrameSource, geometry: Geometry) -> int:
    """Return the rows of a module, from the frames or else from the number of modules."""
    modules = getattr(source, "facts", Facts()).modules
    if modules is not None:
        return modules[1]
    counts = [panel.module for panel in geometry.panels if panel.module is not None]
    return source.shape[1] // (max(counts) + 1) if counts else source.shape[1]
