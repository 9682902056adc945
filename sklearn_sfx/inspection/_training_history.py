"""How a training went: losses and accuracies over the epochs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator

from sklearn_sfx._models import estimators
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.inspection._drawing import HIT_COLOUR, MISS_COLOUR, OTHER_COLOURS, new_axes

__all__ = ["TrainingHistoryDisplay"]

# What each curve is called, of those that a history may have: first choice first.
DRAWN = {
    "loss": ("label_loss", "domain_loss", "train_loss", "valid_loss"),
    "accuracy": ("label_accuracy", "domain_accuracy", "train_recall", "valid_recall"),
}
NAMES = {
    "label": ("label, of the source", HIT_COLOUR, "-"),
    "domain": ("domain", MISS_COLOUR, "--"),
    "train": ("training", HIT_COLOUR, "-"),
    "valid": ("held back", OTHER_COLOURS[2], "-."),
}


class TrainingHistoryDisplay:
    """Losses and accuracies over the epochs of a training, side by side.

    Of a `DANN` they are those of the label, on source frames, and of the domain: it is trained
    where the label's are on a plateau and the domain's go up and down, with an accuracy near 0.5,
    where source and target cannot be told apart. Of the others they are the loss and the recall,
    averaged over the classes, on the frames of the training and on those held back.

    Parameters
    ----------
    history : dict of str to array-like, shape (n_epochs,)
        By name, as in an entry of ``history_``.

    Attributes
    ----------
    history : dict of str to ndarray of float64, shape (n_epochs,)
        As given.
    ax_ : ndarray of matplotlib.axes.Axes, shape (2,)
        Losses and accuracies. Set by `plot`.
    figure_ : matplotlib.figure.Figure
        Set by `plot`.

    See Also
    --------
    DANN : What each name in its history means.

    Examples
    --------
    >>> from sklearn_sfx import TrainingHistoryDisplay
    >>> epochs = [{"train_loss": 0.7, "train_recall": 0.5}, {"train_loss": 0.2, "train_recall": 1}]
    >>> display = TrainingHistoryDisplay.from_history(epochs)
    >>> display.history["train_loss"]
    array([0.7, 0.2])
    >>> [ax.get_ylabel() for ax in display.ax_]
    ['loss', 'recall, mean of the classes']
    >>> import numpy as np
    >>> from sklearn_sfx import CNN1D
    >>> vectors, labels = np.ones((20, 50)), np.tile([0, 1], 10)
    >>> model = CNN1D(channels=(4,), max_epochs=2, random_state=0).fit(vectors, labels)
    >>> len(TrainingHistoryDisplay.from_estimator(model).history["train_loss"])
    2
    """

    def __init__(self, *, history: dict[str, Any]):
        self.history = {
            name: np.asarray(values, dtype=np.float64) for name, values in history.items()
        }

    @classmethod
    def from_estimator(cls, estimator: BaseEstimator, *, ax: Any = None, **line: Any) -> Self:
        """Draw how the network of a fitted classifier was trained.

        Parameters
        ----------
        estimator : CNN1D, CNN2D, FineTuned, DANN
            Fitted; or a fitted pipeline that ends in one, a search, a threshold around one.
        ax : pair of matplotlib.axes.Axes, default=None
            Where to draw losses and accuracies; None for a new figure.
        **line : dict
            For ``Axes.plot``.

        Returns
        -------
        display : TrainingHistoryDisplay

        Raises
        ------
        InputError
            It has no network, or is not fitted, or matplotlib is not installed.
        """
        last = estimators(estimator)[-1]
        if not hasattr(last, "history_"):
            raise InputError(
                f"{type(last).__name__} has no history of a training: give a fitted CNN1D, CNN2D, "
                "FineTuned or DANN, or a fitted pipeline that ends in one."
            )
        return cls.from_history(last.history_, ax=ax, **line)

    @classmethod
    def from_history(
        cls, history: Sequence[dict[str, Any]], *, ax: Any = None, **line: Any
    ) -> Self:
        """Draw a history that was kept.

        Parameters
        ----------
        history : sequence of dict
            One entry per epoch, as ``history_`` is.
        ax : pair of matplotlib.axes.Axes, default=None
            Where to draw losses and accuracies; None for a new figure.
        **line : dict
            For ``Axes.plot``.

        Returns
        -------
        display : TrainingHistoryDisplay

        Raises
        ------
        InputError
            No epoch has a loss, or matplotlib is not installed.
        """
        wanted = [name for names in DRAWN.values() for name in names]
        held = [name for name in wanted if any(name in epoch for epoch in history)]
        if not held:
            raise InputError("The history holds no loss: give history_ of a fitted classifier.")
        columns = {name: [epoch.get(name, np.nan) for epoch in history] for name in held}
        return cls(history=columns).plot(ax, **line)

    def plot(self, ax: Any = None, **line: Any) -> Self:
        """Draw it.

        Parameters
        ----------
        ax : pair of matplotlib.axes.Axes, default=None
            Where to draw losses and accuracies; None for a new figure.
        **line : dict
            For ``Axes.plot``.

        Returns
        -------
        self : TrainingHistoryDisplay
            This display, drawn.

        Raises
        ------
        InputError
            `ax` is not a pair, or matplotlib is not installed.
        """
        self.ax_ = np.ravel(new_axes(ax, ncols=2, figsize=(8.4, 3.4)))
        if len(self.ax_) != 2:
            raise InputError(
                "The history of a training takes two axes, for losses and for accuracies: give a "
                "pair as ax, or None."
            )
        self.figure_ = self.ax_[0].figure
        adversarial = "label_loss" in self.history
        for ax, (kind, names) in zip(self.ax_, DRAWN.items(), strict=True):
            # The losses of a DANN are those of its two heads; the sum of both says less.
            for name in names[:2] if adversarial else names[2:]:
                if name in self.history:
                    self._draw(ax, name, line)
            ax.set(xlabel="epoch", ylabel=kind)
            ax.xaxis.get_major_locator().set_params(integer=True)
        if not adversarial:
            self.ax_[1].set_ylabel("recall, mean of the classes")
        if "domain_accuracy" in self.history:
            told = {"color": "gray", "lw": 0.9, "ls": ":", "label": "cannot be told apart"}
            self.ax_[1].axhline(0.5, **told)
        self.ax_[1].set_ylim(-0.02, 1.02)
        for ax in self.ax_:
            ax.legend()
        return self

    def _draw(self, ax: Any, name: str, line: dict[str, Any]) -> None:
        label, colour, style = NAMES[name.partition("_")[0]]
        values = self.history[name]
        marker = "." if len(values) <= 50 else None
        style = {"color": colour, "ls": style, "marker": marker, "lw": 1.2, "label": label, **line}
        ax.plot(np.arange(1, len(values) + 1), values, **style)
