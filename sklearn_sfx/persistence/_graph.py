"""A trained network of this package, written down as an ONNX graph."""

from collections.abc import Iterable, Sequence
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import nn

from sklearn_sfx.exceptions import InputError
from sklearn_sfx.networks import Base1D, Base2D, ClassifierModule, for_inference

__all__ = ["INPUT", "OPSET", "OUTPUT", "network_graph"]

INPUT, OUTPUT = "X", "probability"
OPSET = 17  # of 2022, so that old runtimes read it too
POOL_STRIDE = 2  # of every base here


def network_graph(onnx: ModuleType, module: ClassifierModule, shape: tuple[int, ...]) -> Any:
    """Return the graph from float32 frames of one shape, however many, to probabilities.

    Parameters
    ----------
    onnx : module
        The package.
    module : ClassifierModule
        On a base of this package. It stays as it is.
    shape : tuple of int
        (length,) or (height, width).

    Returns
    -------
    onnx.GraphProto
    """
    # torch's exporters are no help: one knows no asinh, and the other takes seconds and a compiler
    # of its own, warns and logs on the way, and writes what runs half as fast.
    folded = for_inference(module).cpu()
    base: Any  # one that for_inference has made
    base, *between = folded.base if isinstance(folded.base, nn.Sequential) else [folded.base]
    graph = _Graph(onnx)
    x = graph.add("Where", graph.add("IsNaN", INPUT), graph.constant(np.float32(0)), INPUT)
    if isinstance(module.base, Base1D):
        # For onnxruntime, too, frames one pixel high are quicker than signals.
        x = graph.add("Reshape", x, graph.constant(np.array([-1, 1, 1, *shape])))
        x = graph.add("Asinh", _standardized(graph, base.scale, x))
        pools = [(1, 2)] * len(base.convolutions)
        x = _blocks(graph, base.convolutions, pools, (1, *shape), x)
        ends = graph.add("GlobalAveragePool", x), graph.add("GlobalMaxPool", x)
        x = graph.add("Concat", *ends, axis=1)
    elif isinstance(module.base, Base2D):
        x = graph.add("Reshape", x, graph.constant(np.array([-1, 1, *shape])))
        pools = [(pool, pool) for pool in base.pools]
        x = _blocks(graph, base.convolutions, pools, shape, x)
    else:
        raise InputError(
            f"A network on {type(module.base).__name__} cannot be written: to_onnx knows the bases "
            "of CNN1D and CNN2D alone."
        )
    head: Any = folded.head
    x = _layers(graph, [*between, *head], graph.add("Flatten", x))
    graph.add("Softmax", x, axis=1, name=OUTPUT)
    n_classes = [layer for layer in head if isinstance(layer, nn.Linear)][-1].out_features
    return graph.finish(shape, n_classes)


class _Graph:
    """Nodes in the order in which they run, and the constants that they read."""

    def __init__(self, onnx: ModuleType):
        self.onnx = onnx
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def add(self, op: str, *inputs: str, name: str | None = None, **attributes: Any) -> str:
        """Add a node, and return the name of its output."""
        name = name or f"{op}_{len(self.nodes)}"
        node = self.onnx.helper.make_node(op, inputs, [name], name=name, **attributes)
        self.nodes.append(node)
        return name

    def constant(self, value: np.ndarray | np.generic | torch.Tensor) -> str:
        """Add a constant, and return its name."""
        if isinstance(value, torch.Tensor):
            value = value.detach().numpy()
        name = f"constant_{len(self.constants)}"
        array = np.ascontiguousarray(value).reshape(np.shape(value))
        self.constants.append(self.onnx.numpy_helper.from_array(array, name))
        return name

    def finish(self, shape: tuple[int, ...], n_classes: int) -> Any:
        """Return all of it as a graph."""
        make = self.onnx.helper.make_tensor_value_info
        float32 = self.onnx.TensorProto.FLOAT
        inputs = [make(INPUT, float32, ["n", *shape])]
        outputs = [make(OUTPUT, float32, ["n", n_classes])]
        return self.onnx.helper.make_graph(
            self.nodes, "sklearn_sfx", inputs, outputs, self.constants
        )


def _standardized(graph: _Graph, norm: Any, x: str) -> str:
    """Add a batch norm of one channel that has neither weight nor bias."""
    scale = torch.rsqrt(norm.running_var.double() + norm.eps).float()
    x = graph.add("Sub", x, graph.constant(norm.running_mean))
    return graph.add("Mul", x, graph.constant(scale))


def _blocks(
    graph: _Graph,
    convolutions: Any,
    pools: list[tuple[int, int]],
    sides: Sequence[int],
    x: str,
) -> str:
    """Add convolution, ReLU and pooling for each block of a base."""
    for conv, pool in zip(convolutions, pools, strict=True):
        strides = np.broadcast_to(conv.stride, 2).tolist()
        weights = graph.constant(conv.weight), graph.constant(conv.bias)
        x = graph.add("Conv", x, *weights, pads=2 * list(conv.padding), strides=strides)
        each = zip(sides, conv.padding, conv.kernel_size, strides, strict=True)
        sides = [(side + 2 * pad - size) // stride + 1 for side, pad, size, stride in each]
        # Runtimes join a ReLU with the convolution before it, so it comes before the pooling.
        x = graph.add("Relu", x)
        window = [min(size, side) for size, side in zip(pool, sides, strict=True)]
        x = graph.add("MaxPool", x, kernel_shape=window, strides=[POOL_STRIDE] * 2)
        sides = [(s - w) // POOL_STRIDE + 1 for s, w in zip(sides, window, strict=True)]
    return x


def _layers(graph: _Graph, layers: Iterable[nn.Module], x: str) -> str:
    """Add what the layers of a head do outside of training."""
    for layer in layers:
        if isinstance(layer, nn.Linear):
            weights = graph.constant(layer.weight), graph.constant(layer.bias)
            x = graph.add("Gemm", x, *weights, transB=1)
        elif isinstance(layer, nn.ReLU):
            x = graph.add("Relu", x)
    return x
