"""The convolutional base for RWD vectors."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional as F

from sklearn_sfx.networks._learning_1d import learn_blocks, learns_here

__all__ = ["Base1D", "in_own_units"]


class Base1D(nn.Module):
    """Blocks of convolution, batch norm, ReLU and pooling on vectors of any length.

    Parameters
    ----------
    channels : sequence of int
        Output channels of each block; as many blocks as there are entries.
    kernel_size : int
        Length of each convolution; odd, so that the blocks keep positions.
    dropout : float
        Share of the channels that the last two blocks leave out while training.
    own_units : bool
        Whether each vector is first divided by its median, as `DANN` has it: vectors of another
        detector may be larger by any factor.

    Attributes
    ----------
    blocks : nn.Sequential
        The blocks, bottom first.
    n_features : int
        Length of the output vector.

    Examples
    --------
    >>> import torch
    >>> from sklearn_sfx.networks import Base1D
    >>> base = Base1D(channels=(4, 8), kernel_size=5)
    >>> base(torch.rand(3, 720)).shape, base(torch.rand(3, 1)).shape
    (torch.Size([3, 16]), torch.Size([3, 16]))
    """

    def __init__(
        self,
        channels: Sequence[int] = (16, 32, 64, 64),
        kernel_size: int = 7,
        dropout: float = 0.0,
        own_units: bool = False,
    ):
        super().__init__()
        self.own_units = own_units
        self.scale = BatchNorm1d(1, affine=False)
        widths = [1, *channels]
        first_dropped = len(channels) - 2
        layers = enumerate(pairwise(widths))
        self.blocks = nn.Sequential(
            *(
                Block1D(n_in, n_out, kernel_size, dropout if i >= first_dropped else 0.0)
                for i, (n_in, n_out) in layers
            )
        )
        self.n_features = 2 * widths[-1]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Turn vectors into features.

        Parameters
        ----------
        x : Tensor of shape (n, length), float32
            The vectors, of any length.

        Returns
        -------
        Tensor of shape (n, n_features), float32
            The features.
        """
        if self.own_units:
            x = in_own_units(x)
        # The heights of spots span decades: what counts is that a row has one, more than how high.
        x = torch.asinh(self.scale(x.unsqueeze(1)))
        x = learn_blocks(x, self.blocks) if learns_here(x, self.blocks) else self.blocks(x)
        # Spots may lie in any row: how much there is on the whole, and the most in one place.
        return torch.cat([x.mean(dim=2), x.amax(dim=2)], dim=1)


def in_own_units(x: torch.Tensor) -> torch.Tensor:
    """Return vectors (n, length), each in units of its median: of its mean where that is 0."""
    size = x.abs()
    median, mean = size.median(dim=1, keepdim=True).values, size.mean(dim=1, keepdim=True)
    unit = torch.where(median > 0, median, mean)
    return x / torch.where(unit > 0, unit, 1.0)


class Block1D(nn.Module):
    """Convolution, batch norm, ReLU, pooling by two as long as there are two values to pool."""

    def __init__(self, n_in: int, n_out: int, kernel_size: int, dropout: float):
        super().__init__()
        self.conv = nn.Conv1d(n_in, n_out, kernel_size, padding=kernel_size // 2, bias=False)
        self.norm = BatchNorm1d(n_out)
        self.drop = nn.Dropout1d(dropout)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.relu(self.norm(self.conv(x)))
        if x.shape[2] > 1:
            x = F.max_pool1d(x, 2)
        return self.drop(x)


class BatchNorm1d(nn.BatchNorm1d):
    """Batch norm that uses what it knows where a batch holds one value, and has no spread."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not self.training or x.shape[0] * x.shape[2] > 1:
            return super().forward(x)
        return F.batch_norm(
            x, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps
        )
