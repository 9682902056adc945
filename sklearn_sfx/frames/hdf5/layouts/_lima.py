"""Files of LImA, the acquisition library of the ESRF: ``/entry_0000/measurement/data``."""

from __future__ import annotations

import re
from dataclasses import replace

import h5py

from sklearn_sfx.frames._facts import Facts
from sklearn_sfx.frames._value_rule import no_data_values
from sklearn_sfx.frames.hdf5._contents import one_of
from sklearn_sfx.frames.hdf5._handles import look_up
from sklearn_sfx.frames.hdf5._nexus import detectors_of
from sklearn_sfx.frames.hdf5._segments import Images
from sklearn_sfx.frames.hdf5.layouts._nexus import Nexus

__all__ = ["Lima"]

_ENTRY = re.compile(r"entry_\d{4}")
_DECTRIS = re.compile(r"eiger|pilatus", re.IGNORECASE)


class Lima(Nexus):
    """The images of the one acquisition of a file."""

    name = "LImA"

    def recognizes(self, file: h5py.File) -> bool:
        """Told by the number of an acquisition that has images."""
        return bool(_measured(file))

    def find_images(self, path: str, file: h5py.File) -> list[Images]:
        """Return the images of the acquisition."""
        return [Images(one_of(path, file, _measured(file), "several acquisitions"))]

    def facts(self, file: h5py.File, images: Images) -> Facts:
        """Return what the detector says; those of DECTRIS have values for no data."""
        facts, item = super().facts(file, images), look_up(file, images.name)
        entry = self._entry(file, images)
        names = [] if entry is None else [path for path, _ in detectors_of(entry)]
        if isinstance(item, h5py.Dataset) and any(_DECTRIS.search(name) for name in names):
            facts = replace(facts, no_data=no_data_values(item.dtype, None))
        return facts


def _measured(file: h5py.File) -> list[str]:
    """Return the paths at which acquisitions have their images."""
    found = []
    for name in file:
        group = look_up(file, f"{name}/measurement") if _ENTRY.fullmatch(name) else None
        if isinstance(group, h5py.Group) and group.get("data", getlink=True) is not None:
            found.append(f"/{name}/measurement/data")
    return sorted(found)
