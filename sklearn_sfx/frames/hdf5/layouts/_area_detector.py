"""Files of EPICS areaDetector's HDF5 plugin: ``/entry/data/data``, with any number of scan axes.

An attribute says how many axes an image has; those before count frames, as many as the scan had,
of length 1 where it had none [1]_.

.. [1] https://areadetector.github.io/areaDetector/ADCore/NDFileHDF5.html
"""

from __future__ import annotations

import h5py

from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames.hdf5._candidates import could_be_frames
from sklearn_sfx.frames.hdf5._handles import look_up
from sklearn_sfx.frames.hdf5._links import has_name, why_dead
from sklearn_sfx.frames.hdf5._segments import Images
from sklearn_sfx.frames.hdf5.layouts._nexus import Nexus

__all__ = ["AreaDetector"]

_IMAGES = ("/entry/data/data", "/entry/instrument/detector/data", "/exchange/data")
_MARKS = ("entry/instrument/NDAttributes", "entry/instrument/detector/NDAttributes")


class AreaDetector(Nexus):
    """The images of the detector, all scan axes one after the other."""

    name = "areaDetector"

    def recognizes(self, file: h5py.File) -> bool:
        """Told by its attributes, or where it puts those of the detector's records."""
        items = (look_up(file, name) for name in _IMAGES)
        marked = any(isinstance(i, h5py.Dataset) and "NDArrayNumDims" in i.attrs for i in items)
        return marked or any(mark in file for mark in _MARKS)

    def find_images(self, path: str, file: h5py.File) -> list[Images]:
        """Return the images, whose first axes all count frames."""
        for name in _IMAGES:
            item = look_up(file, name)
            if could_be_frames(name, item, (2, 3, 4, 5, 6)):
                assert isinstance(item, h5py.Dataset)
                n_image = int(item.attrs.get("NDArrayNumDims", 2))
                if n_image != 2:
                    raise InputError(
                        f"The images in dataset {name} of {path} have {n_image} axes each, of "
                        "colours perhaps: frames have two, (height, width)."
                    )
                return [Images(name, n_lead=item.ndim - 2)]
        for name in _IMAGES:
            if has_name(file, name) and look_up(file, name) is None:
                raise InputError(f"{path} has no frames that can be read: {why_dead(file, name)}.")
        return super().find_images(path, file)
