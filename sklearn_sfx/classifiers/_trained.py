"""What every classifier with a trained network does: predict, and go to disk and back."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted
from skorch import NeuralNetClassifier
from skorch.history import History
from torch import nn

from sklearn_sfx._stored import Stored
from sklearn_sfx._validation import is_frames
from sklearn_sfx.classifiers._design import NetworkDesign
from sklearn_sfx.classifiers._old_states import of_today
from sklearn_sfx.classifiers._prediction import apply_to_all
from sklearn_sfx.classifiers._training import find_device, seeded
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.networks import ClassifierModule, for_inference

__all__ = ["TrainedNetwork"]

WORTH_FOLDING = 16  # rows; for fewer, making the quicker network takes longer than it saves


class TrainedNetwork(Stored, ClassifierMixin, BaseEstimator, ABC):
    """The part of a classifier that needs its network trained, however that was done.

    A subclass trains, and builds what the trained weights go into: `_build_module`, `_make_net`.
    """

    design_: NetworkDesign
    network_shape_: tuple[int, ...]
    net_: NeuralNetClassifier
    history_: History
    classes_: np.ndarray

    def _check_frames(self, X: Any) -> Any:
        """Check X against what `fit` was given, and return it as the network reads it."""
        return self.design_._check(self, X, reset=False)

    @abstractmethod
    def _build_module(
        self, design: NetworkDesign, frame_shape: tuple[int, ...], n_classes: int
    ) -> ClassifierModule:
        """Return the whole network, fresh."""

    @abstractmethod
    def _make_net(
        self, module: nn.Module, device: torch.device, **kwargs: Any
    ) -> NeuralNetClassifier:
        """Return the skorch net that holds `module`."""

    # -- Using it ------------------------------------------------------------------------------

    def predict(self, X: ArrayLike) -> np.ndarray:
        """Return the label of each frame: the class with the highest probability.

        Parameters
        ----------
        X : array-like or Frames, shape (n, ...)
            `Frames` are read block by block.

        Returns
        -------
        labels : ndarray of shape (n,)
            Of the kind that `fit` was given.

        Raises
        ------
        InputError
            X is of another shape, or was prepared in another way, than in `fit`.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn_sfx import CNN1D
        >>> vectors, labels = np.ones((20, 50)), np.repeat(["miss", "hit"], 10)
        >>> vectors[10:, ::10] = 20
        >>> model = CNN1D(channels=(4, 8), lr=0.02, random_state=0).fit(vectors, labels)
        >>> model.predict(vectors[[0, 10]]).tolist()
        ['miss', 'hit']
        """
        probability = self.predict_proba(X)
        return self.classes_[probability.argmax(axis=1)]

    def predict_proba(self, X: ArrayLike) -> np.ndarray:
        """Return the probability of each class.

        Parameters
        ----------
        X : array-like or Frames, shape (n, ...)
            `Frames` are read block by block.

        Returns
        -------
        probability : ndarray of float64, shape (n, n_classes)
            Columns in the order of ``classes_``; rows sum to 1.

        Raises
        ------
        InputError
            X is of another shape, or was prepared in another way, than in `fit`.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn_sfx import CNN1D
        >>> vectors, labels = np.ones((20, 50)), np.repeat(["miss", "hit"], 10)
        >>> vectors[10:, ::10] = 20
        >>> model = CNN1D(channels=(4, 8), lr=0.02, random_state=0).fit(vectors, labels)
        >>> model.classes_.tolist(), model.predict_proba(vectors[[0, 10]]).round().tolist()
        (['hit', 'miss'], [[0.0, 1.0], [1.0, 0.0]])
        """
        check_is_fitted(self)
        return self._apply(_probabilities, X, may_round=True)

    def features(self, X: ArrayLike) -> np.ndarray:
        """Return what the base of the network makes of each frame, for embedding plots.

        Parameters
        ----------
        X : array-like or Frames, shape (n, ...)
            `Frames` are read block by block.

        Returns
        -------
        features : ndarray of float32, shape (n, n_features)
            What the layers that decide read; how many there are follows from the network.

        Raises
        ------
        InputError
            X is of another shape, or was prepared in another way, than in `fit`.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn_sfx import CNN1D
        >>> vectors, labels = np.ones((20, 50)), np.repeat(["miss", "hit"], 10)
        >>> model = CNN1D(channels=(4, 8), max_epochs=1, random_state=0).fit(vectors, labels)
        >>> model.features(vectors).shape
        (20, 16)
        """
        check_is_fitted(self)
        return self._apply(_features, X)

    def __sklearn_is_fitted__(self) -> bool:
        # A training that was broken off leaves the labels, and no network.
        return hasattr(self, "net_")

    def _apply(self, function: Callable, X: Any, *, may_round: bool = False) -> np.ndarray:
        X = self._check_frames(X)
        self._check_preprocessing(X)
        module = self.net_.module_.eval()
        if len(X) >= WORTH_FOLDING:
            module = for_inference(module)
        batch = self.design_._prediction_batch
        return apply_to_all(function, module, X, batch, may_round=may_round)

    def _check_preprocessing(self, X: Any) -> None:
        """Refuse `Frames` that were prepared in another way than those of `fit`, where known."""
        if is_frames(X) and self.preprocessing_ not in (None, X.preprocessing):
            raise InputError(
                f"{type(self).__name__} was fitted on frames prepared by "
                f"[{self.preprocessing_}], and these are prepared by [{X.preprocessing}]: prepare "
                "them in the same way."
            )

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    # -- Pickling ------------------------------------------------------------------------------

    def __getstate__(self) -> dict:
        """Return plain values: weights as numpy arrays, no device, no optimizer."""
        state = dict(super().__getstate__())
        net = state.pop("net_", None)
        if net is not None:
            weights = net.module_.state_dict()
            state["_weights"] = {name: w.detach().cpu().numpy() for name, w in weights.items()}
            state["history_"] = [_untimed(epoch) for epoch in self.history_]
        if "device" in state:
            state["device"] = str(self.device)  # a name, which any machine can read
        return state

    def __setstate__(self, state: dict) -> None:
        state = of_today(type(self), state)
        weights = state.pop("_weights", None)
        super().__setstate__(state)
        if weights is None:
            return
        self.history_ = History(self.history_)
        try:
            device = find_device(self.device)
        except InputError:  # trained on a GPU that this machine does not have
            device = torch.device("cpu")
        with seeded(0, torch.device("cpu")):
            module = self._build_module(self.design_, self.network_shape_, len(self.classes_))
        module.load_state_dict({name: torch.from_numpy(w.copy()) for name, w in weights.items()})
        self.net_ = self._make_net(module, device, train_split=None).initialize()
        self.net_.history = self.history_
        self.net_.module_.eval()


def _untimed(epoch: dict) -> dict:
    """Return an epoch without the seconds it took: the same training makes the same file."""
    return {name: value for name, value in epoch.items() if name != "dur"}


def _probabilities(module: nn.Module, x: torch.Tensor) -> torch.Tensor:
    return module(x).double().softmax(dim=1)


def _features(module: ClassifierModule, x: torch.Tensor) -> torch.Tensor:
    return module.features(x)
