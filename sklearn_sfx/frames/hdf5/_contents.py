"""What an HDF5 file holds: its datasets, links followed, and the links that lead nowhere."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import h5py

from sklearn_sfx._text import listed
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames._format_protocol import NoSuchDataset
from sklearn_sfx.frames.hdf5._handles import HDF5_ERRORS, close_changed, look_up, open_file, reason
from sklearn_sfx.frames.hdf5._links import why_dead

__all__ = [
    "Contents",
    "contents_of",
    "dataset_at",
    "identity",
    "list_contents",
    "listing",
    "matching",
    "one_of",
    "several",
]


class Contents(NamedTuple):
    """All that a file holds.

    Parameters
    ----------
    datasets : dict of str to h5py.Dataset
        Each dataset once, by the first path that leads to it.
    groups : dict of str to h5py.Group
        Likewise.
    dead : list of str
        Paths of links that lead nowhere.
    """

    datasets: dict[str, h5py.Dataset]
    groups: dict[str, h5py.Group]
    dead: list[str]


@contextmanager
def contents_of(path: str) -> Iterator[h5py.File]:
    """Lend an open file to whoever looks at what it holds; damage becomes one sentence."""
    close_changed()  # of those that it links to
    with open_file(path) as opened:
        try:
            yield opened.file
        except InputError:
            raise
        except HDF5_ERRORS as error:
            raise InputError(
                f"{path} is damaged, its contents cannot be listed: {reason(error)}."
            ) from error


def list_contents(group: h5py.Group, prefix: str = "") -> Contents:
    """List all that lies in a group, or behind its links."""
    found = Contents({}, {}, [])
    seen = set()
    stack = [(prefix, iter([(name, group) for name in group]))]
    while stack:
        before, items = stack[-1]
        try:
            name, holder = next(items)
        except StopIteration:
            stack.pop()
            continue
        item, path = look_up(holder, name), f"{before}/{name}"
        if item is None:
            found.dead.append(path)
            continue
        key = identity(item)
        if key in seen:
            continue
        seen.add(key)
        if isinstance(item, h5py.Dataset):
            found.datasets[path] = item
        elif isinstance(item, h5py.Group):
            found.groups[path] = item
            stack.append((path, iter([(name, item) for name in item])))
    return found


def identity(item: h5py.Group | h5py.Dataset) -> tuple[int, int]:
    """Return what is the same for two paths that lead, by links, to the same object."""
    info = h5py.h5o.get_info(item.id)
    return info.fileno, info.addr


def dataset_at(path: str, file: h5py.File, name: str) -> h5py.Dataset:
    """Return the dataset that a user or a layout names, or say why there is none."""
    found = look_up(file, name)
    if isinstance(found, h5py.Dataset):
        return found
    if found is None and is_dead(file, name):
        raise InputError(f"{path} has no dataset {name} that can be read: {why_dead(file, name)}.")
    held = listing(list_contents(file).datasets)
    raise NoSuchDataset(f"{path} has no dataset {name}; it has {held}.")


def is_dead(file: h5py.File, name: str) -> bool:
    """Whether something on the way is there and cannot be opened: a dead link, or damage."""
    group: h5py.Group | h5py.Dataset | None = file
    for part in name.strip("/").split("/"):
        if not isinstance(group, h5py.Group):
            return False
        link, group = group.get(part, getlink=True), look_up(group, part)
        if link is not None and group is None:
            return True
    return False


def matching(file: h5py.File, pattern: str) -> list[str]:
    """Every path that matches, part by part, whether something can be opened there or not."""
    level: list[tuple[str, h5py.Group | h5py.Dataset | None]] = [("", file)]
    for part in pattern.strip("/").split("/"):
        level = [
            (f"{path}/{name}", look_up(item, name))
            for path, item in level
            if isinstance(item, h5py.Group)
            for name in fnmatch.filter(item, part)
        ]
    return [path for path, _ in level]


def one_of(path: str, file: h5py.File, names: list[str], what: str) -> str:
    """Return the one path of datasets of frames, or say that there are several, as `several` does.

    It may be dead, as who opens it says.
    """
    if len(names) > 1:
        there = {n: item for n in names if isinstance(item := look_up(file, n), h5py.Dataset)}
        raise several(path, there, what)
    return names[0]


def several(
    path: str,
    datasets: dict[str, h5py.Dataset],
    what: str = "several datasets that could be the frames",
) -> InputError:
    """Return the error that asks which of some datasets of a file is meant."""
    return InputError(
        f"{path} has {what}: {listing(datasets)}; name one of them as dataset (--dataset on the "
        "command line)."
    )


def listing(datasets: dict[str, h5py.Dataset]) -> str:
    """Return the paths of a few datasets with their shapes, for a sentence."""
    return listed([f"{name} {item.shape}" for name, item in datasets.items()]) or (
        "no dataset at all"
    )
