"""How the blocks for frames learn on a processor: the same numbers, in a fraction of the time.

Step by step, batch norm, ReLU and pooling go to the memory and back for each of a batch's values,
of which the first block has nine tenths, and take three quarters of the time. A convolution of one
channel to four takes most of the rest, far longer than its products do. Here both are loops over
one frame after the other, which stays in the cache.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn
from torch.autograd.function import once_differentiable

from sklearn_sfx.networks._frame_kernels import (
    STRIDE,
    convolve,
    gradient_below,
    gradient_sums,
    moments,
    normalize_and_pool,
    weight_gradients,
)
from sklearn_sfx.networks._learning import learn_norm, may_learn_here

__all__ = ["learn_blocks", "learns_here"]


def learns_here(x: torch.Tensor, blocks: nn.Sequential) -> bool:
    """Whether frames (n, height, width) are learned from here, two or more that are just data."""
    first: Any = blocks[0]
    return (
        may_learn_here(x, blocks)
        and not x.requires_grad
        and len(x) > 1
        and first.conv.weight.requires_grad
        and first.conv.kernel_size[0] % 2 == 1
    )


def learn_blocks(x: torch.Tensor, blocks: nn.Sequential) -> torch.Tensor:
    """Return what the blocks make of a batch, and let those norms learn that do.

    Parameters
    ----------
    x : Tensor of shape (n, height, width), float32
        Frames for which `learns_here` holds.
    blocks : nn.Sequential of Block2D
        Those of `Base2D`.

    Returns
    -------
    Tensor of shape (n, channels, height, width)
        As the blocks give it, but for rounding.
    """
    in_order: list[Any] = list(blocks)
    for i, block in enumerate(in_order):
        norm = block.norm
        if i == 0:
            sides = [(side - 1) // STRIDE + 1 for side in x.shape[1:]]
            weight = block.conv.weight
            x = _FirstBlock.apply(
                x, weight, norm.weight, norm.bias, norm, block.window(sides), sides
            )
        else:
            y = block.conv(x)
            x = _Rest.apply(y, norm.weight, norm.bias, norm, block.window(y.shape[2:]))
        x = block.drop(x)
    return x


class _FirstBlock(torch.autograd.Function):
    """The convolution of frames, and batch norm, ReLU and pooling."""

    @staticmethod
    def forward(
        ctx: Any,
        x: torch.Tensor,
        weight: torch.Tensor,
        scale: torch.Tensor,
        bias: torch.Tensor,
        norm: nn.BatchNorm2d,
        window: tuple[int, int],
        sides: list[int],
    ) -> torch.Tensor:
        frames = x.detach().contiguous().numpy()
        kernels = weight.detach()[:, 0].contiguous().numpy()
        y = np.empty((len(x), len(kernels), *sides), np.float32)
        _in_threads(len(y), lambda *some: convolve(frames, *some, kernels, y))
        pooled, ctx.kept = _normalized(y, scale, bias, norm, window)
        ctx.frames, ctx.shape = frames, weight.shape
        return pooled

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple:
        kept, above = ctx.kept, gradient.contiguous().numpy()
        slope, level, of_scale, of_bias = _gradients_of_norm(kept, above)
        of_weight = np.empty((len(above), ctx.shape[0], *ctx.shape[2:]))
        rest = kept.places, above, kept.scale, kept.mean, slope, level, of_weight
        _in_threads(len(above), lambda *some: weight_gradients(ctx.frames, kept.y, *some, *rest))
        summed = of_weight.sum(axis=0, dtype=np.float64).astype(np.float32)
        return None, torch.from_numpy(summed[:, None]), of_scale, of_bias, None, None, None


class _Rest(torch.autograd.Function):
    """Batch norm, ReLU and pooling of what a convolution gave."""

    @staticmethod
    def forward(
        ctx: Any,
        y: torch.Tensor,
        scale: torch.Tensor,
        bias: torch.Tensor,
        norm: nn.BatchNorm2d,
        window: tuple[int, int],
    ) -> torch.Tensor:
        pooled, ctx.kept = _normalized(y.contiguous().numpy(), scale, bias, norm, window)
        return pooled

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple:
        kept, above = ctx.kept, gradient.contiguous().numpy()
        slope, level, of_scale, of_bias = _gradients_of_norm(kept, above)
        below = np.empty_like(kept.y)
        rest = kept.places, above, kept.scale, kept.mean, slope, level

        def some_below(start: int, stop: int) -> None:
            gradient_below(kept.y, start, stop, *rest, below[start:])

        _in_threads(len(above), some_below)
        return torch.from_numpy(below), of_scale, of_bias, None, None


class _Kept(NamedTuple):
    """What is needed on the way back."""

    y: np.ndarray
    places: np.ndarray
    mean: np.ndarray
    inverse: np.ndarray
    scale: np.ndarray
    learns: bool


def _normalized(
    y: np.ndarray,
    weight: torch.Tensor,
    bias: torch.Tensor,
    norm: Any,
    window: tuple[int, int],
) -> tuple[torch.Tensor, _Kept]:
    """Return what batch norm, ReLU and pooling make of values (n, channels, height, width)."""
    n, n_channels, *sides = y.shape
    if norm.training:
        mean, variance = _statistics(y)
        learn_norm(norm, mean, variance, n * sides[0] * sides[1])
    else:
        mean, variance = (each.double().numpy() for each in (norm.running_mean, norm.running_var))
    inverse = 1 / np.sqrt(variance + norm.eps)
    scale = weight.detach().numpy() * inverse
    shift = (bias.detach().numpy() - mean * scale).astype(np.float32)
    scale = scale.astype(np.float32)
    left = [(side - of_window) // STRIDE + 1 for side, of_window in zip(sides, window, strict=True)]
    pooled = np.empty((n, n_channels, *left), np.float32)
    places = np.empty(pooled.shape, np.uint8)
    rest = scale, shift, window, pooled, places
    _in_threads(n, lambda *some: normalize_and_pool(y, *some, *rest))
    kept = _Kept(y, places, mean.astype(np.float32), inverse, scale, norm.training)
    return torch.from_numpy(pooled), kept


def _statistics(y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and variance of each channel, from those of each frame."""
    means, squares = np.empty((2, *y.shape[:2]))
    _in_threads(len(y), lambda *some: moments(y, *some, means, squares))
    mean, of_frame = means.mean(axis=0), y.shape[2] * y.shape[3]
    return mean, squares.sum(axis=0) / (len(y) * of_frame) + means.var(axis=0)


