"""Which frames a report shows, and what it says of each."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sklearn_sfx._tasks import task_named
from sklearn_sfx.frames import FrameOrigin, Frames
from sklearn_sfx.screening._model import ScreeningModel
from sklearn_sfx.screening._report_pictures import log_thumbnail, thumbnail
from sklearn_sfx.screening._scores import Scores

__all__ = ["Group", "cards", "choose", "short_names"]

N_SHOWN, N_UNCERTAIN = 10, 20


@dataclass(frozen=True)
class Group:
    """Frames that are shown together, as row numbers of the scores."""

    title: str
    why: str
    rows: np.ndarray


def choose(scores: Scores, target: np.ndarray | None = None) -> list[Group]:
    """Choose what is shown: the errors where labels tell them, some of each kind, the doubtful.

    Parameters
    ----------
    scores : Scores
        Of the frames to choose among.
    target : ndarray of int, shape (n_frames,), optional
        1 for a labelled hit, 0 for a labelled miss.

    Returns
    -------
    list of Group
    """
    probability, decision = scores.probability, scores.decision
    words = task_named(scores.task).words
    many, rest = words.many.capitalize(), words.rest_many.capitalize()
    groups = []
    if target is not None:
        lost = np.flatnonzero((target == 1) & ~decision)
        lost = lost[np.argsort(probability[lost], kind="stable")]
        alarms = np.flatnonzero((target == 0) & decision)
        alarms = alarms[np.argsort(-probability[alarms], kind="stable")]
        groups += [
            _group(f"{many} lost", lost, lost[:N_SHOWN], "the lowest scores first"),
            _group("False alarms", alarms, alarms[:N_SHOWN], "the highest scores first"),
        ]
    doubt = np.argsort(np.abs(probability - scores.threshold), kind="stable")
    for title, rows in ((many, np.flatnonzero(decision)), (rest, np.flatnonzero(~decision))):
        spread = np.linspace(0, len(rows) - 1, min(N_SHOWN, len(rows))).round().astype(int)
        groups.append(_group(title, rows, rows[spread], "spread evenly over the run"))
    groups.append(
        _group("Least certain", doubt, doubt[:N_UNCERTAIN], "the scores nearest the threshold")
    )
    return groups


def _group(title: str, among: np.ndarray, rows: np.ndarray, why: str) -> Group:
    return Group(title, f"{len(rows)} of {len(among)}, {why}", rows)


def cards(
    model: ScreeningModel,
    frames: Frames,
    scores: Scores,
    rows: np.ndarray,
    target: np.ndarray | None = None,
    labels: np.ndarray | None = None,
) -> dict[int, dict[str, str]]:
    """Read and draw some frames, masked and cropped as the model sees them, one at a time.

    Parameters
    ----------
    model : ScreeningModel
        It masks and crops.
    frames : Frames, shape (n_frames, height, width)
        The frames of the scores.
    scores : Scores
        What the model said of them.
    rows : ndarray of int
        Which of them to draw; one that is there twice is drawn once.
    target : ndarray of int, shape (n_frames,), optional
        Their labels.
    labels : ndarray of str, shape (n_frames,), optional
        The same, of more than two classes.

    Returns
    -------
    dict of int to dict of str to str
        For each row its picture, file, number from 1, score, decision and label.
    """
    rows = np.unique(rows)  # in the order of the files too, where the run is
    names = short_names([scores.sources[row] for row in rows])
    words, called = model.about.words, scores.called
    if target is not None and labels is None:
        labels = np.where(target == 1, words.one, words.rest_one)
    result = {}
    for row, name, frame in zip(rows, names, model.prepare.transform(frames[rows]), strict=True):
        source = scores.sources[row]
        result[int(row)] = {
            "picture": _picture(model, frame),
            "file": name,
            "path": source.path or name,
            "number": str(source.position + 1),  # as labels count
            "event": source.event,
            "score": f"{scores.probability[row]:.3f}",
            "decision": str(called[row]),
            "label": "" if labels is None else str(labels[row]),
        }
    return result


def _picture(model: ScreeningModel, frame: np.ndarray) -> str:
    if model.about.scale == "log":
        return log_thumbnail(frame, model.baseline.level)
    return thumbnail(frame)


def short_names(sources: Sequence[FrameOrigin]) -> list[str]:
    """Return the file of each frame, from the folder that they all lie in."""
    folders = {os.path.dirname(os.path.abspath(s.path)) for s in sources if s.path is not None}
    common = os.path.commonpath(folders) if folders else ""
    return [
        "in memory" if s.path is None else os.path.relpath(os.path.abspath(s.path), common)
        for s in sources
    ]
