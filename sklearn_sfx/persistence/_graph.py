"""A trained network of this package, written down as an ONNX graph."""

from collections.abc import Iterable
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import nn

from sklearn_sfx.exceptions import InputError
from sklearn_sfx.networks import AdversarialModule, ClassifierModule, for_inference

__all__ = ["INPUT", "OPSET", "OUTPUT", "network_graph"]

INPUT, OUTPUT = "X", "probability"
OPSET = 17  # of 2022, so that old runtimes read it too
NOTHING = (nn.Dropout, nn.Identity)  # is what these do outside of training


def network_graph(onnx: ModuleType, module: ClassifierModule, shape: tuple[int, ...]) -> Any:
    """Return the graph from float32 frames of one shape, however many, to probabilities.

    Parameters
    ----------
    onnx : module
        The package.
    module : ClassifierModule
        On a base that has, or that `for_inference` gives, a method ``write_graph``. It stays as it
        is.
    shape : tuple of int
        (length,) or (height, width).

    Returns
    -------
    onnx.GraphProto
    """
    # torch's exporters are no help: one knows no asinh, and the other takes seconds and a compiler
    # of its own, warns and logs on the way, and writes what runs half as fast.
    folded = for_inference(module).cpu()
    between: list[nn.Module] = []
    base: Any = folded.base
    if isinstance(module, AdversarialModule):
        base, *between = base
    if not hasattr(base, "write_graph"):
        raise InputError(
            f"A network on {type(module.base).__name__} cannot be written: a base that to_onnx is "
            "to write has a method write_graph (see VectorDesign)."
        )
    graph = _Graph(onnx)
    x = graph.add("Where", graph.add("IsNaN", INPUT), graph.constant(np.float32(0)), INPUT)
    x = base.write_graph(graph, shape, x)
    head = _flat(folded.head)
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

    def add(
        self, op: str, *inputs: str, name: str | None = None, n_unused: int = 0, **attributes: Any
    ) -> str:
        """Add a node, and return the name of its output: the first, where it has more."""
        name = name or f"{op}_{len(self.nodes)}"
        outputs = [name, *(f"{name}_unused_{i}" for i in range(n_unused))]
        node = self.onnx.helper.make_node(op, inputs, outputs, name=name, **attributes)
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


def _layers(graph: _Graph, layers: Iterable[nn.Module], x: str) -> str:
    """Add what the layers of a head do outside of training."""
    for layer in layers:
        if isinstance(layer, nn.Linear):
            weights = graph.constant(layer.weight), graph.constant(layer.bias)
            x = graph.add("Gemm", x, *weights, transB=1)
        elif isinstance(layer, nn.ReLU):
            x = graph.add("Relu", x)
        elif not isinstance(layer, NOTHING):
            raise InputError(
                f"A head with a layer {type(layer).__name__} cannot be written: to_onnx knows "
                "Linear, ReLU and Dropout."
            )
    return x


def _flat(module: nn.Module) -> list[nn.Module]:
    """Return the layers of a head, one after another."""
    if isinstance(module, nn.Sequential):
        return [layer for part in module for layer in _flat(part)]
    return [module]
