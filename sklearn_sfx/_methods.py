"""The methods to find hits: what labels each needs, of which steps it is made, how it is fitted.

The command lists them in its help, so what takes long to import is imported where it is used.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sklearn_sfx._text import counted
from sklearn_sfx.exceptions import InputError

if TYPE_CHECKING:
    import numpy as np
    from sklearn.base import BaseEstimator
    from sklearn.pipeline import Pipeline

__all__ = ["METHODS", "Method", "find_method", "methods_without_labels"]


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
    needs_labels : bool
        False where it can do without any.
    least_frames : int
        Frames that `training_frames` gives it at the least, with a label or without: defective
        pixels are found in all of them.
    taught_by : str
        What it has learned from before it sees a label; empty where there is nothing.
    crop : int or None
        Side of the square that it looks at, in pixels, where a frame is larger; None for all of it.
    """

    name: str
    summary: str
    least_labels: int
    needs_labels = True
    least_frames = 0
    taught_by = ""
    crop: int | None = None

    @abstractmethod
    def steps(self, *, max_epochs: int | None, random_state: int | None) -> list[BaseEstimator]:
        """Return what masked and cropped frames go through, not yet fitted; the last decides.

        Each is an estimator of scikit-learn; a method without epochs, or without anything random,
        leaves the parameter alone.
        """

    @abstractmethod
    def fit(
        self, classifier: Pipeline, X: Any, y: np.ndarray | None, say: Callable[[str], object]
    ) -> float:
        """Fit the steps, and return the probability from which a frame is a hit.

        Parameters
        ----------
        classifier : Pipeline
            Of the steps.
        X : Frames or ndarray, shape (n_frames, height, width)
            The labelled frames, masked and cropped; all that there are where none has a label.
        y : ndarray of int, shape (n_frames,), or None
            1 for a hit, 0 for a miss; None where no frame has a label.
        say : callable
            Takes a few words on what is being done, for the progress bar.
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


class Rows(Method):
    """Row-wise decomposition and a network; five folds of the labels choose the threshold."""

    name = "rows"
    summary = "a network on row-wise decomposition, for about 200 labels"
    n_folds = 5
    least_labels = n_folds
    crop = 724

    def steps(self, *, max_epochs: int | None, random_state: int | None) -> list[BaseEstimator]:
        from sklearn.metrics import fbeta_score, make_scorer
        from sklearn.model_selection import StratifiedKFold, TunedThresholdClassifierCV

        from sklearn_sfx.classifiers import CNN1D
        from sklearn_sfx.preprocessing import GCN, LCN, RowWiseDecomposition

        network = CNN1D(random_state=random_state)
        if max_epochs is not None:
            network.set_params(max_epochs=max_epochs)
        decide = TunedThresholdClassifierCV(
            network,
            scoring=make_scorer(fbeta_score, beta=2, zero_division=0),
            cv=StratifiedKFold(self.n_folds, shuffle=True, random_state=random_state),
            random_state=random_state,
        )
        return [GCN(), LCN(5), RowWiseDecomposition(), decide]

    def fit(
        self, classifier: Pipeline, X: Any, y: np.ndarray | None, say: Callable[[str], object]
    ) -> float:
        import numpy as np

        # The frames are read once for all folds, since their vectors are small.
        say("reading the labelled frames")
        vectors = np.asarray(classifier[:-1].fit_transform(X))
        say("training the networks")
        try:
            classifier[-1].fit(vectors, y)
        except ValueError as error:
            if "constant predictions" not in str(error):
                raise
            raise InputError(
                "The network learned nothing: it says the same of every frame. Look at a frame and "
                "at its mask, check that the labels belong to these frames, label more of them, or "
                "train for more epochs."
            ) from error
        return float(classifier[-1].best_threshold_)


class Peaks(Method):
    """The heights of the strongest peaks, which it knows from simulated frames."""

    name = "peaks"
    summary = "the heights of the strongest peaks, for fewer labels or none"
    least_labels = 1
    needs_labels = False
    least_frames = 200
    taught_by = "the simulated frames that come with the package"

    def steps(self, *, max_epochs: int | None, random_state: int | None) -> list[BaseEstimator]:
        from sklearn_sfx.classifiers import PeakHeightClassifier

        return [PeakHeightClassifier()]

    def fit(
        self, classifier: Pipeline, X: Any, y: np.ndarray | None, say: Callable[[str], object]
    ) -> float:
        say("finding the strongest peaks")
        classifier.fit(X, y)
        return 0.5


METHODS: dict[str, Method] = {method.name: method for method in (Rows(), Peaks())}


def find_method(name: str) -> Method:
    """Return the method of this name, or say which there are."""
    if name not in METHODS:
        raise InputError(f"method has to be one of {', '.join(METHODS)}, got {name!r}.")
    return METHODS[name]


def methods_without_labels() -> list[str]:
    """Return the names of the methods that can do without labels."""
    return [method.name for method in METHODS.values() if not method.needs_labels]
