"""What of a run is not used, in one line."""

from __future__ import annotations

import os

import numpy as np

from sklearn_sfx.frames._frames import Frames

__all__ = ["describe_mask"]


def describe_mask(frames: Frames) -> str:
    """Say which mask a run has, what part of the pixels it takes, and which values are not used.

    Parameters
    ----------
    frames : Frames
        The run; nothing is read of it.

    Returns
    -------
    str
        One line.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_sfx.frames import describe_mask, open_frames
    >>> mask = np.ones((2, 4), dtype=bool)
    >>> mask[0, 1] = False
    >>> describe_mask(open_frames(np.zeros((3, 2, 4), np.float32), mask=mask))
    'mask: as given, 12.5 % of the pixels are not used'
    >>> describe_mask(open_frames(np.zeros((3, 2, 4), np.float32)))
    'mask: none'
    """
    origin = frames.mask_origin.replace(os.getcwd() + os.sep, "")
    if frames.mask is None:
        said = f"none; the {origin}" if origin else "none"
    elif isinstance(frames.mask, Frames):
        said = f"{origin}, one for each frame"
    else:
        share = np.count_nonzero(~frames.mask) / frames.mask.size
        said = f"{origin}, {100 * share:.1f} % of the pixels are not used"
    values = _values_said(frames)
    return f"mask: {said}" + (f"; not used either: {values}" if values else "")


def _values_said(frames: Frames) -> str:
    rule, said = frames.values, []
    if rule.lowest is not None:
        said.append(f"values below {rule.lowest:.15g}")
    no_data = [v for v in rule.no_data if rule.lowest is None or v >= rule.lowest]
    if no_data:
        said.append("of " + ", ".join(f"{value:.15g}" for value in sorted(no_data)))
    if rule.highest is not None:
        said.append(f"from {rule.highest:.15g} on, but for the tops of spots")
    return ", ".join(said)
