"""The parts of a training run: samples, batches, what is recorded, and when it ends."""

import contextlib
import functools
import math
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from skorch import NeuralNetClassifier
from skorch.callbacks import Callback, PrintLog
from threadpoolctl import ThreadpoolController
from torch.utils.data import DataLoader, Dataset, Sampler

from sklearn_sfx.exceptions import InputError

__all__ = [
    "BestEpoch",
    "ClippedGradients",
    "CosineSchedule",
    "EvenBatches",
    "InMemory",
    "LogIfAsked",
    "RecallPerEpoch",
    "StopTraining",
    "as_is",
    "as_samples",
    "count_steps",
    "find_device",
    "fits_on",
    "hold_back",
    "in_even_batches",
    "one_thread",
    "seeded",
    "to_tensor",
    "values_of",
    "weights_of",
]

WARM_UP = 0.1  # the share of the training over which the learning rate rises
FINAL_RATE = 0.01  # the learning rate ends at this share of its maximum

# Dropout and the weights' start draw from torch's one global generator: threads take turns.
_one_training_at_a_time = threading.RLock()


class StopTraining(KeyboardInterrupt):
    """Raised inside the training loop when more epochs would not help; skorch takes it for that."""


def find_device(device: str | torch.device) -> torch.device:
    """Turn the parameter `device` into a torch device; "auto" takes a GPU where there is one."""
    device = str(device)
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        found = torch.device(device)
    except RuntimeError as error:
        raise InputError(
            f'device={device!r} is no device of torch; say "auto" or "cpu".'
        ) from error
    if found.type == "cuda" and not torch.cuda.is_available():
        raise InputError(f'device={device!r}, but torch finds no GPU here; say "auto" or "cpu".')
    return found


@functools.cache
def _openmp() -> ThreadpoolController:
    return ThreadpoolController().select(user_api="openmp")


def one_thread() -> contextlib.AbstractContextManager:
    """Let torch compute in the calling thread alone, and nothing else change.

    These networks are too small to gain from more threads, lose much where the cores are busy, and
    sums over threads differ in the last bits: one job would not give what two give.
    """
    return _openmp().limit(limits=1)


@contextlib.contextmanager
def _repeatable_convolutions() -> Iterator[None]:
    """Let cuDNN take no kernel whose sums depend on which of its threads is first."""
    before = torch.backends.cudnn.deterministic
    torch.backends.cudnn.deterministic = True
    try:
        yield
    finally:
        torch.backends.cudnn.deterministic = before


@contextlib.contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Seed torch's generators inside, and leave them outside as they were.

    On a GPU convolutions are by kernels that give the same bits each time, which the quickest do
    not.
    """
    on_gpu = device.type == "cuda"
    with (
        _one_training_at_a_time,
        _repeatable_convolutions() if on_gpu else contextlib.nullcontext(),
        torch.random.fork_rng(devices=[device] if on_gpu else []),
        torch.cuda.device(device) if on_gpu else contextlib.nullcontext(),
    ):
        # Not torch.manual_seed, which would also reseed every GPU.
        torch.default_generator.manual_seed(seed)
        if on_gpu:
            torch.cuda.manual_seed(seed)
        yield


def hold_back(
    targets: np.ndarray, fraction: float, random_state: np.random.RandomState
) -> np.ndarray:
    """Choose rows for validation: shuffled, the same share of each class, never all of one.

    Rows without a class, -1, are never chosen.
    """
    rows = []
    for target in np.unique(targets[targets >= 0]):
        mine = random_state.permutation(np.flatnonzero(targets == target))
        n = max(1, round(fraction * len(mine)))
        rows.append(mine[: min(n, len(mine) - 1)])
    return np.sort(np.concatenate(rows))


def to_tensor(x: np.ndarray | torch.Tensor) -> torch.Tensor:
    """Return float32 values; an array is copied, so that the caller's is never shared."""
    if isinstance(x, torch.Tensor):
        return x.detach().to(torch.float32)
    return torch.from_numpy(np.array(x, dtype=np.float32, order="C"))