def _gradients_of_norm(kept: _Kept, above: np.ndarray) -> tuple[Any, ...]:
    """Return slope and level of the gradient below, and the gradients at weight and bias."""
    n = kept.y.size // kept.y.shape[1]
    sums = np.empty((2, *kept.y.shape[:2]))
    rest = kept.places, above, kept.mean, *sums
    _in_threads(len(above), lambda *some: gradient_sums(kept.y, *some, *rest))
    plain, normalized = sums.sum(axis=1)
    normalized *= kept.inverse
    slope = -kept.scale * kept.inverse * normalized / n
    level = -kept.scale * plain / n
    if not kept.learns:  # the norm is a constant
        slope, level = np.zeros_like(slope), np.zeros_like(level)
    slope, level, normalized, plain = (
        each.astype(np.float32) for each in (slope, level, normalized, plain)
    )
    return slope, level, torch.from_numpy(normalized), torch.from_numpy(plain)


def _in_threads(n: int, work: Callable[[int, int], None]) -> None:
    """Call ``work(start, stop)`` for parts of n frames, in as many threads as torch has."""
    n_threads = min(torch.get_num_threads(), n)
    if n_threads == 1:
        work(0, n)
        return
    ends = np.linspace(0, n, n_threads + 1).astype(int).tolist()
    with ThreadPoolExecutor(n_threads) as threads:
        list(threads.map(work, ends[:-1], ends[1:]))
