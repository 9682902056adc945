"""The convolutional base for whole frames."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional as F

from sklearn_sfx.networks._frame_kernels import STRIDE
from sklearn_sfx.networks._learning_2d import learn_blocks, learns_here

__all__ = ["Base2D"]

# Ke et al. pool 3 x 3 in the first block and 2 x 2 in the others, and take every second position.
FIRST_POOL, POOL = 3, 2


class Base2D(nn.Module):
    """Blocks of convolution, batch norm, ReLU and pooling on frames of one size.

    The defaults are the base of Ke et al. [1]_, which leaves 3 x 3 values in each of 32 channels of
    a frame of 720 x 720. Each block makes a frame about four times smaller along each side, but
    never smaller than one value.

    Parameters
    ----------
    frame_shape : tuple of int
        Height and width of the frames, from 1 x 1 up.
    channels : sequence of int
        Output channels of each block; as many blocks as there are entries.
    first_kernel_size : int
        Side of the convolution of the first block; odd.
    kernel_size : int
        Side of the other convolutions; odd.
    dropout : float
        Share of the channels that the last two blocks leave out while training.

    Attributes
    ----------
    blocks : nn.Sequential
        The blocks, bottom first.
    n_features : int
        Length of the output vector.

    References
    ----------
    .. [1] Ke et al., "A convolutional neural network-based screening tool for X-ray serial
       crystallography", J. Synchrotron Rad. 25, 655 (2018).

    Examples
    --------
    >>> import torch
    >>> from sklearn_sfx.networks import Base2D
    >>> Base2D((720, 720)).n_features == 3 * 3 * 32
    True
    >>> Base2D((1, 40), channels=(4, 8))(torch.rand(5, 1, 40)).shape
    torch.Size([5, 16])
    """

    def __init__(
        self,
        frame_shape: tuple[int, int],
        channels: Sequence[int] = (4, 8, 16, 32),
        first_kernel_size: int = 7,
        kernel_size: int = 3,
        dropout: float = 0.0,
    ):
        super().__init__()
        widths = [1, *channels]
        first_dropped = len(channels) - 2
        blocks = []
        for i, (n_in, n_out) in enumerate(pairwise(widths)):
            size, pool = (first_kernel_size, FIRST_POOL) if i == 0 else (kernel_size, POOL)
            blocks.append(Block2D(n_in, n_out, size, pool, dropout if i >= first_dropped else 0.0))
        self.blocks = nn.Sequential(*blocks)
        height, width = frame_shape
        for block in blocks:
            height, width = block.side_left(height), block.side_left(width)
        self.n_features = widths[-1] * height * width
        # With the channels side by side, pooling takes half the time.
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Turn frames into features.

        Parameters
        ----------
        x : Tensor of shape (n, height, width), float32
            The frames, of the ``frame_shape`` that the base was made for.

        Returns
        -------
        Tensor of shape (n, n_features), float32
            The features.
        """
        if self.training and learns_here(x, self.blocks):
            return learn_blocks(x, self.blocks).flatten(1)
        return self.blocks(x.unsqueeze(1)).flatten(1)


class Block2D(nn.Module):
    """Convolution, batch norm, ReLU, max pooling; the window is cut where there is less to pool."""

    def __init__(self, n_in: int, n_out: int, kernel_size: int, pool: int, dropout: float):
        super().__init__()
        self.conv = nn.Conv2d(
            n_in, n_out, kernel_size, stride=STRIDE, padding=kernel_size // 2, bias=False
        )
        self.norm = BatchNorm2d(n_out)
        self.drop = nn.Dropout2d(dropout)
        self.pool = pool

    def side_left(self, side: int) -> int:
        """Return how many values are left along a side of so many."""
        side = (side - 1) // STRIDE + 1
        return (side - min(self.pool, side)) // STRIDE + 1

    def window(self, sides: Sequence[int]) -> tuple[int, int]:
        """Return the window that pools values (height, width)."""
        height, width = (min(self.pool, side) for side in sides)
        return height, width

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.norm(self.conv(x))
        # The largest of what is left is the same as what is left of the largest, and quicker.
        return self.drop(F.relu(F.max_pool2d(x, self.window(x.shape[2:]), STRIDE)))


class BatchNorm2d(nn.BatchNorm2d):
    """Batch norm that uses what it knows where a batch holds one value, and has no spread."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not self.training or x.numel() > x.shape[1]:
            return super().forward(x)
        return F.batch_norm(
            x, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps
        )
