"""How the blocks for vectors learn on a processor: the same numbers, in a third of the time.

Step by step, batch norm, ReLU and pooling take as long as the convolutions, and convolutions of
short vectors take twice as long as the products of matrices that they are made of. So here the
values of a channel lie beside each other, sample after sample, with zeros between them: a batch is
one long row, a convolution is one product of matrices for each place of its kernel, and the other
three are one loop. With AVX-512, which torch's convolutions use on every processor that has it and
its products do not, a convolution of many channels is torch's, over the long row.
"""

from typing import Any

import numpy as np
import torch
from torch import nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from sklearn_sfx.networks._learning import learn_norm, may_learn_here
from sklearn_sfx.networks._pooled_kernels import (
    channel_statistics,
    gradient_below,
    gradient_sums,
    normalize_and_pool,
)

__all__ = ["learn_blocks", "learns_here"]

MANY = 16  # channels, of which torch's convolution fills a register


def learns_here(x: torch.Tensor, blocks: nn.Sequential) -> bool:
    """Whether vectors (n, 1, length) are learned from here, and so by all norms."""
    return (
        may_learn_here(x, blocks)
        and x.shape[2] >> len(blocks) > 0
        and all(_is_fit(block) for block in blocks)
    )


def _is_fit(block: Any) -> bool:
    return block.norm.training and block.conv.kernel_size[0] % 2 == 1


def learn_blocks(x: torch.Tensor, blocks: nn.Sequential) -> torch.Tensor:
    """Return what the blocks make of a batch, and let their norms learn from it.

    Parameters
    ----------
    x : Tensor of shape (n, 1, length), float32
        Vectors for which `learns_here` holds.
    blocks : nn.Sequential of Block1D
        Those of `Base1D`.

    Returns
    -------
    Tensor of shape (n, channels, length / 2 ** len(blocks))
        As the blocks give it, but for rounding.
    """
    in_order: list[Any] = list(blocks)
    length, size = x.shape[2], in_order[0].conv.kernel_size[0]
    # One channel is too little for a product: its neighbours make as many as the kernel is long.
    x = F.pad(x[:, 0], (size // 2, size // 2)).unfold(1, size, 1).permute(2, 0, 1).contiguous()
    for i, block in enumerate(in_order):
        weight = block.conv.weight
        taps = weight.permute(1, 0, 2) if i == 0 else weight.permute(2, 0, 1)
        margin = in_order[i + 1].conv.kernel_size[0] // 2 if in_order[i + 1 :] else 0
        x = _Block.apply(
            x, taps.contiguous(), block.norm.weight, block.norm.bias, block.norm, length, margin
        )
        x = block.drop(x.transpose(0, 1)).transpose(0, 1).contiguous()
        length //= 2
    return x.transpose(0, 1)


class _Block(torch.autograd.Function):
    """A convolution by matrices, and batch norm, ReLU and pooling as one.

    It reads (channels, n, margin + length + margin) with zeros in the margins, and gives the same
    of its own channels, half the length, and the margin of the next block.
    """

    @staticmethod
    def forward(
        ctx: Any,
        x: torch.Tensor,
        taps: torch.Tensor,
        weight: torch.Tensor,
        bias: torch.Tensor,
        norm: nn.BatchNorm1d,
        length: int,
        margin: int,
    ) -> torch.Tensor:
        n_channels = taps.shape[1]
        y = _convolved(x, taps)
        values = y.numpy()
        mean, variance = np.empty((2, n_channels))
        channel_statistics(values, length, mean, variance)
        learn_norm(norm, mean, variance, x.shape[1] * length)
        inverse = 1 / np.sqrt(variance + norm.eps)
        scale = weight.detach().numpy() * inverse
        shift = (bias.detach().numpy() - mean * scale).astype(np.float32)
        scale = scale.astype(np.float32)
        pooled = x.new_zeros(n_channels, x.shape[1], length // 2 + 2 * margin)
        normalize_and_pool(values, length, scale, shift, pooled.numpy(), margin)
        ctx.save_for_backward(x, taps)
        ctx.kept = y, length, margin, mean, inverse, scale, shift
        return pooled

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple:
        x, taps = ctx.saved_tensors
        y, length, margin, mean, inverse, scale, shift = ctx.kept
        values, above = y.numpy(), gradient.contiguous().numpy()
        n = x.shape[1] * length
        plain, normalized = np.empty((2, len(values)))
        of_channel = values, length, scale, shift
        middle = mean.astype(np.float32)
        gradient_sums(*of_channel, middle, above, margin, plain, normalized)
        normalized *= inverse
        of_x = of_taps = None
        if ctx.needs_input_grad[0] or ctx.needs_input_grad[1]:
            slope = -scale * inverse * normalized / n
            level = -scale * plain / n
            below = torch.empty_like(y)
            slope, level = slope.astype(np.float32), level.astype(np.float32)
            gradient_below(*of_channel, middle, slope, level, above, margin, below.numpy())
            of_x, of_taps = _gradients(below, x, taps, ctx.needs_input_grad[:2])
        of_weight, of_bias = (torch.from_numpy(of.astype(np.float32)) for of in (normalized, plain))
        return of_x, of_taps, of_weight, of_bias, None, None, None


def _convolved(x: torch.Tensor, taps: torch.Tensor) -> torch.Tensor:
    """Return the convolution; what goes over the end of a row is the start of the next one."""
    y = x.new_empty(taps.shape[1], *x.shape[1:])
    rows, flat = x.flatten(1), y.flatten(1)
    n = flat.shape[1] - len(taps) + 1
    into = flat[:, :n]
    if _torch_is_faster(taps):
        into.copy_(F.conv1d(rows, taps.permute(1, 2, 0)))
        return y
    for k, tap in enumerate(taps):
        into.addmm_(tap, rows[:, k : k + n], beta=min(k, 1))
    return y


def _gradients(
    below: torch.Tensor, x: torch.Tensor, taps: torch.Tensor, wanted: tuple[bool, bool]
) -> tuple[torch.Tensor | None, torch.Tensor | None]:
    """Return those at the input and at the taps, each where it is wanted."""
    flat, rows = below.flatten(1), x.flatten(1)
    n = flat.shape[1] - len(taps) + 1
    flat = flat[:, :n]
    of_x = of_taps = None
    if _torch_is_faster(taps):
        of_rows, of_kernel, _ = torch.ops.aten.convolution_backward(
            *(flat[None], rows[None], taps.permute(1, 2, 0), None),
            *([1], [0], [1], False, [0], 1),  # its stride, padding, dilation and groups
            [*wanted, False],
        )
        of_x = of_rows.view_as(x) if wanted[0] else None
        of_taps = of_kernel.permute(2, 0, 1) if wanted[1] else None
        return of_x, of_taps
    if wanted[0]:
        of_x = torch.zeros_like(x)
        into = of_x.flatten(1)
        for k, tap in enumerate(taps):
            into[:, k : k + n].addmm_(tap.T, flat)
    if wanted[1]:
        of_taps = torch.empty_like(taps)
        for k, of_tap in enumerate(of_taps):
            torch.mm(flat, rows[:, k : k + n].T, out=of_tap)
    return of_x, of_taps


def _torch_is_faster(taps: torch.Tensor) -> bool:
    """Whether torch's convolution of so many channels is faster than products of matrices."""
    return taps.shape[2] >= MANY and torch.backends.cpu.get_cpu_capability() == "AVX512"
