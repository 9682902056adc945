"""HDF5 files of no layout in particular: one stack of images, or one image, whatever its path."""

from __future__ import annotations

import h5py

from sklearn_sfx.frames._facts import Facts
from sklearn_sfx.frames._slabs import modules_of
from sklearn_sfx.frames.hdf5._candidates import find_stack
from sklearn_sfx.frames.hdf5._format import Hdf5Format
from sklearn_sfx.frames.hdf5._handles import look_up
from sklearn_sfx.frames.hdf5._segments import Images

__all__ = ["GenericHdf5"]


class GenericHdf5(Hdf5Format):
    """Any HDF5 file, of which the only dataset that could be frames is taken."""

    name = "HDF5 with one stack of images"

    def recognizes(self, file: h5py.File) -> bool:
        """Every HDF5 file is."""
        return True

    def find_images(self, path: str, file: h5py.File) -> list[Images]:
        """Return the only one that could be the frames."""
        return [Images(find_stack(path, file))]

    def facts(self, file: h5py.File, images: Images) -> Facts:
        """Return the modules, where the shape of the frames is that of a known detector."""
        item = look_up(file, images.name)
        return Facts(modules=modules_of(item.shape) if isinstance(item, h5py.Dataset) else None)
