"""Where a file keeps its frames, found from its content and never from its name."""

from __future__ import annotations

import fnmatch
from typing import NamedTuple

import h5py
import numpy as np

from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames._handles import HDF5_ERRORS, look_up, open_file, reason
from sklearn_sfx.frames._metadata import Field, find_fields

__all__ = ["Segment", "find_segments", "list_datasets", "make_segment"]

_CXI_IMAGES = ("/entry_*/data_*/data", "/entry_*/instrument_*/detector_*/data")
_MASK_NAMES = ("mask", "pixel_mask", "gain")


class Segment(NamedTuple):
    """Consecutive frames of one dataset of one file.

    Parameters
    ----------
    path, dataset : str
        Absolute path of the file and path of the dataset in it.
    shape : tuple of int
        (n_frames, height, width), modules stacked.
    module_height : int
        Rows of one module; the frame's height where there are no modules.
    dtype : str
        Of the pixels, in the byte order of this machine.
    first : int
        Number within the file of the first frame.
    event : str
        What stands before ``//`` in CrystFEL's name of a frame.
    fields : tuple of Field
        What the file says of each frame.
    compression : str or None
        As h5py names it: "gzip", "lzf"; None for none, or another.
    """

    path: str
    dataset: str
    shape: tuple[int, int, int]
    module_height: int
    dtype: str
    first: int = 0
    event: str = ""
    fields: tuple[Field, ...] = ()
    compression: str | None = None


def find_segments(path: str, dataset: str | None = None) -> list[Segment]:
    """Find the frames of one HDF5 file: CXIDB-76, CXI, or one dataset of images."""
    with open_file(path) as (file, _):
        try:
            segments = _segments_of(path, file, dataset)
        except InputError:
            raise
        except HDF5_ERRORS as error:
            raise InputError(
                f"{path} is damaged, its contents cannot be listed: {reason(error)}."
            ) from error
    if not segments:
        raise InputError(f"{path} has no frames: every dataset of images in it is empty.")
    return segments


def _segments_of(path: str, file: h5py.File, dataset: str | None) -> list[Segment]:
    if _is_cxidb76(file):
        segments = _cxidb76_segments(path, file, only=dataset)
        if segments or dataset is None:
            return segments
    datasets = list_datasets(file)
    if dataset is None:
        dataset = _only_candidate(path, file, datasets)
    elif not isinstance(look_up(file, dataset), h5py.Dataset):
        raise InputError(
            f"{path} has no dataset {dataset}; it has {_listing(file, list(datasets))}."
        )
    segment = make_segment(path, file[dataset])
    return [segment._replace(fields=find_fields(datasets, segment.shape[0]))] if segment else []


def _is_cxidb76(file: h5py.File) -> bool:
    version = look_up(file, "metadata/idh5_version")
    if not isinstance(version, h5py.Dataset) or version.size != 1:
        return False
    value = np.ravel(version[()])[0]
    return (value.decode() if isinstance(value, bytes) else str(value)) == "idh5_v1.0"


def _cxidb76_segments(path: str, file: h5py.File, only: str | None) -> list[Segment]:
    """One segment per chunk; frames are numbered over the chunks in the order of their names."""
    segments: list[Segment] = []
    first = 0
    for chunk in sorted(file["data"]) if "data" in file else ():
        group = file["data"][chunk]
        images = look_up(group, "images") if isinstance(group, h5py.Group) else None
        if not isinstance(images, h5py.Dataset):
            raise InputError(
                f"{path} is a CXIDB-76 file, but /data/{chunk} has no dataset images: the numbers "
                "of the frames after it cannot be known, so name one chunk's images as dataset."
            )
        segment = make_segment(path, images, name=f"/data/{chunk}/images")
        if segment is not None:
            fields = find_fields(
                list_datasets(group, f"/data/{chunk}"), segment.shape[0], scales={"distance": 1.0}
            )
            segments.append(segment._replace(first=first, event=chunk, fields=fields))
            first += segment.shape[0]
    if only is None:
        return segments
    return [segment for segment in segments if segment.dataset.strip("/") == only.strip("/")]