def fits_on(device: torch.device, n_bytes: float) -> bool:
    """Whether a device is a GPU with twice as much memory left."""
    return device.type == "cuda" and 2 * n_bytes < torch.cuda.mem_get_info(device)[0]


class InMemory(Dataset):
    """Samples and targets in arrays, fetched one batch at a time.

    Where samples weigh, what is fetched of them is a dict: ``x`` and ``sample_weight``.
    """

    def __init__(
        self,
        X: np.ndarray | torch.Tensor,
        targets: np.ndarray,
        sample_weight: np.ndarray | None = None,
    ):
        self.X = X
        self.targets = torch.from_numpy(targets)
        self.sample_weight = None
        if sample_weight is not None:
            self.sample_weight = torch.from_numpy(sample_weight.astype(np.float32))

    def move_to(self, device: torch.device) -> None:
        """Keep the samples where they are trained on, if that is a GPU and they fit there."""
        if fits_on(device, 4 * math.prod(self.X.shape)):
            self.X = to_tensor(self.X).to(device)

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, row: int) -> tuple[Any, torch.Tensor]:
        return self._weighed(self._fetch([row])[0], row), self.targets[row]

    def __getitems__(self, rows: list[int]) -> tuple[Any, torch.Tensor]:
        return self._weighed(self._fetch(rows), rows), self.targets[rows]

    def _fetch(self, rows: list[int]) -> torch.Tensor:
        """Return float32 values of some rows."""
        return to_tensor(self.X[rows])

    def _weighed(self, x: torch.Tensor, rows: Any) -> Any:
        if self.sample_weight is None:
            return x
        return {"x": x, "sample_weight": self.sample_weight[rows]}


def values_of(x: Any) -> Any:
    """Return the samples of a batch, whether they weigh or not."""
    return x["x"] if isinstance(x, dict) else x


def weights_of(x: Any) -> torch.Tensor | None:
    """Return what the samples of a batch weigh, (n,) float32; None where all weigh the same."""
    return x["sample_weight"] if isinstance(x, dict) else None


def as_samples(X: Any, y: Any = None) -> InMemory:
    """Return what a net is given by its user: X as the network reads it, y of class numbers."""
    X = X if isinstance(X, torch.Tensor) else np.asarray(X)
    return InMemory(X, np.zeros(len(X), np.int64) if y is None else np.asarray(y, dtype=np.int64))


def as_is(batch: Any) -> Any:
    """Collate nothing: `InMemory` hands out whole batches."""
    return batch


class EvenBatches(Sampler):
    """Shuffled batches whose sizes differ by one at most, so that none is a leftover of one."""

    def __init__(self, n_samples: int, batch_size: int):
        self.n_samples = n_samples
        self.n_batches = math.ceil(n_samples / batch_size)

    def __len__(self) -> int:
        return self.n_batches

    def __iter__(self) -> Iterator[list[int]]:
        for rows in torch.randperm(self.n_samples).tensor_split(self.n_batches):
            yield rows.tolist()


def in_even_batches(dataset: Dataset, batch_size: int, **kwargs: Any) -> DataLoader:
    """Load `EvenBatches` for a training; the rest is for torch's loader."""
    batches = EvenBatches(len(dataset), batch_size)  # type: ignore[arg-type]
    return DataLoader(dataset, batch_sampler=batches, **kwargs)


def count_steps(net: NeuralNetClassifier, X: Any, y: Any) -> int:
    """Return the number of batches of a training that begins."""
    return len(net.get_iterator(net.get_dataset(X, y), training=True)) * net.max_epochs


class CosineSchedule(Callback):
    """Learning rate per batch: a short rise to each group's own rate, then a cosine down."""

    def on_train_begin(
        self, net: NeuralNetClassifier, X: Any = None, y: Any = None, **kwargs: Any
    ) -> None:
        self.step_, self.n_steps_ = 0, count_steps(net, X, y)
        self.rates_ = [group["lr"] for group in net.optimizer_.param_groups]

    def on_batch_begin(self, net: NeuralNetClassifier, training: bool, **kwargs: Any) -> None:
        if not training:
            return
        factor = self.factor(self.step_ / self.n_steps_)
        for group, rate in zip(net.optimizer_.param_groups, self.rates_, strict=True):
            group["lr"] = rate * factor
        net.history.record("lr", net.optimizer_.param_groups[0]["lr"])
        self.step_ += 1

    @staticmethod
    def factor(progress: float) -> float:
        """Return the share of the maximum at `progress`, from 0 to 1."""
        if progress < WARM_UP:
            return 0.1 + 0.9 * progress / WARM_UP
        rest = min(1.0, (progress - WARM_UP) / (1 - WARM_UP))
        return FINAL_RATE + (1 - FINAL_RATE) * 0.5 * (1 + math.cos(math.pi * rest))


