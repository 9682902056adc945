"""Tensors told from other arrays without torch, which takes long to import."""

import sys
from typing import Any

__all__ = ["is_tensor"]


def is_tensor(X: Any) -> bool:
    """Whether X is a torch tensor; torch is not imported to find out."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(X, torch.Tensor)
