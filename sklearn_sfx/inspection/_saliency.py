"""Which rows, or pixels, of a frame made it a hit."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator

from sklearn_sfx._labels import hit_class
from sklearn_sfx._models import named_estimators
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames import highest_of_blocks
from sklearn_sfx.inspection._attribution import attributed
from sklearn_sfx.inspection._drawing import (
    HIT_COLOUR,
    MISS_COLOUR,
    draw_frame,
    masked_patch,
    new_axes,
)
from sklearn_sfx.inspection._steps import one_frame, run_step
from sklearn_sfx.preprocessing import RowWiseDecomposition

__all__ = ["SaliencyDisplay"]

N_MARKED = 10  # rows whose highest pixel is marked
OPAQUE = 99.9  # percentile of the saliency of pixels that hides the frame below
PARTS = ((1, HIT_COLOUR, "speaks for a hit"), (-1, MISS_COLOUR, "speaks against it"))


class SaliencyDisplay:
    """A frame, and what in it spoke for a hit, by integrated gradients [1]_.

    Of a network on vectors of row-wise decomposition the saliency is that of each row, drawn beside
    the rows of the frame; the highest pixels of the ten rows that spoke loudest for a hit are
    marked, for it is they that lifted their rows. Of a network on frames it is that of each pixel,
    drawn over the frame.

    Parameters
    ----------
    frame : array-like of shape (height, width)
        As the decomposition, or the network, reads it; NaN where a pixel is masked.
    saliency : array-like of shape (height,), (width,) or (height, width)
        How much each row, column or pixel adds to the log-odds of a hit.
    axis : {"row", "column", "pixel"}
        Which of them.
    probability : float
        Of a hit.
    name : str, default="frame"
        For the title.

    Attributes
    ----------
    frame, saliency : ndarray
        As given.
    axis, probability, name
        As given.
    ax_ : matplotlib.axes.Axes
        That of the frame. Set by `plot`.
    profile_ax_ : matplotlib.axes.Axes or None
        That of the rows or columns, beside it; None for pixels. Set by `plot`.
    figure_ : matplotlib.figure.Figure
        Set by `plot`.

    See Also
    --------
    FrameDisplay : A frame after any step of a pipeline.

    Notes
    -----
    The baseline is the same input cut off at its median, so what does not stand out gets nothing,
    and masked pixels neither. The values sum to the log-odds of the frame less those of the
    baseline.

    References
    ----------
    .. [1] M. Sundararajan, A. Taly and Q. Yan, "Axiomatic attribution for deep networks", ICML
       (2017).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn_sfx import CNN1D, RowWiseDecomposition, SaliencyDisplay
    >>> frames = np.random.default_rng(0).poisson(9.0, (40, 48, 40))
    >>> labels = np.tile([0, 1], 20)
    >>> frames[labels == 1, 30, 7] += 90
    >>> model = make_pipeline(
    ...     RowWiseDecomposition(), CNN1D(channels=(4, 8), max_epochs=20, random_state=0)
    ... ).fit(frames, labels)
    >>> display = SaliencyDisplay.from_estimator(model, frames, index=1)
    >>> display.axis, display.saliency.shape, int(display.saliency.argmax())
    ('row', (48,), 30)
    """

    def __init__(
        self,
        *,
        frame: ArrayLike,
        saliency: ArrayLike,
        axis: str,
        probability: float,
        name: str = "frame",
    ):
        self.frame = np.asarray(frame)
        self.saliency = np.asarray(saliency)
        self.axis = axis
        self.probability = probability
        self.name = name

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseEstimator,
        X: ArrayLike,
        *,
        index: int = 0,
        pos_label: Any = None,
        ax: Any = None,
        **image: Any,
    ) -> Self:
        """Draw what in a frame spoke for a hit to a fitted pipeline, or to a network on frames.

        Parameters
        ----------
        estimator : Pipeline, CNN2D, FineTuned or DANN
            Fitted, and from frames to a network of this package: with a `RowWiseDecomposition`
            before a network on vectors. A search or a threshold around one, too.
        X : array-like or Frames, shape (n_frames, height, width)
            What it reads. Only the one frame is read.
        index : int, default=0
            Which frame, counted from 0.
        pos_label : int, float, bool or str, default=None
            The class that counts as a hit. By default the greater of two numbers; otherwise it has
            to be named.
        ax : matplotlib.axes.Axes, default=None
            Where to draw; None for a new figure.
        **image : dict
            What else `plot` takes.

        Returns
        -------
        display : SaliencyDisplay

        Raises
        ------
        InputError
            It has no network, is not fitted, or reads no frames, there is no such frame, a class is
            to be named, or captum or matplotlib is not installed.
        """
        steps, network = _opened(estimator)
        shown, axis = one_frame(X, index), "pixel"
        frame: Any = None
        for name, step in steps:
            if isinstance(step, RowWiseDecomposition):
                frame, axis = np.asarray(shown)[0], step.axis
            shown = run_step(name, step, shown)
        given = np.asarray(shown)[0]
        if axis == "pixel":
            frame = given
        if frame.ndim != 2 or given.shape not in (frame.shape, (frame.shape[axis == "column"],)):
            raise InputError(
                "The network reads vectors that are not those of a RowWiseDecomposition in the "
                "pipeline, so they cannot be mapped back to the frame."
            )
        hit = hit_class(network.classes_, pos_label)
        place = int(np.flatnonzero(network.classes_ == hit)[0])
        saliency, _, log_odds = attributed(network.net_.module_.eval(), given, place)
        return cls(
            frame=frame,
            saliency=saliency,
            axis=axis,
            probability=float(1 / (1 + np.exp(-log_odds))),
            name=f"frame {index}",
        ).plot(ax, **image)

    def plot(self, ax: Any = None, **image: Any) -> Self:
        """Draw it.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to draw; None for a new figure. The curve beside the frame is an inset of it.
        **image : dict
            What else `FrameDisplay.plot` takes.

        Returns
        -------
        self : SaliencyDisplay
            This display, drawn.

        Raises
        ------
        InputError
            matplotlib is not installed.
        """
        self.ax_ = new_axes(ax, figsize=(5.6, 8.4) if self.axis == "column" else (7.2, 5.4))
        self.figure_ = self.ax_.figure
        self.ax_.set_anchor("N")  # what is drawn below the frame needs the room there
        draw_frame(self.ax_, self.frame, **image)
        self.ax_.set_title(f"{self.name}, probability of a hit {self.probability:.3f}")
        handles = self._draw_over() if self.axis == "pixel" else self._draw_beside()
        if not np.isfinite(self.frame).all():
            handles.append(masked_patch())
        below = -0.46 if self.axis == "column" else -0.13
        place = {"loc": "upper center", "bbox_to_anchor": (0.5, below), "ncols": 2}
        self.ax_.legend(handles=handles, **place, fontsize="small", frameon=False)
        return self

    def _draw_over(self) -> list[Any]:
        """Draw the saliency of pixels over the frame, the more opaque the greater it is."""
        from matplotlib.colors import to_rgba
        from matplotlib.patches import Patch

        self.profile_ax_ = None
        limits = self.ax_.get_xlim(), self.ax_.get_ylim()
        greatest = np.percentile(np.abs(self.saliency), OPAQUE) or 1.0
        handles = []
        for sign, colour, label in PARTS:
            highest, side = highest_of_blocks(sign * self.saliency)
            layer = np.empty((*highest.shape, 4))
            layer[...] = to_rgba(colour)
            layer[..., 3] = np.clip(highest / greatest, 0, 1)
            rows, columns = highest.shape
            extent = (-0.5, columns * side - 0.5, rows * side - 0.5, -0.5)
            self.ax_.imshow(layer, extent=extent, interpolation="nearest")
            handles.append(Patch(color=colour, label=label))
        self.ax_.set(xlim=limits[0], ylim=limits[1])
        return handles

    def _draw_beside(self) -> list[Any]:
        """Draw the saliency of rows beside the frame, and mark what lifted them."""
        from matplotlib.lines import Line2D

        by_row = self.axis == "row"
        place = {"bounds": [0, -0.42, 1, 0.26], "sharex": self.ax_}
        if by_row:
            place = {"bounds": [1.03, 0, 0.3, 1], "sharey": self.ax_}
        beside = self.profile_ax_ = self.ax_.inset_axes(**place)
        draw = beside.hlines if by_row else beside.vlines
        rows, handles = np.arange(len(self.saliency)), []
        for sign, colour, label in PARTS:
            some = sign * self.saliency > 0
            draw(rows[some], 0, self.saliency[some], color=colour, lw=1)
            handles.append(Line2D([], [], color=colour, label=label))
        beside.set(**{f"{'x' if by_row else 'y'}label": "added to\nthe log-odds"})
        beside.tick_params(labelleft=not by_row, labelbottom=by_row)

        loudest = np.argsort(-self.saliency, kind="stable")[:N_MARKED]
        loudest = loudest[self.saliency[loudest] > 0]
        lines = self.frame if by_row else self.frame.T
        highest = np.where(np.isnan(lines), -np.inf, lines).argmax(axis=1)[loudest]
        x, y = (highest, loudest) if by_row else (loudest, highest)
        ring = {"facecolors": "none", "edgecolors": HIT_COLOUR, "s": 45, "linewidths": 1}
        label = f"highest pixel of the {len(loudest)} loudest {self.axis}s"
        handles.append(self.ax_.scatter(x, y, **ring, label=label))
        return handles


def _opened(estimator: BaseEstimator) -> tuple[list[tuple[str, BaseEstimator]], BaseEstimator]:
    """Return the steps before a fitted network, and the network."""
    *steps, (_, network) = named_estimators(estimator)
    if not hasattr(network, "net_"):
        raise InputError(
            f"{type(network).__name__} has no trained network to ask: give a fitted CNN1D, CNN2D, "
            "FineTuned or DANN, or a fitted pipeline that ends in one."
        )
    return steps, network
