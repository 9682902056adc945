"""CXI files, as Cheetah, OM, psocake and EXtra-data write them.

The format [1]_ has links beside its datasets: data_1 may be a link to detector_1, and data a link
to one of several versions of the frames. What is linked where frames belong is what is meant.

.. [1] F. Maia, "The Coherent X-ray Imaging Data Bank", Nat. Methods 9, 854 (2012);
   https://www.cxidb.org/cxi.html
"""

import h5py

from sklearn_sfx.frames.hdf5._contents import identity, images_among, matching
from sklearn_sfx.frames.hdf5._format import Hdf5Format

__all__ = ["Cxi"]

# Where frames belong, the likeliest first.
_IMAGES = ("/entry_*/data_*/data", "/entry_*/instrument_*/detector_*/data")


class Cxi(Hdf5Format):
    """One dataset of frames where CXI keeps them; modules are stacked."""

    name = "CXI"
    dimensions = (3, 4)

    def recognizes(self, file: h5py.File) -> bool:
        """Told by the number of its version, which some writers leave out, or its first entry."""
        return "cxi_version" in file or "entry_1" in file

    def find_images(self, file: h5py.File, datasets: dict[str, h5py.Dataset]) -> list[str]:
        """Return what lies where frames belong; where nothing does, whatever could be frames."""
        for pattern in _IMAGES:
            linked = dict(matching(file, pattern))
            found = images_among(linked, self.dimensions)
            if found:
                return list({identity(linked[name]): name for name in found}.values())
        return super().find_images(file, datasets)
