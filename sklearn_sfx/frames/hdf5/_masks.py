"""The mask in an HDF5 file: which dataset it is, and whether it is one for all frames."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import h5py
import numpy as np

from sklearn_sfx.exceptions import InputError, UnreadableFrame
from sklearn_sfx.frames._format_protocol import StoredMask
from sklearn_sfx.frames._protocols import Window
from sklearn_sfx.frames.hdf5._candidates import could_be_frames
from sklearn_sfx.frames.hdf5._contents import contents_of, dataset_at, identity, list_contents
from sklearn_sfx.frames.hdf5._handles import look_up
from sklearn_sfx.frames.hdf5._links import why_dead
from sklearn_sfx.frames.hdf5._segments import Images, Segment, first_of, make_segment
from sklearn_sfx.frames.hdf5._source import Hdf5Source

__all__ = ["MaskRule", "find_mask", "name_of_mask"]

# Of several masks in a file, the one to take: one per frame before one for the whole run.
_MASK_NAMES = ("mask", "pixel_mask", "pixelmask", "mask_shared")
BESIDE_OTHERS, OF_OTHERS = -1, -2


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
        Path of the frames, if it is known: of several masks theirs is the one beside them.

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
    if frames:
        kept = _nearest(file, kept, frames)
    else:  # those of the first detector
        kept = [name for name in kept if f"{_group_of(name)}/".startswith(f"{_group_of(kept[0])}/")]
    for name in kept:
        if isinstance(look_up(file, name), h5py.Dataset):
            return name
    if kept:
        raise InputError(f"{path} has a mask that cannot be read: {why_dead(file, kept[0])}.")
    contents = list_contents(file)
    names = list(contents.datasets)
    found = names if len(names) == 1 and _may_be_mask(contents.datasets[names[0]]) else []
    for leaf in _MASK_NAMES:
        called = [name for name in names if name.rpartition("/")[2] == leaf]
        found = found or (_nearest(file, called, frames) if frames else called)
        dead = [name for name in contents.dead if name.rpartition("/")[2] == leaf]
        if dead and not found:
            raise InputError(f"{path} has a mask that cannot be read: {why_dead(file, dead[0])}.")
    if len(found) == 1:
        return found[0]
    if not found and frames:
        _refuse_that_of_others(path, file, [*layout.find_masks(file), *names], frames)
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


def _nearest(file: h5py.File, masks: list[str], frames: str) -> list[str]:
    """Return the masks that share most groups with some frames; none of another detector."""
    shared = {name: _n_shared(file, name, frames) for name in masks}
    most = max(shared.values(), default=OF_OTHERS)
    return [name for name in masks if shared[name] == most > OF_OTHERS]


def _n_shared(file: h5py.File, mask: str, frames: str) -> int:
    """Return how many groups a mask and frames are in together, links followed.

    `BESIDE_OTHERS` if other frames are nearer to the mask, as a raw version of them may be;
    `OF_OTHERS` if those are called and placed alike, as the frames of another detector are.
    """
    place = frames.strip("/").split("/")
    group = _group_of(mask).split("/")
    while group != place[: len(group)] and group != [""]:
        holder = look_up(file, "/".join(group))
        items = {name: look_up(holder, name) for name in holder} if holder is not None else {}
        beside = {name: item for name, item in items.items() if could_be_frames(name, item, (3, 4))}
        if beside:
            ours = look_up(file, frames)
            if ours is not None and identity(ours) in map(identity, beside.values()):
                return len(group)
            return (
                OF_OTHERS if len(group) + 1 == len(place) and place[-1] in beside else BESIDE_OTHERS
            )
        group = group[:-1] or [""]
    return 0 if group == [""] else len(group)


def _refuse_that_of_others(path: str, file: h5py.File, names: list[str], frames: str) -> None:
    """Do not guess whether frames have the mask of another detector of the same shape."""
    ours = look_up(file, frames)
    for name in names:
        mask = look_up(file, name) if name.rpartition("/")[2] in _MASK_NAMES else None
        if not isinstance(mask, h5py.Dataset) or not isinstance(ours, h5py.Dataset):
            continue
        if mask.shape[-2:] == ours.shape[-2:]:
            raise InputError(
                f"{path} has a mask beside other frames, {name}, and none beside {frames}: if it "
                f"is theirs too, give it with them, mask=read_mask(path, dataset={name!r}), "
                "--mask and --mask-dataset on the command line."
            )


def _group_of(name: str) -> str:
    return name.strip("/").rpartition("/")[0]


def _may_be_mask(item: h5py.Dataset) -> bool:
    """Whether the only dataset of a file, whatever its name, can be taken for a mask."""
    return item.dtype.kind == "b" or item.ndim == 2
