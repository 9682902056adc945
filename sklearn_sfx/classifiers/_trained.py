"""What every classifier with a trained network does: predict, and go to disk and back."""

import functools
import itertools
import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import torch
from joblib import effective_n_jobs
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import gen_even_slices
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import check_is_fitted
from skorch import NeuralNetClassifier
from skorch.history import History
from torch import nn

from sklearn_sfx._validation import is_frames
from sklearn_sfx.classifiers._training import find_device, one_thread, seeded, to_tensor
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.networks import ClassifierModule, for_inference
from sklearn_sfx.preprocessing.tensors import can_stream, stream

__all__ = ["TrainedNetwork"]


class TrainedNetwork(ClassifierMixin, BaseEstimator):
    """The part of a classifier that needs its network trained, however that was done.

    A subclass checks its input in `_check_frames`, and builds what the trained weights go into:
    `_build_module` and `_make_net`.
    """

    _prediction_batch = 64  # larger batches leave the processor's cache and are slower

    def _check_frames(self, X: Any, reset: bool, estimator: BaseEstimator) -> Any:
        """Check X; the shape is remembered by `estimator`: this one, or who has this as a base."""
        raise NotImplementedError

    def _build_module(self, n_classes: int) -> ClassifierModule:
        """Return the whole network, fresh."""
        raise NotImplementedError

    def _make_net(self, module: nn.Module, device: torch.device, **kwargs) -> NeuralNetClassifier:
        """Return the skorch net that holds `module`."""
        raise NotImplementedError

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
        """
        check_is_fitted(self)
        return self._apply(_probabilities, X)

    def features(self, X: ArrayLike) -> np.ndarray:
        """Return what the base of the network makes of each frame, for embedding plots.

        Parameters
        ----------
        X : array-like or Frames, shape (n, ...)
            `Frames` are read block by block.

        Returns
        -------
        features : ndarray of float32, shape (n, n_features)
        """
        check_is_fitted(self)
        return self._apply(_features, X)

    def __sklearn_is_fitted__(self) -> bool:
        # A training that was broken off leaves the labels, and no network.
        return hasattr(self, "net_")

    def _apply(self, function: Callable, X: Any) -> np.ndarray:
        X = self._check_frames(X, False, self)
        self._check_preprocessing(X)
        module = for_inference(self.net_.module_)
        size = self._prediction_batch
        # A batch of another size would differ in the last bits: the last one is filled up.
        step = functools.partial(_run, function, module, fill=size if len(X) > size else 1)
        if is_frames(X):
            device = next(module.parameters()).device
            on_device = _runs_steps(device) and can_stream(X)
            parts = step(_batches(stream(X, device) if on_device else X.blocks(), size))
        else:
            # Whole batches for each worker, so that their number changes nothing.
            slices = gen_even_slices(math.ceil(len(X) / size), effective_n_jobs(None))
            shares = (X[part.start * size : part.stop * size] for part in slices)
            found = Parallel(require="sharedmem")(
                delayed(step)(_batches([share], size)) for share in shares
            )
            parts = list(itertools.chain.from_iterable(found))
        return np.concatenate(parts)

    def _check_preprocessing(self, X: Any) -> None:
        """Refuse `Frames` that were prepared in another way than those of `fit`, where known."""
        if is_frames(X) and self.preprocessing_ not in (None, X.preprocessing):
            raise InputError(
                f"{type(self).__name__} was fitted on frames prepared by "
                f"[{self.preprocessing_}], and these are prepared by [{X.preprocessing}]: prepare "
                "them in the same way."
            )

    def __sklearn_tags__(self):
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
            state["history_"] = [dict(epoch) for epoch in self.history_]
        return state

    def __setstate__(self, state: dict) -> None:
        state = dict(state)
        weights = state.pop("_weights", None)
        super().__setstate__(state)
        if weights is None:
            return
        self.history_ = History(self.history_)
        try:
            device = find_device(self.device)
        except InputError:  # trained on a GPU that this machine does not have
            device = torch.device("cpu")
        architect = type(self)(**self._fit_params)
        vars(architect).update({k: v for k, v in vars(self).items() if k.endswith("_")})
        with seeded(0, torch.device("cpu")):
            module = architect._build_module(len(self.classes_))
        module.load_state_dict({name: torch.from_numpy(w.copy()) for name, w in weights.items()})
        self.net_ = self._make_net(module, device, train_split=None).initialize()
        self.net_.history = self.history_
        self.net_.module_.eval()


def _probabilities(module: nn.Module, x: torch.Tensor) -> torch.Tensor:
    return module(x).double().softmax(dim=1)


def _features(module: nn.Module, x: torch.Tensor) -> torch.Tensor:
    return module.features(x)


def _runs_steps(device: torch.device) -> bool:
    """Whether the steps of `Frames` are run on the device too, and not by compiled loops."""
    return device.type != "cpu"


def _run(
    function: Callable, module: nn.Module, batches: Iterable[Any], fill: int
) -> list[np.ndarray]:
    """Run the network on batches, each filled up to at least `fill` rows, in this thread."""
    device, parts = next(module.parameters()).device, []
    with torch.inference_mode(), one_thread():
        for batch in batches:
            x = to_tensor(batch).to(device)
            if len(x) < fill:
                x = torch.cat([x, x[-1:].expand(fill - len(x), *x.shape[1:])])
            parts.append(function(module, x)[: len(batch)])
        # Fetched at the end, so that a device is never waited for in between.
        return [part.cpu().numpy() for part in parts]


def _batches(blocks: Iterable[Any], size: int) -> Iterator[Any]:
    """Cut blocks into batches of one size, however large the blocks are.

    How large they are depends on the workers, and sums in batches of another size differ in the
    last bits.
    """
    left = None
    for block in blocks:
        if left is not None:
            join = torch.cat if isinstance(block, torch.Tensor) else np.concatenate
            block = join([left, block])
        whole = len(block) - len(block) % size
        for start in range(0, whole, size):
            yield block[start : start + size]
        left = block[whole:] if whole < len(block) else None
    if left is not None:
        yield left
