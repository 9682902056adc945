"""Frames that lie on a device."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames._array_source import ArraySource
from sklearn_sfx.frames._protocols import FrameOrigin, Window

if TYPE_CHECKING:  # torch takes long to import
    from torch import Tensor

__all__ = ["TensorSource", "source_of_tensor"]


def source_of_tensor(tensor: Tensor) -> TensorSource | ArraySource:
    """Return the frames of a tensor: those of the memory that it has, where this processor sees it.

    Parameters
    ----------
    tensor : Tensor of shape (n_frames, height, width)
        Integers or floats. It is never changed.
    """
    tensor = tensor.detach()
    try:
        if tensor.device.type == "cpu":
            return ArraySource(tensor.numpy())
        return TensorSource(tensor)
    except (TypeError, RuntimeError) as error:  # bfloat16, or sparse, or without data
        raise InputError(
            f"This tensor ({tensor.dtype}, {tensor.layout}, on {tensor.device}) cannot be read as "
            "frames: give a dense one of integers or float32."
        ) from error


class TensorSource:
    """A torch tensor of frames on a device, which is never changed.

    Parameters
    ----------
    tensor : Tensor of shape (n_frames, height, width)
        Integers or floats.
    """

    def __init__(self, tensor: Tensor):
        self.tensor = tensor
        like = ArraySource(tensor[:1].cpu().numpy()) if len(tensor) else None
        if like is None:
            raise InputError(f"The tensor of frames is empty: its shape is {tuple(tensor.shape)}.")
        self.shape = len(tensor), int(tensor.shape[1]), int(tensor.shape[2])
        self.dtype = like.dtype

    def read(self, position: int, window: Window, out: np.ndarray) -> None:
        """Write the `window` of frame `position` to `out`."""
        out[...] = self.tensor[position][window.slices].cpu().numpy()

    def origin(self, position: int) -> FrameOrigin:
        """Return the position; there is no file."""
        return FrameOrigin(None, position, f"//{position}")

    def metadata(self, positions: np.ndarray) -> dict[str, np.ndarray]:
        """Nothing is known about the frames of a tensor."""
        return {}
