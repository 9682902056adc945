"""What all transformers of frames share."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from joblib import effective_n_jobs
from sklearn.base import BaseEstimator, TransformerMixin, _fit_context
from sklearn.utils import Tags, gen_even_slices
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import check_is_fitted

from sklearn_sfx._stored import Stored
from sklearn_sfx._validation import check_frames, is_frames, is_tensor
from sklearn_sfx.frames import FrameStep

__all__ = ["FrameTransformer"]


class FrameTransformer(Stored, TransformerMixin, BaseEstimator):
    """Base class: a transformer says in ``_make_step`` what is done to one frame.

    ``transform`` runs that step at once on arrays (frame by frame, on as many threads as
    ``joblib.parallel_config`` says, one by default) and on tensors (by torch, on their own
    device), and appends it to lazy `Frames`, which run it when they are read.
    """

    _parameter_constraints: ClassVar[dict] = {}
    _reads_signals = False  # whether a 2-D X makes sense, as one 1-D signal per row

    def _make_step(self) -> FrameStep:
        """Return the step that `transform` runs on each frame."""
        raise NotImplementedError

    def _learn(self, X: Any) -> None:
        """Learn what there is to learn from the frames, beyond their shape."""

    def _check(self, X: Any, *, reset: bool) -> Any:
        return check_frames(self, X, reset=reset, allow_2d=self._reads_signals)

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
        X = self._check(X, reset=False)
        step = self._make_step()
        if is_frames(X):
            return X.append(step)
        if is_tensor(X):
            from sklearn_sfx.preprocessing import tensors

            return tensors.run(step, X)
        out = np.empty((len(X), *step.output_shape(X.shape[1:])), dtype=np.float32)
        Parallel(require="sharedmem")(
            delayed(_run_on_part)(step, X[part], out[part])
            for part in gen_even_slices(len(X), effective_n_jobs(None))
        )
        return out

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
