"""How a network with two heads is trained: mixed batches, the reversal's strength, the record."""

import math
from collections import deque
from collections.abc import Iterator
from typing import Any

import torch
from skorch import NeuralNetClassifier
from skorch.callbacks import Callback
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.data import DataLoader, Sampler

from sklearn_sfx.classifiers._net import TrainingNet
from sklearn_sfx.classifiers._training import InMemory, count_steps, weights_of
from sklearn_sfx.networks import domain_weights

__all__ = [
    "AdversarialNet",
    "DomainHeadAhead",
    "DomainPerEpoch",
    "MixedBatches",
    "ReversalSchedule",
    "in_mixed_batches",
]

HEAD_STEPS = 10  # of the head for the domain, after each step of the whole network
HEAD_BATCHES = 5  # it learns from the features of the last batches
HEAD_RATE = 3  # its learning rate as a multiple of the highest of the network
HEAD_BETAS = (0.5, 0.999)  # less momentum than usual: its goal moves

SCHEDULES = {
    "ganin": lambda progress: 2 / (1 + math.exp(-10 * progress)) - 1,
    "linear": lambda progress: progress,
    "constant": lambda progress: 1.0,
}


class AdversarialNet(TrainingNet):
    """A net whose loss sees the logits of both heads.

    Batch norms learn from frames of the source alone, and frames of the target go through them as
    they will when they are decided on. So the target's share of hits is nowhere in the norms, and
    without the adversary this is the network of the source, of frames as `fit` made them. Row
    vectors of both go through together: they come in one measure, and a batch that knows both finds
    more hits of the target.
    """

    def train_step_single(self, batch: Any, **fit_params: Any) -> dict:
        """Do a step of the training, with what is known of the batch."""
        self.is_source_ = batch[1].to(self.device) >= 0
        try:
            return super().train_step_single(batch, **fit_params)
        finally:
            del self.is_source_  # a tensor on a GPU has no place in a saved net

    def _outputs(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Return the logits of the labels and of the domain, and the features."""
        module = self.module_
        if not module.training or x.dim() == 2:
            features = module.features(x)
        elif bool(self.is_source_.all()):  # nothing to tell apart; no dropout of that head is drawn
            features = module.features(x)
            return module.head(features), features.new_zeros(len(x)), features.detach()
        else:
            features = self._features_of_each(x)
        return *module.heads(features), features.detach()

    def _features_of_each(self, x: torch.Tensor) -> torch.Tensor:
        """Return the features of a batch of frames, whose norms learn from the source."""
        module, source = self.module_, self.is_source_
        n = int(source.sum())
        # As they come in `MixedBatches` they need not be copied.
        parts = (x[:n], x[n:]) if bool(source[:n].all()) else (x[source], x[~source])
        of_source = module.features(parts[0])
        norms = [each for each in module.modules() if isinstance(each, _BatchNorm)]
        learning = [norm for norm in norms if norm.training]
        for norm in learning:
            norm.eval()
        of_target = module.features(parts[1])
        for norm in learning:
            norm.train()
        features = of_source.new_empty(len(x), of_source.shape[1])
        return features.index_put((source,), of_source).index_put((~source,), of_target)


class MixedBatches(Sampler):
    """Shuffled batches, half of the source and half of the target.

    An epoch shows each row of the larger domain once. The rows of the smaller one come as often as
    that takes, none of them twice more than another. Without a target all rows are of the source.

    Parameters
    ----------
    targets : int64 tensor of shape (n,)
        Class numbers of the source's rows, and -1 for those of the target.
    batch_size : int
        The most rows in a batch, two at least.
    leave_target : bool, default=False
        Whether the target's half of each batch is left out; an epoch then shows the source once.
    """

    def __init__(self, targets: torch.Tensor, batch_size: int, leave_target: bool = False):
        domains = torch.where(targets >= 0)[0], torch.where(targets < 0)[0]
        self.domains = [rows for rows in domains if len(rows)]
        most = max(1, batch_size // len(self.domains))
        self.domains = self.domains[:1] if leave_target else self.domains
        self.n_draws = max(len(rows) for rows in self.domains)
        self.n_batches = math.ceil(self.n_draws / most)

    def __len__(self) -> int:
        return self.n_batches

    def __iter__(self) -> Iterator[list[int]]:
        parts = [self._draw(rows).tensor_split(self.n_batches) for rows in self.domains]
        for batch in zip(*parts, strict=True):
            yield torch.cat(batch).tolist()

    def _draw(self, rows: torch.Tensor) -> torch.Tensor:
        rounds = math.ceil(self.n_draws / len(rows))
        shuffled = [rows[torch.randperm(len(rows))] for _ in range(rounds)]
        return torch.cat(shuffled)[: self.n_draws]


def in_mixed_batches(
    dataset: InMemory, batch_size: int, leave_target: bool = False, **kwargs: Any
) -> DataLoader:
    """Load `MixedBatches` for a training; the rest is for torch's loader."""
    batches = MixedBatches(dataset.targets, batch_size, leave_target)
    return DataLoader(dataset, batch_sampler=batches, **kwargs)


class ReversalSchedule(Callback):
    """Set the strength of the gradient reversal in each batch, and record it in each epoch."""

    def __init__(self, max_lambda: float, schedule: str):
        self.max_lambda = max_lambda
        self.schedule = schedule

    def on_train_begin(
        self, net: NeuralNetClassifier, X: Any = None, y: Any = None, **kwargs: Any
    ) -> None:
        self.step_, self.n_steps_ = 0, count_steps(net, X, y)

    def on_batch_begin(self, net: NeuralNetClassifier, training: bool, **kwargs: Any) -> None:
        if training:
            factor = SCHEDULES[self.schedule](self.step_ / self.n_steps_)
            net.module_.reversal.strength = self.max_lambda * factor
            self.step_ += 1

    def on_epoch_end(self, net: NeuralNetClassifier, **kwargs: Any) -> None:
        net.history.record("lambda", net.module_.reversal.strength)


class DomainHeadAhead(Callback):
    """Train the head for the domain some steps more than the base, so that it stays a good judge.

    Only a judge near its best tells the base how the domains differ; one step for each of the base
    leaves it behind, and the base learns to fool it instead of giving up what tells them apart.
    The steps go over the features of the last batches, so the base is not computed again.
    """

    def __init__(self, lr: float, weight_decay: float):
        self.lr = lr
        self.weight_decay = weight_decay

    def on_train_begin(self, net: NeuralNetClassifier, **kwargs: Any) -> None:
        self.seen_: deque[tuple[torch.Tensor, ...]] = deque(maxlen=HEAD_BATCHES)
        self.optimizer_ = torch.optim.AdamW(
            net.module_.domain_head.parameters(),
            fused=True,
            lr=HEAD_RATE * self.lr,
            betas=HEAD_BETAS,
            weight_decay=self.weight_decay,
        )

    def on_batch_end(
        self, net: NeuralNetClassifier, batch: Any, training: bool, y_pred: Any, **kwargs: Any
    ) -> None:
        if not training:
            return
        labels, _, features = y_pred
        targets = batch[1].to(features.device)
        if (targets >= 0).all():
            return
        weight = weights_of(batch[0])
        weight = torch.ones(len(targets)) if weight is None else weight
        self.seen_.append((labels.detach(), features, targets, weight.to(features.device)))
        seen = (torch.cat(parts) for parts in zip(*self.seen_, strict=True))
        labels, features, targets, weight = seen
        source = (targets >= 0).to(features.dtype)
        weight = domain_weights(labels, targets, weight).to(features.dtype)
        for _ in range(HEAD_STEPS):
            self.optimizer_.zero_grad()
            domain = net.module_.domain_head(features).squeeze(1)
            F.binary_cross_entropy_with_logits(domain, source, weight=weight).backward()
            self.optimizer_.step()

    def on_train_end(self, net: NeuralNetClassifier, **kwargs: Any) -> None:
        del self.seen_, self.optimizer_


class DomainPerEpoch(Callback):
    """Record loss and accuracy of both heads, while training: so with dropout and augmentation.

    The label's are those of the source; the domain's are given for each of the two, and together.
    """

    def on_epoch_begin(self, net: NeuralNetClassifier, **kwargs: Any) -> None:
        # Number of rows, their summed loss, and how many were right.
        self.sums_ = {name: torch.zeros(3) for name in ("label", "source", "target")}

    def on_batch_end(
        self, net: NeuralNetClassifier, batch: Any, training: bool, y_pred: Any, **kwargs: Any
    ) -> None:
        if not training:
            return
        labels, domain = (logits.detach().float().cpu() for logits in y_pred[:2])
        targets = batch[1].cpu()
        source = targets >= 0
        label_loss = F.cross_entropy(labels[source], targets[source], reduction="none")
        right = labels[source].argmax(dim=1) == targets[source]
        self._add("label", label_loss, right)
        domain_loss = F.binary_cross_entropy_with_logits(domain, source.float(), reduction="none")
        right = (domain > 0) == source
        self._add("source", domain_loss[source], right[source])
        self._add("target", domain_loss[~source], right[~source])

    def _add(self, name: str, loss: torch.Tensor, right: torch.Tensor) -> None:
        self.sums_[name] += torch.stack([torch.tensor(len(loss)), loss.sum(), right.sum()])

    def on_epoch_end(self, net: NeuralNetClassifier, **kwargs: Any) -> None:
        sums = {
            "label": self.sums_["label"],
            "domain": self.sums_["source"] + self.sums_["target"],
            "source_domain": self.sums_["source"],
            "target_domain": self.sums_["target"],
        }
        if not self.sums_["target"][0]:
            sums = {"label": self.sums_["label"]}
        for name, (n, loss, right) in sums.items():
            net.history.record(f"{name}_loss", float(loss / n))
            net.history.record(f"{name}_accuracy", float(right / n))
