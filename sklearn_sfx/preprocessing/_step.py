"""The base of a step: what is done to one frame, as an object that a run carries along."""

from __future__ import annotations

import zlib
from abc import ABC, abstractmethod
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import numpy as np

from sklearn_sfx.frames import FrameStep, Window

if TYPE_CHECKING:  # torch takes long to import
    from torch import Tensor

__all__ = ["BaseStep", "described", "run_through_numpy"]


class BaseStep(ABC):
    """Base class for a step of one's own, the part of a transformer that works on one frame.

    It meets the protocol `FrameStep` once a subclass, a frozen dataclass of the parameters, says
    what is done to a frame and which shape comes out. A step that also has ``on_tensors(X)``, with
    X a float32 tensor (n, height, width) that is left as it is, runs by torch on the device of a
    tensor or of a network; without it, tensors go through numpy.

    See Also
    --------
    FrameTransformer : What makes a step from the parameters of a user.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> import numpy as np
    >>> from sklearn_sfx import open_frames
    >>> from sklearn_sfx.preprocessing import BaseStep
    >>> @dataclass(frozen=True)
    ... class RootStep(BaseStep):
    ...     offset: float
    ...
    ...     def output_shape(self, frame_shape):
    ...         return frame_shape
    ...
    ...     def __call__(self, frame, usable=None):
    ...         frame = frame.astype(np.float32)
    ...         if usable is not None:
    ...             frame[~usable] = np.nan
    ...         return np.sqrt(frame + self.offset)
    >>> frames = open_frames(np.array([[[0, 3], [8, 15]]], dtype=np.uint16)).append(RootStep(1.0))
    >>> frames[0]
    array([[1., 2.],
           [3., 4.]], dtype=float32)
    >>> RootStep(2.0).description, frames.preprocessing
    ('Root(offset=2.0)', 'Root(offset=1.0)')
    >>> RootStep(1.0).append_to((0, 0, 2, 2), ())  # which frames.append calls
    ((0, 0, 2, 2), (RootStep(offset=1.0),))
    """

    @abstractmethod
    def output_shape(self, frame_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of the result.

        Parameters
        ----------
        frame_shape : tuple of int
            Of the input: (height, width), or what the steps before make of it.

        Returns
        -------
        tuple of int
            Of the result.
        """

    @abstractmethod
    def __call__(self, frame: np.ndarray, usable: np.ndarray | None = None) -> np.ndarray:
        """Run on one frame, which is left as it is, and return float32, as `FrameStep` says."""

    @property
    def description(self) -> str:
        """Name and parameters, by which a network refuses frames that were prepared otherwise.

        Two steps with different parameters have different descriptions. A step that has none that
        matter, or has some that are others on each detector, says so with one of its own, or "".
        """
        said = (f"{field.name}={_in_words(getattr(self, field.name))}" for field in fields(self))  # type: ignore[arg-type]
        return f"{type(self).__name__.removesuffix('Step')}({', '.join(said)})"

    def append_to(
        self, window: Window, steps: tuple[FrameStep, ...]
    ) -> tuple[Window, tuple[FrameStep, ...]]:
        """Follow the other steps, on the same part of the frame.

        Parameters
        ----------
        window : Window
            The part of each frame that is read so far.
        steps : tuple of FrameStep
            What is run on it so far.

        Returns
        -------
        window : Window
            The same.
        steps : tuple of FrameStep
            Those steps, and this one.
        """
        return window, (*steps, self)


def _in_words(value: Any) -> str:
    """Return the repr, but for an array, whose repr leaves most of it out."""
    if not isinstance(value, np.ndarray):
        return repr(value)
    checksum = zlib.crc32(np.ascontiguousarray(value).tobytes())
    return f"{value.dtype} array {value.shape} of checksum {checksum:08x}"


def described(shape: tuple[int, ...]) -> str:
    """Name the shape of a frame, or of a signal, as sentences about bad input do."""
    if len(shape) == 1:
        return f"X with {shape[0]} feature(s)"
    return "frames of {} x {} (height x width)".format(*shape)


def run_through_numpy(step: FrameStep, X: Tensor) -> Tensor:
    """Run a step on each frame of a tensor by the processor; on the tensor's device, float32."""
    import torch

    values = np.stack([step(frame, None) for frame in X.cpu().numpy()])
    return torch.from_numpy(values).to(X.device)
