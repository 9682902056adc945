"""Which dataset of a file that has no layout of its own holds the frames."""

from __future__ import annotations

import re

import h5py

from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames._names_of_frames import LEAST_SIDE, may_be_frames
from sklearn_sfx.frames.hdf5._contents import Contents, identity, list_contents, listing, several
from sklearn_sfx.frames.hdf5._handles import look_up
from sklearn_sfx.frames.hdf5._links import place_of, why_dead
from sklearn_sfx.frames.hdf5._nexus import default_signal, signal_of
from sklearn_sfx.frames.hdf5._values import attribute

__all__ = ["could_be_frames", "find_stack", "only_one"]

_NO_GROUPS_OF_FRAMES = re.compile(r"mask|flat_?field|dark|pedestal|white|powder", re.IGNORECASE)
# Last parts of paths of frames, as writers call them.
_FRAMES = re.compile(
    r"data(_?\d+)?|images?|frames?|raw(_?data)?|rawdata\d*|pixels|img|intensit(y|ies)",
    re.IGNORECASE,
)


def could_be_frames(name: str, item: object, dimensions: tuple[int, ...] = (3,)) -> bool:
    """Whether a dataset has the kind, the name and the size of frames."""
    return (
        isinstance(item, h5py.Dataset)
        and item.ndim in dimensions
        and item.dtype.kind in "iuf"
        and may_be_frames(name.rpartition("/")[2], item.shape)
        and not _NO_GROUPS_OF_FRAMES.search(name.rpartition("/")[0])
    )


def find_stack(path: str, file: h5py.File) -> str:
    """Return the path of the dataset of frames of a file.

    What NeXus names comes first, then ``data/data``, then a stack with a name of frames, then the
    only stack or image. A link that leads nowhere where frames belong is told of, rather than
    something else read.

    Raises
    ------
    InputError
        If there is none, or more than one.
    """
    signal = default_signal(file)
    if signal is not None:
        item = look_up(file, signal)
        if could_be_frames(signal, item, (2, 3, 4)):
            return signal
        if item is None:
            raise InputError(f"{path} has no frames that can be read: {why_dead(file, signal)}.")
    contents = list_contents(file)
    preferred, is_of_nexus = _preferred(contents, _competing(contents))
    found = _likeliest(preferred)
    dead = sorted(filter(_is_called_frames, contents.dead), key=_is_data_data, reverse=True)
    named_so = any(_is_called_frames(name) for name in found)
    if not is_of_nexus and any(map(_is_data_data, dead)):  # nothing but that name says more
        named_so = any(map(_is_data_data, found))
    if dead and not named_so:
        others = f"; if {listing(found)} holds the frames, name it as dataset" if found else ""
        raise InputError(
            f"{path} has no frames that can be read: {why_dead(file, dead[0])}{others}."
        )
    return only_one(path, found, contents)


def only_one(path: str, found: dict[str, h5py.Dataset], contents: Contents | None = None) -> str:
    """Return the one dataset that could be the frames, or say why there is not just one."""
    if not found:
        held = listing(contents.datasets if contents else {})
        raise InputError(
            f"{path} has no images: no dataset in it holds numbers of shape (n, height, width), "
            f"{LEAST_SIDE} pixels a side or more, under a name that frames have; it has "
            f"{held}. If one of them is the frames, name it as dataset (--dataset on the command "
            "line)."
        )
    if len(found) > 1:
        raise several(path, found)
    return next(iter(found))


def _preferred(
    contents: Contents, found: dict[str, h5py.Dataset]
) -> tuple[dict[str, h5py.Dataset], bool]:
    """Return those that NeXus has reasons for, or all, and whether it has.

    What others are put together from is none of them.
    """
    used = {
        (mapping.file_name, "/" + mapping.dset_name.strip("/"))
        for item in found.values()
        if item.is_virtual
        for mapping in item.virtual_sources()
    }
    found = {name: item for name, item in found.items() if (".", place_of(item)[1]) not in used}
    plotted, detected = [], []
    for path, group in contents.groups.items():
        kind = attribute(group, "NX_class")
        if kind == "NXdata" and (signal := signal_of(path, group)):
            plotted.append(look_up(group, signal.rpartition("/")[2]))
        elif kind == "NXdetector":
            detected.append(look_up(group, "data"))
    for chosen in (plotted, detected):
        keys = {identity(item) for item in chosen if isinstance(item, h5py.Dataset)}
        better = {name: item for name, item in found.items() if identity(item) in keys}
        if better:
            return better, True
    return found, False


def _competing(contents: Contents) -> dict[str, h5py.Dataset]:
    """Return stacks, of modules too, and images that are called so, or one alone in its file."""
    alone = len(contents.datasets) == 1
    return {
        name: item
        for name, item in _as_linked(contents).items()
        if item.ndim > 2 or alone or _is_called_frames(name)
    }


def _as_linked(contents: Contents) -> dict[str, h5py.Dataset]:
    """Return what could be frames, and by that name what a link calls ``data/data``.

    Cheetah leaves a frame in several versions, raw and corrected, and links so to the one that is
    meant.
    """
    datasets = {
        name: item
        for name, item in contents.datasets.items()
        if could_be_frames(name, item, (2, 3, 4))
    }
    names = {identity(item): name for name, item in datasets.items()}
    for path, group in contents.groups.items():
        item = look_up(group, "data") if path.endswith("/data") else None
        if not isinstance(item, h5py.Dataset) or (key := identity(item)) not in names:
            continue
        if not _is_data_data(names[key]):
            datasets[f"{path}/data"] = datasets.pop(names[key])
            names[key] = f"{path}/data"
    return datasets


def _likeliest(found: dict[str, h5py.Dataset]) -> dict[str, h5py.Dataset]:
    """Return what is called ``data/data``, or else what has a name of frames, or all.

    The name is not enough beside a stack of the same shape, nor that of one image beside any stack,
    since averages are called so too.
    """
    first = {name: item for name, item in found.items() if _is_data_data(name)}
    named = {name: item for name, item in found.items() if _is_called_frames(name)}
    shapes = {item.shape for item in named.values()}
    is_clear = any(len(shape) > 2 for shape in shapes) and all(
        name in named or item.shape not in shapes for name, item in found.items()
    )
    return first or (named if is_clear else found)


def _is_data_data(name: str) -> bool:
    return f"/{name}".endswith("/data/data")


def _is_called_frames(name: str) -> bool:
    return _FRAMES.fullmatch(name.rpartition("/")[2]) is not None
