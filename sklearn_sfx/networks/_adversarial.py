"""The network with two heads whose base learns what two experiments have in common."""

from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from sklearn_sfx.networks._classifier import ClassifierModule

__all__ = [
    "AdversarialLoss",
    "AdversarialModule",
    "GradientReversal",
    "domain_loss",
    "domain_weights",
]

LEAST_SHARE = 0.05  # a class rarer in a batch counts as if it were this frequent


class _Reversal(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, strength: float) -> torch.Tensor:
        ctx.strength = strength
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None]:
        return -ctx.strength * gradient, None


class GradientReversal(nn.Module):
    """Identity on the way forward; on the way back the gradient times ``-strength`` [1]_.

    Parameters
    ----------
    strength : float
        The lambda of the method. It may be set anew at any time.

    References
    ----------
    .. [1] Ganin et al., "Domain-adversarial training of neural networks", J. Mach. Learn. Res. 17,
       1 (2016).

    Examples
    --------
    >>> import torch
    >>> from sklearn_sfx.networks import GradientReversal
    >>> x = torch.ones(2, requires_grad=True)
    >>> GradientReversal(0.5)(3 * x).sum().backward()
    >>> x.grad
    tensor([-1.5000, -1.5000])
    """

    def __init__(self, strength: float = 1.0):
        super().__init__()
        self.strength = strength

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return _Reversal.apply(x, self.strength)


class AdversarialModule(ClassifierModule):
    """A base with a head for the label and, behind a gradient reversal, a head for the domain.

    Called, it gives the logits of the labels, as any `ClassifierModule`.

    Parameters
    ----------
    base, augmentation
        As in `ClassifierModule`.
    head : nn.Module
        Features to logits (n, n_classes).
    domain_head : nn.Module
        Features to one logit (n, 1): above 0 for the source.
    bottleneck : nn.Module, optional
        What the base gives to the features that both heads read; by default they are the same.

    Attributes
    ----------
    reversal : GradientReversal
        Between the features and `domain_head`.

    Examples
    --------
    >>> import torch
    >>> from sklearn_sfx.networks import AdversarialModule, Base1D, Head
    >>> base = Base1D(channels=(4,))
    >>> heads = [Head(base.n_features, 8, n_outputs) for n_outputs in (2, 1)]
    >>> labels, domain = AdversarialModule(base, *heads).both(torch.rand(6, 50))
    >>> labels.shape, domain.shape
    (torch.Size([6, 2]), torch.Size([6]))
    """

    def __init__(
        self,
        base: nn.Module,
        head: nn.Module,
        domain_head: nn.Module,
        augmentation: nn.Module | None = None,
        bottleneck: nn.Module | None = None,
    ):
        super().__init__(base, head, augmentation)
        self.bottleneck = nn.Identity() if bottleneck is None else bottleneck
        self.reversal = GradientReversal(0.0)
        self.domain_head = domain_head

    def features(self, x: torch.Tensor) -> torch.Tensor:
        """Return what both heads read."""
        return self.bottleneck(super().features(x))

    def both(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the logits of the labels (n, n_classes) and of the domain (n,)."""
        return self.heads(self.features(x))

    def heads(self, features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return what `both` does, by features."""
        return self.head(features), self.domain_head(self.reversal(features)).squeeze(1)


def domain_loss(
    labels: torch.Tensor,
    domain: torch.Tensor,
    targets: torch.Tensor,
    sample_weight: torch.Tensor | None = None,
) -> torch.Tensor:
    """Return the loss of the domain, in which each class weighs the same in source and target.

    Parameters
    ----------
    labels : tensor of shape (n, n_classes)
        Logits of the labels; no gradient goes into them.
    domain : tensor of shape (n,)
        Logits of the domain: above 0 for the source.
    targets : int64 tensor of shape (n,)
        Class numbers of the source's rows, and -1 for those of the target.
    sample_weight : tensor of shape (n,), optional
        What each row weighs.

    Examples
    --------
    >>> import torch
    >>> from sklearn_sfx.networks import domain_loss
    >>> targets = torch.tensor([0, 0, 0, 1, -1, -1])
    >>> f"{domain_loss(torch.zeros(6, 2), torch.zeros(6), targets):.3f}"  # ln 2
    '0.693'
    """
    source = (targets >= 0).to(domain.dtype)
    weight = domain_weights(labels, targets, sample_weight).to(domain.dtype)
    return F.binary_cross_entropy_with_logits(domain, source, weight=weight)


def domain_weights(
    labels: torch.Tensor, targets: torch.Tensor, sample_weight: torch.Tensor | None = None
) -> torch.Tensor:
    """Return the weights (n,) with which each class weighs the same in source and target.

    Without them, features could only be told apart by nothing if source and target had the same
    share of each class [1]_. A row of the target counts for each class by its probability. The
    parameters are those of `domain_loss`.

    References
    ----------
    .. [1] Tachet des Combes et al., "Domain adaptation with conditional distribution matching and
       generalized label shift", NeurIPS 33 (2020).
    """
    source = targets >= 0
    shares = labels.detach().softmax(dim=1)
    shares[source] = F.one_hot(targets[source], shares.shape[1]).to(shares.dtype)
    weight = torch.empty_like(shares[:, 0])
    for rows in (source, ~source):
        if sample_weight is not None:
            shares[rows] *= (sample_weight[rows] / sample_weight[rows].mean())[:, None]
        mine = (shares[rows] / shares[rows].mean(dim=0).clamp(min=LEAST_SHARE)).sum(dim=1)
        weight[rows] = mine / mine.mean()
    return weight


class AdversarialLoss(nn.Module):
    """Loss of the labels on source frames plus loss of the domain on all of them.

    Parameters
    ----------
    label_loss : nn.Module
        Loss of logits, class numbers and weights of rows.

    Examples
    --------
    >>> import torch
    >>> from sklearn_sfx.networks import AdversarialLoss, ClassLoss
    >>> loss = AdversarialLoss(ClassLoss(torch.ones(2)))
    >>> labels, domain = torch.zeros(4, 2), torch.zeros(4)
    >>> f"{loss((labels, domain), torch.tensor([0, 1, -1, -1])):.3f}"  # ln 2 and ln 2
    '1.386'
    """

    def __init__(self, label_loss: nn.Module):
        super().__init__()
        self.label_loss = label_loss

    def forward(
        self,
        logits: tuple[torch.Tensor, ...],
        targets: torch.Tensor,
        sample_weight: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Return the loss of `AdversarialModule.both`; the target's rows have the class -1."""
        labels, domain = logits[:2]
        source = targets >= 0
        weight = None if sample_weight is None else sample_weight[source]
        loss = self.label_loss(labels[source], targets[source], weight)
        if source.all():  # held-back frames, or no target: there is nothing to tell apart
            return loss
        return loss + domain_loss(labels, domain, targets, sample_weight)
