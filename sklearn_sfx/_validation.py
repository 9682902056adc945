"""The one gate through which every estimator takes its input."""

from typing import Any

import numpy as np
from numpy.typing import DTypeLike
from sklearn.base import BaseEstimator
from sklearn.utils.validation import validate_data

from sklearn_sfx._tensors import is_tensor
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames import Frames

__all__ = ["check_frames", "is_frames", "nan_where_masked"]

COUNT_DTYPES = (np.uint16, np.int16, np.int32)
WIDE_DTYPES = (np.uint32, np.int64, np.uint64, np.float64)  # of more digits than float32 has


def is_frames(X: Any) -> bool:
    """Whether X is a lazy run of frames, which validation never reads."""
    return isinstance(X, Frames)


def check_frames(
    estimator: BaseEstimator,
    X: Any,
    *,
    reset: bool,
    allow_2d: bool = True,
    allow_3d: bool = True,
    dtype: DTypeLike | None = None,
    keep_digits: bool = False,
) -> Any:
    """Check X and remember, or compare, the shape of its frames.

    Sets ``n_features_in_`` (``X.shape[1]``: the number of features of a 2-D X, the height of
    frames, as scikit-learn counts), ``frame_shape_in_`` (``X.shape[1:]``) and, for data frames,
    ``feature_names_in_``. NaN marks a pixel that is not to be used, and is allowed.

    Parameters
    ----------
    estimator : estimator instance
        The estimator that reads X.
    X : array-like, Frames or torch.Tensor, (n, length) or (n, height, width)
        The frames, or 1-D signals. A ``Frames`` is not read.
    reset : bool
        True in ``fit``: the shape is remembered. False later: it has to be the same.
    allow_2d, allow_3d : bool
        Whether 1-D signals, and whether frames, make sense to this estimator.
    dtype : dtype, optional
        The dtype of a returned array. By default counts (uint16, int16, int32) and float32 stay
        as they are and everything else becomes float32, float64 too.
    keep_digits : bool
        Whether whole numbers and float64 stay as they are too, for who rounds them later.

    Returns
    -------
    X : ndarray (C-contiguous, native byte order), or the same Frames or torch.Tensor

    Raises
    ------
    InputError
        X has infinities, too many or too few dimensions, or frames of another shape.
    """
    name = type(estimator).__name__
    if is_frames(X) or is_tensor(X):
        _check_ndim(name, X.shape, allow_2d, allow_3d)
        if 0 in X.shape:
            raise InputError(f"{name} needs at least one frame, got X of shape {tuple(X.shape)}.")
        if reset:
            estimator.n_features_in_ = int(X.shape[1])
            if hasattr(estimator, "feature_names_in_"):
                del estimator.feature_names_in_
        elif X.ndim == 2 and X.shape[1] != estimator.n_features_in_:
            raise InputError(
                f"X has {X.shape[1]} features, but {name} is expecting "
                f"{estimator.n_features_in_} features as input."
            )
        _check_frame_shape(estimator, X.shape, reset)
        if is_tensor(X):
            if X.is_complex():
                raise InputError(f"{name}: complex data not supported, pass real numbers.")
            if X.is_floating_point() and bool(X.isinf().any()):
                raise InputError(_infinity(name))
        return X

    # Frames of another shape are refused by our own sentence, before scikit-learn counts features.
    shape = getattr(X, "shape", ())
    if len(shape) == 3:
        _check_ndim(name, shape, allow_2d, allow_3d)
        if not reset:
            _check_frame_shape(estimator, shape, reset)
    X = nan_where_masked(X)
    X = validate_data(
        estimator, X, reset=reset, dtype="numeric", allow_nd=True, ensure_all_finite=False
    )
    _check_ndim(name, X.shape, allow_2d, allow_3d)
    if 0 in X.shape:
        raise InputError(f"{name} needs frames with pixels in them, got X of shape {X.shape}.")
    _check_frame_shape(estimator, X.shape, reset)
    return as_values(name, X, dtype, keep_digits=keep_digits)


def as_values(
    name: str, X: Any, dtype: DTypeLike | None = None, *, keep_digits: bool = False
) -> Any:
    """Return an array as `check_frames` does, and refuse infinities; `name` is that of who asks.

    A ``Frames`` or a torch.Tensor is returned as it is.
    """
    if is_frames(X) or is_tensor(X):
        return X
    X = np.asarray(nan_where_masked(X))
    if dtype is None:
        native = X.dtype.newbyteorder("=")
        kept = COUNT_DTYPES + WIDE_DTYPES if keep_digits else COUNT_DTYPES
        dtype = native if native.type in kept else np.float32
    with np.errstate(over="ignore"):  # a value beyond float32 becomes an infinity, refused below
        out = np.ascontiguousarray(X, dtype=dtype)
    # A finite sum proves that there is no infinity in one pass and without a copy.
    if out.dtype.kind == "f":
        with np.errstate(over="ignore", invalid="ignore"):
            suspicious = not np.isfinite(out.sum(dtype=np.float64))
        if suspicious and np.isinf(out).any():
            raise InputError(_infinity(name))
    if out.dtype == np.float64 and keep_digits:
        highest = np.finfo(np.float32).max
        if (out > highest).any() or (out < -highest).any():
            raise InputError(_infinity(name))
    return out


def nan_where_masked(X: Any) -> Any:
    """Return a masked array of NumPy with NaN where it is masked, and anything else as it is."""
    if not isinstance(X, np.ma.MaskedArray) or X.dtype.kind not in "biuf":
        return X
    if not np.ma.getmaskarray(X).any():
        return X.data
    values = X.data.astype(np.result_type(X.dtype, np.float32))
    values[np.ma.getmaskarray(X)] = np.nan
    return values


def _infinity(name: str) -> str:
    return (
        f"{name}: X contains infinity (inf) or values beyond float32; "
        "mark pixels that are not to be used with NaN instead."
    )


def _check_ndim(name: str, shape: tuple[int, ...], allow_2d: bool, allow_3d: bool) -> None:
    shape = tuple(shape)
    if len(shape) == 2 and allow_2d:
        return
    if len(shape) == 3 and allow_3d:
        return
    if allow_3d:
        wanted = "frames, X of shape (n_frames, height, width)"
        if allow_2d:
            wanted += ", or 1-D signals, X of shape (n, length)"
        advice = "for a single frame pass frame[np.newaxis]."
    else:
        wanted = "1-D signals, X of shape (n, length)"
        advice = "put RowWiseDecomposition() before it to turn frames into signals."
    raise InputError(f"{name} needs {wanted}; got X of shape {shape}: {advice}")


def _check_frame_shape(estimator: BaseEstimator, shape: tuple[int, ...], reset: bool) -> None:
    frame_shape = tuple(int(side) for side in shape[1:])
    if reset:
        estimator.frame_shape_in_ = frame_shape
    elif tuple(shape) == estimator.frame_shape_in_:
        raise InputError(
            f"{type(estimator).__name__} reads many frames, X of shape (n_frames, height, width), "
            f"and this is one frame of shape {tuple(shape)}: give it as frame[np.newaxis]."
        )
    elif frame_shape != estimator.frame_shape_in_:
        raise InputError(
            f"{type(estimator).__name__} was fitted on frames of shape "
            f"{estimator.frame_shape_in_}, and these are of shape {frame_shape}: fit it on frames "
            "of this shape, or bring them to the same shape first."
        )
