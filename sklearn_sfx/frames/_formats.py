"""The formats that are known, in the order in which they are asked.

The first that knows a path opens it, so one that knows more than another comes behind it. To add a
format, write its module, a subclass of `sklearn_sfx.frames.Format`, and name it here; a layout of
HDF5 files is named in `sklearn_sfx.frames.hdf5.layouts` instead.
"""

from sklearn_sfx.frames import hdf5, images
from sklearn_sfx.frames._crystfel_list import CrystfelList
from sklearn_sfx.frames._format_protocol import Format
from sklearn_sfx.frames._npy import Npy, Npz
from sklearn_sfx.frames.euxfel import Euxfel

__all__ = ["FORMATS"]

FORMATS: tuple[Format, ...] = (
    Euxfel(),
    *hdf5.FORMATS,
    *images.FORMATS,
    Npy(),
    Npz(),
    CrystfelList(),  # any text may be one, so it is the last
)
