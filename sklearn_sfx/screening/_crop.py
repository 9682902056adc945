"""The crop that is chosen for a run, and what is said of it."""

from __future__ import annotations

from typing import Any

from sklearn.base import BaseEstimator

from sklearn_sfx._models import estimators
from sklearn_sfx.preprocessing import CentralCrop

__all__ = ["crop_for", "describe_crop"]


def crop_for(frames: Any, crop: int | str | None, side: int | None = None) -> CentralCrop:
    """Return the crop for a run, not yet fitted; it is about the beam where that is known.

    Parameters
    ----------
    frames : Frames or ndarray, shape (n_frames, height, width)
        The run.
    crop : int, "auto" or None
        Side of the square in pixels, None for the whole frame. "auto" is `side`, which suits the
        method; the whole frame where that is larger, and where the frames are modules upon each
        other.
    side : int or None, default=None
        What "auto" is.
    """
    if crop == "auto":
        crop = side
        facts = getattr(frames, "facts", None)
        if crop is not None and (min(frames.shape[1:]) < crop or (facts and facts.modules)):
            crop = None
    is_known = crop is not None and getattr(frames, "beam_center", None) is not None
    return CentralCrop(crop, center="beam" if is_known else "frame")  # type: ignore[arg-type]


def describe_crop(prepare: BaseEstimator, frame_shape: tuple[int, ...]) -> str:
    """Say in one line which part of the frames a fitted pipeline looks at.

    Parameters
    ----------
    prepare : fitted Pipeline
        With a `CentralCrop`, or none.
    frame_shape : tuple of int
        (height, width) of the frames.

    Returns
    -------
    str
        One line.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_sfx import CentralCrop
    >>> from sklearn_sfx.screening import describe_crop
    >>> describe_crop(CentralCrop(30).fit(np.zeros((1, 60, 50))), (60, 50))
    'looks at 30 x 30 of 60 x 50 pixels, 30.0 % of the frame, about its middle'
    """
    crop = next((step for step in estimators(prepare) if isinstance(step, CentralCrop)), None)
    height, width = frame_shape
    if crop is None or crop.size is None:
        return f"looks at all of the {height} x {width} pixels"
    about = "its middle"
    if crop.center_ is not None:
        what = "the beam at " if crop.center == "beam" else ""
        about = f"{what}row {crop.center_[0]:.1f}, column {crop.center_[1]:.1f}"
    share = 100 * crop.size**2 / (height * width)
    return (
        f"looks at {crop.size} x {crop.size} of {height} x {width} pixels, {share:.1f} % of the "
        f"frame, about {about}"
    )
