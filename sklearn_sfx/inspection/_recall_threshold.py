"""What a threshold costs: recall, precision and what is kept."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.utils import column_or_1d

from sklearn_sfx._intervals import wilson
from sklearn_sfx._labels import hit_class
from sklearn_sfx._models import decision
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.inspection._drawing import HIT_COLOUR, MISS_COLOUR, OTHER_COLOURS, new_axes

__all__ = ["RecallThresholdDisplay"]

CURVES = {
    "recall": ("recall", HIT_COLOUR, "-"),
    "precision": ("precision", MISS_COLOUR, "--"),
    "kept": ("share of frames kept", OTHER_COLOURS[0], "-."),
}


class RecallThresholdDisplay:
    """Recall, precision and share of frames kept for each threshold, with 95 % intervals.

    A frame is kept if its probability of a hit is the threshold, or higher. The intervals are
    Wilson's and say what the number of frames allows to know; they hold for one threshold, fixed
    before looking at these frames. For frames that the model was not trained on.

    Parameters
    ----------
    threshold : array-like of shape (n_thresholds,)
        Rising; the scores that occur.
    n_found, n_kept : array-like of int, shape (n_thresholds,)
        Hits, and frames, with that score or a higher one.
    n_hits, n_frames : int
        Of all.
    chosen : float or None, default=None
        The threshold that is in use.

    Attributes
    ----------
    threshold : ndarray of shape (n_thresholds,)
        As given.
    recall, precision, kept : ndarray of float64, shape (n_thresholds,)
        Hits kept of all hits, hits among those kept, and kept of all frames.
    intervals : dict of str to (ndarray, ndarray)
        Lower and upper ends for each of the three names.
    chosen : float or None
        As given.
    ax_ : matplotlib.axes.Axes
        Set by `plot`.
    figure_ : matplotlib.figure.Figure
        Set by `plot`.

    See Also
    --------
    TargetRecallClassifier : Chooses the threshold for a wanted recall.
    sklearn.metrics.PrecisionRecallDisplay : One against the other, without the thresholds.

    Examples
    --------
    >>> from sklearn_sfx import RecallThresholdDisplay
    >>> display = RecallThresholdDisplay.from_predictions(
    ...     [0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8], threshold=0.35
    ... )
    >>> display.threshold.tolist(), display.recall.tolist()
    ([0.1, 0.35, 0.4, 0.8], [1.0, 1.0, 0.5, 0.5])
    >>> {name: round(value, 2) for name, value in display.at(0.35).items()}
    {'recall': 1.0, 'precision': 0.67, 'kept': 0.75}
    >>> from sklearn.dummy import DummyClassifier
    >>> model = DummyClassifier().fit([[0], [0]], [0, 1])
    >>> RecallThresholdDisplay.from_estimator(model, [[0], [0]], [0, 1]).recall
    array([1.])
    """

    def __init__(
        self,
        *,
        threshold: ArrayLike,
        n_found: ArrayLike,
        n_kept: ArrayLike,
        n_hits: int,
        n_frames: int,
        chosen: float | None = None,
    ):
        self.threshold = np.asarray(threshold)
        found, kept = np.asarray(n_found), np.asarray(n_kept)
        counts: dict[str, Any] = {
            "recall": (found, n_hits),
            "precision": (found, kept),
            "kept": (kept, n_frames),
        }
        self.recall, self.precision, self.kept = (k / n for k, n in counts.values())
        self.intervals = {name: wilson(k, n) for name, (k, n) in counts.items()}
        self.chosen = chosen

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseEstimator,
        X: ArrayLike,
        y: ArrayLike,
        *,
        threshold: float | None = None,
        pos_label: Any = None,
        ax: Any = None,
        **line: Any,
    ) -> Self:
        """Draw what each threshold on the probability of a fitted classifier would do.

        Parameters
        ----------
        estimator : estimator instance
            A fitted binary classifier with ``predict_proba``, or a pipeline that ends in one.
        X : array-like or Frames, shape (n_frames, ...)
            Frames that it was not trained on.
        y : array-like of shape (n_frames,)
            Their labels.
        threshold : float, default=None
            The chosen one; by default that of a `TargetRecallClassifier`, or of scikit-learn's
            ``TunedThresholdClassifierCV`` and ``FixedThresholdClassifier`` on probabilities, and
            0.5 of any other.
        pos_label : int, float, bool or str, default=None
            The class that counts as a hit. By default that of a `TargetRecallClassifier`, or of
            a threshold of scikit-learn, or the greater of two numbers; of strings it has to be
            named.
        ax : matplotlib.axes.Axes, default=None
            Where to draw; None for a new figure.
        **line : dict
            For ``Axes.plot``.

        Returns
        -------
        display : RecallThresholdDisplay

        Raises
        ------
        InputError
            What `from_predictions` refuses, or a classifier without ``predict_proba``.
        """
        if not hasattr(estimator, "predict_proba"):
            raise InputError(
                f"{type(estimator).__name__} gives no probability: give a fitted classifier with "
                "predict_proba."
            )
        own_threshold, own_label = decision(estimator)
        pos_label = hit_class(estimator.classes_, own_label if pos_label is None else pos_label)
        column = np.flatnonzero(estimator.classes_ == pos_label)[0]
        return cls.from_predictions(
            y,
            estimator.predict_proba(X)[:, column],
            threshold=own_threshold if threshold is None else threshold,
            pos_label=pos_label,
            ax=ax,
            **line,
        )

    @classmethod
    def from_predictions(
        cls,
        y_true: ArrayLike,
        y_score: ArrayLike,
        *,
        threshold: float | None = None,
        pos_label: Any = None,
        ax: Any = None,
        **line: Any,
    ) -> Self:
        """Draw what each threshold on scores would do.

        Parameters
        ----------
        y_true : array-like of shape (n_frames,)
            Labels of two classes.
        y_score : array-like of float, shape (n_frames,)
            Probability of a hit, or any score that is higher for hits.
        threshold : float, default=None
            The chosen one.
        pos_label : int, float, bool or str, default=None
            The class that counts as a hit. By default the greater of two numbers; of strings it has
            to be named.
        ax : matplotlib.axes.Axes, default=None
            Where to draw; None for a new figure.
        **line : dict
            For ``Axes.plot``.

        Returns
        -------
        display : RecallThresholdDisplay

        Raises
        ------
        InputError
            Labels that are not of two classes, strings without `pos_label`, scores that are not as
            many or not finite, or matplotlib is not installed.
        """
        y_true, y_score = column_or_1d(y_true), np.asarray(y_score, dtype=np.float64)
        classes = np.unique(y_true)
        if len(classes) != 2:
            raise InputError(
                f"A threshold is drawn for labels of two classes, and y holds {classes.tolist()}: "
                "leave out frames without a label, and drop a class or join two."
            )
        if y_score.shape != y_true.shape or not np.isfinite(y_score).all():
            raise InputError(
                f"A finite score is needed for each of the {len(y_true)} labels: got scores of "
                f"shape {y_score.shape}, {int((~np.isfinite(y_score)).sum())} of them not finite."
            )
        is_hit = y_true == hit_class(classes, pos_label)
        levels, row = np.unique(y_score, return_inverse=True)
        n_kept, n_found = (
            np.bincount(row, weights, len(levels))[::-1].cumsum()[::-1].astype(int)
            for weights in (None, is_hit)
        )
        return cls(
            threshold=levels,
            n_found=n_found,
            n_kept=n_kept,
            n_hits=int(is_hit.sum()),
            n_frames=len(is_hit),
            chosen=threshold,
        ).plot(ax, **line)

    def at(self, threshold: float) -> dict[str, float]:
        """Return recall, precision and share kept for a threshold.

        Parameters
        ----------
        threshold : float
            A frame with this score, or a higher one, is kept.

        Returns
        -------
        dict of str to float
            By the names recall, precision and kept; the precision is NaN where nothing is kept.
        """
        row = int(np.searchsorted(self.threshold, threshold))
        if row == len(self.threshold):
            return {"recall": 0.0, "precision": float("nan"), "kept": 0.0}
        return {name: float(getattr(self, name)[row]) for name in CURVES}

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
        self : RecallThresholdDisplay
            This display, drawn.

        Raises
        ------
        InputError
            matplotlib is not installed.
        """
        self.ax_ = new_axes(ax)
        self.figure_ = self.ax_.figure
        point = {} if self.chosen is None else self.at(self.chosen)
        for name, (label, colour, dashes) in CURVES.items():
            if point:
                label += f" ({point[name]:.3f})"
            # Up to a score, and with it, what is kept is what has that score or a higher one.
            style = {"color": colour, "ls": dashes, "lw": 1.4, "drawstyle": "steps-pre"}
            self.ax_.plot(self.threshold, getattr(self, name), **{**style, **line}, label=label)
            band = {"color": colour, "alpha": 0.18, "lw": 0, "step": "pre"}
            self.ax_.fill_between(self.threshold, *self.intervals[name], **band)
            if point:
                self.ax_.plot(self.chosen, point[name], "o", color=colour, ms=7, mec="white")
        if point:
            said = f"chosen threshold {self.chosen:.3f}"
            self.ax_.axvline(self.chosen, color="black", lw=1, ls=":", label=said)
        is_probability = self.threshold[0] >= 0 and self.threshold[-1] <= 1
        what = "probability of a hit" if is_probability else "score"
        self.ax_.set(xlabel=f"threshold on the {what}", ylabel="share", ylim=(-0.02, 1.02))
        if is_probability:
            self.ax_.set_xlim(-0.02, 1.02)
        self.ax_.legend(title="shaded: 95 % intervals", fontsize="small", title_fontsize="small")
        return self
