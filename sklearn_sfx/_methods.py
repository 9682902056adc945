"""The methods to find hits: what labels each needs, and of which steps it is made.

The command lists them in its help, so what takes long to import is imported where it is used.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from sklearn_sfx._text import counted
from sklearn_sfx.exceptions import InputError

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator

__all__ = [
    "AUTO",
    "METHODS",
    "Method",
    "find_methods",
    "methods_without_labels",
    "worth_comparing",
]

AUTO = "auto"  # the one that the labels say is best
NEVER = 2**62  # labels from which on a method is compared that takes hours to be
SIMULATED = "the simulated frames that come with the package"


class Method(ABC):
    """A method to find hits, of which `METHODS` has one of each kind.

    Attributes
    ----------
    name : str
        What `train` and ``sfx train --method`` call it.
    summary : str
        What it goes by, and for how many labels.
    least_labels : int
        Labelled hits, and labelled misses, that it needs at the least, where there are any.
    without_labels : str
        What it goes by where there are none; empty for one that needs labels.
    compared_from : int
        Labels from which on `AUTO` compares it with the others, since it takes long.
    least_frames : int
        Frames that `training_frames` gives it at the least, with a label or without: defective
        pixels are found in all of them.
    taught_by : str
        What it learns from beside labels; empty where there is nothing.
    crop : int or None
        Side of the square that it looks at, in pixels, where a frame is larger; None for all of it.
    pos_label : label
        The class of hits among the labels that it learns from.
    averaged : tuple of str
        The methods whose probabilities it averages; empty for one that stands alone.
    """

    name: str
    summary: str
    least_labels: int
    without_labels = ""
    compared_from = 0
    least_frames = 0
    taught_by = ""
    crop: int | None = None
    pos_label: Any = 1
    averaged: tuple[str, ...] = ()

    @property
    def needs_labels(self) -> bool:
        """Whether it cannot do without any."""
        return not self.without_labels

    @abstractmethod
    def steps(self, *, max_epochs: int | None, random_state: int | None) -> list[BaseEstimator]:
        """Return what masked and cropped frames go through, not yet fitted; the last decides.

        Each is an estimator of scikit-learn, and those before the last learn nothing. A method
        without epochs, or without anything random, leaves the parameter alone.
        """

    def check_labels(self, n_hits: int, n_misses: int) -> None:
        """Refuse labels that are too few to learn from."""
        if min(n_hits, n_misses) >= self.least_labels:
            return
        if n_hits == n_misses == 0 and not self.needs_labels:
            return
        others = " or ".join(repr(name) for name in methods_without_labels())
        otherwise = f"take the method {others}" if self.needs_labels else "leave the labels out"
        raise InputError(
            f"train needs {counted(self.least_labels, 'label')} of each kind at the least for the "
            f"method {self.name!r}, and these are {counted(n_hits, 'hit')} and "
            f"{counted(n_misses, 'miss', 'misses')}: label more frames, or {otherwise}."
        )


class ByFrame(Method):
    """A classifier of raw frames that can do without labels; of which class, `classifier` says."""

    classifier: str
    least_labels = 1
    without_labels = SIMULATED
    least_frames = 200

    def steps(self, *, max_epochs: int | None, random_state: int | None) -> list[BaseEstimator]:
        from sklearn_sfx import classifiers

        return [getattr(classifiers, self.classifier)()]


class Peaks(ByFrame):
    """The heights of the strongest peaks, which it knows from simulated frames."""

    name = "peaks"
    summary = "the heights of the strongest peaks, for fewer labels or none"
    taught_by = SIMULATED
    classifier = "PeakHeightClassifier"


class Count(ByFrame):
    """The number of peaks, as hit finders decide today."""

    name = "count"
    summary = "the number of peaks"
    classifier = "PeakCountClassifier"


class Spots(ByFrame):
    """The number of Bragg spots, without what belongs to rings, lines and cosmic rays."""

    name = "spots"
    summary = "the number of Bragg spots, without rings, lines and cosmic rays"
    without_labels = "the rule that six spots make a hit"
    classifier = "SpotCountClassifier"


class Rows(Method):
    """Row-wise decomposition and a network."""

    name = "rows"
    summary = "a network on row-wise decomposition, for about 200 labels"
    least_labels = 5
    compared_from = 100
    crop = 724

    def steps(self, *, max_epochs: int | None, random_state: int | None) -> list[BaseEstimator]:
        from sklearn_sfx.classifiers import CNN1D
        from sklearn_sfx.preprocessing import GCN, LCN, RowWiseDecomposition

        network = CNN1D(random_state=random_state)
        if max_epochs is not None:
            network.set_params(max_epochs=max_epochs)
        return [GCN(), LCN(5), RowWiseDecomposition(), network]


class Both(Method):
    """Rows and peaks together."""

    name = "both"
    summary = "the mean of rows and peaks, for about 200 labels"
    least_labels = 5
    compared_from = 100
    taught_by = Peaks.taught_by
    averaged = (Rows.name, Peaks.name)

    def steps(self, *, max_epochs: int | None, random_state: int | None) -> list[BaseEstimator]:
        from sklearn.ensemble import VotingClassifier
        from sklearn.pipeline import make_pipeline

        settings = {"max_epochs": max_epochs, "random_state": random_state}
        parts = [(name, make_pipeline(*METHODS[name].steps(**settings))) for name in self.averaged]
        return [VotingClassifier(parts, voting="soft")]


class FrameNetwork(Method):
    """A network on whole frames."""

    name = "frames"
    summary = "a network on whole frames, for about 1200 labels"
    least_labels = 5
    compared_from = NEVER
    crop = 724

    def steps(self, *, max_epochs: int | None, random_state: int | None) -> list[BaseEstimator]:
        from sklearn_sfx.classifiers import CNN2D
        from sklearn_sfx.preprocessing import GCN, LCN

        network = CNN2D(random_state=random_state)
        if max_epochs is not None:
            network.set_params(max_epochs=max_epochs)
        return [GCN(), LCN(5), network]


#: By what they need, the least first: of methods that are as good `AUTO` takes the first.
METHODS: dict[str, Method] = {
    method.name: method for method in (Peaks(), Spots(), Count(), Rows(), Both(), FrameNetwork())
}


def find_methods(name: str) -> tuple[Method, ...]:
    """Return the method of this name, or all for `AUTO`; or say which there are."""
    if name == AUTO:
        return tuple(METHODS.values())
    if name not in METHODS:
        raise InputError(f"method has to be one of {', '.join([AUTO, *METHODS])}, got {name!r}.")
    return (METHODS[name],)


def worth_comparing(methods: tuple[Method, ...], n_labels: int) -> tuple[Method, ...]:
    """Return those of several methods that so many labels are enough to compare."""
    if len(methods) == 1:
        return methods
    return tuple(method for method in methods if n_labels >= method.compared_from)


def methods_without_labels() -> list[str]:
    """Return the names of the methods that can do without labels."""
    return [method.name for method in METHODS.values() if not method.needs_labels]