def make_segment(path: str, dataset: h5py.Dataset, name: str | None = None) -> Segment | None:
    """Describe one dataset of frames; None where it holds no frame.

    Tools that grow the dataset while they write set the attribute ``numEvents``. Closed, the
    extent is cut to it. Otherwise the extent is larger, padded, and ``numEvents`` is the position
    of a frame written recently, not a count; all before that one are read, and none after.
    """
    name = dataset.name if name is None else name
    if dataset.ndim not in (3, 4) or dataset.dtype.kind not in "biuf":
        raise InputError(
            f"Dataset {name} of {path} has the shape {dataset.shape} and dtype {dataset.dtype}: "
            "frames are numbers of shape (n, height, width) or (n, modules, height, width)."
        )
    n_frames = dataset.shape[0]
    if "numEvents" in dataset.attrs:
        n_frames = min(n_frames, int(np.ravel(dataset.attrs["numEvents"])[0]))
    height, width = dataset.shape[-2:]
    shape = (n_frames, height * (dataset.shape[1] if dataset.ndim == 4 else 1), width)
    if min(shape) < 1:
        return None
    dtype = dataset.dtype.newbyteorder("=").str
    return Segment(path, name, shape, height, dtype, compression=dataset.compression)


def list_datasets(group: h5py.Group, prefix: str = "") -> dict[str, h5py.Dataset]:
    """List every dataset once, by the first path that leads to it; broken links are passed over."""
    found: dict[str, h5py.Dataset] = {}
    seen = set()

    def visit(group: h5py.Group, prefix: str) -> None:
        for name in group:
            item = look_up(group, name)
            if item is None:
                continue
            identity = _identity(item)
            if identity in seen:
                continue
            seen.add(identity)
            if isinstance(item, h5py.Dataset):
                found[f"{prefix}/{name}"] = item
            elif isinstance(item, h5py.Group):
                visit(item, f"{prefix}/{name}")

    visit(group, prefix)
    return found


def _identity(item: h5py.Group | h5py.Dataset) -> tuple[int, int]:
    """Return what is the same for two paths that lead, by links, to the same object."""
    info = h5py.h5o.get_info(item.id)
    return info.fileno, info.addr


def _only_candidate(path: str, file: h5py.File, datasets: dict[str, h5py.Dataset]) -> str:
    """Return the one dataset that holds images, or say why there is not just one."""
    is_cxi = "cxi_version" in file or "entry_1" in file
    depths = (3, 4) if is_cxi else (3,)
    images = [
        name
        for name, item in datasets.items()
        if item.ndim in depths
        and item.dtype.kind in "iuf"
        and name.rpartition("/")[2] not in _MASK_NAMES
    ]
    if is_cxi:
        # Links: data_1 may be a link to detector_1, or data a link to one of several versions.
        for pattern in _CXI_IMAGES:
            linked = {
                _identity(item): name
                for name, item in _matching(file, pattern)
                if item.ndim in depths and item.dtype.kind in "iuf"
            }
            if linked:
                images = list(linked.values())
                break
    if not images:
        what = "3-D or 4-D" if is_cxi else "3-D"
        raise InputError(
            f"{path} has no images: no dataset in it is numeric and {what}; "
            f"it has {_listing(file, list(datasets))}."
        )
    if len(images) > 1:
        raise InputError(
            f"{path} has several datasets that could be the frames: {_listing(file, images)}; "
            "name one of them, as in open_frames(path, dataset=...)."
        )
    return images[0]


def _matching(file: h5py.File, pattern: str) -> list[tuple[str, h5py.Dataset]]:
    """Every dataset whose path matches, part by part."""
    level: list[tuple[str, h5py.Group | h5py.Dataset]] = [("", file)]
    for part in pattern.strip("/").split("/"):
        level = [
            (f"{path}/{name}", look_up(item, name))
            for path, item in level
            if isinstance(item, h5py.Group)
            for name in fnmatch.filter(item, part)
        ]
    return [(path, item) for path, item in level if isinstance(item, h5py.Dataset)]


def _listing(file: h5py.File, names: list[str]) -> str:
    shown = [f"{name} {file[name].shape}" for name in names[:6]]
    if len(names) > 6:
        shown.append(f"and {len(names) - 6} more")
    return ", ".join(shown) or "no dataset at all"
