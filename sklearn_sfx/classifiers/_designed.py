"""The classifiers whose own parameters say what their network is made of."""

from abc import abstractmethod
from typing import Any, Self

from numpy.typing import ArrayLike
from sklearn.base import _fit_context

from sklearn_sfx._labels import encode_labels
from sklearn_sfx._weights import left_in
from sklearn_sfx.classifiers._base import TorchClassifier
from sklearn_sfx.classifiers._design import NetworkDesign
from sklearn_sfx.exceptions import InputError

__all__ = ["DesignedClassifier", "design_of"]


class DesignedClassifier(TorchClassifier):
    """Base of those: a subclass makes the design, and nothing else is left for it to do."""

    @abstractmethod
    def _make_design(self) -> NetworkDesign:
        """Return what the network is made of, as the parameters say."""

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Train a network on labelled frames.

        Parameters
        ----------
        X : array-like or Frames, shape (n, ...)
            The input; NaN reads as 0.
        y : array-like of shape (n,)
            Labels: numbers or strings, two classes at least.
        sample_weight : array-like of float, shape (n,), default=None
            What each weighs in the loss, 0 or more; one that weighs 0 is left out.

        Returns
        -------
        self : object
            The fitted classifier.

        Raises
        ------
        InputError
            Labels of one class only, input of a shape that it does not read, weights below 0 or all
            0, callbacks that are none, a device that is not there, or a training that diverged.

        Warns
        -----
        FewLabelsWarning
            A class has fewer than ten labels.
        NotLearnedWarning
            After ten epochs or more the frames trained on are ranked hardly better than by chance.
        """
        design = self._make_design()
        X = design._check(self, X, reset=True)
        X, y, sample_weight = left_in(self, X, y, sample_weight)
        classes, targets = encode_labels(self, X, y)
        return self._fit(X, design, classes, targets, sample_weight)


def design_of(base: Any) -> NetworkDesign:
    """Return the design that a classifier would make of its parameters, or a copy of a design.

    Parameters
    ----------
    base : DesignedClassifier or NetworkDesign
        What `DANN` was given; not changed.

    Raises
    ------
    InputError
        It is neither, or one of its parameters cannot be used.
    """
    if isinstance(base, NetworkDesign):
        return base._copy()
    if isinstance(base, DesignedClassifier):
        base._validate_params()
        return base._make_design()
    raise InputError(
        "The 'base' parameter of DANN must be a CNN1D, a CNN2D, a NetworkClassifier, the design of "
        f"a network, or None; got {type(base).__name__}."
    )
