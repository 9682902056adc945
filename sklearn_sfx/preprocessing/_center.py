"""The place in a frame that a transformer goes by: its middle, the beam, or one that is given."""

from __future__ import annotations

from typing import Any

import numpy as np

from sklearn_sfx._validation import is_frames
from sklearn_sfx.exceptions import InputError

__all__ = ["find_center", "find_middle"]


def find_center(estimator: Any, X: Any) -> tuple[float, float] | None:
    """Return row and column that ``estimator.center`` means for X; None for the middle of a frame.

    Parameters
    ----------
    estimator : CentralCrop, RadialProfile, SphereFit or AngularVariance
        Its ``center`` is "frame", "beam" or a row and a column.
    X : ndarray, Frames or torch.Tensor of shape (n_frames, height, width)
        Checked frames.

    Raises
    ------
    InputError
        If it is not known where the beam is, or ``center`` is no place in a frame.
    """
    center = estimator.center
    if not isinstance(center, str):
        place = np.asarray(center, dtype=float)
        if place.shape != (2,) or not np.isfinite(place).all() or len(X.shape) != 3:
            raise InputError(
                f"center={center!r} has to be a row and a column of a frame, or one of 'frame' and "
                "'beam'."
            )
        return float(place[0]), float(place[1])
    if center == "frame":
        return None
    beam = X.beam_center if is_frames(X) else None
    if beam is None:
        raise InputError(
            f"{type(estimator).__name__}(center='beam') has to know where the beam is, and these "
            "frames do not say: open them with a geometry, or give center=(row, column)."
        )
    return beam


def find_middle(estimator: Any, X: Any) -> tuple[float, float]:
    """Return the same place, and row and column of the middle where it is that of a frame."""
    height, width = X.shape[1:]
    return find_center(estimator, X) or ((height - 1) / 2, (width - 1) / 2)
