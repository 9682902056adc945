"""Everything that knows HDF5: the layouts of files, and how their frames are read beneath them."""

from sklearn_sfx.frames._format_protocol import Format
from sklearn_sfx.frames.hdf5.layouts import LAYOUTS

__all__ = ["FORMATS"]

FORMATS: tuple[Format, ...] = LAYOUTS
