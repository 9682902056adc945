"""How every classifier of this package trains its network."""

import contextlib
import warnings
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
import torch
from sklearn.utils import check_random_state, compute_class_weight
from sklearn.utils._param_validation import Interval, StrOptions
from skorch import NeuralNetClassifier
from skorch.callbacks import Callback
from skorch.helper import predefined_split
from skorch.history import History
from torch import nn

from sklearn_sfx._validation import is_frames
from sklearn_sfx.classifiers._design import NetworkDesign
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
from sklearn_sfx.networks import ClassifierModule, ClassLoss

__all__ = ["Material", "TorchClassifier"]

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

    A subclass has an explicit ``__init__``, adds the constraints of its own parameters, and has a
    `fit` that gives checked input, the design of the network and class numbers to `_fit`.
    `_build_module`, `_train` and the `_make_...` are there for those that train in another way.
    """

    _net_class = NeuralNetClassifier
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

    # -- What a subclass may replace -----------------------------------------------------------

    def _build_module(
        self, design: NetworkDesign, frame_shape: tuple[int, ...], n_classes: int
    ) -> ClassifierModule:
        base = design._checked_base(frame_shape)
        head = design.build_head(base.n_features, n_classes)
        return ClassifierModule(base, head, design.build_augmentation() if self.augment else None)

    def _make_batches(self, dataset: InMemory) -> Any:
        """Return what yields the rows of each training batch."""
        return EvenBatches(len(dataset), self.batch_size)

    def _make_loss(self, targets: np.ndarray) -> nn.Module:
        """Return the loss of logits and targets, whose classes are balanced over all of them."""
        n_classes = len(self.classes_)
        present = np.unique(targets)
        labels = self.classes_[present]
        weight = np.zeros(n_classes, np.float32)
        weight[present] = compute_class_weight(
            self.class_weight, classes=labels, y=self.classes_[targets]
        )
        if not np.isfinite(weight).all() or weight.min() < 0 or not weight[targets].any():
            raise InputError(
                f"{type(self).__name__}: class_weight={self.class_weight} has to give each class a "
                "weight of 0 or more, and one of the labels more than 0."
            )
        weight /= weight[targets].mean()
        return ClassLoss(torch.from_numpy(weight))

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

    def _fit(self, X: Any, design: NetworkDesign, classes: np.ndarray, targets: np.ndarray) -> Self:
        """Train on X as the network reads it and class numbers; -1 marks a row without a class."""
        shape = tuple(int(side) for side in X.shape[1:])
        start = self._start_of_warm_fit(design, shape, classes) if self.warm_start else None
        if start is None:
            self.__dict__.pop("net_", None)  # an interrupted refit leaves no network of the last
        self.design_, self.network_shape_, self.classes_ = design, shape, classes
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
            held_back = design._make_dataset(X[valid], targets[valid], share)
        share = len(targets[train]) / len(targets)
        samples = design._make_dataset(X[train], targets[train], share)
        for each in (samples, held_back):
            if each is not None:
                each.move_to(device)
        with seeded(seed, device), one_thread():
            module, history = self._build_module(design, shape, len(classes)), History()
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

    def _start_of_warm_fit(
        self, design: NetworkDesign, shape: tuple[int, ...], classes: np.ndarray
    ) -> dict[str, torch.Tensor] | None:
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
            fresh = self._build_module(design, shape, len(classes)).state_dict()
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
