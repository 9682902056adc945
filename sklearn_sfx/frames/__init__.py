"""A run of frames as one lazy, indexable, picklable array, and the file formats behind it."""

from sklearn_sfx.frames._array_source import ArraySource
from sklearn_sfx.frames._facts import Facts, Unreadable
from sklearn_sfx.frames._frames import Frames
from sklearn_sfx.frames._masks import read_mask, warn_of_sparse
from sklearn_sfx.frames._open import open_frames
from sklearn_sfx.frames._protocols import (
    Format,
    FrameOrigin,
    FrameSource,
    FrameStep,
    StoredMask,
    Window,
)
from sklearn_sfx.frames._recognize import are_simulated

__all__ = [
    "ArraySource",
    "Facts",
    "Format",
    "FrameOrigin",
    "FrameSource",
    "FrameStep",
    "Frames",
    "StoredMask",
    "Unreadable",
    "Window",
    "are_simulated",
    "open_frames",
    "read_mask",
    "warn_of_sparse",
]
