"""How many labels a method needs."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from sklearn_sfx.exceptions import InputError
from sklearn_sfx.inspection._drawing import (
    HIT_COLOUR,
    LINE_STYLES,
    MISS_COLOUR,
    OTHER_COLOURS,
    new_axes,
)

__all__ = ["LabelEfficiencyDisplay"]

COLOURS = (HIT_COLOUR, MISS_COLOUR, *OTHER_COLOURS)
MARKERS = "osD^vPX"


class LabelEfficiencyDisplay:
    """Recall against the number of labels: a line for each method.

    The line is the mean of the seeds, the band reaches from the lowest to the highest of them. A
    method that needs no label has a line from side to side.

    Parameters
    ----------
    method : array-like of str, shape (n_points,)
        Name of the method of each point.
    n_labels : array-like of int, shape (n_points,)
        Labelled frames that it learned from; 0 for none.
    mean, lowest, highest : array-like of float, shape (n_points,)
        Of the recall over the seeds.
    n_seeds : array-like of int, shape (n_points,)
        Of how many.

    Attributes
    ----------
    method, n_labels, mean, lowest, highest, n_seeds : ndarray of shape (n_points,)
        As given.
    ax_ : matplotlib.axes.Axes
        Set by `plot`.
    figure_ : matplotlib.figure.Figure
        Set by `plot`.

    See Also
    --------
    sklearn.model_selection.LearningCurveDisplay : For one method, which it trains itself.

    Examples
    --------
    >>> from sklearn_sfx import LabelEfficiencyDisplay
    >>> display = LabelEfficiencyDisplay.from_predictions(
    ...     method=["CNN1D", "CNN1D", "CNN1D", "CNN2D"],
    ...     n_labels=[50, 50, 200, 200],
    ...     seed=[0, 1, 0, 0],
    ...     recall=[0.7, 0.8, 0.95, 0.5],
    ... )
    >>> display.method.tolist(), display.n_labels.tolist(), display.mean.tolist()
    (['CNN1D', 'CNN1D', 'CNN2D'], [50, 200, 200], [0.75, 0.95, 0.5])
    """

    def __init__(
        self,
        *,
        method: ArrayLike,
        n_labels: ArrayLike,
        mean: ArrayLike,
        lowest: ArrayLike,
        highest: ArrayLike,
        n_seeds: ArrayLike,
    ):
        self.method = np.asarray(method)
        self.n_labels = np.asarray(n_labels)
        self.mean = np.asarray(mean)
        self.lowest = np.asarray(lowest)
        self.highest = np.asarray(highest)
        self.n_seeds = np.asarray(n_seeds)

    @classmethod
    def from_predictions(
        cls,
        *,
        method: ArrayLike,
        n_labels: ArrayLike,
        seed: ArrayLike,
        recall: ArrayLike,
        ax: Any = None,
        **line: Any,
    ) -> Self:
        """Draw the columns of a table with a row for each training.

        Parameters
        ----------
        method : array-like of str, shape (n_rows,)
            Methods appear in the order of their first rows.
        n_labels : array-like of int, shape (n_rows,)
            Labelled frames that it learned from; 0 for none.
        seed : array-like of int, shape (n_rows,)
            Which repetition it is.
        recall : array-like of float, shape (n_rows,)
            What was reached, between 0 and 1.
        ax : matplotlib.axes.Axes, default=None
            Where to draw; None for a new figure.
        **line : dict
            For ``Axes.plot``.

        Returns
        -------
        display : LabelEfficiencyDisplay

        Raises
        ------
        InputError
            The columns are not as long as one another, or empty, a seed is there twice for the same
            method and number of labels, or matplotlib is not installed.
        """
        columns = [np.asarray(column) for column in (method, n_labels, seed, recall)]
        shapes = [column.shape for column in columns]
        if len(set(shapes)) > 1 or columns[0].ndim != 1 or columns[0].size == 0:
            raise InputError(
                "method, n_labels, seed and recall are columns of one table, a row for each "
                f"training: got the shapes {shapes}."
            )
        table: dict[str, dict[int, dict[Any, float]]] = {}
        for name, n, repetition, value in zip(*(c.tolist() for c in columns), strict=True):
            seeds = table.setdefault(name, {}).setdefault(n, {})
            if repetition in seeds:
                raise InputError(
                    f"Seed {repetition} is there twice for {name} with {n} labels: give one row "
                    "for each method, number of labels and seed."
                )
            seeds[repetition] = value
        points = [(name, n) for name, numbers in table.items() for n in sorted(numbers)]
        recalls = [list(table[name][n].values()) for name, n in points]
        names, numbers = zip(*points, strict=True)
        return cls(
            method=names,
            n_labels=numbers,
            mean=[np.mean(values) for values in recalls],
            lowest=[min(values) for values in recalls],
            highest=[max(values) for values in recalls],
            n_seeds=[len(values) for values in recalls],
        ).plot(ax, **line)

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
        self : LabelEfficiencyDisplay
            This display, drawn.

        Raises
        ------
        InputError
            matplotlib is not installed.
        """
        self.ax_ = new_axes(ax)
        self.figure_ = self.ax_.figure
        for number, name in enumerate(dict.fromkeys(self.method.tolist())):
            colour = COLOURS[number % len(COLOURS)]
            style = {"color": colour, "lw": 1.4, "ls": LINE_STYLES[number % len(LINE_STYLES)]}
            style |= {"marker": MARKERS[number % len(MARKERS)], "ms": 5, **line}
            some = (self.method == name) & (self.n_labels > 0)
            if some.any():
                x = self.n_labels[some]
                self.ax_.plot(x, self.mean[some], **style, label=name)
                ends = self.lowest[some], self.highest[some]
                self.ax_.fill_between(x, *ends, color=colour, alpha=0.15, lw=0)
            for row in np.flatnonzero((self.method == name) & (self.n_labels == 0)):
                style |= {"marker": "", "lw": 1}
                self.ax_.axhline(self.mean[row], **style, label=f"{name}, no labels")
                self.ax_.axhspan(self.lowest[row], self.highest[row], color=colour, alpha=0.1, lw=0)
        self._label_axes()
        return self

    def _label_axes(self) -> None:
        used = np.unique(self.n_labels[self.n_labels > 0]).tolist()
        if used:
            self.ax_.set_xscale("log")
            self.ax_.set_xticks(used, [str(number) for number in used])
            self.ax_.set_xticks([], minor=True)
        self.ax_.set(xlabel="labelled frames", ylabel="recall")
        fewest, most = int(self.n_seeds.min()), int(self.n_seeds.max())
        seeds = str(most) if fewest == most else f"{fewest} to {most}"
        title = f"mean and range of {seeds} seeds" if most > 1 else "one seed"
        self.ax_.legend(title=title, fontsize="small", title_fontsize="small")
