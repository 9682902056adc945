"""The mask in an HDF5 file: which dataset it is, and whether it is one for all frames."""

from __future__ import annotations

import h5py

from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames._format_protocol import StoredMask
from sklearn_sfx.frames.hdf5._contents import list_datasets
from sklearn_sfx.frames.hdf5._handles import HDF5_ERRORS, look_up, open_file, reason
from sklearn_sfx.frames.hdf5._segments import Segment, make_segment
from sklearn_sfx.frames.hdf5._source import Hdf5Source

__all__ = ["find_mask"]

# Of several masks in a file, the one to take: one per frame before one for the whole run.
_MASK_NAMES = ("mask", "pixel_mask", "pixelmask", "mask_shared")


def find_mask(path: str, dataset: str | None, beside: list[Segment]) -> StoredMask:
    """Find the mask of a file; `beside` are the frames in the same file, if there are some.

    A mask of shape (modules, height, width) beside frames of as many modules is one mask.
    """
    with open_file(path) as (file, _):
        try:
            name = _name_of_mask(path, file, dataset)
            mask = file[name]
            where = f"dataset {name} of {path}"
            modules = _modules_of(file, beside)
            if mask.ndim == 2 or (mask.ndim == 3 and mask.shape == modules):
                return StoredMask(mask[()].reshape(-1, mask.shape[-1]), where)
            segment = make_segment(path, mask)
        except InputError:
            raise
        except HDF5_ERRORS as error:
            damaged = f"dataset {dataset}" if dataset else "its mask"
            raise InputError(
                f"{path} is damaged, {damaged} cannot be read: {reason(error)}."
            ) from error
    if segment is None:
        raise InputError(f"The mask {name} of {path} is empty: its shape is {mask.shape}.")
    n_beside = sum(other.shape[0] for other in beside)
    if beside and segment.shape[0] > n_beside and segment.shape[1:] == beside[0].shape[1:]:
        segment = segment._replace(shape=(n_beside, *segment.shape[1:]))  # padded, as they are
    return StoredMask(Hdf5Source(segment), where)


def _modules_of(file: h5py.File, segments: list[Segment]) -> tuple[int, int, int] | None:
    """(modules, height, width) of the frames in the same file, where they have modules."""
    if not segments or file[segments[0].dataset].ndim != 4:
        return None
    return file[segments[0].dataset].shape[1:]


def _name_of_mask(path: str, file: h5py.File, dataset: str | None) -> str:
    """Return the path of the one dataset that is the mask."""
    names = list(list_datasets(file))
    if dataset is not None:
        if not hasattr(look_up(file, dataset), "shape"):
            held = ", ".join(names[:6]) or "no dataset at all"
            raise InputError(f"{path} has no dataset {dataset} for a mask; it has {held}.")
        return dataset
    found = names if len(names) == 1 and _may_be_mask(file[names[0]]) else []
    for leaf in _MASK_NAMES:
        found = found or [name for name in names if name.rpartition("/")[2] == leaf]
    if len(found) == 1:
        return found[0]
    if not found:
        raise InputError(
            f"{path} has no dataset called {', '.join(_MASK_NAMES[:-1])} or {_MASK_NAMES[-1]}: "
            "name the mask, as in read_mask(path, dataset=...)."
        )
    raise InputError(
        f"{path} has several masks: {', '.join(found)}; name one of them, as in "
        "read_mask(path, dataset=...)."
    )


def _may_be_mask(item: h5py.Dataset) -> bool:
    """Whether the only dataset of a file, whatever its name, can be taken for a mask."""
    return item.dtype.kind == "b" or item.ndim == 2
