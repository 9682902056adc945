"""What a run is before anything is done to it: its numbers, and where a crop of it lies."""

from __future__ import annotations

import numpy as np

from sklearn_sfx.frames._frames import Frames
from sklearn_sfx.frames._protocols import Window

__all__ = ["stored_dtype", "window_of"]


def stored_dtype(frames: Frames) -> np.dtype:
    """Return the dtype of the files, also where frames are read as floats for their NaN.

    Parameters
    ----------
    frames : Frames
        Of any shape.
    """
    source = frames._source
    return np.dtype(getattr(source, "stored_dtype", source.dtype))


def window_of(frames: Frames) -> Window:
    """Return the part of each frame that is read.

    Parameters
    ----------
    frames : Frames
        Of any shape.
    """
    return frames.window
