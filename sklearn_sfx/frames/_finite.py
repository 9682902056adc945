"""One rule for infinity, in frames of files and of arrays: it is refused."""

from __future__ import annotations

import numpy as np

from sklearn_sfx.exceptions import UnreadableFrame
from sklearn_sfx.frames._protocols import FrameSource

__all__ = ["refuse_infinity"]

HIGHEST = float(np.finfo(np.float32).max)


def refuse_infinity(
    frame: np.ndarray, usable: np.ndarray | None, source: FrameSource, position: int
) -> None:
    """Raise `UnreadableFrame` if a frame that is to be prepared holds infinity.

    Pixels that are masked may hold anything.

    Parameters
    ----------
    frame : ndarray of shape (height, width)
        As it was read.
    usable : bool ndarray of the same shape, or None
        Its mask.
    source : FrameSource
        Where it comes from.
    position : int
        Which one it is there.
    """
    if frame.dtype.kind != "f":
        return
    if frame.dtype.itemsize == 2:  # slow numbers, whose sums overflow
        bits = frame.view(np.dtype(np.uint16).newbyteorder(frame.dtype.byteorder))
        beyond = (bits & 0x7FFF) == 0x7C00
        if not beyond.any():
            return
    else:
        # A small sum of squares proves that there is none, in one pass and without a copy.
        with np.errstate(over="ignore", invalid="ignore"):
            if float(np.einsum("ij,ij->", frame, frame)) <= HIGHEST**2:
                return
            beyond = np.isinf(frame.astype(np.float32))  # as it is when it is prepared
    if usable is not None:
        beyond &= usable
    if beyond.any():
        origin = source.origin(position)
        raise UnreadableFrame(
            f"Frame [{origin.position + 1}] of {origin.path or 'the array'} contains infinity "
            f"(inf) or values beyond float32 in {np.count_nonzero(beyond)} of its pixels: mask "
            'them, put NaN in their place, or open the run with missing="nan" (--missing nan), '
            "which does."
        )
