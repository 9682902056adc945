"""A run of frames as one lazy, indexable, picklable array, and the file formats behind it."""

from sklearn_sfx._names import carry_the_face
from sklearn_sfx.frames._array_source import ArraySource
from sklearn_sfx.frames._frames import Frames
from sklearn_sfx.frames._masks import read_mask
from sklearn_sfx.frames._open import open_frames
from sklearn_sfx.frames._protocols import FrameOrigin, FrameSource, FrameStep, Window

__all__ = [
    "FrameOrigin",
    "FrameSource",
    "FrameStep",
    "Frames",
    "open_frames",
    "read_mask",
]

carry_the_face(__name__)
