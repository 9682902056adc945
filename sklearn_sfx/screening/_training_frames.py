"""Which frames of a run a model is trained on."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from sklearn.model_selection import train_test_split

from sklearn_sfx._methods import find_methods
from sklearn_sfx._text import counted
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames import Frames
from sklearn_sfx.screening._train import UNLABELLED

__all__ = ["training_frames"]


def training_frames(
    frames: Frames | np.ndarray,
    positions: ArrayLike = (),
    target: ArrayLike = (),
    *,
    method: str = "auto",
    n_labels: int | None = None,
    least_frames: int = 0,
    random_state: int | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Choose the frames of a run that `train` is to have.

    Parameters
    ----------
    frames : Frames or ndarray, shape (n_run, height, width)
        The run; no frame is read.
    positions : array-like of int, shape (n_labelled,)
        The labelled frames, as `sklearn_sfx.datasets.match_labels` finds them; none by default.
    target : array-like of int, shape (n_labelled,)
        Their labels, 1 for a hit and 0 for a miss.
    method : {"auto", "peaks", "spots", "count", "rows", "both", "frames"}
        As in `train`. All but "rows", "both" and "frames" have 200 frames at the least, so that
        defective pixels are found even where few frames are labelled or none.
    n_labels : int, optional
        Labelled frames to draw, hits and misses in the proportion that they have; all by default.
    least_frames : int, default=0
        Frames to have at the least, with a label or without, where more are learned from than the
        labelled ones, as `train` does with a `source`.
    random_state : int, optional
        Seed of the draw.

    Returns
    -------
    positions : ndarray of int, shape (n_frames,)
        Where in the run the frames are: the labelled ones, and then those without a label, evenly
        spread.
    target : ndarray of int, shape (n_frames,)
        1, 0, and -1 for a frame without a label.

    Raises
    ------
    InputError
        There is no such method, or there are fewer labels than are to be drawn.

    Examples
    --------
    >>> from sklearn_sfx import make_sfx_frames
    >>> from sklearn_sfx.screening import training_frames
    >>> run = make_sfx_frames(20, frame_shape=(96, 96), random_state=0)
    >>> positions, target = training_frames(run.data, [3, 4, 8, 11], [0, 1, 1, 0], method="rows")
    >>> positions.tolist(), target.tolist()
    ([3, 4, 8, 11], [0, 1, 1, 0])
    >>> positions, target = training_frames(run.data, [3, 4], [0, 1])
    >>> positions[:4].tolist(), target[:4].tolist()
    ([3, 4, 0, 1], [0, 1, -1, -1])
    """
    least = max(least_frames, *(found.least_frames for found in find_methods(method)))
    positions, target = np.asarray(positions, dtype=int), np.asarray(target, dtype=int)
    if n_labels is not None:
        drawn = _draw(target, n_labels, random_state)
        positions, target = positions[drawn], target[drawn]
    rest = np.setdiff1d(np.arange(len(frames)), positions)
    n_more = min(len(rest), max(0, least - len(positions)))
    more = rest[np.linspace(0, len(rest) - 1, n_more).astype(int)]
    return np.concatenate([positions, more]), np.concatenate([target, np.full(n_more, UNLABELLED)])


def _draw(target: np.ndarray, n_labels: int, random_state: int | None) -> np.ndarray:
    """Return which labels are drawn, hits and misses in the proportion that they have."""
    rows, n_left = np.arange(len(target)), len(target) - n_labels
    if n_labels < 1 or n_left < 0:
        asked = f"{counted(n_labels, 'label')} {'is' if n_labels == 1 else 'are'} asked for"
        there = f"there {'is' if len(target) == 1 else 'are'} {len(target)}"
        raise InputError(f"{asked}, and {there}.")
    if n_left == 0:
        return rows
    # Of each kind at least two, and room for one of each on either side.
    can_share = min((target == 0).sum(), (target == 1).sum(), n_labels, n_left) >= 2
    by = target if can_share else None
    drawn, _ = train_test_split(rows, train_size=n_labels, random_state=random_state, stratify=by)
    return drawn
