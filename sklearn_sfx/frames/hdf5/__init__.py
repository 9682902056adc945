"""Everything that knows HDF5: the layouts of files, and how their frames are read beneath them."""

from sklearn_sfx.frames._format_protocol import Format
from sklearn_sfx.frames.hdf5._coded_bytes import decoded_bytes as decoded_bytes
from sklearn_sfx.frames.hdf5._units import HC_EV_ANGSTROM as HC_EV_ANGSTROM
from sklearn_sfx.frames.hdf5._units import JOULE_IN_EV as JOULE_IN_EV
from sklearn_sfx.frames.hdf5.layouts import LAYOUTS

__all__ = ["FORMATS"]

FORMATS: tuple[Format, ...] = LAYOUTS
