"""Where the modules of a detector are: a CrystFEL geometry, and frames assembled by it."""

from sklearn_sfx.frames.geometry._assemble import assemble, assembled_frames
from sklearn_sfx.frames.geometry._assembled_source import AssembledSource
from sklearn_sfx.frames.geometry._crystfel import Geometry, Panel, read_geometry

__all__ = ["AssembledSource", "Geometry", "Panel", "assemble", "assembled_frames", "read_geometry"]
