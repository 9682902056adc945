"""NXmx, and the masters of DECTRIS detectors, which came before it and after.

The frames are one dataset, often virtual, or several, ``data_000001`` and so on, which are links to
files of their own; or both, and then they are the same frames [1]_. Programs of 2012 to 2016 put
the links into the entry itself.

.. [1] H. J. Bernstein et al., "Gold Standard for macromolecular crystallography diffraction data",
   IUCrJ 7, 784 (2020); https://manual.nexusformat.org/classes/applications/NXmx.html.
"""

from __future__ import annotations

from dataclasses import replace

import h5py
import numpy as np

from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames._facts import Facts
from sklearn_sfx.frames._value_rule import no_data_values
from sklearn_sfx.frames.hdf5._candidates import could_be_frames
from sklearn_sfx.frames.hdf5._contents import several
from sklearn_sfx.frames.hdf5._handles import look_up
from sklearn_sfx.frames.hdf5._links import has_name, why_dead
from sklearn_sfx.frames.hdf5._nexus import (
    default_signal,
    detectors_of,
    entries_of,
    groups_of_class,
    numbered,
    signal_of,
)
from sklearn_sfx.frames.hdf5._segments import Images
from sklearn_sfx.frames.hdf5._values import attribute, number_at, text, text_at
from sklearn_sfx.frames.hdf5.layouts._nexus import Nexus

__all__ = ["Nxmx"]

MOST_PARTS = 100_000  # names with larger gaps are no numbers of parts
COUNTING = ("pilatus", "eiger")
FIRST_CHANNEL = "of several channels the first is read"


class Nxmx(Nexus):
    """The one dataset of frames, or those that the links lead to, in the order of their numbers."""

    name = "NXmx"

    def recognizes(self, file: h5py.File) -> bool:
        """Told by the definition of an entry, or by numbered datasets."""
        return any(
            text_at(entry, "definition") == "NXmx" or _numbered_in(path, entry)
            for path, entry in entries_of(file)
        )

    def find_images(self, path: str, file: h5py.File) -> list[Images]:
        """Return the one dataset if it is there, or else the numbered ones, or the detector's."""
        for at, entry in entries_of(file):
            groups = dict(groups_of_class(entry, "NXdata"))
            if isinstance(data := look_up(entry, "data"), h5py.Group):
                groups.setdefault(f"{at}/data", data)
            default = default_signal(file)
            found = [name for name in (default,) if name and name.startswith(f"{at}/")]
            for group_path, group in groups.items():
                found += [signal_of(group_path, group) or f"{group_path}/data"]
            found = [name for name in dict.fromkeys(found) if has_name(file, name)]
            parts = [Images(name, name.rpartition("/")[2]) for name in _numbered_in(at, entry)]
            there = {name: look_up(file, name) for name in found}
            stacks = {n: i for n, i in there.items() if could_be_frames(n, i, (2, 3, 4))}
            whole = [name for name in stacks if not any(name == part.name for part in parts)]
            if default in whole:
                whole = [default]
            if len(whole) > 1:
                raise several(path, stacks)
            if whole:
                return [_with_channel(file, Images(whole[0]))]
            if parts:
                return parts if len(parts) > 1 else [parts[0]._replace(event="")]
            ours = [f"{name}/data" for name, detector in detectors_of(entry) if "data" in detector]
            dead = [name for name in (*found, *ours) if look_up(file, name) is None]
            ours = [name for name in ours if could_be_frames(name, look_up(file, name), (2, 3, 4))]
            if len(ours) == 1:
                return [_with_channel(file, Images(ours[0]))]
            if dead:
                raise InputError(
                    f"{path} has no frames that can be read: {why_dead(file, dead[0])}."
                )
        return super().find_images(path, file)

    def count_frames(self, file: h5py.File) -> int | None:
        """Return how many images were asked for, by the detector's own settings."""
        for _, entry in entries_of(file):
            for _, detector in detectors_of(entry):
                n_images = number_at(detector, "detectorSpecific/nimages")
                n_triggers = number_at(detector, "detectorSpecific/ntrigger") or 1
                if n_images:
                    return int(n_images * n_triggers)
        return None

    def facts(self, file: h5py.File, images: Images) -> Facts:
        """Return what the detector says, and which values of its pixels stand for no data."""
        facts = super().facts(file, images)
        item = look_up(file, images.name)
        entry = self._entry(file, images)
        detector = None if entry is None else self._detector(entry, images)[1]
        if detector is None or not isinstance(item, h5py.Dataset):
            return facts
        depth = number_at(detector, "bit_depth_image")
        note = FIRST_CHANNEL if _with_channel(file, images).channel == 0 else ""
        if facts.lowest is None and item.dtype.kind == "i" and _counts_photons(detector):
            facts = replace(facts, lowest=0.0)  # -1 is a gap, -2 a pixel that is bad
        return replace(facts, no_data=no_data_values(item.dtype, depth), note=note)

    def find_masks(self, file: h5py.File) -> list[str]:
        """Return the mask of the detector, which older masters keep among its settings."""
        found = []
        for _, entry in entries_of(file):
            for path, detector in detectors_of(entry):
                names = ("pixel_mask", "detectorSpecific/pixel_mask")
                found += [f"{path}/{name}" for name in names if has_name(detector, name)]
        return found


def _counts_photons(detector: h5py.Group) -> bool:
    """Whether the detector is one of those that count, so that no number below 0 is a count."""
    said = f"{text_at(detector, 'description')} {text_at(detector, 'local_name')}".lower()
    return any(name in said for name in COUNTING)


def _numbered_in(path: str, entry: h5py.Group) -> list[str]:
    """Return the paths of numbered datasets in the data of an entry, or in the entry itself."""
    for name in ("data", ""):
        group = look_up(entry, name) if name else entry
        if isinstance(group, h5py.Group) and (names := numbered(group)):
            return [f"{path}/{name}/{part}".replace("//", "/") for part in _with_gaps(names)]
    return []


def _with_gaps(names: list[str]) -> list[str]:
    """Return the names of parts, and of those that lack between them: they are not there."""
    numbers = {int(name.partition("_")[2]): name for name in names}
    first, last = min(numbers), max(numbers)
    if last - first > MOST_PARTS:
        return names
    n_digits = len(names[0].partition("_")[2])
    return [numbers.get(n, f"data_{n:0{n_digits}d}") for n in range(first, last + 1)]


def _with_channel(file: h5py.File, images: Images) -> Images:
    """Say that the axis behind the frames is one of channels, such as energy thresholds.

    So it is where the group says it of its axes, as DECTRIS's FileWriter 2 does.
    """
    item = look_up(file, images.name)
    group = look_up(file, images.name.rpartition("/")[0] or "/")
    if not isinstance(item, h5py.Dataset) or not isinstance(group, h5py.Group) or item.ndim != 4:
        return images
    axes = [text(axis) for axis in np.ravel(group.attrs.get("axes", ())).tolist()]
    if "channel" in axes or "channel" in group or attribute(group, "channel_indices"):
        return images._replace(n_lead=1, channel=0)
    return images
