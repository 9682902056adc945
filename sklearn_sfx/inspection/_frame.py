"""A frame as it is read, or after any step of a pipeline."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator

from sklearn_sfx._models import named_estimators
from sklearn_sfx.classifiers import PeakCountClassifier
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames import PERCENTILES
from sklearn_sfx.inspection._drawing import (
    HIT_COLOUR,
    draw_frame,
    masked_patch,
    new_axes,
)
from sklearn_sfx.inspection._steps import masked, one_frame, run_step
from sklearn_sfx.preprocessing import Peaks, find_peaks

__all__ = ["FrameDisplay"]


class FrameDisplay:
    """A frame with its peaks, raw or after a step of a pipeline.

    Use `from_estimator` to look at what a pipeline makes of a frame, `from_frames` for the frame as
    it is. Of a large frame the highest pixel of each block is drawn, so that spots stay; a block is
    drawn as masked where all its pixels are.

    Parameters
    ----------
    frame : array-like of shape (height, width)
        In any unit; NaN where a pixel is masked.
    peaks : Peaks or None, default=None
        What `find_peaks` returned, in pixels of `frame`.
    name : str, default=""
        The title.

    Attributes
    ----------
    frame : ndarray of shape (height, width)
        As given.
    peaks : Peaks or None
        As given.
    name : str
        As given.
    ax_ : matplotlib.axes.Axes
        Set by `plot`.
    figure_ : matplotlib.figure.Figure
        Set by `plot`.
    image_ : matplotlib.image.AxesImage
        Set by `plot`.

    See Also
    --------
    RowProfileDisplay : What row-wise decomposition makes of frames.
    SaliencyDisplay : What in a frame made it a hit.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn_sfx import GCN, LCN, CentralCrop, FrameDisplay, make_sfx_frames
    >>> run = make_sfx_frames(4, frame_shape=(96, 96), random_state=0)
    >>> pipeline = make_pipeline(CentralCrop(80), GCN(), LCN(5))
    >>> display = FrameDisplay.from_estimator(pipeline, run.data, index=2, step="lcn")
    >>> display.frame.shape, display.ax_.get_xlabel()
    ((76, 76), 'column / pixel')
    """

    def __init__(self, *, frame: ArrayLike, peaks: Peaks | None = None, name: str = ""):
        self.frame = np.asarray(frame)
        self.peaks = peaks
        self.name = name

    @classmethod
    def from_frames(
        cls, X: ArrayLike, *, index: int = 0, peaks: bool = True, ax: Any = None, **plot: Any
    ) -> Self:
        """Draw a frame as it is, masked where its mask says so.

        Parameters
        ----------
        X : array-like or Frames, shape (n_frames, height, width)
            Only the one frame is read.
        index : int, default=0
            Which frame, counted from 0.
        peaks : bool, default=True
            Whether to find the peaks, as `PeakCountClassifier` does, and mark them.
        ax : matplotlib.axes.Axes, default=None
            Where to draw; None for a new figure.
        **plot : dict
            What else `plot` takes.

        Returns
        -------
        display : FrameDisplay

        Raises
        ------
        InputError
            X is not made of frames, there is no such frame, or matplotlib is not installed.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn_sfx import FrameDisplay
        >>> frames = np.random.default_rng(0).poisson(10.0, (2, 60, 60))
        >>> frames[1, 20:23, 30:33] += 90
        >>> len(FrameDisplay.from_frames(frames, index=1).peaks.row)
        1
        """
        frame = masked(one_frame(X, index))[0]
        found = find_peaks(frame) if peaks else None
        return cls(frame=frame, peaks=found, name=f"frame {index}").plot(ax, **plot)

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseEstimator,
        X: ArrayLike,
        *,
        step: str,
        index: int = 0,
        peaks: bool = True,
        ax: Any = None,
        **plot: Any,
    ) -> Self:
        """Draw a frame after a step of a pipeline.

        Peaks are found in the frame as it was read, within what the step has left of it and
        without what is masked there; a normalized frame is not for counting peaks. They are those
        that a `PeakCountClassifier` at the end of the pipeline counts, or one with its defaults.

        Parameters
        ----------
        estimator : Pipeline
            Fitted; or not, where the steps learn nothing from frames, which is true of all of this
            package but for ``PixelMask(detect=True)``. A search over one, a threshold around one or
            a `ScreeningModel`, too.
        X : array-like or Frames, shape (n_frames, height, width)
            What the pipeline reads. Only the one frame is read.
        step : str
            Name of the last step that is run, such as "lcn".
        index : int, default=0
            Which frame, counted from 0.
        peaks : bool, default=True
            Whether to find the peaks and mark them.
        ax : matplotlib.axes.Axes, default=None
            Where to draw; None for a new figure.
        **plot : dict
            What else `plot` takes.

        Returns
        -------
        display : FrameDisplay

        Raises
        ------
        InputError
            There is no such step or frame, the step leaves no frame, or has to be fitted first, or
            matplotlib is not installed.
        """
        steps = named_estimators(estimator)
        names = [name for name, _ in steps]
        if step not in names:
            raise InputError(f"There is no step {step!r} in the pipeline: choose among {names}.")
        shown = one_frame(X, index)
        raw = masked(shown)[0]
        for name, each in steps[: names.index(step) + 1]:
            before = shown.shape[1:]
            shown = run_step(name, each, shown)
            if len(shown.shape) != 3:
                raise InputError(
                    f"The step {name!r} leaves no frame to draw: name one before it, or take "
                    "RowProfileDisplay for what row-wise decomposition makes of frames."
                )
            # A crop and a window both take as much from each side.
            top, left = ((b - a) // 2 for b, a in zip(before, shown.shape[1:], strict=True))
            raw = raw[top : top + shown.shape[1], left : left + shown.shape[2]]
        frame, found = np.asarray(shown)[0], None
        if peaks:
            last = steps[-1][1]
            settings = last.get_params() if isinstance(last, PeakCountClassifier) else {}
            found = find_peaks(np.where(np.isnan(frame), np.nan, raw), **settings)
        return cls(frame=frame, peaks=found, name=f"frame {index}, {step}").plot(ax, **plot)

    def plot(
        self, ax: Any = None, *, percentiles: tuple[float, float] = PERCENTILES, **image: Any
    ) -> Self:
        """Draw it.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to draw; None for a new figure.
        percentiles : tuple of float, default=(1, 99.9)
            Of what is drawn, so much is shown as white and so much as black at the most, in
            percent.
        **image : dict
            For ``imshow``, such as ``cmap``, or ``vmin`` and ``vmax`` in the unit of the frame.

        Returns
        -------
        self : FrameDisplay
            This display, drawn.

        Raises
        ------
        InputError
            matplotlib is not installed.
        """
        self.ax_ = new_axes(ax)
        self.figure_ = self.ax_.figure
        self.image_ = draw_frame(self.ax_, self.frame, percentiles, **image)
        self.ax_.set_title(self.name)
        handles = []
        if self.peaks is not None:
            n_peaks = len(self.peaks.row)
            size = np.clip(4000 / max(1, n_peaks), 12, 40)  # many large rings would hide the frame
            ring = {"facecolors": "none", "edgecolors": HIT_COLOUR, "s": size, "linewidths": 0.8}
            label = f"peaks ({n_peaks})"
            handles.append(self.ax_.scatter(self.peaks.column, self.peaks.row, **ring, label=label))
        if not np.isfinite(self.frame).all():
            handles.append(masked_patch())
        if handles:
            beside = {"loc": "upper left", "bbox_to_anchor": (1.01, 1), "borderaxespad": 0}
            self.ax_.legend(handles=handles, **beside)
        return self
