"""Which part of a frame each method looks at."""

from __future__ import annotations

from typing import NamedTuple

from sklearn_sfx._methods import METHODS
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames import Frames, Window, window_of
from sklearn_sfx.screening._crop import crop_for

__all__ = ["LookedAt", "looked_at", "together"]


class LookedAt(NamedTuple):
    """The part of a frame that a method looks at.

    Parameters
    ----------
    method : str
        As `train` and ``sfx train --method`` call it.
    window : Window or None
        The rows and columns, in pixels of the frame; None if the method refuses these frames.
    share : float
        Of all pixels of a frame.
    reason : str
        Why the frames are refused; else "".
    """

    method: str
    window: Window | None
    share: float
    reason: str = ""


def looked_at(frames: Frames, crop: int | str | None) -> tuple[LookedAt, ...]:
    """Return the part of a frame that each method looks at, once it is cropped.

    Parameters
    ----------
    frames : Frames, shape (n_frames, height, width)
        The run. Nothing is read.
    crop : int, "auto" or None
        Side of the square, in pixels, as in `train`.
    """
    found = []
    for method, chosen in METHODS.items():
        try:
            window = window_of(crop_for(frames, crop, chosen.crop).fit_transform(frames[:1]))
        except InputError as error:
            found.append(LookedAt(method, None, 0.0, str(error)))
            continue
        share = window.height * window.width / (frames.shape[1] * frames.shape[2])
        found.append(LookedAt(method, window, share))
    return tuple(found)


def together(parts: tuple[LookedAt, ...]) -> list[LookedAt]:
    """Return each part once, with the names of all methods that look at it.

    Parameters
    ----------
    parts : tuple of LookedAt
        One for each method.
    """
    methods: dict[tuple, list[str]] = {}
    for method, *part in parts:
        methods.setdefault(tuple(part), []).append(method)
    return [LookedAt(", ".join(names), *part) for part, names in methods.items()]
