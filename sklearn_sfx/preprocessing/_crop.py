"""The central part of each frame."""

from numbers import Integral
from typing import ClassVar

from sklearn.utils._param_validation import Interval

from sklearn_sfx.preprocessing._base import FrameTransformer
from sklearn_sfx.preprocessing._steps import CropStep

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
