"""CXI files, as Cheetah, OM, psocake and EXtra-data write them.

The format [1]_ has links beside its datasets: data_1 may be a link to detector_1, and data a link
to one of several versions of the frames. What is linked where frames belong is what is meant. A
file has one entry with all frames, or an entry for each.

.. [1] F. Maia, "The Coherent X-ray Imaging Data Bank", Nat. Methods 9, 854 (2012);
   https://www.cxidb.org/cxi.html
"""

from __future__ import annotations

import re

import h5py
import numpy as np

from sklearn_sfx.frames._facts import Facts
from sklearn_sfx.frames._protocols import FrameSource
from sklearn_sfx.frames._slabs import modules_of
from sklearn_sfx.frames.hdf5._candidates import find_stack
from sklearn_sfx.frames.hdf5._contents import (
    contents_of,
    identity,
    list_contents,
    matching,
    several,
)
from sklearn_sfx.frames.hdf5._format import Hdf5Format
from sklearn_sfx.frames.hdf5._handles import look_up
from sklearn_sfx.frames.hdf5._masks import MaskRule
from sklearn_sfx.frames.hdf5._metadata import Fields, find_fields
from sklearn_sfx.frames.hdf5._nexus import detector_facts
from sklearn_sfx.frames.hdf5._segments import Images
from sklearn_sfx.frames.hdf5._shots import open_shots

__all__ = ["Cxi"]

_ENTRY = re.compile(r"entry_(\d+)")
# Where frames belong, the likeliest first.
_IMAGES = ("data_*/data", "instrument_*/detector_*/data")
UNITS = {"wavelength": "m"}
# Cheetah's bits that a usable pixel may have: corrected for artefacts, a peak for its hit finder,
# corrected for the background.
_HARMLESS = 1 << 11 | 1 << 13 | 1 << 14
SHOT_FIELDS = {
    "instrument_1/source_1/energy": ("wavelength", "J"),
    "instrument_1/detector_1/distance": ("distance", "m"),
    "experiment_identifier": ("identifier", ""),
}


class Cxi(Hdf5Format):
    """The frames where CXI keeps them, entry by entry; modules are stacked."""

    name = "CXI"

    def recognizes(self, file: h5py.File) -> bool:
        """Told by the number of its version, which some writers leave out, or its first entry."""
        return "cxi_version" in file or "entry_1" in file

    def find_images(self, path: str, file: h5py.File) -> list[Images]:
        """Return what lies where frames belong; where nothing does, whatever could be frames."""
        entries = sorted((int(m[1]), name) for name in file if (m := _ENTRY.fullmatch(name)))
        found = []
        for _, entry in entries:
            name = _images_of(path, file, entry)
            found += [Images(name, entry if len(entries) > 1 else "")] if name else []
        if len(found) == 1:
            return [found[0]._replace(event="")]
        return found or [Images(find_stack(path, file))]

    def open(self, path: str, dataset: str | None = None) -> FrameSource:
        """Return the frames; entries of one image each are read one by one."""
        if dataset is None:
            with contents_of(path) as file:
                found = self.find_images(path, file)
                if len(found) > 1:
                    facts = self.facts(file, found[0])
                    names = [images.name for images in found]
                    shots = open_shots(path, file, names, self.name, facts, SHOT_FIELDS)
                    if shots is not None:
                        return shots
        return super().open(path, dataset)

    def find_fields(self, file: h5py.File, images: Images, n_frames: int) -> Fields:
        """Return what the file says, in the units of CXI."""
        return find_fields(list_contents(file).datasets, n_frames, UNITS)

    def facts(self, file: h5py.File, images: Images) -> Facts:
        """Return what the detector says, and where the beam is if its corner is known."""
        entry = images.name.strip("/").partition("/")[0]
        detector = look_up(file, f"{entry}/instrument_1/detector_1")
        item = look_up(file, images.name)
        modules = modules_of(item.shape) if isinstance(item, h5py.Dataset) else None
        if not isinstance(detector, h5py.Group):
            return Facts(modules=modules)
        known = detector_facts(detector)
        return Facts(
            pixel_size=known.pixel_size,
            beam_center=_beam_center(detector),
            saturation=known.saturation,
            modules=modules,
        )

    def mask_rule(self, dtype: np.dtype) -> MaskRule:
        """0 is a good pixel; of Cheetah's 16 bits some say nothing bad."""
        if dtype.kind == "b":
            return MaskRule()
        return MaskRule(bad_bits=0xFFFF & ~_HARMLESS if dtype.str[1:] == "u2" else "any")


def _images_of(path: str, file: h5py.File, entry: str) -> str | None:
    """Return the path of the frames of an entry, dead or not; None where it has none."""
    for pattern in _IMAGES:
        names = matching(file, f"{entry}/{pattern}")
        there: dict[tuple[int, int], tuple[str, h5py.Dataset]] = {}
        for name in names:
            item = look_up(file, name)
            if isinstance(item, h5py.Dataset) and item.ndim >= 2 and item.dtype.kind in "biuf":
                there.setdefault(identity(item), (name, item))
        if len(there) > 1:
            raise several(path, dict(there.values()))
        for name, _ in there.values():
            return name
        for name in names:
            if look_up(file, name) is None:
                return name
    return None


def _beam_center(detector: h5py.Group) -> tuple[float, float] | None:
    """Row and column at which x = y = 0, from the corner of the detector and its two directions."""
    corner, vectors = (look_up(detector, name) for name in ("corner_position", "basis_vectors"))
    if not isinstance(corner, h5py.Dataset) or not isinstance(vectors, h5py.Dataset):
        return None
    if corner.shape != (3,) or vectors.shape not in ((2, 3), (3, 2)):
        return None
    slow, fast = vectors[()] if vectors.shape == (2, 3) else vectors[()].T
    try:
        row, column = np.linalg.solve(np.array([slow[:2], fast[:2]]).T, -corner[:2])
    except np.linalg.LinAlgError:
        return None
    return float(row) - 0.5, float(column) - 0.5
