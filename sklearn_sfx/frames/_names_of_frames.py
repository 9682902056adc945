"""What has the shape of frames and is none, told by its name and its size."""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["LEAST_SIDE", "may_be_frames"]

LEAST_SIDE = 5  # pixels; less have orientation matrices, positions and the like
# Parts of names of what has the shape of frames and is none.
_NO_FRAMES = re.compile(
    r"mask|flat_?field|dark|pedestal|gain|bad_?pix|offset|noise|rms|variance|sigma|calib|"
    r"matrix|powder|background|white|efficiency|weight|lookup|thumbnail|preview|average|mean|sum",
    re.IGNORECASE,
)


def may_be_frames(name: str, shape: Sequence[int]) -> bool:
    """Whether an array of this name, (..., height, width), has the size and the name of frames."""
    return min(shape[-2:]) >= LEAST_SIDE and not _NO_FRAMES.search(name)
