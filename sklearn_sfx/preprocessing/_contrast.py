"""Contrast normalization: of the whole frame, and around each pixel."""

from numbers import Integral, Real
from typing import ClassVar

from sklearn.utils._param_validation import Interval, StrOptions

from sklearn_sfx.exceptions import InputError
from sklearn_sfx.preprocessing._base import FrameTransformer
from sklearn_sfx.preprocessing._fused_step import FusedStep

__all__ = ["GCN", "LCN"]


class GCN(FrameTransformer):
    """Global contrast normalization: each frame to mean 0 and standard deviation 1.

    ``(x - mean) / std`` over the usable pixels of the frame. NaN stays NaN; a flat frame gives 0.
    A 2-D X is read as one signal per row.

    Attributes
    ----------
    frame_shape_in_ : tuple of int
        Shape of the frames seen in `fit`: (height, width), in pixels.
    n_features_in_ : int
        ``X.shape[1]`` of the X seen in `fit`.

    Raises
    ------
    InputError
        If a later X has frames of another shape, or X holds infinities.

    See Also
    --------
    LCN : The next step.

    References
    ----------
    .. [1] T.-W. Ke et al., "A convolutional neural network-based screening tool for X-ray serial
       crystallography", J. Synchrotron Rad. 25, 655 (2018).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_sfx.preprocessing import GCN
    >>> GCN().fit_transform(np.array([[[1, 2], [2, 3]], [[7, 7], [7, 7]]])).round(3)
    array([[[-1.414,  0.   ],
            [ 0.   ,  1.414]],
    <BLANKLINE>
           [[ 0.   ,  0.   ],
            [ 0.   ,  0.   ]]], dtype=float32)
    """

    _reads_signals = True
    _keeps_digits = True

    def _make_step(self) -> FusedStep:
        return FusedStep(normalize=True)


class LCN(FrameTransformer):
    """Local contrast normalization: each pixel against the window around it.

    ``(x - m) / max(s, floor)`` with m the mean and s the (population) standard deviation of the
    usable pixels of the window. Only windows that lie wholly in the frame count, so a frame loses
    ``kernel_size - 1`` rows and columns. NaN where the central pixel is NaN; a flat window gives 0.
    A 2-D X is read as one signal per row, with windows of ``kernel_size`` values.

    Parameters
    ----------
    kernel_size : int, default=5
        Side of the window in pixels, odd, so that the window has a pixel at its centre.
    floor : float or "mean", default=1.0
        The smallest divisor, in the units of X: after `GCN`, of the standard deviation of the
        frame. It leaves a Bragg spot its height, which division by its own spread would take away.
        "mean" is the mean of s over the frame. With 0 only s divides.

    Attributes
    ----------
    frame_shape_in_ : tuple of int
        Shape of the frames seen in `fit`: (height, width), in pixels.
    n_features_in_ : int
        ``X.shape[1]`` of the X seen in `fit`.

    Raises
    ------
    InputError
        In `fit`, if ``kernel_size`` is even or larger than the frames; later, if they are of
        another shape.

    References
    ----------
    .. [1] T.-W. Ke et al., "A convolutional neural network-based screening tool for X-ray serial
       crystallography", J. Synchrotron Rad. 25, 655 (2018).
    .. [2] K. Jarrett et al., "What is the best multi-stage architecture for object recognition?",
       ICCV (2009), for ``floor="mean"``.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_sfx.preprocessing import LCN
    >>> frame = np.zeros((1, 4, 5), dtype=np.float32)
    >>> frame[0, 1, 2] = 9
    >>> LCN(kernel_size=3).fit_transform(frame)[0].round(3)
    array([[-0.354,  2.828, -0.354],
           [-0.354, -0.354, -0.354]], dtype=float32)
    """

    _parameter_constraints: ClassVar[dict] = {
        "kernel_size": [Interval(Integral, 1, None, closed="left")],
        "floor": [Interval(Real, 0, None, closed="left"), StrOptions({"mean"})],
    }
    _reads_signals = True
    _keeps_digits = True

    def __init__(self, kernel_size: int = 5, floor: float | str = 1.0):
        self.kernel_size = kernel_size
        self.floor = floor

    def _make_step(self) -> FusedStep:
        if self.kernel_size % 2 == 0:
            raise InputError(
                f"LCN needs an odd kernel_size, so that the window has a pixel at its centre; got "
                f"{self.kernel_size}: choose {self.kernel_size - 1} or {self.kernel_size + 1}."
            )
        floor = self.floor if isinstance(self.floor, str) else float(self.floor)
        return FusedStep(kernel_size=int(self.kernel_size), floor=floor)
