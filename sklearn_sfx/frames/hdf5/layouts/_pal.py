"""Files of PAL-XFEL, with frames of its Rayonix detector: one group for a run."""

from __future__ import annotations

import re

import h5py

from sklearn_sfx.frames._facts import Facts
from sklearn_sfx.frames.hdf5._contents import one_of
from sklearn_sfx.frames.hdf5._format import Hdf5Format
from sklearn_sfx.frames.hdf5._handles import look_up
from sklearn_sfx.frames.hdf5._metadata import Fields
from sklearn_sfx.frames.hdf5._segments import Images
from sklearn_sfx.frames.hdf5._values import number_at

__all__ = ["Pal"]

_RUN = re.compile(r"R\d+")
NO_DATA = 65535.0  # of pixels that are bad, in frames of uint16


class Pal(Hdf5Format):
    """The frames of ``/R####/scan_dat/raymx_data``."""

    name = "PAL-XFEL"

    def recognizes(self, file: h5py.File) -> bool:
        """Told by the group of a run that has frames."""
        return bool(_runs_in(file))

    def find_images(self, path: str, file: h5py.File) -> list[Images]:
        """Return the frames of the one run of a file."""
        return [Images(one_of(path, file, _runs_in(file), "several runs"))]

    def find_fields(self, file: h5py.File, images: Images, n_frames: int) -> Fields:
        """Nothing is known of single frames."""
        return Fields()

    def facts(self, file: h5py.File, images: Images) -> Facts:
        """Return the distance, and the value of bad pixels."""
        run = images.name.strip("/").partition("/")[0]
        distance = number_at(file, f"/{run}/header/detector_0_distance")
        return Facts(distance=distance, no_data=(NO_DATA,))


def _runs_in(file: h5py.File) -> list[str]:
    """Return the paths at which runs have their frames."""
    found = []
    for name in file:
        if _RUN.fullmatch(name) and isinstance(group := look_up(file, name), h5py.Group):
            scan = look_up(group, "scan_dat")
            if isinstance(scan, h5py.Group) and "raymx_data" in scan:
                found.append(f"/{name}/scan_dat/raymx_data")
    return found
