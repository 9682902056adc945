"""Score every frame of a run in bounded memory."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from tqdm import tqdm

from sklearn_sfx.exceptions import InputError, OtherMaskWarning
from sklearn_sfx.frames import FrameOrigin, Frames, open_frames
from sklearn_sfx.screening._estimator_model import as_screening_model
from sklearn_sfx.screening._model import ScreeningModel
from sklearn_sfx.screening._parts import PartScores, joined, parts_of, score_part
from sklearn_sfx.screening._scores import Scores
from sklearn_sfx.screening._unreadable import warn_of_unreadable

__all__ = [
    "as_scores",
    "check_frames",
    "checked_threshold",
    "decisions",
    "progress_bar",
    "refuse_unreadable",
    "score_parts",
    "screen",
    "warn_of_rows",
]

BAR_AFTER_S = 2.0


def screen(
    model: Any,
    frames: Frames | np.ndarray,
    *,
    threshold: float | None = None,
    pos_label: Any = None,
    peaks: bool = True,
    strict: bool = False,
    progress: bool = False,
) -> Scores:
    """Score every frame of a run.

    The run is read block by block: memory does not grow with the number of frames, and
    ``joblib.parallel_config`` says how many workers read and prepare them. A frame that cannot be
    read has a row that says why; all others are scored as if it could be.

    Parameters
    ----------
    model : ScreeningModel or fitted estimator
        What `train` returned; or any fitted classifier or pipeline that reads frames, of this
        package or of scikit-learn, alone or in a search or a threshold.
    frames : Frames or ndarray, shape (n_frames, height, width)
        The run.
    threshold : float in [0, 1], optional
        The probability from which a frame is called a hit; by default the model's own. Lower it
        to lose fewer hits. By default an estimator decides as its ``predict`` does. A
        ``decision_function`` is squashed, in its order, so that its own threshold is 0.5.
    pos_label : int, float, bool or str, default=None
        The class of hits of an estimator, of two classes or more. By default the one that is called
        hit, in any case of the letters, or the greater of two numbers.
    peaks : bool
        Whether to count the peaks of each frame too, for comparison, in what the masks and the crop
        leave that the model begins with. It takes about twice as long as all the rest.
    strict : bool
        Whether to stop at a frame that cannot be read.
    progress : bool
        Whether to show a progress bar with a rate, on work of more than two seconds.

    Returns
    -------
    Scores
        One row for each frame, in the order of the run.

    Raises
    ------
    InputError
        The frames are of another shape than those the model was trained on, the threshold is not
        between 0 and 1, or not one frame can be read; with `strict`, a frame cannot be read. An
        estimator is not fitted, does not read frames, or does not say which class is that of hits.

    Warns
    -----
    UnreadableFramesWarning
        Some frames cannot be read.
    OtherMaskWarning
        The model was trained behind a mask and the frames have none, or the other way round.

    See Also
    --------
    sklearn_sfx.screening.Screening : The same, kept on disk while it is done.

    Examples
    --------
    >>> from sklearn_sfx import make_sfx_frames, screen, train
    >>> run = make_sfx_frames(46, frame_shape=(160, 160), random_state=0)
    >>> model = train(run.data[6:], run.target[6:], random_state=0)
    >>> screen(model, run.data[:6]).probability.shape
    (6,)

    Any fitted pipeline screens; its hits become a list for CrystFEL in one line.

    >>> import pathlib, tempfile
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn_sfx import CentralCrop, PeakCountClassifier, open_frames
    >>> from sklearn_sfx.datasets import write_run
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> write_run(folder / "run.h5", run)
    >>> pipeline = make_pipeline(CentralCrop(140), PeakCountClassifier())
    >>> pipeline.fit(run.data[6:], run.target[6:])
    Pipeline(...)
    >>> screen(pipeline, open_frames(folder / "run.h5")).write_hits(folder / "hits.lst")
    >>> "run.h5 chunk_0000000//" in (folder / "hits.lst").read_text()
    True
    """
    frames = frames if isinstance(frames, Frames) else open_frames(frames)
    model = as_screening_model(model, frames, pos_label)
    threshold = checked_threshold(model, threshold)
    check_frames(model, frames)
    parts = []
    with progress_bar(len(frames), progress) as bar:
        for _, found in score_parts(model, frames, range(len(parts_of(len(frames)))), peaks):
            if strict:
                refuse_unreadable(found)
            parts.append(found)
            bar.update(len(found.probability))
    scores = as_scores(model, frames.sources, joined(parts), threshold, peaks)
    warn_of_rows(scores)
    return scores


def check_frames(model: ScreeningModel, frames: Frames) -> None:
    """Refuse frames that the model cannot read, and warn of those that it was not made for."""
    if tuple(frames.shape[1:]) != model.frame_shape:
        raise InputError(
            f"The model was trained on frames of shape {model.frame_shape}, and this run has "
            f"frames of shape {tuple(frames.shape[1:])}: open it as that one was opened, such as "
            "with its geometry, or train a model on frames of this shape."
        )
    if len(frames) == 0:
        raise InputError("There is no frame to screen.")
    _warn_of_other_mask(model, frames)


def checked_threshold(model: ScreeningModel | None, threshold: float | None) -> float:
    """Return the threshold, the model's own by default."""
    if threshold is None:
        threshold = 0.5 if model is None else model.threshold
    if not 0 <= threshold <= 1:
        raise InputError(f"threshold has to lie between 0 and 1, got {threshold}.")
    return threshold


