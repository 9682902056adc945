"""Where links lead: the file and the dataset behind them, or why there is none.

HDF5 looks for the files of external links and of virtual datasets in several places, and says
nothing where it finds none: a virtual dataset then reads as its fill value. So they are looked for
here, in the same places.
"""

from __future__ import annotations

import os
import posixpath

import h5py

from sklearn_sfx.frames.hdf5._handles import HDF5_ERRORS, NotOpened, look_up, open_file, reason

__all__ = [
    "find_linked_file",
    "has_name",
    "linked_path",
    "missing_raw_files",
    "place_of",
    "why_dead",
]

MAX_HOPS = 16  # links that lead to links


def place_of(dataset: h5py.Dataset) -> tuple[str, str]:
    """Return the absolute path of the file in which a dataset lies, and its path in that file.

    Links are followed: `dataset.file` of h5py is the file behind them.
    """
    return os.path.abspath(os.fsdecode(dataset.file.filename)), str(dataset.name)


def linked_path(name: str, beside: str) -> str:
    """Return where a file that another one names is expected."""
    return os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(beside)), name))


def find_linked_file(name: str, beside: str, variable: str) -> str | None:
    """Find a file that another one names, in the places in which HDF5 looks, in their order.

    Parameters
    ----------
    name : str
        As the link or the virtual dataset has it.
    beside : str
        Path of the file that names it.
    variable : str
        Environment variable with folders to look into: ``HDF5_EXT_PREFIX`` for links,
        ``HDF5_VDS_PREFIX`` for virtual datasets.
    """
    folder = os.path.dirname(os.path.abspath(beside))
    if os.path.isabs(name):
        if os.path.isfile(name):
            return name
        name = os.path.basename(name)  # moved, with the file that names it
    for prefix in os.environ.get(variable, "").split(":"):
        prefix = prefix.replace("${ORIGIN}", folder)
        if prefix and os.path.isfile(os.path.join(prefix, name)):
            return os.path.abspath(os.path.join(prefix, name))
    real = os.path.dirname(os.path.realpath(beside))
    for start in (folder, os.getcwd(), real):
        if os.path.isfile(os.path.join(start, name)):
            return os.path.normpath(os.path.join(start, name))
    return None


def why_dead(file: h5py.File, path: str, before: tuple[str, ...] = ()) -> str:
    """Say in a clause why nothing can be opened at a path: which link is dead, what is missing.

    `before` has the links that led to it, so that a circle is seen.
    """
    here = os.fsdecode(file.filename)
    if len(before) == MAX_HOPS or here + path in before:
        return f"the links of {here} go in a circle at {path}"
    group: h5py.Group = file
    parts = [part for part in path.split("/") if part]
    for number, part in enumerate(parts):
        at, rest = "/" + "/".join(parts[: number + 1]), parts[number + 1 :]
        try:
            link = group.get(part, getlink=True)
        except HDF5_ERRORS as error:
            return f"the link {at} of {here} is damaged ({reason(error)})"
        if link is None:
            return f"there is no {at} in {here}"
        if isinstance(link, h5py.SoftLink):
            target = posixpath.join("/" + "/".join(parts[:number]), link.path, *rest)
            if posixpath.normpath(target) == "/" + "/".join(parts):
                return f"the link {at} of {here} leads to itself"
            if look_up(file, target) is None:
                return f"the link {at} leads to {link.path}, and " + why_dead(
                    file, target, (*before, here + at)
                )
        if isinstance(link, h5py.ExternalLink):
            return _why_outside(here, at, link, rest, before)
        found = look_up(group, part)
        if not isinstance(found, h5py.Group) and (rest or found is None):
            return f"{at} of {here} cannot be opened"
        group = found
    return f"{path} of {here} is not a dataset"


def _why_outside(
    here: str, at: str, link: h5py.ExternalLink, rest: list[str], before: tuple[str, ...]
) -> str:
    inner = posixpath.join("/", link.path, *rest)
    target = find_linked_file(link.filename, here, "HDF5_EXT_PREFIX")
    if target is None:
        missing = linked_path(link.filename, here)
        return f"the link {at} of {here} leads to the file {missing}, which is not there"
    try:
        with open_file(target) as opened:
            if os.path.samefile(target, here) and posixpath.normpath(inner) == at:
                return f"the link {at} of {here} leads to itself"
            if look_up(opened.file, inner) is None:
                return f"the link {at} of {here} leads to {target}, and " + why_dead(
                    opened.file, inner, (*before, here + at)
                )
    except NotOpened as error:
        return f"the link {at} of {here} leads to {target}, and {str(error).rstrip('.')}"
    return f"the link {at} of {here} to {inner} of {target} cannot be followed"


def has_name(group: h5py.Group, path: str) -> bool:
    """Whether there is a name at a path, wherever it leads."""
    parent, _, leaf = path.rstrip("/").rpartition("/")
    holder = look_up(group, parent) if parent else group
    return isinstance(holder, h5py.Group) and holder.get(leaf, getlink=True) is not None


def missing_raw_files(dataset: h5py.Dataset) -> str:
    """Say which file is not there, or too short, of those that hold bytes outside of HDF5.

    HDF5 looks for them in the working directory, or in that of ``HDF5_EXTFILE_PREFIX``, and reads
    what is missing at their ends as zeros. Returns "" if nothing is missing.
    """
    folder = os.path.dirname(os.path.abspath(os.fsdecode(dataset.file.filename)))
    prefix = os.environ.get("HDF5_EXTFILE_PREFIX", "").replace("${ORIGIN}", folder)
    left = dataset.nbytes
    for name, offset, size in dataset.external or ():
        path = os.path.abspath(os.path.join(prefix, os.fsdecode(name)))
        if not os.path.isfile(path):
            return f"the file {path}, which holds its bytes, is not there"
        n_bytes = min(size, left)
        if os.path.getsize(path) < offset + n_bytes:
            return f"the file {path}, which holds its bytes, is shorter than it has to be"
        left -= n_bytes
    return ""
