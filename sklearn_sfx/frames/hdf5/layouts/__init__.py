"""One module for each layout of HDF5 files, and the order in which they are asked.

To add a layout, write its module, a subclass of `sklearn_sfx.frames.hdf5._format.Hdf5Format`, and
name it here.
"""

from sklearn_sfx.frames.hdf5.layouts._area_detector import AreaDetector
from sklearn_sfx.frames.hdf5.layouts._cxi import Cxi
from sklearn_sfx.frames.hdf5.layouts._cxidb76 import Cxidb76
from sklearn_sfx.frames.hdf5.layouts._generic import GenericHdf5
from sklearn_sfx.frames.hdf5.layouts._lima import Lima
from sklearn_sfx.frames.hdf5.layouts._nexus import Nexus
from sklearn_sfx.frames.hdf5.layouts._nxmx import Nxmx
from sklearn_sfx.frames.hdf5.layouts._pal import Pal
from sklearn_sfx.frames.hdf5.layouts._sacla import Sacla
from sklearn_sfx.frames.hdf5.layouts._swissfel import SwissFel

__all__ = ["LAYOUTS", "GenericHdf5"]

LAYOUTS = (
    Cxidb76(),
    Cxi(),
    Sacla(),
    Pal(),
    SwissFel(),
    Lima(),
    AreaDetector(),
    Nxmx(),  # a stricter kind of the next
    Nexus(),
    GenericHdf5(),  # knows every HDF5 file, so it is the last
)
