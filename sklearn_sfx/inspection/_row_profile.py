"""What row-wise decomposition makes of frames, by class."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator

from sklearn_sfx._models import named_estimators
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.inspection._drawing import class_colours, new_axes
from sklearn_sfx.inspection._steps import run_step
from sklearn_sfx.preprocessing import RowWiseDecomposition

__all__ = ["RowProfileDisplay", "through_rows"]


class RowProfileDisplay:
    """Curves of row-wise decomposition, a colour for each class.

    A Bragg spot lifts the row that it lies in, so the curve of a hit has peaks where that of a miss
    is smooth.

    Parameters
    ----------
    profiles : array-like of shape (n_curves, length)
        What `RowWiseDecomposition` made of frames.
    y : array-like of shape (n_curves,)
        The class of each.
    axis : {"row", "column"}, default="row"
        That of the decomposition.

    Attributes
    ----------
    profiles : ndarray of shape (n_curves, length)
        As given.
    y : ndarray of shape (n_curves,)
        As given.
    axis : str
        As given.
    ax_ : matplotlib.axes.Axes
        Set by `plot`.
    figure_ : matplotlib.figure.Figure
        Set by `plot`.
    lines_ : list of matplotlib.lines.Line2D
        One for each curve. Set by `plot`.

    See Also
    --------
    FrameDisplay : The frames themselves.

    References
    ----------
    .. [1] Xie et al., "Weakly supervised learning for pattern classification in serial femtosecond
       crystallography", Optics Express 31(20), 32909 (2023).

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn_sfx import GCN, LCN, RowProfileDisplay, RowWiseDecomposition, make_sfx_frames
    >>> run = make_sfx_frames(8, frame_shape=(160, 160), hit_rate=0.5, random_state=0)
    >>> pipeline = make_pipeline(GCN(), LCN(5), RowWiseDecomposition())
    >>> display = RowProfileDisplay.from_estimator(pipeline, run.data, run.target, n_curves=1)
    >>> display.profiles.shape, display.ax_.get_xlabel()
    ((2, 156), 'row / pixel')
    """

    def __init__(self, *, profiles: ArrayLike, y: ArrayLike, axis: str = "row"):
        self.profiles = np.asarray(profiles)
        self.y = np.asarray(y)
        self.axis = axis

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseEstimator,
        X: ArrayLike,
        y: ArrayLike,
        *,
        n_curves: int = 3,
        ax: Any = None,
        **line: Any,
    ) -> Self:
        """Draw the curves of the first frames of each class.

        Parameters
        ----------
        estimator : Pipeline
            With a `RowWiseDecomposition`; what comes after it is not run. Fitted; or not, where no
            step before it learns from frames.
        X : array-like or Frames, shape (n_frames, height, width)
            Only the frames that are drawn are read.
        y : array-like of shape (n_frames,)
            Labels.
        n_curves : int, default=3
            Frames of each class, at the most.
        ax : matplotlib.axes.Axes, default=None
            Where to draw; None for a new figure.
        **line : dict
            For ``Axes.plot``.

        Returns
        -------
        display : RowProfileDisplay

        Raises
        ------
        InputError
            The pipeline has no `RowWiseDecomposition`, or has to be fitted first, labels and frames
            are not as many, or matplotlib is not installed.
        """
        frames: Any = X if hasattr(X, "shape") else np.asarray(X)
        y = np.asarray(y)
        if y.shape != (len(frames),):
            raise InputError(
                f"A label is needed for each frame: got {len(frames)} frames and labels of shape "
                f"{y.shape}."
            )
        rows = np.concatenate([np.flatnonzero(y == label)[:n_curves] for label in np.unique(y)])
        _, profiles, axis = through_rows(named_estimators(estimator), frames[rows])
        return cls(profiles=profiles, y=y[rows], axis=axis).plot(ax, **line)

    def plot(self, ax: Any = None, **line: Any) -> Self:
        """Draw it.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to draw; None for a new figure.
        **line : dict
            For ``Axes.plot``.

        Returns
        -------
        self : RowProfileDisplay
            This display, drawn.

        Raises
        ------
        InputError
            matplotlib is not installed.
        """
        self.ax_ = new_axes(ax, figsize=(6.4, 3.6))
        self.figure_ = self.ax_.figure
        self.lines_ = []
        # The highest curves first, or they would hide the smooth ones of misses.
        classes = np.unique(self.y).tolist()
        heights = {label: np.nanmax(self.profiles[self.y == label]) for label in classes}
        colours = class_colours(classes)
        for label in sorted(classes, key=heights.__getitem__, reverse=True):
            for number, curve in enumerate(self.profiles[self.y == label]):
                style = {"lw": 0.8, "color": colours[label], "alpha": 0.8, **line}
                self.lines_ += self.ax_.plot(curve, **style, label=None if number else str(label))
        self.ax_.set(xlabel=f"{self.axis} / pixel", ylabel="largest - smallest value")
        self.ax_.set_xlim(0, max(1, self.profiles.shape[1] - 1))
        self.ax_.legend()
        return self


def through_rows(
    steps: list[tuple[str, BaseEstimator]], X: Any
) -> tuple[np.ndarray, np.ndarray, str]:
    """Return frames as the decomposition in a pipeline reads them, their vectors, and its axis."""
    for name, step in steps:
        before, X = X, run_step(name, step, X)
        if isinstance(step, RowWiseDecomposition):
            return np.asarray(before), np.asarray(X), step.axis
    raise InputError(
        "The pipeline has no RowWiseDecomposition: give one from frames to vectors, such as "
        "make_pipeline(GCN(), LCN(5), RowWiseDecomposition())."
    )
