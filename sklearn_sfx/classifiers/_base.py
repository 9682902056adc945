"""What every classifier that trains a network shares: checks, training, prediction, pickling."""

import contextlib
import warnings
from collections.abc import Callable, Iterator
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassifierMixin, _fit_context
from sklearn.utils import check_random_state, compute_class_weight
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted
from skorch import NeuralNetClassifier
from skorch.helper import predefined_split
from skorch.history import History
from torch import nn
from torch.utils.data import Dataset

from sklearn_sfx._validation import check_frames, is_frames
from sklearn_sfx.classifiers._labels import encode_labels
from sklearn_sfx.classifiers._training import (
    BestEpoch,
    CosineSchedule,
    EvenBatches,
    InMemory,
    RecallPerEpoch,
    StopTraining,
    as_is,
    find_device,
    hold_back,
    one_thread,
    seeded,
    to_tensor,
)
from sklearn_sfx.exceptions import FewLabelsWarning, InputError

__all__ = ["TorchClassifier"]

FEW_LABELS = 10


class TorchClassifier(ClassifierMixin, BaseEstimator):
    """Base of the classifiers that train a torch module through skorch.

    A subclass has an explicit ``__init__``, adds the constraints of its own parameters, and writes
    `_build_module`. `_check_frames` says which shapes it reads; `_make_dataset`, `_make_batches`,
    `_make_loss` and `_make_net` are there for those whose samples, batches or loss differ.
    """

    _prediction_batch = 32  # larger batches leave the processor's cache and are slower
    _parameter_constraints: ClassVar[dict] = {
        "max_epochs": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "lr": [Interval(Real, 0, None, closed="neither")],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "class_weight": [StrOptions({"balanced"}), dict, None],
        "augment": ["boolean"],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "patience": [Interval(Integral, 1, None, closed="left")],
        "device": [str],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    # -- What a subclass says ------------------------------------------------------------------

    def _build_module(self, n_classes: int, frame_shape: tuple[int, ...]) -> nn.Module:
        """Return a fresh module with `features` and `forward`; the latter gives logits."""
        raise NotImplementedError

    def _check_frames(self, X: Any, reset: bool) -> Any:
        """Check X and its shape."""
        return check_frames(self, X, reset=reset)

    def _make_dataset(self, X: Any, targets: np.ndarray, share: float) -> Dataset:
        """Return samples and their targets; `share` is their part of all that `fit` was given."""
        return InMemory(np.asarray(X) if is_frames(X) else X, targets)

    def _make_batches(self, dataset: Dataset) -> Any:
        """Return what yields the rows of each training batch."""
        return EvenBatches(len(dataset), self.batch_size)

    def _make_loss(self, targets: np.ndarray) -> nn.Module:
        """Return the loss of logits and targets."""
        n_classes = len(self.classes_)
        present = np.unique(targets)
        labels = self.classes_[present]
        weight = np.zeros(n_classes, np.float32)
        weight[present] = compute_class_weight(
            self.class_weight, classes=labels, y=self.classes_[targets]
        )
        return nn.CrossEntropyLoss(weight=torch.from_numpy(weight))

    def _make_net(self, module: nn.Module, device: torch.device, **kwargs) -> NeuralNetClassifier:
        """Return the skorch net that trains `module`."""
        return NeuralNetClassifier(
            module,
            classes=np.arange(len(self.classes_)),
            optimizer=torch.optim.AdamW,
            lr=self.lr,
            optimizer__weight_decay=self.weight_decay,
            max_epochs=self.max_epochs,
            batch_size=self.batch_size,
            iterator_train__collate_fn=as_is,
            iterator_valid__collate_fn=as_is,
            callbacks__valid_acc=None,
            device=device,
            verbose=int(self.verbose),
            **kwargs,
        )

    # -- Fitting -------------------------------------------------------------------------------

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Train a network on labelled frames.

        Parameters
        ----------
        X : array-like or Frames, shape (n, ...)
            The input; NaN reads as 0.
        y : array-like of shape (n,)
            Labels: numbers or strings, two classes at least.

        Returns
        -------
        self : object
            The fitted classifier.

        Raises
        ------
        InputError
            Labels of one class only, input of a shape that it does not read, a device that is not
            there, or a training that diverged.

        Warns
        -----
        FewLabelsWarning
            A class has fewer than ten labels.
        """
        X = self._check_frames(X, reset=True)
        self.classes_, targets = encode_labels(self, X, y)
        self._warn_of_few(targets)
        self.__dict__.pop("net_", None)  # an interrupted refit leaves no network of the last one

        random_state = check_random_state(self.random_state)
        seed = random_state.randint(2**31 - 1)
        device = find_device(self.device)
        train, valid = slice(None), np.empty(0, np.int64)
        if self.early_stopping:
            valid = hold_back(targets, self.validation_fraction, random_state)
            train = np.setdiff1d(np.arange(len(targets)), valid)
        samples = self._make_dataset(X[train], targets[train], 1 - len(valid) / len(targets))
        with seeded(seed, device), one_thread():
            net = self._train(samples, X, targets, train, valid, device)
        loss = net.history[-1, "train_loss"]
        if not np.isfinite(loss):
            raise InputError(
                f"{type(self).__name__}: the training diverged (loss {loss}); lower lr={self.lr}."
            )
        self._fit_params = self.get_params(deep=False)
        self.history_ = _without_batches(net.history)
        net.history = self.history_
        self.net_ = net
        return self

    def _train(self, samples, X, targets, train, valid, device) -> NeuralNetClassifier:
        batches = self._make_batches(samples)
        callbacks = [
            ("schedule", CosineSchedule(len(batches) * self.max_epochs)),
            ("recall", RecallPerEpoch(len(self.classes_))),
        ]
        train_split = None
        if self.early_stopping:
            held_back = self._make_dataset(X[valid], targets[valid], len(valid) / len(targets))
            train_split = predefined_split(held_back)
            callbacks.append(("best", BestEpoch(self.patience)))
        net = self._make_net(
            self._build_module(len(self.classes_), self.frame_shape_in_),
            device,
            criterion=self._make_loss(targets[train]),
            iterator_train__batch_sampler=batches,
            iterator_train__batch_size=1,  # torch's way to say that the sampler decides
            train_split=train_split,
            callbacks=callbacks,
        )
        # skorch's own fit swallows KeyboardInterrupt and returns as if it were done.
        net.initialize()
        net.notify("on_train_begin", X=samples, y=None)
        with contextlib.suppress(StopTraining):
            net.fit_loop(samples)
        net.notify("on_train_end", X=samples, y=None)
        return net

    def _warn_of_few(self, targets: np.ndarray) -> None:
        counts = np.bincount(targets)
        if counts.min() < FEW_LABELS:
            few = self.classes_.tolist()[int(counts.argmin())]
            warnings.warn(
                f"{type(self).__name__}: class {few!r} has {counts.min()} labels; with fewer than "
                f"{FEW_LABELS} what is learned of it is mostly chance. Label more of these frames.",
                FewLabelsWarning,
                stacklevel=4,
            )

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
        check_is_fitted(self, "net_")
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
        check_is_fitted(self, "net_")
        return self._apply(_features, X)

    def _apply(self, function: Callable, X: Any) -> np.ndarray:
        X = self._check_frames(X, reset=False)
        module = self.net_.module_.eval()
        device = next(module.parameters()).device
        with torch.inference_mode(), one_thread():
            parts = [
                function(module, to_tensor(batch).to(device)).cpu().numpy()
                for batch in _batches(X, self._prediction_batch)
            ]
        return np.concatenate(parts)

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
        with seeded(0, torch.device("cpu")):
            module = architect._build_module(len(self.classes_), self.frame_shape_in_)
        module.load_state_dict({name: torch.from_numpy(w.copy()) for name, w in weights.items()})
        self.net_ = self._make_net(module, device, train_split=None).initialize()
        self.net_.history = self.history_


def _probabilities(module: nn.Module, x: torch.Tensor) -> torch.Tensor:
    return module(x).double().softmax(dim=1)


def _features(module: nn.Module, x: torch.Tensor) -> torch.Tensor:
    return module.features(x)


def _batches(X: Any, size: int) -> Iterator[Any]:
    """Cut X into batches of one size, whatever the blocks in which it is read.

    How large the blocks are depends on the workers, and sums in batches of another size differ in
    the last bits.
    """
    left = None
    for block in X.blocks() if is_frames(X) else (X,):
        if left is not None:
            block = np.concatenate([left, block])
        whole = len(block) - len(block) % size
        for start in range(0, whole, size):
            yield block[start : start + size]
        left = block[whole:] if whole < len(block) else None
    if left is not None:
        yield left


def _without_batches(history: History) -> History:
    """Keep one row per epoch: the losses of single batches would outweigh the weights."""
    plain = ({k: v for k, v in epoch.items() if k != "batches"} for epoch in history)
    return History(
        {k: v.item() if isinstance(v, np.generic) else v for k, v in epoch.items()}
        for epoch in plain
    )
