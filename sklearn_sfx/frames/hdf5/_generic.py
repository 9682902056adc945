"""HDF5 files of no layout in particular: one stack of images, whatever its path."""

import h5py

from sklearn_sfx.frames.hdf5._format import Hdf5Format

__all__ = ["GenericHdf5"]


class GenericHdf5(Hdf5Format):
    """Any HDF5 file, of which the only dataset that could be frames is taken."""

    name = "HDF5 with one stack of images"

    def recognizes(self, file: h5py.File) -> bool:
        """Every HDF5 file is."""
        return True
