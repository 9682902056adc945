"""Memory for a batch of frames."""

from collections.abc import Sequence

import numpy as np
import torch

__all__ = ["room_for"]


def room_for(
    shape: Sequence[int], device: torch.device, dtype: torch.dtype = torch.float32
) -> torch.Tensor:
    """Return a tensor that is to be filled.

    For an array of this size NumPy asks for large pages. Without them a processor takes longer to
    be given the memory than to fill it.

    Parameters
    ----------
    shape : sequence of int
    device : torch.device
    dtype : torch.dtype, default=torch.float32
        That, or torch.float16.

    Returns
    -------
    Tensor of that shape
        Whatever is in it.
    """
    if device.type != "cpu":
        return torch.empty(shape, dtype=dtype, device=device)
    return torch.from_numpy(np.empty(shape, np.float16 if dtype == torch.float16 else np.float32))
