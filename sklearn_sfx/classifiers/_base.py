"""How every classifier of this package trains its network."""

import contextlib
import functools
import warnings
from collections.abc import Callable, Iterator
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
from sklearn_sfx.classifiers._learned import how_well_learned
from sklearn_sfx.classifiers._net import GRADIENTS, SCHEDULE, TrainingNet, made_loss, with_own
from sklearn_sfx.classifiers._trained import TrainedNetwork
from sklearn_sfx.classifiers._training import (
    BestEpoch,
    ClippedGradients,
    CosineSchedule,
    InMemory,
    LogIfAsked,
    RecallPerEpoch,
    StopTraining,
    as_is,
    find_device,
    hold_back,
    in_even_batches,
    one_thread,
    seeded,
)
from sklearn_sfx.exceptions import FewLabelsWarning, InputError, NotLearnedWarning
from sklearn_sfx.networks import ClassifierModule, ClassLoss

__all__ = ["Material", "TorchClassifier"]

FEW_LABELS = 10
ENOUGH_EPOCHS = 10  # of a shorter training nobody expects that it has learned
FUSED_ADAMW = functools.partial(torch.optim.AdamW, fused=True)  # one loop over all weights


@dataclass(frozen=True)
class Material:
    """What there is to train with: samples, and those held back."""

    samples: InMemory
    held_back: InMemory | None
    device: torch.device


