"""What a network makes of frames, in the plane."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.manifold import TSNE

from sklearn_sfx._models import estimators
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.inspection._drawing import class_colours, new_axes

__all__ = ["DOMAIN_COLOURS", "FeatureEmbeddingDisplay", "embedded"]

PERPLEXITY = 30.0
DOMAIN_COLOURS = {"source": "#dc2626", "target": "#1d4ed8"}
MARKERS = {"source": "o", "target": "x"}
FEWEST = 5  # frames of which a plane can be made


def embedded(features: ArrayLike, random_state: Any = None) -> np.ndarray:
    """Embed features in the plane by t-SNE; the perplexity is lowered where there are few."""
    features = np.asarray(features)
    if features.ndim != 2 or len(features) < FEWEST:
        raise InputError(
            f"An embedding needs features of {FEWEST} frames at least, (n_frames, n_features); got "
            f"{features.shape}."
        )
    perplexity = min(PERPLEXITY, (len(features) - 1) / 4)
    tsne = TSNE(perplexity=perplexity, init="pca", random_state=random_state)
    return tsne.fit_transform(features)


class FeatureEmbeddingDisplay:
    """The features of frames in the plane, by t-SNE: a colour for each class.

    With two domains a dot is a frame of the source and a cross one of the target; without labels
    the colour says the domain. The more the two mix within a class, the more of what the network
    sees is common to both. Distances between clusters mean nothing in t-SNE [1]_.

    Parameters
    ----------
    embedding : array-like of shape (n_frames, 2)
        Where each frame lies.
    y : array-like of shape (n_frames,), default=None
        Labels.
    sample_domain : array-like of int, shape (n_frames,), default=None
        0 or above for the source, below 0 for the target, as `DANN` takes it.

    Attributes
    ----------
    embedding : ndarray of shape (n_frames, 2)
        As given.
    y : ndarray of shape (n_frames,) or None
        As given.
    sample_domain : ndarray of shape (n_frames,) or None
        As given.
    ax_ : matplotlib.axes.Axes
        Set by `plot`.
    figure_ : matplotlib.figure.Figure
        Set by `plot`.

    References
    ----------
    .. [1] L. van der Maaten and G. Hinton, "Visualizing data using t-SNE", J. Mach. Learn. Res. 9,
       2579 (2008).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_sfx import FeatureEmbeddingDisplay
    >>> features = np.random.default_rng(0).normal(size=(20, 8))
    >>> display = FeatureEmbeddingDisplay.from_features(
    ...     features, np.tile(["hit", "miss"], 10), sample_domain=np.repeat([0, -1], 10)
    ... )
    >>> display.embedding.shape
    (20, 2)
    >>> [text.get_text() for text in display.ax_.get_legend().get_texts()]
    ['hit, source', 'hit, target', 'miss, source', 'miss, target']
    >>> from sklearn_sfx import CNN1D
    >>> vectors, labels = np.ones((20, 50)), np.tile([0, 1], 10)
    >>> model = CNN1D(channels=(4,), max_epochs=1, random_state=0).fit(vectors, labels)
    >>> FeatureEmbeddingDisplay.from_estimator(model, vectors, labels).embedding.shape
    (20, 2)
    """

    def __init__(
        self,
        *,
        embedding: ArrayLike,
        y: ArrayLike | None = None,
        sample_domain: ArrayLike | None = None,
    ):
        self.embedding = np.asarray(embedding)
        self.y = None if y is None else np.asarray(y)
        self.sample_domain = None if sample_domain is None else np.asarray(sample_domain)

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseEstimator,
        X: ArrayLike,
        y: ArrayLike | None = None,
        *,
        sample_domain: ArrayLike | None = None,
        random_state: int | np.random.RandomState | None = None,
        ax: Any = None,
        **scatter: Any,
    ) -> Self:
        """Draw the features that a fitted classifier makes of frames.

        Parameters
        ----------
        estimator : CNN1D, CNN2D, FineTuned, DANN
            Fitted; or a fitted pipeline that ends in one, a search, a threshold around one.
        X : array-like or Frames, shape (n_frames, ...)
            What the classifier, or the pipeline, reads.
        y : array-like of shape (n_frames,), default=None
            Labels.
        sample_domain : array-like of int, shape (n_frames,), default=None
            0 or above for the source, below 0 for the target.
        random_state : int, RandomState instance or None, default=None
            Of t-SNE; an integer makes the same picture each time.
        ax : matplotlib.axes.Axes, default=None
            Where to draw; None for a new figure.
        **scatter : dict
            For ``Axes.scatter``.

        Returns
        -------
        display : FeatureEmbeddingDisplay

        Raises
        ------
        InputError
            The classifier has no features, there are fewer than five frames, labels or domains are
            not as many as these, or matplotlib is not installed.
        """
        *before, last = estimators(estimator, unfold=False)  # features prepares its frames
        if not hasattr(last, "features"):
            raise InputError(
                f"{type(last).__name__} has no features to show: give a fitted CNN1D, CNN2D, "
                "FineTuned or DANN, or a fitted pipeline that ends in one."
            )
        for step in before:
            X = step.transform(X)
        drawn = {"random_state": random_state, "ax": ax, **scatter}
        return cls.from_features(last.features(X), y, sample_domain=sample_domain, **drawn)

    @classmethod
    def from_features(
        cls,
        features: ArrayLike,
        y: ArrayLike | None = None,
        *,
        sample_domain: ArrayLike | None = None,
        random_state: int | np.random.RandomState | None = None,
        ax: Any = None,
        **scatter: Any,
    ) -> Self:
        """Draw features that were computed before.

        Parameters
        ----------
        features : array-like of shape (n_frames, n_features)
            What ``features(X)`` of a classifier returned.
        y : array-like of shape (n_frames,), default=None
            Labels.
        sample_domain : array-like of int, shape (n_frames,), default=None
            0 or above for the source, below 0 for the target.
        random_state : int, RandomState instance or None, default=None
            Of t-SNE; an integer makes the same picture each time.
        ax : matplotlib.axes.Axes, default=None
            Where to draw; None for a new figure.
        **scatter : dict
            For ``Axes.scatter``.

        Returns
        -------
        display : FeatureEmbeddingDisplay

        Raises
        ------
        InputError
            There are fewer than five frames, labels or domains are not as many as these, or
            matplotlib is not installed.
        """
        n_frames = len(np.asarray(features))
        for name, given in (("y", y), ("sample_domain", sample_domain)):
            n_given = n_frames if given is None else len(np.asarray(given))
            if n_given != n_frames:
                raise InputError(
                    f"{name} has {n_given} entries for {n_frames} frames: give one for each frame."
                )
        plane = embedded(features, random_state)
        return cls(embedding=plane, y=y, sample_domain=sample_domain).plot(ax, **scatter)

    def plot(self, ax: Any = None, **scatter: Any) -> Self:
        """Draw it.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to draw; None for a new figure.
        **scatter : dict
            For ``Axes.scatter``.

        Returns
        -------
        self : FeatureEmbeddingDisplay
            This display, drawn.

        Raises
        ------
        InputError
            matplotlib is not installed.
        """
        self.ax_ = new_axes(ax)
        self.figure_ = self.ax_.figure
        everything = np.ones(len(self.embedding), dtype=bool)
        classes: dict[Any, np.ndarray] = {None: everything}
        if self.y is not None:
            classes = {label: self.y == label for label in np.unique(self.y).tolist()}
        domains: dict[Any, np.ndarray] = {None: everything}
        if self.sample_domain is not None:
            domains = {"source": self.sample_domain >= 0, "target": self.sample_domain < 0}
        colours = class_colours(classes)
        for label, is_label in classes.items():
            for domain, is_domain in domains.items():
                colour = DOMAIN_COLOURS.get(domain, "#64748b") if label is None else colours[label]
                said = ", ".join(str(part) for part in (label, domain) if part is not None)
                x, y = self.embedding[is_label & is_domain].T
                style = {"marker": MARKERS.get(domain, "o"), "s": 14, "alpha": 0.7, "lw": 1}
                style |= {"color": colour, "label": said or "frames", **scatter}
                self.ax_.scatter(x, y, **style)
        # The axes of t-SNE have no unit.
        self.ax_.set(xticks=[], yticks=[], xlabel="t-SNE 1", ylabel="t-SNE 2")
        self.ax_.legend()
        return self
