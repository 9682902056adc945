"""Everything that knows HDF5: one module a layout, and what they share beneath them.

The layouts are the formats of this room, in the order in which they are asked. To add one, write
its module, a subclass of `sklearn_sfx.frames.hdf5._format.Hdf5Format`, and name it here.
"""

from sklearn_sfx.frames._format_protocol import Format
from sklearn_sfx.frames.hdf5._cxi import Cxi
from sklearn_sfx.frames.hdf5._cxidb76 import Cxidb76
from sklearn_sfx.frames.hdf5._generic import GenericHdf5

__all__ = ["FORMATS"]

FORMATS: tuple[Format, ...] = (
    Cxidb76(),
    Cxi(),
    GenericHdf5(),  # knows every HDF5 file, so it is the last
)
