"""NeXus files of no stricter layout, as the Lambda detector and Diamond's GDA write them."""

from __future__ import annotations

import h5py
import numpy as np

from sklearn_sfx.frames._facts import Facts
from sklearn_sfx.frames.hdf5._candidates import find_stack
from sklearn_sfx.frames.hdf5._format import Hdf5Format
from sklearn_sfx.frames.hdf5._masks import MaskRule
from sklearn_sfx.frames.hdf5._metadata import Fields, find_fields
from sklearn_sfx.frames.hdf5._nexus import (
    detector_facts,
    detectors_of,
    entries_of,
    groups_of_class,
    known_datasets,
)
from sklearn_sfx.frames.hdf5._segments import Images

__all__ = ["Nexus"]

# Of NXdetector's pixel_mask: a pixel is bad that has one of the lower bits. The upper ones say what
# does not make it bad, such as that it was put together from a larger one.
BAD_BITS = 0xFFFF
# As the base classes have them, where a file says nothing else.
UNITS = {"detector_distance": "m", "distance": "m", "incident_wavelength": "angstrom"}


class Nexus(Hdf5Format):
    """The dataset that the file names as its signal, or that of its detector."""

    name = "NeXus"

    def recognizes(self, file: h5py.File) -> bool:
        """Told by the class of the entry."""
        return next(groups_of_class(file, "NXentry"), None) is not None

    def find_images(self, path: str, file: h5py.File) -> list[Images]:
        """Return the one dataset that NeXus has reasons for."""
        return [Images(find_stack(path, file))]

    def find_fields(self, file: h5py.File, images: Images, n_frames: int) -> Fields:
        """Look at the beam and the detectors of the entry in which the frames are."""
        entry = self._entry(file, images)
        if entry is None:
            return Fields()
        known = known_datasets(entry)
        detector = self._detector(entry, images)[0]
        ours = {name: item for name, item in known.items() if name.startswith(f"{detector}/")}
        others = {n: i for n, i in known.items() if "distance" not in n.rpartition("/")[2]}
        return find_fields({**others, **ours}, n_frames, UNITS)

    def facts(self, file: h5py.File, images: Images) -> Facts:
        """Return what the detector says."""
        entry = self._entry(file, images)
        detector = None if entry is None else self._detector(entry, images)[1]
        return Facts() if detector is None else detector_facts(detector)

    def mask_rule(self, dtype: np.dtype) -> MaskRule:
        """NeXus defines the bits of pixel_mask."""
        return MaskRule() if dtype.kind == "b" else MaskRule(bad_bits=BAD_BITS)

    def find_masks(self, file: h5py.File) -> list[str]:
        """Return the masks of the detectors."""
        return [
            f"{path}/pixel_mask"
            for _, entry in entries_of(file)
            for path, detector in detectors_of(entry)
            if "pixel_mask" in detector
        ]

    def _entry(self, file: h5py.File, images: Images) -> h5py.Group | None:
        entries = entries_of(file)
        name = "/" + images.name.strip("/")
        ours = [group for path, group in entries if name.startswith(f"{path}/")]
        return (ours or [group for _, group in entries] or [None])[0]

    def _detector(self, entry: h5py.Group, images: Images) -> tuple[str, h5py.Group | None]:
        detectors = detectors_of(entry)
        name = "/" + images.name.strip("/")
        ours = [pair for pair in detectors if name.startswith(f"{pair[0]}/")]
        return (ours or detectors or [("\0", None)])[0]