class ClippedGradients(Callback):
    """Scale the gradient of base and head down to a norm; a head for the domain has no part in it.

    Parameters
    ----------
    largest : float
        The norm above which it is scaled down.
    """

    def __init__(self, largest: float):
        self.largest = largest

    def on_grad_computed(self, net: NeuralNetClassifier, **kwargs: Any) -> None:
        module = net.module_
        parameters = [*module.base.parameters(), *module.head.parameters()]
        torch.nn.utils.clip_grad_norm_(parameters, self.largest)


class LogIfAsked(PrintLog):
    """skorch's log, which makes no table that it does not print."""

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        if net.verbose:
            super().on_epoch_end(net, **kwargs)


class RecallPerEpoch(Callback):
    """Record `train_recall` and `valid_recall`: the mean over the classes of the recall of each.

    The mean over the classes is what cannot be won by calling everything a hit. That of the
    training part is taken while training, so with dropout and augmentation. Rows without a class,
    -1, are passed over; a row counts as much as it weighs.
    """

    def __init__(self, n_classes: int):
        self.n_classes = n_classes

    def on_epoch_begin(self, net: NeuralNetClassifier, **kwargs: Any) -> None:
        self.found_ = np.zeros((2, self.n_classes))
        self.all_ = np.zeros((2, self.n_classes))

    def on_batch_end(
        self, net: NeuralNetClassifier, batch: Any, training: bool, y_pred: Any, **kwargs: Any
    ) -> None:
        logits = y_pred[0] if isinstance(y_pred, tuple) else y_pred
        target = batch[1].cpu().numpy()
        chosen = logits.argmax(dim=1).cpu().numpy()
        weight = weights_of(batch[0])
        weight = np.ones(len(target)) if weight is None else weight.cpu().numpy()
        known, right = target >= 0, chosen == target
        part = 0 if training else 1
        np.add.at(self.all_[part], target[known], weight[known])
        np.add.at(self.found_[part], target[right], weight[right])

    def on_epoch_end(self, net: NeuralNetClassifier, **kwargs: Any) -> None:
        for part, name in enumerate(("train_recall", "valid_recall")):
            present = self.all_[part] > 0
            if present.any():
                recall = self.found_[part][present] / self.all_[part][present]
                net.history.record(name, float(recall.mean()))


class BestEpoch(Callback):
    """Stop after `patience` epochs without a better one, and go back to the best.

    Better is a higher `valid_recall`; where two epochs tie, a lower `valid_loss`.
    """

    def __init__(self, patience: int):
        self.patience = patience

    def on_train_begin(self, net: NeuralNetClassifier, **kwargs: Any) -> None:
        self.best_ = (-math.inf, -math.inf)
        self.misses_ = 0

    def on_epoch_end(self, net: NeuralNetClassifier, **kwargs: Any) -> None:
        record = net.history[-1]
        score = (record["valid_recall"], -record["valid_loss"])
        is_best = bool(score > self.best_)  # of Python, which the JSON of a Checkpoint takes
        net.history.record("valid_recall_best", is_best)
        if is_best:
            self.best_ = score
            self.misses_ = 0
            weights = net.module_.state_dict()
            self.weights_ = {name: value.detach().clone() for name, value in weights.items()}
            return
        self.misses_ += 1
        if self.misses_ >= self.patience:
            raise StopTraining

    def on_train_end(self, net: NeuralNetClassifier, **kwargs: Any) -> None:
        if hasattr(self, "weights_"):
            net.module_.load_state_dict(self.weights_)
            del self.weights_
