"""How every classifier of this package trains its network."""

import contextlib
import warnings
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, _fit_context
from sklearn.utils import check_random_state, compute_class_weight
from sklearn.utils._param_validation import Interval, StrOptions
from skorch import NeuralNetClassifier
from skorch.callbacks import Callback
from skorch.helper import predefined_split
from skorch.history import History
from torch import nn

from sklearn_sfx._labels import encode_labels
from sklearn_sfx._validation import is_frames
from sklearn_sfx.classifiers._trained import TrainedNetwork
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
)
from sklearn_sfx.exceptions import FewLabelsWarning, InputError
from sklearn_sfx.networks import Base1D, Base2D, ClassifierModule

__all__ = ["Material", "TorchClassifier", "positive_integers"]

FEW_LABELS = 10


@dataclass(frozen=True)
class Material:
    """What there is to train with: samples, those held back, class numbers of the former."""

    samples: InMemory
    held_back: InMemory | None
    targets: np.ndarray
    device: torch.device


class TorchClassifier(TrainedNetwork):
    """Base of the classifiers that train a torch module through skorch.

    A subclass has an explicit ``__init__``, adds the constraints of its own parameters, and says
    which input it reads (`_check_frames`, `_make_dataset`) and of what its network is built
    (`_build_base`, `_build_head`, `_augmentation`). `_train` and the other `_make_...` are there
    for those that train in another way.
    """

    _net_class = NeuralNetClassifier
    _augmentation: type[nn.Module]
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
        "warm_start": ["boolean"],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    # -- What a subclass says ------------------------------------------------------------------

    def _make_dataset(self, X: Any, targets: np.ndarray, share: float) -> InMemory:
        """Return samples and their targets; `share` is their part of all that `fit` was given."""
        return InMemory(np.asarray(X) if is_frames(X) else X, targets)

    def _build_base(self, frame_shape: tuple[int, ...]) -> Base1D | Base2D:
        """Return a fresh base: input to features (n, ``base.n_features``)."""
        raise NotImplementedError

    def _build_head(self, n_features: int, n_outputs: int) -> nn.Module:
        """Return a fresh head: features to logits (n, n_outputs)."""
        raise NotImplementedError

    def _build_module(self, n_classes: int) -> ClassifierModule:
        """Return the whole network, fresh."""
        base = self._build_base(self._network_shape)
        head = self._build_head(base.n_features, n_classes)
        return ClassifierModule(base, head, self._augmentation() if self.augment else None)

    @property
    def _network_shape(self) -> tuple[int, ...]:
        """The shape of the frames that the network reads."""
        return self.frame_shape_in_

    def _architecture(self) -> "TorchClassifier":
        """Return an unfitted classifier that builds the base this one was fitted with."""
        return type(self)(**self._fit_params)

    def _make_batches(self, dataset: InMemory) -> Any:
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

    def _make_callbacks(self, n_steps: int) -> list[tuple[str, Callback]]:
        """Return what happens in each batch and epoch of a training of so many steps."""
        return [
            ("schedule", CosineSchedule(n_steps)),
            ("recall", RecallPerEpoch(len(self.classes_))),
        ]

    def _make_net(
        self, module: nn.Module, device: torch.device, **kwargs: Any
    ) -> NeuralNetClassifier:
        """Return the skorch net that trains `module`."""
        return self._net_class(
            module,
            classes=np.arange(len(self.classes_)),
            optimizer=torch.optim.AdamW,
            optimizer__weight_decay=self.weight_decay,
            batch_size=self.batch_size,
            iterator_train__collate_fn=as_is,
            iterator_valid__collate_fn=as_is,
            callbacks__valid_acc=None,
            predict_nonlinearity=_softmax,
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
        X = self._check_frames(X, True, self)
        classes, targets = encode_labels(self, X, y)
        return self._fit(X, classes, targets)

    def _fit(self, X: Any, classes: np.ndarray, targets: np.ndarray) -> Self:
        """Train on class numbers; -1 marks a row without a class."""
        start = self._start_of_warm_fit(classes) if self.warm_start else None
        if start is None:
            self.__dict__.pop("net_", None)  # an interrupted refit leaves no network of the last
        self.classes_ = classes
        self.preprocessing_ = X.preprocessing if is_frames(X) else None
        self._warn_of_few(targets)

        random_state = check_random_state(self.random_state)
        seed = random_state.randint(2**31 - 1)
        device = find_device(self.device)
        train, held_back = slice(None), None
        if self.early_stopping:
            valid = hold_back(targets, self.validation_fraction, random_state)
            train = np.setdiff1d(np.arange(len(targets)), valid)
            share = len(valid) / len(targets)
            held_back = self._make_dataset(X[valid], targets[valid], share)
        samples = self._make_dataset(X[train], targets[train], len(targets[train]) / len(targets))
        with seeded(seed, device), one_thread():
            module, history = self._build_module(len(classes)), History()
            if start is not None:
                module.load_state_dict(start)
                history = History(dict(epoch) for epoch in self.history_)
            material = Material(samples, held_back, targets[train], device)
            net = self._train(module, material, history)
        loss = net.history[-1, "train_loss"]
        if not np.isfinite(loss):
            raise InputError(
                f"{type(self).__name__}: the training diverged (loss {loss}); lower lr={self.lr}."
            )
        self._fit_params = self.get_params(deep=False)
        self.history_ = _without_batches(net.history)
        net.history = self.history_
        net.module_.eval()
        self.net_ = net
        return self

    def _train(
        self, module: nn.Module, material: Material, history: History
    ) -> NeuralNetClassifier:
        """Train `module` in place and return its net, whose history goes on from `history`."""
        return self._run(module, material, history, self.max_epochs, self.lr)

    def _run(
        self, module: nn.Module, material: Material, history: History, max_epochs: int, lr: float
    ) -> NeuralNetClassifier:
        batches = self._make_batches(material.samples)
        callbacks = self._make_callbacks(len(batches) * max_epochs)
        train_split = None
        if material.held_back is not None:
            train_split = predefined_split(material.held_back)
            callbacks.append(("best", BestEpoch(self.patience)))
        net = self._make_net(
            module,
            material.device,
            criterion=self._make_loss(material.targets),
            max_epochs=max_epochs,
            lr=lr,
            iterator_train__batch_sampler=batches,
            iterator_train__batch_size=1,  # torch's way to say that the sampler decides
            train_split=train_split,
            callbacks=callbacks,
        )
        # skorch's own fit swallows KeyboardInterrupt and returns as if it were done.
        net.initialize()
        net.history = history
        net.notify("on_train_begin", X=material.samples, y=None)
        with contextlib.suppress(StopTraining):
            net.fit_loop(material.samples)
        net.notify("on_train_end", X=material.samples, y=None)
        return net

    def _start_of_warm_fit(self, classes: np.ndarray) -> dict[str, torch.Tensor] | None:
        """Return the weights to go on from; None before the first fit."""
        if not hasattr(self, "net_"):
            return None
        name = f"{type(self).__name__}(warm_start=True)"
        weights = self.net_.module_.state_dict()
        if not np.array_equal(classes, self.classes_):
            raise InputError(
                f"{name} goes on with the labels of the last fit, {self.classes_.tolist()}, and y "
                f"holds {classes.tolist()}: set warm_start=False to start anew."
            )
        with seeded(0, torch.device("cpu")):
            fresh = self._build_module(len(classes)).state_dict()
        if {k: v.shape for k, v in fresh.items()} != {k: v.shape for k, v in weights.items()}:
            raise InputError(
                f"{name} goes on with the network of the last fit, which was of another "
                "architecture or for frames of another shape: set warm_start=False to start anew."
            )
        return weights

    def _warn_of_few(self, targets: np.ndarray) -> None:
        counts = np.bincount(targets[targets >= 0])
        if counts.min() < FEW_LABELS:
            few = self.classes_.tolist()[int(counts.argmin())]
            warnings.warn(
                f"{type(self).__name__}: class {few!r} has {counts.min()} labels; with fewer than "
                f"{FEW_LABELS} what is learned of it is mostly chance. Label more of these frames.",
                FewLabelsWarning,
                stacklevel=5,
            )


def _softmax(logits: torch.Tensor) -> torch.Tensor:
    return logits.softmax(dim=-1)


def _without_batches(history: History) -> History:
    """Keep one row per epoch: the losses of single batches would outweigh the weights."""
    plain = ({k: v for k, v in epoch.items() if k != "batches"} for epoch in history)
    return History(
        {k: v.item() if isinstance(v, np.generic) else v for k, v in epoch.items()}
        for epoch in plain
    )


def positive_integers(
    estimator: BaseEstimator, name: str, *, may_be_empty: bool = False
) -> list[int]:
    """Return the parameter `name`, a number or a sequence of them, as a list."""
    value = getattr(estimator, name)
    numbers = [int(number) for number in np.atleast_1d(value)]
    if any(number < 1 for number in numbers) or not (numbers or may_be_empty):
        raise InputError(f"{name}={value!r} needs one positive number per layer.")
    return numbers
