"""The report of a screened run: one HTML file that needs no other and no network."""

from __future__ import annotations

import os
import platform
import time
from collections import Counter
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from sklearn_sfx._methods import METHODS
from sklearn_sfx._models import estimators, in_words
from sklearn_sfx._tasks import CRYSTALLOGRAPHY, PARTICLE_HITS, task_named
from sklearn_sfx._text import counted
from sklearn_sfx._version import __version__
from sklearn_sfx._weights import check_weights
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames import Frames, are_simulated
from sklearn_sfx.screening._evaluation import confusion_table, evaluate, percent, proportion
from sklearn_sfx.screening._model import ScreeningModel
from sklearn_sfx.screening._pages import require_page, write_page
from sklearn_sfx.screening._particle_finder import PARTICLE_METHODS
from sklearn_sfx.screening._report_frames import cards, choose, short_names
from sklearn_sfx.screening._report_pictures import (
    SPAN,
    hit_rate,
    recall_and_precision,
    score_histogram,
)
from sklearn_sfx.screening._scores import Scores
from sklearn_sfx.screening._screen import decisions

__all__ = ["write_report"]

N_REASONS = 100
PACKAGES = ("numpy", "scikit-learn", "torch", "numba", "h5py")


def write_report(
    path: str | os.PathLike,
    model: ScreeningModel,
    frames: Frames,
    scores: Scores,
    *,
    target: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
    labels: ArrayLike | None = None,
    note: str = "",
    command: str = "",
    model_file: str | os.PathLike = "",
) -> None:
    """Write what was found in a run as one HTML page, with pictures of some of the frames.

    Only the frames that are drawn are read, forty at the most and sixty with labels, one at a time.

    Parameters
    ----------
    path : path-like
        The page to write, replaced as a whole.
    model : ScreeningModel
        The model that gave the scores.
    frames : Frames, shape (n_frames, height, width)
        The frames that were screened.
    scores : Scores
        What `screen` returned for them.
    target : array-like of 0/1, shape (n_frames,), optional
        Labels that the model was not trained on, 1 for a hit. With them the page has recall and
        precision too, beside those of the peak count if `scores` has it, and shows the errors.
    sample_weight : array-like of float, shape (n_frames,), optional
        What each label weighs, as for `evaluate`. The curves of all thresholds are left out then:
        they count frames.
    labels : array-like of str, shape (n_frames,), optional
        The class of each frame, where there are more than two; then the page has their table beside
        the decisions. `target` goes with them.
    note : str
        What a reader has to know of the frames and labels: what a MAYBE counts as, or that the
        frames are simulated. Of files that `write_run` wrote the page says the latter by itself.
    command : str
        How the page was made.
    model_file : path-like
        Where the model is kept, for the head of the page.

    Raises
    ------
    InputError
        The page cannot be written there, frames, scores and labels are not as many, a label is
        neither 0 nor 1, labels of several classes are not as many or come without `target`, a
        weight is not positive and finite, no frame could be read, or matplotlib or jinja2 is not
        installed.

    Examples
    --------
    >>> import tempfile
    >>> from sklearn_sfx import make_sfx_frames, screen, train
    >>> from sklearn_sfx.screening import write_report
    >>> run = make_sfx_frames(40, frame_shape=(160, 160), random_state=0)
    >>> model = train(run.data, method="peaks", crop=160)
    >>> scores = screen(model, run.data)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_report(f"{folder}/report.html", model, run.data, scores, note="SIMULATED")
    """
    require_page(path)
    target = _checked(target, frames, scores)
    kinds = None if labels is None else np.asarray(labels, np.str_)
    if kinds is not None and (target is None or kinds.shape != target.shape):
        raise InputError(
            f"A report with labels of several classes needs one for each of the {len(frames)} "
            "frames, and target."
        )
    weight = check_weights(sample_weight, len(frames), "write_report")
    unreadable = scores[~scores.is_read]
    if unreadable.sources:  # all that follows is about the others
        rows = np.flatnonzero(scores.is_read)
        frames, scores = frames[rows], scores[rows]
        target, weight = None if target is None else target[rows], weight[rows]
        kinds = None if kinds is None else kinds[rows]
    groups = choose(scores, target)
    page = {
        "title": "Evaluation" if target is not None else "Screening",
        "run": _run_in_words(scores),
        "model": _model_in_words(model, model_file),
        "version": __version__,
        "note": note,
        "simulated": are_simulated(scores.sources),
        "labelled": target is not None,
        "words": model.about.words,
        "scale": model.about.scale,
        "maybes": model.about is CRYSTALLOGRAPHY,
        "confusion": None if kinds is None else confusion_table(kinds, scores.called),
        "tiles": _tiles(scores, target, len(unreadable.sources)),
        "methods": None if target is None else _methods(model, scores, target, weight),
        "peaks": _beside_peaks(model, scores),
        "charts": _charts(scores, target, weight),
        "thumbnails": _thumbnails(model),
        "files": _files(scores),
        "unreadable": _unreadable(unreadable),
        "groups": groups,
        "cards": cards(
            model, frames, scores, np.concatenate([group.rows for group in groups]), target, kinds
        ),
        "facts": _facts(model, frames, scores),
        "steps": in_words(estimators(model)),
        "versions": _versions(),
        "command": command,
        "written": time.strftime("%Y-%m-%d %H:%M"),
    }
    write_page(path, "report.html", page)


