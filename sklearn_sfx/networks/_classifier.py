"""What stands on a base: the head, and the module that joins both."""

import torch
from torch import nn

__all__ = ["ClassifierModule", "Head"]


class Head(nn.Sequential):
    """Dropout, a hidden layer, dropout, and one output per class.

    Parameters
    ----------
    n_features : int
        Length of the base's output.
    n_hidden : int
        Units of the hidden layer.
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

    def __init__(self, n_features: int, n_hidden: int, n_outputs: int, dropout: float = 0.0):
        super().__init__(
            nn.Dropout(dropout),
            nn.Linear(n_features, n_hidden),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(n_hidden, n_outputs),
        )


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
    >>> module(torch.rand(6, 50)).shape
    torch.Size([6, 3])
    """

    def __init__(self, base: nn.Module, head: nn.Module, augmentation: nn.Module | None = None):
        super().__init__()
        self.augmentation = nn.Identity() if augmentation is None else augmentation
        self.base = base
        self.head = head

    def features(self, x: torch.Tensor) -> torch.Tensor:
        """Return the base's output; NaN, a value that is not to be used, reads as 0."""
        x = torch.where(x.isnan(), 0.0, x)
        return self.base(self.augmentation(x))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.features(x))
