"""The frame of an image file that cannot be read, in its place among the others of a series."""

from __future__ import annotations

from typing import NoReturn

import numpy as np

from sklearn_sfx.exceptions import UnreadableFrame
from sklearn_sfx.frames._facts import Facts, Unreadable
from sklearn_sfx.frames._protocols import FrameOrigin, FrameSource, Window

__all__ = ["GoneImage"]


class GoneImage:
    """One frame that is known not to be readable.

    Parameters
    ----------
    path : str
        Absolute path of the file.
    like : FrameSource
        An image beside it, whose shape, dtype and facts it has.
    reason : str
        Why it cannot be read, without a full stop.
    """

    def __init__(self, path: str, like: FrameSource, reason: str):
        self._path, self._reason = path, reason
        self.shape = (1, *like.shape[1:])
        self.dtype = like.dtype
        self.facts = getattr(like, "facts", Facts())
        self.unreadable = (Unreadable(0, 1, reason),)

    def read(self, position: int, window: Window, out: np.ndarray) -> NoReturn:
        """Raise `UnreadableFrame`."""
        raise UnreadableFrame(f"{self._reason}.")

    def origin(self, position: int) -> FrameOrigin:
        """Return the file, and ``//`` as CrystFEL names the one image of a file."""
        return FrameOrigin(self._path, 0, "//")

    def metadata(self, positions: np.ndarray) -> dict[str, np.ndarray]:
        """Nothing is known of it."""
        return {}
