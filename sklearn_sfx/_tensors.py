"""Tensors told from other arrays without torch, which takes long to import."""

import sys
from typing import Any

__all__ = ["is_tensor", "lies_on_gpu"]


def is_tensor(X: Any) -> bool:
    """Whether X is a torch tensor; torch is not imported to find out."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(X, torch.Tensor)


def lies_on_gpu(X: Any) -> bool:
    """Whether X is a tensor in the memory of a GPU of CUDA."""
    return is_tensor(X) and X.device.type == "cuda"
