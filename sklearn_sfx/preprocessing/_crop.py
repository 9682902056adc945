"""The part of each frame that is looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from sklearn_sfx._validation import is_frames
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames import FrameStep, Window
from sklearn_sfx.preprocessing._base import FrameTransformer
from sklearn_sfx.preprocessing._center import find_center
from sklearn_sfx.preprocessing._fused_step import FusedStep
from sklearn_sfx.preprocessing._step import BaseStep, described

if TYPE_CHECKING:  # torch takes long to import
    from torch import Tensor

__all__ = ["CentralCrop"]


class CentralCrop(FrameTransformer):
    """Keep the central square of each frame, where the Bragg spots are.

    On lazy `Frames` only the crop is read, and a mask is cropped along.

    Parameters
    ----------
    size : int or None, default=724
        Side of the crop, in pixels; None for the whole frame. A 2-D X is read as one signal per row
        and cropped to ``size`` values.
    center : {"frame", "beam"} or (float, float), default="frame"
        What the crop is about. The middle of the frame: the first row kept is
        ``(height - size) // 2``, and likewise the first column. Where the beam meets it, as the
        `Frames` seen in `fit` say (``Frames.beam_center``). Or a row and a column, in pixels from
        the centre of the first one. A crop that would leave the frame is moved inside.

    Attributes
    ----------
    center_ : (float, float) or None
        Row and column that the crop is about; None for the middle of the frame.
    frame_shape_in_ : tuple of int
        Shape of the frames seen in `fit`: (height, width), in pixels.
    n_features_in_ : int
        ``X.shape[1]`` of the X seen in `fit`.

    Raises
    ------
    InputError
        In `fit`, if the frames are smaller than ``size``, or it is not known where the beam is;
        later, if they are of another shape. In both, if the frames are a stack of modules and the
        crop would cross from one to another: they are no neighbours, so a geometry is needed.

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
    >>> CentralCrop(size=2, center=(0.5, 2.5)).fit_transform(frames)[0]
    array([[2., 3.],
           [6., 7.]], dtype=float32)
    """

    _parameter_constraints: ClassVar[dict] = {
        "size": [Interval(Integral, 1, None, closed="left"), None],
        "center": [StrOptions({"frame", "beam"}), "array-like"],
    }
    _reads_signals = True

    def __init__(
        self, size: int | None = 724, *, center: str | Sequence[float] | np.ndarray = "frame"
    ):
        self.size = size
        self.center = center

    def _learn(self, X: Any) -> None:
        whole = self.size is None and isinstance(self.center, str)
        self.center_ = None if whole else find_center(self, X)

    def _make_step(self) -> CropStep:
        size = None if self.size is None else int(self.size)
        return CropStep(size, self.center_)

    def _prepare(self, given: Any, X: Any) -> tuple[Any, CropStep]:
        step = self._make_step()
        _refuse_seams(step, X)
        return X, step

    def fit(self, X: Any, y: Any = None) -> CentralCrop:
        """Remember the shape of the frames, and find what the crop is about.

        Parameters
        ----------
        X : array-like, Frames or torch.Tensor of shape (n_frames, height, width)
            The frames; or (n, length), 1-D signals.
        y : None
            Not used; here by convention.

        Returns
        -------
        self : object
            The fitted transformer.

        Raises
        ------
        InputError
            If the frames are smaller than the crop, or modules upon each other that it would cross.
        """
        super().fit(X, y)
        _refuse_seams(self._make_step(), X)
        return self

    def __setstate__(self, state: dict) -> None:
        """Read models from before there was a choice of the centre."""
        state = dict(state)
        if "frame_shape_in_" in state:
            state.setdefault("center_", None)
        super().__setstate__(state)


def _refuse_seams(step: CropStep, X: Any) -> None:
    """Refuse to take rows of several modules for neighbours."""
    modules = X.facts.modules if is_frames(X) else None
    if modules is None or step.size is None or len(X.shape) != 3:
        return
    top = X.window.top + step.slices(X.shape[1:])[0].start
    n_modules, height = modules
    if top // height != (top + step.size - 1) // height:
        raise InputError(
            f"These frames are {n_modules} modules of {height} rows upon each other, and the crop "
            f"of {step.size} rows would cross from one to another, where the detector has no "
            "neighbours: open them with a geometry (--geometry det.geom on the command line), or "
            "take the whole frame (size=None, --crop all)."
        )


@dataclass(frozen=True)
class CropStep(BaseStep):
    """The part of each frame of ``size`` pixels along each side, about its middle or a place."""

    size: int | None
    center: tuple[float, float] | None = None
    description = ""  # the shape of the frames says it
    takes_integers: ClassVar[bool] = True  # as tensors
    frees_gil: ClassVar[bool] = True

    def output_shape(self, frame_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of the crop, and refuse a frame that is smaller."""
        if self.size is None:
            return tuple(frame_shape)
        if min(frame_shape) < self.size:
            raise InputError(
                f"CentralCrop(size={self.size}) needs frames of at least {self.size} pixels along "
                f"each side, got {described(frame_shape)}: choose a smaller size."
            )
        return tuple(self.size for _ in frame_shape)

    def slices(self, frame_shape: tuple[int, ...]) -> tuple[slice, ...]:
        """Return where the crop lies in a frame."""
        sides = self.output_shape(frame_shape)
        starts = [(length - side) // 2 for length, side in zip(frame_shape, sides, strict=True)]
        if self.center is not None and self.size is not None:
            ideal = [round(place - (self.size - 1) / 2) for place in self.center]
            starts = [
                min(max(start, 0), length - self.size)
                for start, length in zip(ideal, frame_shape, strict=True)
            ]
        return tuple(slice(start, start + side) for start, side in zip(starts, sides, strict=True))

    def append_to(
        self, window: Window, steps: tuple[FrameStep, ...]
    ) -> tuple[Window, tuple[FrameStep, ...]]:
        """Narrow the window that is read, where nothing but masking came before."""
        masking = [step for step in steps if isinstance(step, FusedStep) and step.only_masks]
        if len(masking) < len(steps):
            return super().append_to(window, steps)
        rows, columns = self.slices((window.height, window.width))
        height, width = rows.stop - rows.start, columns.stop - columns.start
        part = Window(rows.start, columns.start, height, width)
        narrowed = Window(window.top + part.top, window.left + part.left, height, width)
        return narrowed, tuple(step.cropped(part) for step in masking)

    def __call__(self, frame: np.ndarray, usable: np.ndarray | None = None) -> np.ndarray:
        """Run on one frame, or one signal; float32, NaN where not usable."""
        where = self.slices(frame.shape)
        out = np.array(frame[where], dtype=np.float32, order="C")
        if usable is not None:
            out[~usable[where]] = np.nan
        return out

    def on_tensors(self, X: Tensor) -> Tensor:
        """Do the same to frames (n, h, w), or signals (n, length), of their own numbers."""
        return X[(slice(None), *self.slices(tuple(X.shape[1:])))].clone()
