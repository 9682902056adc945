"""What an HDF5 file holds: its datasets, links followed, and those that could be frames."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator
from contextlib import contextmanager

import h5py

from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames.hdf5._handles import HDF5_ERRORS, look_up, open_file, reason

__all__ = [
    "contents_of",
    "dataset_at",
    "identity",
    "images_among",
    "list_datasets",
    "matching",
    "only_one",
]

_NO_IMAGES = ("mask", "pixel_mask", "gain")  # last parts of the paths of what may be as large


@contextmanager
def contents_of(path: str) -> Iterator[h5py.File]:
    """Lend an open file to whoever looks at what it holds; damage becomes one sentence."""
    with open_file(path) as (file, _):
        try:
            yield file
        except InputError:
            raise
        except HDF5_ERRORS as error:
            raise InputError(
                f"{path} is damaged, its contents cannot be listed: {reason(error)}."
            ) from error


def list_datasets(group: h5py.Group, prefix: str = "") -> dict[str, h5py.Dataset]:
    """List every dataset once, by the first path that leads to it; broken links are passed over."""
    found: dict[str, h5py.Dataset] = {}
    seen = set()

    def visit(group: h5py.Group, prefix: str) -> None:
        for name in group:
            item = look_up(group, name)
            if item is None:
                continue
            key = identity(item)
            if key in seen:
                continue
            seen.add(key)
            if isinstance(item, h5py.Dataset):
                found[f"{prefix}/{name}"] = item
            elif isinstance(item, h5py.Group):
                visit(item, f"{prefix}/{name}")

    visit(group, prefix)
    return found


def identity(item: h5py.Group | h5py.Dataset) -> tuple[int, int]:
    """Return what is the same for two paths that lead, by links, to the same object."""
    info = h5py.h5o.get_info(item.id)
    return info.fileno, info.addr


def images_among(datasets: dict[str, h5py.Dataset], dimensions: tuple[int, ...]) -> list[str]:
    """Return the paths of the datasets that could be frames: numbers of so many dimensions."""
    return [
        name
        for name, item in datasets.items()
        if item.ndim in dimensions
        and item.dtype.kind in "iuf"
        and name.rpartition("/")[2] not in _NO_IMAGES
    ]


def only_one(
    path: str,
    file: h5py.File,
    images: list[str],
    datasets: dict[str, h5py.Dataset],
    dimensions: tuple[int, ...],
) -> str:
    """Return the one dataset that could be the frames, or say why there is not just one."""
    if not images:
        what = " or ".join(f"{n}-D" for n in dimensions)
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


def dataset_at(
    path: str, file: h5py.File, name: str, datasets: dict[str, h5py.Dataset]
) -> h5py.Dataset:
    """Return the dataset that a user names, or say which ones there are."""
    found = look_up(file, name)
    if not isinstance(found, h5py.Dataset):
        raise InputError(f"{path} has no dataset {name}; it has {_listing(file, list(datasets))}.")
    return found


def matching(file: h5py.File, pattern: str) -> list[tuple[str, h5py.Dataset]]:
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
