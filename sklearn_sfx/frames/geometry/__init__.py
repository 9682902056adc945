"""Where the modules of a detector are: a CrystFEL geometry, and frames assembled by it."""

from sklearn_sfx.frames.geometry._assemble import assemble
from sklearn_sfx.frames.geometry._assembled_source import AssembledSource
from sklearn_sfx.frames.geometry._crystfel import Geometry, Panel, read_geometry

__all__ = ["AssembledSource", "Geometry", "Panel", "assemble", "read_geometry"]
