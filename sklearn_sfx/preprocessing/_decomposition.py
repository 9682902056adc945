"""Frames to vectors: one number for each row."""

from typing import ClassVar

from sklearn.utils._param_validation import StrOptions

from sklearn_sfx.preprocessing._base import FrameTransformer
from sklearn_sfx.preprocessing._fused_step import FusedStep

__all__ = ["RowWiseDecomposition"]


class RowWiseDecomposition(FrameTransformer):
    """Row-wise decomposition (RWD): the largest minus the smallest pixel of each row.

    A Bragg spot lifts the rows that it lies in, so the vector of a hit has peaks where that of a
    miss is smooth. NaN takes no part; a row with no usable pixel gives 0.

    Parameters
    ----------
    axis : {"row", "column"}, default="row"
        Whether to take max - min along each row, or along each column.

    Attributes
    ----------
    frame_shape_in_ : tuple of int
        Shape of the frames seen in `fit`: (height, width), in pixels.
    n_features_in_ : int
        The height of the frames seen in `fit`.

    Raises
    ------
    InputError
        If X is not made of frames, (n_frames, height, width), or later has another shape.

    References
    ----------
    .. [1] J. Xie et al., "Weakly supervised learning for pattern classification in serial
       femtosecond crystallography", Optics Express 31(20), 32909 (2023).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_sfx.preprocessing import RowWiseDecomposition
    >>> frames = np.array([[[0, 9, 1], [4, 4, 5]]])
    >>> RowWiseDecomposition().fit_transform(frames)
    array([[9., 1.]], dtype=float32)
    >>> RowWiseDecomposition(axis="column").fit_transform(frames)
    array([[4., 5., 4.]], dtype=float32)
    >>> RowWiseDecomposition().fit(frames).get_feature_names_out()
    array(['row0', 'row1'], dtype=object)
    """

    _keeps_digits = True
    _parameter_constraints: ClassVar[dict] = {"axis": [StrOptions({"row", "column"})]}

    def __init__(self, axis: str = "row"):
        self.axis = axis

    @property
    def _value_names(self) -> str:  # type: ignore[override]
        return self.axis

    def _make_step(self) -> FusedStep:
        return FusedStep(axis=self.axis)
