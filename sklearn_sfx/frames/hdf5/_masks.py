"""The mask in an HDF5 file: which dataset it is, and whether it is one for all frames."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import h5py
import numpy as np

from sklearn_sfx.exceptions import InputError, UnreadableFrame
from sklearn_sfx.frames._format_protocol import StoredMask
from sklearn_sfx.frames._protocols import Window
from sklearn_sfx.frames.hdf5._contents import contents_of, dataset_at, list_contents
from sklearn_sfx.frames.hdf5._handles import look_up
from sklearn_sfx.frames.hdf5._links import why_dead
from sklearn_sfx.frames.hdf5._segments import Images, Segment, first_of, make_segment
from sklearn_sfx.frames.hdf5._source import Hdf5Source

__all__ = ["MaskRule", "find_mask", "name_of_mask"]

# Of several masks in a file, the one to take: one per frame before one for the whole run.
_MASK_NAMES = ("mask", "pixel_mask", "pixelmask", "mask_shared")


class MaskRule(NamedTuple):
    """Which bits have to be set where a pixel is usable, and which may not be."""

    good_bits: int | None = None
    bad_bits: int | str | None = None


class Layout(Protocol):
    """What a layout knows of masks."""

    def find_masks(self, file: h5py.File) -> list[str]:
        """Return the paths at which it keeps them, the first to be taken first."""

    def mask_rule(self, dtype: np.dtype) -> MaskRule:
        """Return what their numbers mean."""


def find_mask(
    path: str,
    dataset: str | None,
    beside: list[Segment],
    layout: Layout,
    frames: str | None = None,
) -> StoredMask | None:
    """Find the mask of a file.

    Parameters
    ----------
    path : str
        Absolute path of the file.
    dataset : str or None
        Path of the mask, as the user names it.
    beside : list of Segment
        The frames in the same file, if there are some. A mask of shape (modules, height, width)
        beside frames of as many modules is one mask.
    layout : Hdf5Format
        Which knows where masks are, and what their numbers mean.
    frames : str or None
        Path of the frames, if the user names it: of several masks theirs is in the same group.

    Returns
    -------
    StoredMask or None
        None where there are frames, and no mask beside them, or an empty one.

    Raises
    ------
    InputError
        If it cannot be read, if there are several, or if there are neither mask nor frames.
    """
    with contents_of(path) as file:
        name = dataset or name_of_mask(path, file, layout, bool(beside), frames)
        if name is None:
            return None
        mask = dataset_at(path, file, name)
        if mask.size == 0 and dataset is None and beside:
            return None
        where = f"dataset {name} of {path}"
        if mask.dtype.kind not in "biuf":
            raise InputError(f"The mask in {where} has the dtype {mask.dtype}, which is no number.")
        rule = layout.mask_rule(mask.dtype)
        n_lead = _n_lead(mask, beside)
        segment = make_segment(path, mask, Images(name, n_lead=n_lead))
        if segment is None:
            raise InputError(f"The mask {name} of {path} is empty: its shape is {mask.shape}.")
        is_one = n_lead == 0 or mask.shape[0] == 1
        n_beside = sum(other.n_frames for other in beside)
        if beside and not is_one and segment.shape[1:] == beside[0].shape[1:]:
            segment = first_of(segment, n_beside)  # padded, as they are
        gone = segment.unreadable
        if gone and (is_one or sum(u.stop - u.start for u in gone) >= segment.n_frames):
            raise InputError(f"The mask in {where} cannot be read: {gone[0].reason}.")
        said = (u._replace(reason=f"its mask {name} lacks: {u.reason}") for u in gone)
        segment = segment._replace(unreadable=tuple(said))
    if is_one:
        values = np.empty(segment.shape[1:], segment.content.dtype)
        try:
            Hdf5Source(segment).read(0, Window(0, 0, *values.shape), values)
        except UnreadableFrame as error:
            raise InputError(f"The mask in {where} is damaged: {error}") from error
        return StoredMask(values, where, *rule, files=segment.content.files)
    return StoredMask(Hdf5Source(segment), where, *rule, files=segment.content.files)


def _n_lead(mask: h5py.Dataset, beside: list[Segment]) -> int:
    """Return how many axes of a mask count frames."""
    if mask.ndim == 3 and beside and (modules := beside[0].content.modules):
        return 0 if mask.shape[:2] == modules else 1
    return 0 if mask.ndim <= 2 else 1


def name_of_mask(
    path: str, file: h5py.File, layout: Layout, has_frames: bool, frames: str | None = None
) -> str | None:
    """Return the path of the one dataset that is the mask; None beside frames without one."""
    kept = layout.find_masks(file)
    for name in kept:
        if isinstance(look_up(file, name), h5py.Dataset):
            return name
    if kept:
        raise InputError(f"{path} has a mask that cannot be read: {why_dead(file, kept[0])}.")
    contents = list_contents(file)
    names = list(contents.datasets)
    found = names if len(names) == 1 and _may_be_mask(contents.datasets[names[0]]) else []
    for leaf in _MASK_NAMES:
        found = found or [name for name in names if name.rpartition("/")[2] == leaf]
        dead = [name for name in contents.dead if name.rpartition("/")[2] == leaf]
        if dead and not found:
            raise InputError(f"{path} has a mask that cannot be read: {why_dead(file, dead[0])}.")
    if len(found) > 1 and frames:
        found = [name for name in found if _group_of(name) == _group_of(frames)] or found
    if len(found) == 1:
        return found[0]
    if not found and has_frames:
        return None
    if not found:
        raise InputError(
            f"{path} has no dataset called {', '.join(_MASK_NAMES[:-1])} or {_MASK_NAMES[-1]}: "
            "name the mask as dataset (--mask-dataset on the command line)."
        )
    raise InputError(
        f"{path} has several masks: {', '.join(found)}; name one of them as dataset "
        "(--mask-dataset on the command line)."
    )


def _group_of(name: str) -> str:
    return name.strip("/").rpartition("/")[0]


def _may_be_mask(item: h5py.Dataset) -> bool:
    """Whether the only dataset of a file, whatever its name, can be taken for a mask."""
    return item.dtype.kind == "b" or item.ndim == 2
