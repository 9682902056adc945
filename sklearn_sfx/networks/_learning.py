"""What blocks share that learn on a processor by loops of their own."""

from typing import Any

import numpy as np
import torch
from torch import nn

__all__ = ["learn_norm", "may_learn_here"]


def may_learn_here(x: torch.Tensor, blocks: nn.Sequential) -> bool:
    """Whether blocks learn on a processor in float32, in a network that nothing else compiles."""
    return (
        x.device.type == "cpu"
        and torch.is_grad_enabled()
        and not torch.compiler.is_compiling()
        and not torch.jit.is_tracing()
        and not torch.is_autocast_enabled("cpu")
        and all(each.dtype == torch.float32 for each in (x, *blocks.parameters()))
    )


@torch.no_grad()
def learn_norm(norm: Any, mean: np.ndarray, variance: np.ndarray, n: int) -> None:
    """Let the running values of a norm learn from a batch of n values per channel."""
    norm.num_batches_tracked.add_(1)
    share = norm.momentum if norm.momentum is not None else 1 / float(norm.num_batches_tracked)
    for running, new in ((norm.running_mean, mean), (norm.running_var, variance * n / (n - 1))):
        # No difference of the two, which is NaN where both are infinite.
        running.mul_(1 - share).add_(share * torch.from_numpy(new.astype(np.float32)))
