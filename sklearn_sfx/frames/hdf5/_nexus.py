"""NeXus: how its files say where the frames are, and what the detector is like.

Groups have a class, and of several that could be plotted the files name one: the attributes
``default`` lead from the root to a group of the class NXdata, whose ``signal`` is the dataset [1]_.

.. [1] The NeXus manual, "Associating plottable data", https://manual.nexusformat.org.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import h5py

from sklearn_sfx.frames._facts import Facts
from sklearn_sfx.frames.hdf5._handles import look_up
from sklearn_sfx.frames.hdf5._metadata import KNOWN_NAMES
from sklearn_sfx.frames.hdf5._units import conversion
from sklearn_sfx.frames.hdf5._values import attribute, number_at

__all__ = [
    "default_signal",
    "detector_facts",
    "detectors_of",
    "entries_of",
    "groups_of_class",
    "known_datasets",
    "numbered",
    "signal_of",
]

NUMBERED = re.compile(r"data_\d+")
CORNER = 0.5  # of the first pixel, seen from its centre
_LEAVES = (*KNOWN_NAMES, *(f"collection/{name}" for name in KNOWN_NAMES))


def groups_of_class(group: h5py.Group, name: str) -> Iterator[tuple[str, h5py.Group]]:
    """Yield the groups of a NeXus class that lie directly in another, with their paths."""
    for member in group:
        item = look_up(group, member)
        if isinstance(item, h5py.Group) and attribute(item, "NX_class") == name:
            yield f"{str(group.name).rstrip('/')}/{member}", item


def entries_of(file: h5py.File) -> list[tuple[str, h5py.Group]]:
    """Return the entries of a file, that which it names as its default first."""
    found = list(groups_of_class(file, "NXentry"))
    if not found and isinstance(entry := look_up(file, "entry"), h5py.Group):
        found = [("/entry", entry)]
    default = "/" + attribute(file, "default").strip("/")
    return sorted(found, key=lambda named: named[0] != default)


def detectors_of(entry: h5py.Group) -> list[tuple[str, h5py.Group]]:
    """Return the detectors of an entry."""
    instruments = list(groups_of_class(entry, "NXinstrument"))
    if not instruments and isinstance(one := look_up(entry, "instrument"), h5py.Group):
        instruments = [(f"{entry.name}/instrument", one)]
    found = [pair for _, group in instruments for pair in groups_of_class(group, "NXdetector")]
    for path, group in instruments if not found else ():
        if isinstance(one := look_up(group, "detector"), h5py.Group):
            found.append((f"{path}/detector", one))
    return found


def signal_of(path: str, group: h5py.Group) -> str | None:
    """Return the path of the dataset that is to be plotted of a group, whether it is there or not.

    It is named by the group, or marks itself, as was done before 2014.
    """
    if name := attribute(group, "signal"):
        return f"{path}/{name}"
    for member in group:
        item = look_up(group, member)
        if isinstance(item, h5py.Dataset) and "signal" in item.attrs and item.ndim >= 2:
            return f"{path}/{member}"
    return None


def default_signal(file: h5py.File) -> str | None:
    """Return the path of the dataset that the attributes `default` lead to."""
    path, group = "", file
    for _ in range(8):
        if attribute(group, "NX_class") == "NXdata":
            return signal_of(path, group)
        name = attribute(group, "default")
        item = look_up(group, name) if name else None
        if not isinstance(item, h5py.Group):
            return None
        path, group = f"{path}/{name.strip('/')}", item
    return None


def numbered(group: h5py.Group) -> list[str]:
    """Return the names of a group such as data_000001, in the order of their numbers."""
    names = [name for name in group if NUMBERED.fullmatch(name)]
    return sorted(names, key=lambda name: (int(name.partition("_")[2]), name))


def known_datasets(entry: h5py.Group) -> dict[str, h5py.Dataset]:
    """Return the datasets of an entry that may say something of its frames, by their paths."""
    found = {}
    for parent in (entry, *(look_up(entry, name) for name in ("instrument", "sample"))):
        if not isinstance(parent, h5py.Group):
            continue
        for name in ("", *parent):
            group = look_up(parent, name) if name else parent
            for leaf in _LEAVES if isinstance(group, h5py.Group) else ():
                if isinstance(item := look_up(group, leaf), h5py.Dataset):
                    found[f"{parent.name}/{name}/{leaf}".replace("//", "/")] = item
    return found


def detector_facts(detector: h5py.Group) -> Facts:
    """Return what the group of a detector says of pixels, beam and values."""
    sides = [_in_mm(detector, f"{axis}_pixel_size") for axis in "xy"]
    side = sides[0] if sides[0] and sides[0] == sides[1] else None
    return Facts(
        pixel_size=side,
        beam_center=_beam_center(detector, sides),
        saturation=number_at(detector, "saturation_value"),
        lowest=number_at(detector, "underload_value"),
    )


def _beam_center(detector: h5py.Group, sides: list[float | None]) -> tuple[float, float] | None:
    """Row and column, from numbers of pixels or lengths that count from the detector's corner."""
    place = []
    for axis, side in zip("yx", sides[::-1], strict=True):
        name = f"beam_center_{axis}"
        value, item = number_at(detector, name), look_up(detector, name)
        if value is None or item is None:
            return None
        unit = attribute(item, "units").lower()
        if unit not in ("", "pixel", "pixels", "px"):
            scale = conversion("distance", unit)
            if scale is None or not side:
                return None
            value *= scale[0] / side
        place.append(value - CORNER)
    # A detector that was never told where the beam is says 0, 0.
    return None if place == [-CORNER, -CORNER] else (place[0], place[1])


def _in_mm(group: h5py.Group, name: str) -> float | None:
    value, item = number_at(group, name), look_up(group, name)
    if value is None or item is None or value <= 0:
        return None
    scale = conversion("distance", attribute(item, "units") or "m")
    return None if scale is None else round(value * scale[0], 9)
