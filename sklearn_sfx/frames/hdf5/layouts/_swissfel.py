"""Files of SwissFEL's data acquisition: JUNGFRAU frames, each with the number of its pulse.

A group for each detector, ``/data/JF07T32V01`` or in older files ``/JF07T32V01``, holds ``data``
and, frame by frame, ``pulse_id`` and ``is_good_frame``, which is 0 where packets were lost. Frames
as they come from the detector are in units of its converter, with the gain in the upper two bits;
those that were corrected have ``meta/conversion_factor`` and ``meta/pixel_mask`` [1]_.

.. [1] https://github.com/paulscherrerinstitute/jungfrau_utils
"""

from __future__ import annotations

import re
from dataclasses import replace

import h5py
import numpy as np

from sklearn_sfx.frames._facts import Facts, Unreadable
from sklearn_sfx.frames.hdf5._contents import one_of
from sklearn_sfx.frames.hdf5._format import Hdf5Format
from sklearn_sfx.frames.hdf5._handles import look_up
from sklearn_sfx.frames.hdf5._metadata import Field, Fields
from sklearn_sfx.frames.hdf5._segments import Images, Segment
from sklearn_sfx.frames.hdf5._unread import merged

__all__ = ["SwissFel"]

_DETECTOR = re.compile(r"JF\d+\w*(:ROI_\w+)?")
NOT_WHOLE = "is_good_frame says that a part of it was lost"
MODULE = (512, 1024)  # rows and columns of a JUNGFRAU module, as it is stored


class SwissFel(Hdf5Format):
    """The frames of the one detector of a file."""

    name = "SwissFEL JUNGFRAU"

    def recognizes(self, file: h5py.File) -> bool:
        """Told by the group of a detector."""
        return bool(_detectors(file))

    def find_images(self, path: str, file: h5py.File) -> list[Images]:
        """Return the frames of the detector."""
        names = [f"{group}/data" for group in _detectors(file)]
        return [Images(one_of(path, file, names, "frames of several detectors"))]

    def find_segments(self, path: str, file: h5py.File, dataset: str | None) -> list[Segment]:
        """Leave out no frame, but say which are not whole."""
        found = super().find_segments(path, file, dataset)
        return [_without_parts(file, segment) for segment in found]

    def find_fields(self, file: h5py.File, images: Images, n_frames: int) -> Fields:
        """Return the number of each pulse, by which the other files of the run know it."""
        group = images.name.rpartition("/")[0]
        pulses = look_up(file, f"{group}/pulse_id")
        if not isinstance(pulses, h5py.Dataset) or pulses.shape[:1] != (n_frames,):
            return Fields()
        return Fields((Field("identifier", f"{group}/pulse_id"),))

    def facts(self, file: h5py.File, images: Images) -> Facts:
        """Return the modules, and whether the values were corrected."""
        group = images.name.rpartition("/")[0]
        item = look_up(file, images.name)
        corrected = any(
            f"{group}/{name}" in file for name in ("meta/conversion_factor", "conversion_factor")
        )
        if corrected or not isinstance(item, h5py.Dataset) or item.dtype != np.uint16:
            return Facts(pixel_size=0.075)
        height, width = item.shape[-2:]
        stacked = width == MODULE[1] and height > MODULE[0] and height % MODULE[0] == 0
        return Facts(
            pixel_size=0.075,
            modules=(height // MODULE[0], MODULE[0]) if stacked else None,
            note="raw values, not calibrated: the upper two bits are the gain",
        )

    def find_masks(self, file: h5py.File) -> list[str]:
        """Return the mask of a corrected file: True is usable."""
        names = (f"{group}/meta/pixel_mask" for group in _detectors(file))
        return [name for name in names if name in file]


def _detectors(file: h5py.File) -> list[str]:
    """Return the paths of the groups of detectors that have frames."""
    found = []
    for parent in ("/data", ""):
        group = look_up(file, parent) if parent else file
        for name in group if isinstance(group, h5py.Group) else ():
            item = look_up(group, name) if _DETECTOR.fullmatch(name) else None
            if isinstance(item, h5py.Group) and "data" in item:
                found.append(f"{parent}/{name}")
    return found


def _without_parts(file: h5py.File, segment: Segment) -> Segment:
    """Add the frames that lost a part to those that cannot be read."""
    flags = look_up(file, f"{segment.dataset.rpartition('/')[0]}/is_good_frame")
    if not isinstance(flags, h5py.Dataset):
        return segment
    if flags.size != segment.n_frames:
        said = (
            f"is_good_frame is not used, it has {flags.size} values for {segment.n_frames} frames"
        )
        notes = (segment.facts.note, said)
        note = "; ".join(part for part in notes if part)
        return segment._replace(facts=replace(segment.facts, note=note))
    lost = np.flatnonzero(np.ravel(flags[()]) == 0).tolist()
    ranges = [*segment.unreadable, *(Unreadable(row, row + 1, NOT_WHOLE) for row in lost)]
    return segment._replace(unreadable=tuple(merged(ranges)))
