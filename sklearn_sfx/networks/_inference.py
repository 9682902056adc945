"""Networks that only predict: the same values, sooner, and as a graph for other programs."""

import copy
import functools
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_weights

from sklearn_sfx.networks._adversarial import AdversarialModule
from sklearn_sfx.networks._base1d import Base1D, in_own_units
from sklearn_sfx.networks._base2d import Base2D
from sklearn_sfx.networks._classifier import ClassifierModule
from sklearn_sfx.networks._frame_kernels import STRIDE

__all__ = ["for_inference"]


def for_inference(module: ClassifierModule) -> ClassifierModule:
    """Return a copy of a network that predicts the same, sooner, and cannot be trained.

    The batch norm of the bases of this package is folded into their convolutions, and values that
    belong to one place lie side by side. A base of another kind is taken as it is.

    Parameters
    ----------
    module : ClassifierModule
        A trained network. It stays as it is.

    Returns
    -------
    ClassifierModule
        In evaluation mode, on the same device; its outputs differ by rounding alone.

    Examples
    --------
    >>> import torch
    >>> from sklearn_sfx.networks import Base1D, ClassifierModule, Head, for_inference
    >>> base = Base1D(channels=(4,))
    >>> module = ClassifierModule(base, Head(base.n_features, 8, 3)).eval()
    >>> x = torch.rand(6, 50)
    >>> torch.allclose(for_inference(module)(x), module(x), atol=1e-6)
    True
    """
    folded = {Base1D: FoldedBase1D, Base2D: FoldedBase2D}.get(type(module.base))
    base = copy.deepcopy(module.base) if folded is None else folded(module.base)
    if isinstance(module, AdversarialModule):
        base = nn.Sequential(base, copy.deepcopy(module.bottleneck))
    return ClassifierModule(base, copy.deepcopy(module.head)).eval()


class FoldedBase1D(nn.Module):
    """What `Base1D` computes, as frames one pixel high: their convolutions are the faster ones."""

    def __init__(self, base: Base1D):
        super().__init__()
        self.own_units = base.own_units
        self.scale = copy.deepcopy(base.scale)
        self.convolutions = nn.ModuleList(_folded(block) for block in base.blocks)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.own_units:
            x = in_own_units(x)
        x = torch.asinh(self.scale(x.unsqueeze(1))).unsqueeze(2)
        x = x.contiguous(memory_format=torch.channels_last)
        for convolution in self.convolutions:
            x = F.relu_(_largest(convolution(x), 3, 2))
        x = x.squeeze(2)
        return torch.cat([x.mean(dim=2), x.amax(dim=2)], dim=1)

    def write_graph(self, graph: Any, frame_shape: tuple[int, ...], x: str) -> str:
        """Add the same to an ONNX graph; return the name of the features."""
        shape = (1, *frame_shape)
        if self.own_units:
            x = _write_own_units(graph, frame_shape[0], x)
        # Runtimes too are quicker on frames one pixel high.
        x = graph.add("Reshape", x, graph.constant(torch.tensor([-1, 1, *shape])))
        norm: Any = self.scale
        spread = torch.rsqrt(norm.running_var.double() + norm.eps).float()
        x = graph.add("Sub", x, graph.constant(norm.running_mean))
        x = graph.add("Asinh", graph.add("Mul", x, graph.constant(spread)))
        x = _write_blocks(graph, self.convolutions, [(1, 2)] * len(self.convolutions), shape, x)
        ends = graph.add("GlobalAveragePool", x), graph.add("GlobalMaxPool", x)
        return graph.add("Concat", *ends, axis=1)


class FoldedBase2D(nn.Module):
    """What `Base2D` computes."""

    def __init__(self, base: Base2D):
        super().__init__()
        self.convolutions = nn.ModuleList(_folded(block) for block in base.blocks)
        self.pools: list[Any] = [block.pool for block in base.blocks]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x.unsqueeze(1)
        for convolution, pool in zip(self.convolutions, self.pools, strict=True):
            x = F.relu_(_largest(_largest(convolution(x), 2, pool), 3, pool))
        return x.flatten(1)

    def write_graph(self, graph: Any, frame_shape: tuple[int, ...], x: str) -> str:
        """Add the same to an ONNX graph; return the name of the features."""
        x = graph.add("Reshape", x, graph.constant(torch.tensor([-1, 1, *frame_shape])))
        pools = [(pool, pool) for pool in self.pools]
        return _write_blocks(graph, self.convolutions, pools, frame_shape, x)


def _write_own_units(graph: Any, length: int, x: str) -> str:
    """Add what `in_own_units` does."""
    zero, one = (graph.constant(torch.tensor(value)) for value in (0.0, 1.0))
    size = graph.add("Abs", x)
    # The lower of two medians, as torch has it: the largest of the lower half.
    lower = graph.constant(torch.tensor([(length + 1) // 2]))
    smallest = graph.add("TopK", size, lower, axis=1, largest=0, n_unused=1)
    unit = graph.add("ReduceMax", smallest, axes=[1])
    for otherwise in (graph.add("ReduceMean", size, axes=[1]), one):
        unit = graph.add("Where", graph.add("Greater", unit, zero), unit, otherwise)
    return graph.add("Div", x, unit)


def _largest(x: torch.Tensor, dim: int, window: int) -> torch.Tensor:
    """Pool along one dimension; quicker than max_pool2d, which finds where the maximum is too."""
    window = min(window, x.shape[dim])
    n = (x.shape[dim] - window) // STRIDE + 1
    picked = [slice(None)] * dim
    parts = [x[(*picked, slice(k, k + STRIDE * (n - 1) + 1, STRIDE))] for k in range(window)]
    return functools.reduce(torch.maximum, parts)


def _folded(block: Any) -> nn.Conv2d:
    """Return convolution and batch norm of a block as one convolution in two dimensions."""
    conv, norm = block.conv, block.norm
    weight, bias = fuse_conv_bn_weights(
        conv.weight,
        conv.bias,
        norm.running_mean,
        norm.running_var,
        norm.eps,
        norm.weight,
        norm.bias,
    )
    if weight.ndim == 3:
        weight = nn.Parameter(weight.unsqueeze(2))
    is_flat = len(conv.kernel_size) == 1
    with torch.device("meta"):
        one = nn.Conv2d(
            conv.in_channels,
            conv.out_channels,
            (1, *conv.kernel_size) if is_flat else conv.kernel_size,
            stride=(1, *conv.stride) if is_flat else conv.stride,
            padding=(0, *conv.padding) if is_flat else conv.padding,
        )
    one.weight, one.bias = weight, bias
    return one.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def _write_blocks(
    graph: Any, convolutions: Any, pools: list[tuple[int, int]], sides: Sequence[int], x: str
) -> str:
    """Add convolution, ReLU and pooling for each block of a base."""
    for conv, pool in zip(convolutions, pools, strict=True):
        weights = graph.constant(conv.weight), graph.constant(conv.bias)
        strides = list(conv.stride)
        x = graph.add("Conv", x, *weights, pads=2 * list(conv.padding), strides=strides)
        each = zip(sides, conv.padding, conv.kernel_size, strides, strict=True)
        sides = [(side + 2 * pad - size) // stride + 1 for side, pad, size, stride in each]
        # Runtimes join a ReLU with the convolution before it, so it comes before the pooling.
        x = graph.add("Relu", x)
        window = [min(size, side) for size, side in zip(pool, sides, strict=True)]
        x = graph.add("MaxPool", x, kernel_shape=window, strides=[STRIDE, STRIDE])
        sides = [(s - w) // STRIDE + 1 for s, w in zip(sides, window, strict=True)]
    return x
