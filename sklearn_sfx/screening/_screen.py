"""Score every frame of a run in bounded memory."""

import warnings

import numpy as np
from tqdm import tqdm

from sklearn_sfx.exceptions import InputError, OtherMaskWarning
from sklearn_sfx.frames import Frames
from sklearn_sfx.screening._model import ScreeningModel
from sklearn_sfx.screening._scores import Scores

__all__ = ["decisions", "screen"]

POSITIVE = 1
BAR_AFTER_S = 2.0
PART = 512  # frames between two moves of the progress bar


def screen(
    model: ScreeningModel,
    frames: Frames,
    *,
    threshold: float | None = None,
    peaks: bool = True,
    progress: bool = False,
) -> Scores:
    """Score every frame of a run.

    The run is read block by block: memory does not grow with the number of frames, and
    ``joblib.parallel_config`` says how many workers read and prepare them.

    Parameters
    ----------
    model : ScreeningModel
        What `train` returned or `load_screening_model` loaded.
    frames : Frames, shape (n_frames, height, width)
        The run.
    threshold : float in [0, 1], optional
        The probability from which a frame is called a hit; by default the model's own. Lower it
        to lose fewer hits.
    peaks : bool
        Whether to count the peaks of each frame too, for comparison. It takes about twice as long
        as all the rest.
    progress : bool
        Whether to show a progress bar with a rate, on work of more than two seconds.

    Returns
    -------
    Scores
        One row for each frame, in the order of the run.

    Raises
    ------
    InputError
        The frames are of another shape than those the model was trained on, or the threshold is
        not between 0 and 1.

    Warns
    -----
    OtherMaskWarning
        The model was trained behind a mask and the frames have none, or the other way round.

    Examples
    --------
    >>> from sklearn_sfx import make_sfx_frames, screen, train
    >>> run = make_sfx_frames(46, frame_shape=(160, 160), random_state=0)
    >>> model = train(run.data[6:], run.target[6:], crop=160, max_epochs=10, random_state=0)
    >>> screen(model, run.data[:6]).probability.shape
    (6,)
    """
    threshold = model.threshold if threshold is None else threshold
    if not 0 <= threshold <= 1:
        raise InputError(f"threshold has to lie between 0 and 1, got {threshold}.")
    if tuple(frames.shape[1:]) != model.frame_shape:
        raise InputError(
            f"The model was trained on frames of shape {model.frame_shape}, and this run has "
            f"frames of shape {tuple(frames.shape[1:])}; train a model on frames of this shape."
        )
    _warn_of_other_mask(model, frames)
    positive = list(model.classifier.classes_).index(POSITIVE)
    probability = np.empty(len(frames))
    peak_count = np.empty(len(frames), dtype=np.int64) if peaks else None
    prepared = model.prepare.transform(frames)
    with tqdm(
        total=len(frames), unit="frame", delay=BAR_AFTER_S, disable=None if progress else True
    ) as bar:
        for start in range(0, len(frames), PART):
            rows = slice(start, start + PART)
            part = prepared[rows]
            probability[rows] = model.classifier.predict_proba(part)[:, positive]
            if peak_count is not None:
                peak_count[rows] = model.baseline.count_peaks(part)
            bar.update(len(part))
    return Scores(frames.sources, probability, probability >= threshold, peak_count, threshold)


def _warn_of_other_mask(model: ScreeningModel, frames: Frames) -> None:
    masked = getattr(frames, "mask", None) is not None
    if model.masked is None or model.masked == masked:
        return
    trained, used = ("behind", "without") if model.masked else ("without", "behind")
    warnings.warn(
        f"The model was trained {trained} a mask and is used {used} one: pixels that it never saw, "
        "or never missed, change what it says; use it as it was trained.",
        OtherMaskWarning,
        stacklevel=3,
    )


def decisions(model: ScreeningModel, scores: Scores) -> dict[str, np.ndarray]:
    """Return by name the decision of the model, and of the peak count where peaks were counted."""
    found = {"model": scores.decision}
    if scores.peak_count is not None:
        found["peak count"] = scores.peak_count >= model.baseline.threshold_
    return found