def _checked(target: ArrayLike | None, frames: Frames, scores: Scores) -> np.ndarray | None:
    n_frames = len(frames)
    if len(scores.probability) != n_frames or not scores.is_read.any():
        raise InputError(
            f"A report needs the scores of the same frames, one at the least: got {n_frames} "
            f"frames and {np.count_nonzero(scores.is_read)} scores."
        )
    if target is None:
        return None
    target = np.asarray(target)
    if target.shape != (n_frames,) or not np.isin(target, (0, 1)).all():
        raise InputError(
            f"A report needs a label of 0 (miss) or 1 (hit) for each of the {n_frames} frames: "
            "leave out the frames without a label."
        )
    return target.astype(int)


def _run_in_words(scores: Scores) -> str:
    """Return what the run is called: its file, or the first of them and how many more there are."""
    paths = list(dict.fromkeys(source.path for source in scores.sources if source.path is not None))
    if not paths:
        return "frames in memory"
    more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
    return f"{os.path.abspath(paths[0])}{more}"


def _model_in_words(model: ScreeningModel, path: str | os.PathLike) -> str:
    """Return the file of the model, what it goes by, and on how many labels it was trained."""
    known: dict[str, Any] = {**METHODS, **PARTICLE_METHODS}
    by = known[model.method].summary if model.method in known else "a model of an older version"
    if model.about is PARTICLE_HITS:
        by = "the number of lit pixels"
    labels = counted(len(model.trained_on), "label") if model.trained_on else "no label"
    return f"{os.fspath(path)}: {by}; {labels}".removeprefix(": ")


def _said(value: float, interval: tuple[float, float]) -> str:
    return "not defined" if np.isnan(value) else percent(value, interval)


def _tiles(scores: Scores, target: np.ndarray | None, n_unreadable: int) -> dict[str, str]:
    """Return the figures that are read first, of the frames that could be read."""
    n_frames, n_hits = len(scores.decision), int(scores.decision.sum())
    rate, (low, high) = proportion(n_hits, n_frames)
    words = task_named(scores.task).words
    tiles = {"frames": f"{n_frames + n_unreadable:,}"}
    if n_unreadable:
        tiles["not readable"] = f"{n_unreadable:,}"
    tiles |= {
        f"called {words.many}": f"{n_hits:,}",
        f"called {words.rest_many}": f"{n_frames - n_hits:,}",
        f"share called {words.many}": f"{rate:.1%}",
        "its 95 % interval": f"{100 * low:.1f} – {high:.1%}",
        "threshold": f"{scores.threshold:.3f}",
    }
    if scores.expected is not None and target is None:
        estimate = scores.hit_rate()
        tiles[f"{words.one} rate, by the model's labels"] = (
            f"{estimate.rate:.1%} ({100 * estimate.low:.1f} – {estimate.high:.1%})"
        )
    if target is not None:
        tiles[f"labelled {words.many}"] = f"{int(target.sum()):,}"
    return tiles


def _methods(
    model: ScreeningModel, scores: Scores, target: np.ndarray, weight: np.ndarray
) -> list[list[Any]]:
    """Return a row for each method: name, recall, precision, and the four counts."""
    rows = []
    for name, decision in decisions(model, scores).items():
        result = evaluate(target, decision, weight)
        (left, kept), (lost, found) = result.confusion.tolist()
        recall = _said(result.recall, result.recall_interval)
        precision = _said(result.precision, result.precision_interval)
        rows.append([name, recall, precision, found, lost, kept, left])
    return rows


