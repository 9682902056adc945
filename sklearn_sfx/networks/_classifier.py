"""What stands on a base: the head, and the module that joins both."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import nn

from sklearn_sfx.exceptions import InputError

__all__ = ["ClassLoss", "ClassifierModule", "Head"]


class Head(nn.Sequential):
    """Hidden layers and one output per class, with dropout before each layer.

    Parameters
    ----------
    n_features : int
        Length of the base's output.
    n_hidden : int or sequence of int
        Units of the hidden layer, or of each hidden layer.
    n_outputs : int
        Number of classes; the outputs are logits.
    dropout : float
        Share of the values that are left out before each layer while training.

    Examples
    --------
    >>> import torch
    >>> from sklearn_sfx.networks import Head
    >>> Head(128, 32, 2)(torch.rand(5, 128)).shape
    torch.Size([5, 2])
    """

    def __init__(
        self,
        n_features: int,
        n_hidden: int | Sequence[int],
        n_outputs: int,
        dropout: float = 0.0,
    ):
        hidden = [n_hidden] if isinstance(n_hidden, int) else n_hidden
        layers: list[nn.Module] = []
        for n_in, n_out in pairwise([n_features, *hidden]):
            layers += [nn.Dropout(dropout), nn.Linear(n_in, n_out), nn.ReLU()]
        last = nn.Linear(hidden[-1] if hidden else n_features, n_outputs)
        super().__init__(*layers, nn.Dropout(dropout), last)


class ClassifierModule(nn.Module):
    """Augmentation (while training), base and head in a row.

    Parameters
    ----------
    base : nn.Module
        Input to features (n, n_features).
    head : nn.Module
        Features to logits (n, n_classes).
    augmentation : nn.Module, optional
        Changes the input in training mode only.

    Examples
    --------
    >>> import torch
    >>> from sklearn_sfx.networks import Base1D, ClassifierModule, Head
    >>> base = Base1D(channels=(4,))
    >>> module = ClassifierModule(base, Head(base.n_features, 8, 3))
    >>> module(torch.rand(6, 50)).shape, module.features(torch.rand(6, 50)).shape
    (torch.Size([6, 3]), torch.Size([6, 8]))
    """

    def __init__(self, base: nn.Module, head: nn.Module, augmentation: nn.Module | None = None):
        super().__init__()
        self.augmentation = nn.Identity() if augmentation is None else augmentation
        self.base = base
        self.head = head

    def features(self, x: torch.Tensor) -> torch.Tensor:
        """Return what the base makes of an input.

        Parameters
        ----------
        x : Tensor of shape (n, ...), float32
            What the base takes; NaN, a value that is not to be used, reads as 0.

        Returns
        -------
        Tensor of shape (n, n_features), float32
            The features.
        """
        x = torch.nan_to_num(x, nan=0.0, posinf=torch.inf, neginf=-torch.inf)
        return self.base(self.augmentation(x))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the logits of an input.

        Parameters
        ----------
        x : Tensor of shape (n, ...), float32
            What the base takes; NaN reads as 0.

        Returns
        -------
        Tensor of shape (n, n_classes), float32
            The logits.
        """
        return self.head(self.features(x))


class ClassLoss(nn.Module):
    """The loss of each row by the weight of its class: a class weighs that over an epoch.

    The sum over a batch is divided by the number of its rows. Torch divides by the sum of their
    weights, which balances each batch by itself: a hit then counts for less the more hits there are
    beside it, and misses for more where there is none.

    Parameters
    ----------
    weight : tensor of shape (n_classes,)
        Weight of each class; 1 in the mean over all rows, if the loss is to be of the usual size.
    criterion : callable, optional
        Logits (n, n_classes) and class numbers (n,) to the loss of each row, (n,): by default the
        cross entropy.

    Examples
    --------
    >>> import torch
    >>> from sklearn_sfx.networks import ClassLoss
    >>> loss = ClassLoss(torch.tensor([0.5, 2.0]))
    >>> misses = loss(torch.zeros(4, 2), torch.tensor([0, 0, 0, 0]))
    >>> one_hit = loss(torch.zeros(4, 2), torch.tensor([0, 0, 0, 1]))
    >>> f"{misses:.3f} {one_hit:.3f}"  # ln 2 times 0.5, and times 0.875
    '0.347 0.607'
    """

    weight: torch.Tensor

    def __init__(self, weight: torch.Tensor, criterion: Callable | None = None):
        super().__init__()
        self.register_buffer("weight", weight)
        self.criterion = nn.CrossEntropyLoss(reduction="none") if criterion is None else criterion

    def forward(
        self,
        logits: torch.Tensor,
        targets: torch.Tensor,
        sample_weight: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Return the loss of logits (n, n_classes), class numbers (n,) and weights of rows (n,)."""
        loss = self.criterion(logits, targets)
        if loss.shape != targets.shape:
            raise InputError(
                f"The criterion gives a loss of shape {tuple(loss.shape)} for {len(targets)} rows, "
                "and each of them weighs: take reduction='none', which gives one loss a row."
            )
        loss = loss * self.weight[targets]
        return (loss if sample_weight is None else loss * sample_weight).mean()
