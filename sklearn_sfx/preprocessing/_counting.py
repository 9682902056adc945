"""What the functions that find peaks or spots in one frame, or count them in many, do alike."""

import warnings
from typing import Any

import numpy as np
from joblib import Parallel, delayed, effective_n_jobs
from numpy.typing import ArrayLike
from sklearn.utils import gen_even_slices

from sklearn_sfx._tensors import is_tensor, lies_on_gpu
from sklearn_sfx._validation import is_frames, nan_where_masked
from sklearn_sfx.exceptions import InputError, ScaledFramesWarning
from sklearn_sfx.frames import run_on_tensors
from sklearn_sfx.preprocessing._peak_step import PeakStep

__all__ = ["checked_frame", "count_in_frames", "warn_if_scaled"]

LOOKED_AT = 16  # frames, if no frame has a peak


def checked_frame(frame: ArrayLike, *, function: str) -> np.ndarray:
    """Return one frame as an array (height, width); raise `InputError` if it is none.

    `function` is the name of what was given it, for the sentence that says so.
    """
    frame = np.asarray(nan_where_masked(frame))
    if frame.ndim != 2 or frame.dtype.kind not in "biuf":
        raise InputError(
            f"{function} needs one frame of real numbers, shape (height, width); got shape "
            f"{frame.shape} and dtype {frame.dtype}."
        )
    return frame


def count_in_frames(X: Any, count: PeakStep, *, function: str, of_one_frame: str) -> np.ndarray:
    """Return the count of each frame, int64 (n_frames,); raise `InputError` if X has no frames.

    X is what `count_peaks` takes, and `count` a step whose result is one number. `function` is the
    name of what was given X, `of_one_frame` that of the function for a single frame. If there is no
    peak at all, a `ScaledFramesWarning` says so where no frame can have one.
    """
    if lies_on_gpu(X) and X.ndim == 3 and not X.is_complex() and hasattr(count, "on_tensors"):
        return run_on_tensors(count, X)[:, 0].cpu().numpy().astype(np.int64)
    if is_tensor(X):
        X = X.cpu().numpy()
    frames: Any = X if is_frames(X) else np.asarray(nan_where_masked(X))
    if frames.ndim != 3 or frames.dtype.kind not in "biuf":
        raise InputError(
            f"{function} needs frames of real numbers, X of shape (n_frames, height, width); got "
            f"shape {frames.shape} and dtype {frames.dtype}: for a single frame take "
            f"{of_one_frame}."
        )
    counts = _counts(frames, count)
    if not counts.any():
        warn_if_scaled(frames[:LOOKED_AT], count.settings.noise_floor)
    return counts


def warn_if_scaled(frames: Any, noise_floor: float) -> None:
    """Warn if frames are fractions that all lie so low that none can be a peak.

    Parameters
    ----------
    frames : Frames or ndarray, shape (n, height, width)
        Some of a run.
    noise_floor : float
        The least noise of a pixel that is reckoned with, in the unit of the frames.

    Warns
    -----
    ScaledFramesWarning
        If they lie so low.
    """
    if frames.dtype.kind != "f":
        return
    values = np.asarray(frames)
    values = values[np.isfinite(values)]
    if values.size and values.max() <= noise_floor and (values != np.rint(values)).any():
        warnings.warn(
            f"Nothing in the frames that were looked at is above {values.max():.3g}, so none can "
            "have a peak, which stands out by several times the noise, and that is taken as "
            f"{noise_floor:g} at the least: one photon or count. If the frames were scaled, take "
            "them as the detector counted them.",
            ScaledFramesWarning,
            stacklevel=2,
        )


def _counts(frames: Any, count: PeakStep) -> np.ndarray:
    if is_frames(frames):  # as one more step, so that reading and counting share their workers
        return np.asarray(frames.append(count))[:, 0].astype(np.int64)
    if not len(frames):
        return np.empty(0, np.int64)
    n_workers = effective_n_jobs(None)
    found = Parallel(n_jobs=n_workers, require="sharedmem")(
        delayed(_count_each)(count, frames[part])
        for part in gen_even_slices(len(frames), n_workers)
    )
    return np.concatenate(found).astype(np.int64)


def _count_each(count: PeakStep, frames: np.ndarray) -> np.ndarray:
    return np.array([count(frame, None)[0] for frame in frames])
