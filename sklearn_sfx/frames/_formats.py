"""The formats that are known, in the order in which they are asked.

The first that knows a path opens it, so one that knows more than another comes behind it. To add a
format, write its module, a subclass of `sklearn_sfx.frames.Format`, and name it here; a layout of
HDF5 files is named in `sklearn_sfx.frames.hdf5` instead.
"""

from sklearn_sfx.frames import hdf5
from sklearn_sfx.frames._format_protocol import Format

__all__ = ["FORMATS"]

FORMATS: tuple[Format, ...] = (*hdf5.FORMATS,)
