"""A run in parts of a fixed number of frames, and what is found in one of them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from sklearn.pipeline import Pipeline

from sklearn_sfx._tasks import Task
from sklearn_sfx.classifiers import FindingClassifier, find_together, probability_of_found
from sklearn_sfx.exceptions import UnreadableFrame
from sklearn_sfx.frames import Frames, needing_some
from sklearn_sfx.screening._model import ScreeningModel
from sklearn_sfx.screening._unreadable import find_unreadable, known_unreadable

__all__ = ["PART", "PartScores", "joined", "parts_of", "score_part", "unread"]

# Frames in a part. What is summed in batches differs in the last bits with the size of the batch,
# so all that is decided on at once is a part, whoever does it: the results are the same, bit by
# bit, whatever the number of workers, machines and interruptions.
PART = 256
POSITIVE = 1
NOT_COUNTED = -1


class PartScores(NamedTuple):
    """What was found in the frames of a part, or of a run.

    Parameters
    ----------
    probability : ndarray of float64, shape (n_frames,)
        Of a hit; NaN for a frame that cannot be read.
    peak_count : ndarray of int64, shape (n_frames,)
        -1 where peaks are not counted.
    reason : ndarray of str, shape (n_frames,)
        Why a frame, or a part of it, cannot be read; empty for all others.
    of_others : ndarray of float64, shape (n_frames, n_others)
        Probability of each of the task's other classes, as `Scores.of_others` has it; NaN of a
        class that the model does not know.
    """

    probability: np.ndarray
    peak_count: np.ndarray
    reason: np.ndarray
    of_others: np.ndarray


def unread(reasons: list[str], task: Task) -> PartScores:
    """Return what is found in frames that cannot be read, each for a reason."""
    n = len(reasons)
    counts, of_others = np.full(n, NOT_COUNTED, np.int64), np.full((n, len(task.others)), np.nan)
    return PartScores(np.full(n, np.nan), counts, np.array(reasons, np.str_), of_others)


def parts_of(n_frames: int) -> list[slice]:
    """Return the rows of each part of a run."""
    return [slice(i, min(i + PART, n_frames)) for i in range(0, n_frames, PART)]


def joined(parts: list[PartScores]) -> PartScores:
    """Return what was found in the parts of a run as one."""
    return PartScores(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def score_part(model: ScreeningModel, frames: Frames, *, peaks: bool = True) -> PartScores:
    """Score the frames of a part, and say of those that cannot be read why.

    Parameters
    ----------
    model : ScreeningModel
        The model.
    frames : Frames, shape (n_part, height, width)
        The part, as it is in the files.
    peaks : bool
        Whether to count peaks too.
    """
    prepared = needing_some(model.prepare.transform(frames))
    gone: dict[int, str] = {}
    try:
        probability, peak_count, of_others = _scored(model, prepared, gone, peaks)
    except UnreadableFrame:
        gone = find_unreadable(prepared)
        probability, peak_count, of_others = _scored(model, prepared, gone, peaks)
    met, partly = known_unreadable(prepared)
    gone = met | gone
    reason = np.full(len(frames), "", dtype=object)
    for row, why in (partly | gone).items():
        reason[row] = why
    probability[list(gone)] = np.nan
    peak_count[list(gone)] = NOT_COUNTED
    of_others[list(gone)] = np.nan
    return PartScores(probability, peak_count, reason.astype(str), of_others)


def _scored(
    model: ScreeningModel, prepared: Frames, gone: dict[int, str], peaks: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return what `PartScores` has; what it says of the frames that are gone means nothing."""
    rows = np.arange(len(prepared))
    probability, peak_count, _, of_others = unread([""] * len(rows), model.about)
    if len(gone) == len(rows):
        return probability, peak_count, of_others
    if gone:  # another frame in its place: so all others are where they would be without damage
        rows[list(gone)] = np.setdiff1d(rows, list(gone))[0]
        prepared = prepared[rows]
    decider = model.classifier
    if isinstance(decider, Pipeline) and len(decider) == 1:
        decider = decider[0]
    if peaks and isinstance(decider, FindingClassifier):
        both = (decider,) if decider is model.baseline else (decider, model.baseline)
        found = find_together(both, prepared)
        return probability_of_found(decider, found[0]), found[-1], of_others
    of_each = model.classifier.predict_proba(prepared).astype(np.float64)
    classes, kept = np.asarray(model.classifier.classes_).tolist(), model.about.kept
    probability = of_each[:, classes.index(kept if kept in classes else POSITIVE)]
    for column, name in enumerate(model.about.others):
        if name in classes:
            of_others[:, column] = of_each[:, classes.index(name)]
    if peaks:
        (peak_count,) = find_together((model.baseline,), prepared)
    return probability, peak_count, of_others