def progress_bar(n_frames: int, progress: bool) -> Any:
    """Return a bar that counts frames, on a terminal, in work that takes a while."""
    return tqdm(total=n_frames, unit="frame", delay=BAR_AFTER_S, disable=None if progress else True)


def score_parts(
    model: ScreeningModel, frames: Frames, numbers: Iterable[int], peaks: bool
) -> Iterator[tuple[int, PartScores]]:
    """Yield the number of each part and what is found in it, done in this process."""
    rows = parts_of(len(frames))
    for number in numbers:
        yield number, score_part(model, frames[rows[number]], peaks=peaks)


def refuse_unreadable(found: PartScores) -> None:
    """Raise if some of the frames cannot be read."""
    reasons = [why for why in found.reason.tolist() if why]
    if reasons:
        raise InputError(f"{reasons[0]}.")


def as_scores(
    model: ScreeningModel,
    sources: Sequence[FrameOrigin],
    found: PartScores,
    threshold: float,
    peaks: bool,
) -> Scores:
    """Return what was found in the frames of these origins as a table of them."""
    return Scores(
        sources=sources,
        probability=found.probability,
        decision=found.probability >= threshold,
        peak_count=found.peak_count if peaks else None,
        threshold=threshold,
        reason=found.reason,
        expected=model.expected if threshold == model.threshold else None,
        of_others=found.of_others,
        task=model.task,
    )


def warn_of_rows(scores: Scores) -> None:
    """Warn of the frames that cannot be read, and refuse a run of no others."""
    gone = np.flatnonzero(~scores.is_read).tolist()
    if gone and scores.reason is not None:
        reasons = {row: str(scores.reason[row]) for row in gone}
        warn_of_unreadable(reasons, len(scores.sources), "neither hits nor misses")


def _warn_of_other_mask(model: ScreeningModel, frames: Frames) -> None:
    masked = getattr(frames, "mask", None) is not None
    if model.masked is None or model.masked == masked:
        return
    trained, used = ("behind", "without") if model.masked else ("without", "behind")
    warnings.warn(
        f"The model was trained {trained} a mask and is used {used} one: pixels that it never saw, "
        "or never missed, change what it says; use it as it was trained.",
        OtherMaskWarning,
        stacklevel=4,
    )


def decisions(model: ScreeningModel, scores: Scores) -> dict[str, np.ndarray]:
    """Return by name the decision of the model, and of the count beside it where it was made."""
    found = {"model": scores.decision}
    if scores.peak_count is not None:
        found[model.about.beside] = scores.peak_count >= model.baseline.threshold_
    return found