class TorchClassifier(TrainedNetwork):
    """Base of the classifiers that train a torch module through skorch.

    A subclass has an explicit ``__init__``, adds the constraints of its own parameters, and has a
    `fit` that gives checked input, the design of the network and class numbers to `_fit`.
    `_build_module`, `_train` and the `_make_...` are there for those that train in another way.
    """

    _net_class: type[TrainingNet] = TrainingNet
    _loader: Callable = staticmethod(in_even_batches)  # of the training batches
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
        "optimizer": [callable, None],
        "criterion": [callable, None],
        "callbacks": [list, None],
        "compile": ["boolean"],
        "mixed_precision": ["boolean"],
        "device": [str, torch.device],
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

    def _make_loss(self, class_weight: np.ndarray) -> nn.Module:
        """Return the loss of logits, targets and weights of rows."""
        return ClassLoss(torch.from_numpy(class_weight), made_loss(self.criterion))

    def _highest_rate(self) -> float:
        """Return the highest learning rate of a training."""
        return self.lr

    def _make_callbacks(self) -> list[tuple[str, Callback]]:
        """Return what happens in each batch and epoch of a training."""
        schedule = (SCHEDULE, CosineSchedule())
        recall = ("recall", RecallPerEpoch(len(self.classes_)))
        largest = self.design_._largest_gradient
        # AdamW's steps are as long whatever the norm; another optimizer's would be shorter.
        if largest is None or self.optimizer is not None:
            return [schedule, recall]
        return [schedule, recall, (GRADIENTS, ClippedGradients(largest))]

    def _make_net(
        self, module: nn.Module, device: torch.device, **kwargs: Any
    ) -> NeuralNetClassifier:
        """Return the skorch net that trains `module`."""
        # Model files of older versions do not say how classes weigh.
        class_weight = getattr(self, "_class_weight", np.ones(len(self.classes_), np.float32))
        return self._net_class(
            module,
            classes=np.arange(len(self.classes_)),
            criterion=self._make_loss(class_weight),
            optimizer=FUSED_ADAMW if self.optimizer is None else self.optimizer,
            optimizer__weight_decay=self.weight_decay,
            mixed_precision=self.mixed_precision,
            batch_size=self.batch_size,
            iterator_train=self._loader,
            iterator_train__collate_fn=as_is,
            iterator_valid__collate_fn=as_is,
            callbacks__valid_acc=None,
            callbacks__print_log=LogIfAsked(),
            predict_nonlinearity=_softmax,
            device=device,
            verbose=int(self.verbose),
            **{"lr": self._highest_rate(), "max_epochs": self.max_epochs, **kwargs},
        )

    # -- Fitting -------------------------------------------------------------------------------

    def _fit(
        self,
        X: Any,
        design: NetworkDesign,
        classes: np.ndarray,
        targets: np.ndarray,
        sample_weight: np.ndarray | None,
    ) -> Self:
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
        train: Any = slice(None)
        if self.early_stopping:
            valid = hold_back(targets, self.validation_fraction, random_state)
            train = np.setdiff1d(np.arange(len(targets)), valid)
        weight = None if sample_weight is None else sample_weight / sample_weight[train].mean()

        def dataset(rows: Any) -> InMemory:
            share = len(targets[rows]) / len(targets)
            of_rows = None if weight is None else weight[rows]
            return design._make_dataset(X[rows], targets[rows], share, of_rows)

        samples = dataset(train)
        held_back = dataset(valid) if self.early_stopping else None
        self._class_weight = self._weigh_classes(samples)
        for each in (samples, held_back):
            if each is not None:
                each.move_to(device)
        material = Material(samples, held_back, device)
        net = self._train_seeded(seed, material, start)
        margin = self._margin_of(net, targets, samples)
        if margin < 0 and design._starts_anew and start is None:
            second = self._train_seeded(seed + 1, material, None)
            of_second = self._margin_of(second, targets, samples)
            if of_second > margin:
                net, margin = second, of_second
        history = _without_batches(net.history)
        loss = history[-1, "train_loss"] if len(history) else 0.0
        if not np.isfinite(loss):
            raise InputError(
                f"{type(self).__name__}: the training diverged (loss {loss}); lower "
                f"lr={self._highest_rate()}."
            )
        self.history_ = history
        net.module_.eval()
        self.net_ = net
        if margin < 0:
            warnings.warn(
                f"{type(self).__name__}: the network can hardly tell the classes of the frames it "
                "was trained on, so what it says of others is worth little. Look whether spots can "
                "be seen in frames prepared like this; label more of them, or train longer, or at "
                "another learning rate.",
                NotLearnedWarning,
                stacklevel=4,
            )
        return self

    def _train_seeded(
        self, seed: int, material: Material, start: dict[str, torch.Tensor] | None
    ) -> NeuralNetClassifier:
        """Build a network, give it the weights to start from if there are any, and train it."""
        with seeded(seed, material.device), one_thread():
            n_classes, history = len(self.classes_), History()
            module = self._build_module(self.design_, self.network_shape_, n_classes)
            if start is not None:
                module.load_state_dict(start)
                history = History(dict(epoch) for epoch in self.net_.history)
            if self.compile:
                module.base.compile()
            with _compiling(type(self).__name__) if self.compile else contextlib.nullcontext():
                net = self._train(module, material, history)
            module.base._compiled_call_impl = None  # blocks to predict are of other sizes
        return net

    def _train(
        self, module: nn.Module, material: Material, history: History
    ) -> NeuralNetClassifier:
        """Train `module` in place and return its net, whose history goes on from `history`."""
        return self._run(module, material, history, self.max_epochs, self._highest_rate())

    def _run(
        self, module: nn.Module, material: Material, history: History, max_epochs: int, lr: float
    ) -> NeuralNetClassifier:
        callbacks, train_split = self._make_callbacks(), None
        if material.held_back is not None:
            train_split = predefined_split(material.held_back)
            callbacks.append(("best", BestEpoch(self.patience)))
        net = self._make_net(
            module,
            material.device,
            lr=lr,
            max_epochs=max_epochs,
            train_split=train_split,
            callbacks=with_own(callbacks, self.callbacks),
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

    def _weigh_classes(self, samples: InMemory) -> np.ndarray:
        """Return the weight of each class, float32; 1 in the mean over the labelled samples."""
        targets = samples.targets.numpy()
        known = targets >= 0
        targets = targets[known]
        of_rows = np.ones(len(targets), np.float32)
        if samples.sample_weight is not None:
            of_rows = samples.sample_weight.numpy()[known]
        present = np.unique(targets)
        weight = np.zeros(len(self.classes_), np.float32)
        weight[present] = compute_class_weight(
            self.class_weight,
            classes=self.classes_[present],
            y=self.classes_[targets],
            sample_weight=of_rows,
        )
        if not np.isfinite(weight).all() or weight.min() < 0 or not weight[targets].any():
            raise InputError(
                f"{type(self).__name__}: class_weight={self.class_weight} has to give each class a "
                "weight of 0 or more, and one of the labels more than 0."
            )
        return weight / (weight[targets] * of_rows).mean()

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

    def _margin_of(self, net: NeuralNetClassifier, targets: np.ndarray, samples: InMemory) -> float:
        """Return how well a network has learned, below 0 hardly; inf where that is not expected."""
        n_fewest = np.bincount(targets[targets >= 0], minlength=len(self.classes_)).min()
        n_epochs = max(len(net.history), self.max_epochs if self.early_stopping else 0)
        if n_epochs < ENOUGH_EPOCHS or n_fewest < FEW_LABELS:
            return np.inf
        net.module_.eval()
        with one_thread():
            return how_well_learned(net.module_, samples)


@contextlib.contextmanager
def _compiling(name: str) -> Iterator[None]:
    """Say in a sentence what `torch.compile` lacks, mostly a C++ compiler, and leave no trace.

    What older torch compiles lets the whole process take the smallest numbers for 0 once loaded.
    """
    from torch._dynamo.exc import BackendCompilerFailed  # slow to import

    had_smallest = _has_smallest_numbers()
    try:
        yield
    except BackendCompilerFailed as error:
        why = str(error).strip().splitlines()[0]
        raise InputError(
            f"{name}(compile=True): torch could not compile the network ({why}); install a C++ "
            "compiler, such as g++, or set compile=False."
        ) from error
    finally:
        if had_smallest and not _has_smallest_numbers():
            torch.set_flush_denormal(False)


def _has_smallest_numbers() -> bool:
    """Whether what is smaller than the smallest normal number is kept, or else taken for 0."""
    return bool((np.array([np.finfo(np.float64).tiny]) / 4)[0])


def _softmax(logits: torch.Tensor) -> torch.Tensor:
    return logits.softmax(dim=-1)


def _without_batches(history: History) -> History:
    """Keep one row per epoch: the losses of single batches would outweigh the weights.

    An epoch that a callback broke off has none.
    """
    whole = (epoch for epoch in history if "train_loss" in epoch)
    plain = ({k: v for k, v in epoch.items() if k != "batches"} for epoch in whole)
    return History(
        {k: v.item() if isinstance(v, np.generic) else v for k, v in epoch.items()}
        for epoch in plain
    )
