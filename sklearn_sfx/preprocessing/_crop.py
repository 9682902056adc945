"""The central part of each frame."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from sklearn.utils._param_validation import Interval

from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames import FrameStep, Window
from sklearn_sfx.preprocessing._base import FrameTransformer
from sklearn_sfx.preprocessing._fused_step import FusedStep
from sklearn_sfx.preprocessing._step import BaseStep, described

if TYPE_CHECKING:  # torch takes long to import
    from torch import Tensor

__all__ = ["CentralCrop"]


class CentralCrop(FrameTransformer):
    """Keep the central square of each frame, where the Bragg spots are.

    The first row kept is ``(height - size) // 2``, and likewise the first column. On lazy `Frames`
    only the crop is read, and a mask is cropped along.

    Parameters
    ----------
    size : int, default=724
        Side of the crop, in pixels. A 2-D X is read as one signal per row and cropped to ``size``
        values.

    Attributes
    ----------
    frame_shape_in_ : tuple of int
        Shape of the frames seen in `fit`: (height, width), in pixels.
    n_features_in_ : int
        ``X.shape[1]`` of the X seen in `fit`.

    Raises
    ------
    InputError
        In `fit`, if the frames are smaller than ``size``; later, if they are of another shape.

    References
    ----------
    .. [1] J. Xie et al., "Weakly supervised learning for pattern classification in serial
       femtosecond crystallography", Optics Express 31(20), 32909 (2023).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_sfx.preprocessing import CentralCrop
    >>> frames = np.arange(32, dtype=np.uint16).reshape(2, 4, 4)
    >>> CentralCrop(size=2).fit_transform(frames)[0]
    array([[ 5.,  6.],
           [ 9., 10.]], dtype=float32)
    """

    _parameter_constraints: ClassVar[dict] = {"size": [Interval(Integral, 1, None, closed="left")]}
    _reads_signals = True

    def __init__(self, size: int = 724):
        self.size = size

    def _make_step(self) -> CropStep:
        return CropStep(int(self.size))


@dataclass(frozen=True)
class CropStep(BaseStep):
    """The central part of each frame, of ``size`` pixels along each side."""

    size: int
    description = ""  # the shape of the frames says it

    def output_shape(self, frame_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of the crop, and refuse a frame that is smaller."""
        if min(frame_shape) < self.size:
            raise InputError(
                f"CentralCrop(size={self.size}) needs frames of at least {self.size} pixels along "
                f"each side, got {described(frame_shape)}: choose a smaller size."
            )
        return tuple(self.size for _ in frame_shape)

    def slices(self, frame_shape: tuple[int, ...]) -> tuple[slice, ...]:
        """Return where the crop lies in a frame."""
        self.output_shape(frame_shape)
        starts = [(side - self.size) // 2 for side in frame_shape]
        return tuple(slice(start, start + self.size) for start in starts)

    def append_to(
        self, window: Window, steps: tuple[FrameStep, ...]
    ) -> tuple[Window, tuple[FrameStep, ...]]:
        """Narrow the window that is read, where nothing but masking came before."""
        masking = [step for step in steps if isinstance(step, FusedStep) and step.only_masks]
        if len(masking) < len(steps):
            return super().append_to(window, steps)
        rows, columns = self.slices((window.height, window.width))
        part = Window(rows.start, columns.start, self.size, self.size)
        narrowed = Window(window.top + part.top, window.left + part.left, self.size, self.size)
        return narrowed, tuple(step.cropped(part) for step in masking)

    def __call__(self, frame: np.ndarray, usable: np.ndarray | None = None) -> np.ndarray:
        """Run on one frame, or one signal; float32, NaN where not usable."""
        where = self.slices(frame.shape)
        out = np.array(frame[where], dtype=np.float32, order="C")
        if usable is not None:
            out[~usable[where]] = np.nan
        return out

    def on_tensors(self, X: Tensor) -> Tensor:
        """Do the same to float32 frames (n, h, w), or signals (n, length), on their device."""
        return X[(slice(None), *self.slices(tuple(X.shape[1:])))].clone()
