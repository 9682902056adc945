"""A network for frames in half precision, for GPUs, which take half the time for it."""

import copy

import torch
from torch import nn

from sklearn_sfx.networks._classifier import ClassifierModule
from sklearn_sfx.networks._inference import FoldedBase2D

__all__ = ["HalfPrecision", "in_half_precision"]

LARGEST = 60_000.0  # half precision ends at 65504


class HalfPrecision(nn.Module):
    """A network whose base computes in half precision; what it decides is float32.

    Parameters
    ----------
    module : ClassifierModule
        In evaluation mode, on a `FoldedBase2D`. It stays as it is.

    Examples
    --------
    >>> import torch
    >>> from sklearn_sfx.networks import Base2D, ClassifierModule, Head, for_inference
    >>> from sklearn_sfx.networks import in_half_precision
    >>> base = Base2D((40, 40), channels=(4,))
    >>> module = for_inference(ClassifierModule(base, Head(base.n_features, 8, 2)))
    >>> half = in_half_precision(module)
    >>> x = torch.rand(6, 40, 40)
    >>> torch.allclose(half(x), module(x), atol=0.01), half.is_in_range()
    (True, True)
    >>> half(1e6 * x).shape, half.is_in_range()
    (torch.Size([6, 2]), False)
    """

    def __init__(self, module: ClassifierModule):
        super().__init__()
        self.limit = largest_input(module.base)  # type: ignore[arg-type]
        self.base = copy.deepcopy(module.base).half()
        self.head = module.head
        self.most = torch.zeros((), device=next(module.parameters()).device)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return logits (n, n_classes) of frames (n, height, width)."""
        x = torch.nan_to_num(x, nan=0.0, posinf=torch.inf, neginf=-torch.inf)
        self.most = torch.maximum(self.most, torch.maximum(x.amax(), -x.amin()))
        return self.head(self.base(x.half()).float())

    def is_in_range(self) -> bool:
        """Whether no number can have been too large in anything that was computed so far."""
        return bool(self.most <= self.limit)


def in_half_precision(module: ClassifierModule) -> HalfPrecision | None:
    """Return the same in half precision; None for a network of which it is not known to work."""
    return HalfPrecision(module) if isinstance(module.base, FoldedBase2D) else None


def largest_input(base: FoldedBase2D) -> float:
    """Return the largest value in a frame from which no number of the base can leave the range.

    An output of a convolution is at most the sum of its weights' sizes times its largest input.
    """
    gain, offset = 1.0, 0.0  # the most that comes out is gain * (largest input) + offset
    limit = LARGEST
    for convolution in base.convolutions:
        weight, bias = convolution.weight.detach(), convolution.bias.detach()  # type: ignore
        gains = weight.abs().sum((1, 2, 3))
        offset = float((gains * offset + bias.abs()).max())
        gain *= float(gains.max())
        limit = min(limit, (LARGEST - offset) / gain if gain > 0 else limit)
    return limit
