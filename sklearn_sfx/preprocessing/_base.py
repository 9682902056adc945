"""What all transformers of frames share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np
from joblib import effective_n_jobs
from sklearn.base import BaseEstimator, TransformerMixin, _fit_context
from sklearn.utils import Tags, gen_even_slices
from sklearn.utils.metaestimators import available_if
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import _check_feature_names_in, check_is_fitted

from sklearn_sfx._stored import Stored
from sklearn_sfx._tensors import is_tensor
from sklearn_sfx._validation import check_frames, is_frames
from sklearn_sfx.frames import FrameStep, other_way, run_on_tensors
from sklearn_sfx.preprocessing._step import run_through_numpy

__all__ = ["FrameTransformer"]


def _gives_tables(transformer: FrameTransformer) -> bool:
    """Whether it makes vectors of all it reads, or was fitted to signals and makes signals."""
    if transformer._value_names:
        return True
    shape = getattr(transformer, "frame_shape_in_", ())
    return len(shape) == 1 and len(transformer._make_step().output_shape(shape)) == 1


class FrameTransformer(Stored, TransformerMixin, BaseEstimator, ABC):
    """Base class for a transformer of frames of one's own.

    A subclass takes its parameters in ``__init__``, as any estimator of scikit-learn does, and
    makes of them, in ``_make_step()``, the step that is run on one frame. Everything else is here:
    input is checked, arrays are transformed at once (frame by frame, on as many threads as
    ``joblib.parallel_config`` says, one by default), tensors on their own device where the step has
    ``on_tensors``, and lazy `Frames` when they are read.

    Attributes
    ----------
    frame_shape_in_ : tuple of int
        Shape of the frames seen in `fit`: (height, width), in pixels.
    n_features_in_ : int
        ``X.shape[1]`` of the X seen in `fit`.

    Raises
    ------
    InputError
        In `fit` and `transform`, if X is not made of frames, holds infinities, or has frames of
        another shape than in `fit`.

    See Also
    --------
    BaseStep : The base class of what is run on one frame.

    Notes
    -----
    ``_make_step()`` is called in `fit`, where the parameters have been checked by
    ``_parameter_constraints`` and ``frame_shape_in_`` is known, and again in each `transform`. It
    raises `InputError` where the parameters do not go together.

    ``_learn(X)`` is called in `fit` before it, for a transformer that learns from the frames.
    ``_reads_signals = True`` lets 2-D X in too, as one signal per row.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> import numpy as np
    >>> from sklearn_sfx.preprocessing import BaseStep, FrameTransformer
    >>> class Root(FrameTransformer):
    ...     def __init__(self, offset=1.0):
    ...         self.offset = offset
    ...
    ...     def _make_step(self):
    ...         return RootStep(float(self.offset))
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
    >>> Root().fit_transform(np.array([[[0, 3], [8, 15]]], dtype=np.uint16))
    array([[[1., 2.],
            [3., 4.]]], dtype=float32)
    >>> Root().fit(np.ones((1, 2, 2))).transform(np.ones((1, 2, 3)))
    Traceback (most recent call last):
        ...
    sklearn_sfx.exceptions.InputError: Root was fitted on frames of shape (2, 2), and these ...
    """

    _parameter_constraints: ClassVar[dict] = {}
    _reads_signals = False  # whether a 2-D X makes sense, as one 1-D signal per row
    # Where frames become vectors: the names of values, or what each is called before its number.
    _value_names: str | Sequence[str] = ""
    _keeps_digits = False  # whether the step rounds float64 and whole numbers better than a cast

    @abstractmethod
    def _make_step(self) -> FrameStep:
        """Return the step that `transform` runs on each frame."""

    def _prepare(self, given: Any, X: Any) -> tuple[Any, FrameStep]:
        """Return checked X as the step takes it, and the step; `given` is X before the check."""
        return X, self._make_step()

    def _learn(self, X: Any) -> None:
        """Learn what there is to learn from the frames, beyond their shape."""

    def _check(self, X: Any, *, reset: bool) -> Any:
        signals, digits = self._reads_signals, self._keeps_digits
        return check_frames(self, X, reset=reset, allow_2d=signals, keep_digits=digits)

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None) -> Self:
        """Remember the shape of the frames, and check that the parameters fit it.

        Parameters
        ----------
        X : array-like, Frames or torch.Tensor of shape (n_frames, height, width)
            The frames, NaN where a pixel is not usable; or (n, length), 1-D signals, for the
            transformers that read them.
        y : None
            Not used; here by convention.

        Returns
        -------
        self : object
            The fitted transformer.

        Raises
        ------
        InputError
            X has infinities or is not what this transformer reads, or the parameters do not fit it.
        """
        X = self._check(X, reset=True)
        self._learn(X)
        self._make_step().output_shape(self.frame_shape_in_)
        return self

    def transform(self, X: Any) -> Any:
        """Transform each frame by itself.

        Parameters
        ----------
        X : array-like, Frames or torch.Tensor of shape (n_frames, height, width)
            Frames of the shape seen in `fit`, NaN where a pixel is not usable.

        Returns
        -------
        Xt : ndarray, Frames or torch.Tensor of shape (n_frames, ...)
            Values are float32, with NaN where a pixel is not usable. A new array for an array, a
            tensor on the same device for a tensor; for `Frames`, `Frames` that have read nothing.

        Raises
        ------
        InputError
            X has infinities, or is of another shape than in `fit`.
        """
        check_is_fitted(self, "frame_shape_in_")
        X, step = self._prepare(X, self._check(X, reset=False))
        if is_frames(X):
            return X.append(step)
        if is_tensor(X):
            if other_way(step, "on_tensors"):
                return run_on_tensors(step, X).float()
            return run_through_numpy(step, X)
        out = np.empty((len(X), *step.output_shape(X.shape[1:])), dtype=np.float32)
        n_workers = effective_n_jobs(None)
        Parallel(n_jobs=n_workers, require="sharedmem")(
            delayed(_run_on_part)(step, X[part], out[part])
            for part in gen_even_slices(len(X), n_workers)
        )
        return out

    @available_if(_gives_tables)
    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Name the values of a vector or signal; there are no names where frames come out.

        Parameters
        ----------
        input_features : array-like of str, shape (n_values_in,), default=None
            Names of the values of signals that go in; by default those seen in `fit`, or x0, x1
            and so on. Pixels of frames have none, and this is not used.

        Returns
        -------
        names : ndarray of str objects, shape (n_values,)
            row0, row1 and so on by what the values of a vector are; of signals the same names where
            as many values come out as go in.

        Raises
        ------
        ValueError
            There are not as many names as values, or others than in `fit`.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn_sfx.preprocessing import GCN, LCN
        >>> signals = np.random.default_rng(0).poisson(3.0, (2, 6))
        >>> GCN().fit(signals).get_feature_names_out()
        array(['x0', 'x1', 'x2', 'x3', 'x4', 'x5'], dtype=object)
        >>> LCN().fit(signals).get_feature_names_out()
        array(['lcn0', 'lcn1'], dtype=object)
        """
        check_is_fitted(self, "frame_shape_in_")
        kind = self._value_names
        if kind and not isinstance(kind, str):
            return np.array(kind, dtype=object)
        (n_values,) = self._make_step().output_shape(self.frame_shape_in_)
        if not kind:
            names = _check_feature_names_in(self, input_features)
            if n_values == len(names):
                return names
            kind = type(self).__name__.lower()
        return np.array([f"{kind}{number}" for number in range(n_values)], dtype=object)

    def set_output(self, *, transform: str | None = None) -> Self:
        """Choose the container of the tables that `transform` gives; frames are none, and stay.

        Parameters
        ----------
        transform : {"default", "pandas", "polars"} or None, default=None
            As scikit-learn has it; None changes nothing.

        Returns
        -------
        self : object
            This transformer.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn.pipeline import make_pipeline
        >>> from sklearn_sfx.preprocessing import GCN, RowWiseDecomposition
        >>> vectors = make_pipeline(GCN(), RowWiseDecomposition()).set_output(transform="pandas")
        >>> vectors.fit_transform(np.random.default_rng(0).poisson(3.0, (2, 3, 9))).columns.tolist()
        ['row0', 'row1', 'row2']
        """
        if transform is not None:
            # Where scikit-learn looks for it; its own method is there only beside names.
            self._sklearn_output_config = {"transform": transform}
        return self

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = self._reads_signals
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags


def _run_on_part(step: FrameStep, frames: np.ndarray, out: np.ndarray) -> None:
    for row, frame in enumerate(frames):
        out[row] = step(frame, None)