def _beside_peaks(model: ScreeningModel, scores: Scores) -> str:
    """Return what the peak count says of the same frames."""
    about = model.about
    by_count = decisions(model, scores).get(about.beside)
    if by_count is None:
        return f"{about.counted.capitalize()} were not counted."
    agreed = int((by_count == scores.decision).sum())
    if about is not CRYSTALLOGRAPHY:
        return (
            f"{int(by_count.sum()):,} frames have {model.baseline.threshold_} lit pixels or more, "
            "as those have in which something is in the beam, whatever it is."
        )
    return (
        f"The peak count calls {int(by_count.sum()):,} frames hits, those with "
        f"{model.baseline.threshold_} peaks or more, and agrees with the model on {agreed:,} of "
        f"{len(by_count):,}."
    )


def _charts(
    scores: Scores, target: np.ndarray | None, weight: np.ndarray
) -> list[tuple[str, str, str]]:
    """Return title, alternative text and picture of each chart."""
    probability, threshold = scores.probability, scores.threshold
    words = task_named(scores.task).words
    n_frames = f"{len(probability):,} frames"
    charts = [
        (
            f"{words.one.capitalize()} rate over the run",
            f"Share of {n_frames} called a {words.one}, in bins over the run, with 95 % intervals",
            hit_rate(scores.decision, words),
        ),
        (
            "Scores",
            f"Histogram of the scores of {n_frames}, with the threshold at {threshold:.3f}",
            score_histogram(probability, threshold, target, words),
        ),
    ]
    is_equal = (weight == weight[0]).all()
    if target is not None and 0 < target.sum() < len(target) and is_equal:
        charts.append(
            (
                "Choice of the threshold",
                f"Recall and precision for thresholds from 0 to 1, with 95 % intervals, {n_frames}",
                recall_and_precision(target, probability, threshold, words),
            )
        )
    return charts


def _files(scores: Scores) -> list[tuple[str, int, int, str]]:
    """Return name, frames, hits and hit rate of each file."""
    names = short_names(scores.sources)
    frames = Counter(names)
    hits = Counter(name for name, hit in zip(names, scores.decision, strict=True) if hit)
    return [(name, n, hits[name], _said(*proportion(hits[name], n))) for name, n in frames.items()]


def _unreadable(scores: Scores) -> dict[str, Any]:
    """Return how many frames could not be read; file, number and reason of the first of them."""
    first = scores[np.arange(min(len(scores.sources), N_REASONS))]
    names = short_names(first.sources)
    reasons = np.full(len(names), "") if first.reason is None else first.reason
    numbers = (source.position + 1 for source in first.sources)
    return {"n": len(scores.sources), "rows": list(zip(names, numbers, reasons, strict=True))}


def _facts(model: ScreeningModel, frames: Frames, scores: Scores) -> dict[str, str]:
    """Return what model and mask are, in words."""
    height, width = model.frame_shape
    seen = Counter(os.path.basename(frame[0]) for frame in model.trained_on)
    listed = ", ".join(f"{n:,} of {name}" for name, n in seen.items())
    changed = scores.threshold != model.threshold
    own = f" (the model's own: {model.threshold:.3f})" if changed else ""
    return {
        "model": f"{type(estimators(model)[-1]).__name__}, made by sklearn_sfx {model.version}",
        "trained on": f"labelled frames: {listed or 'none that a file holds'}",
        "threshold": f"a {model.about.words.one} from a score of {scores.threshold:.3f}{own}",
        "frames": f"{height} x {width} pixels, {frames.dtype}",
        "mask": _mask(model, frames),
    }


def _thumbnails(model: ScreeningModel) -> str:
    """Return how frames are drawn, in words."""
    if model.about.scale == "log":
        return (
            "The mean of each block is drawn, on a logarithmic scale that is the same for all "
            f"frames, from none to {SPAN:,} times {model.baseline.level:.3g}, the level from which "
            "on a pixel is lit;"
        )
    return (
        "In large frames the highest pixel of each block is drawn,\nso that spots do not vanish. "
        "The darker a pixel, the more it stands out of its surroundings, on a scale of\nthe noise "
        "of the frame;"
    )


def _mask(model: ScreeningModel, frames: Frames) -> str:
    if frames.mask is None:
        given = "none was given with the frames"
    elif isinstance(frames.mask, Frames):
        given = "one for each frame"
    else:
        masked = int(np.count_nonzero(~frames.mask))
        given = f"{masked:,} of {frames.mask.size:,} pixels ({masked / frames.mask.size:.1%})"
    found = sum(getattr(step, "n_defects_", 0) for step in estimators(model.prepare))
    return f"{given}; defective pixels found, masked too: {found:,}"


def _versions() -> str:
    ours = f"sklearn_sfx {__version__}, Python {platform.python_version()}"
    return ", ".join([ours, *(f"{name} {version(name)}" for name in PACKAGES)])
