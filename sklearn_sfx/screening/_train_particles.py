"""Training of the finder of single particles on the labelled frames of a run."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import Pipeline, make_pipeline
from tqdm import tqdm

from sklearn_sfx._tasks import SINGLE_PARTICLE
from sklearn_sfx._text import counted
from sklearn_sfx._weights import as_weights, weights_of_labels
from sklearn_sfx.classifiers import LitPixelCountClassifier, find_in, fit_found
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames import Frames
from sklearn_sfx.preprocessing import PixelMask
from sklearn_sfx.screening._choice import expected_of_choice
from sklearn_sfx.screening._crop import crop_for
from sklearn_sfx.screening._held_out import HeldOut
from sklearn_sfx.screening._lit_level import lit_level, unusual_count
from sklearn_sfx.screening._model import ScreeningModel
from sklearn_sfx.screening._particle_finder import Sphere, make_single_particle_finder
from sklearn_sfx.screening._seen_frames import seen_frames
from sklearn_sfx.screening._select import N_FOLDS, find_threshold
from sklearn_sfx.screening._unreadable import readable_rows

__all__ = ["train_single_particles"]

SPHERE = Sphere.name
SINGLE, UNLABELLED = SINGLE_PARTICLE.kept, ""


def train_single_particles(
    frames: Frames | np.ndarray,
    labels: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    crop: int | str | None = "auto",
    recall: float | None = None,
    random_state: int | None = None,
    progress: bool = False,
) -> ScreeningModel:
    """Train the finder of single particles on labelled frames.

    It learns to tell all classes apart that are labelled. A frame is kept where the probability of
    a single particle reaches the threshold; what another frame is called is its likeliest class.

    Parameters
    ----------
    frames : Frames or ndarray, shape (n_frames, height, width)
        The labelled frames, and others of the run where there are few: defective pixels are found
        in all of them, ten at the least, better a hundred.
    labels : array-like of str, shape (n_frames,)
        Each is empty, single, multiple or other, or "" for a frame without a label.
    sample_weight : array-like of float, shape (n_frames,), optional
        What each label weighs in the threshold and in what is expected, as in `train`.
    crop : int, "auto" or None, default="auto"
        Side of the square that is looked at, in pixels; "auto" and None are the whole frame.
    recall : float in (0, 1], optional
        The share of the single particles to keep, as in `train`; by default what has the best F2
        score.
    random_state : int, optional
        Seed of the folds.
    progress : bool
        Whether to show, on a terminal, which step is being done.

    Returns
    -------
    ScreeningModel
        Of the task "single-particle", for `screen` and for `save`.

    Raises
    ------
    InputError
        The labels are not as many as the frames, or are other words; none is of a single particle,
        or all are; a recall is asked for of fewer than five of either; or the model would keep
        every frame.

    Warns
    -----
    UnreadableFramesWarning
        Some frames cannot be read, and are left out.

    Examples
    --------
    >>> from sklearn_sfx import make_spi_frames, screen
    >>> from sklearn_sfx.screening import train_single_particles
    >>> run = make_spi_frames(60, shares=(0.4, 0.2, 0.1), random_state=0)
    >>> model = train_single_particles(run.data[:40], run.labels[:40], random_state=0)
    >>> scores = screen(model, run.data[40:])
    >>> scores.called.shape, model.about.kept
    ((20,), 'single')
    >>> bool((scores.called == run.labels[40:]).mean() > 0.5)
    True
    """
    if recall is not None and not 0 < recall <= 1:
        raise InputError(f"recall has to be above 0 and at most 1, got {recall}.")
    y = _checked(labels, len(frames))
    weight = weights_of_labels(sample_weight, y != UNLABELLED, "train_single_particles")
    rows = readable_rows(frames, "the training")
    if len(rows) < len(frames):
        frames, y = frames[rows], _checked(y[rows], len(rows))
        weight = None if weight is None else weight[rows]
    labelled = np.flatnonzero(y != UNLABELLED)
    some, y = frames[labelled], y[labelled]
    if weight is not None:
        weight = as_weights(weight[labelled], labelled.size, "train_single_particles")
    with tqdm(total=3, unit="step", disable=None if progress else True) as bar:
        bar.set_description("finding defective pixels")
        prepare = make_pipeline(PixelMask(detect=True, invalid="auto"), crop_for(frames, crop))
        level = lit_level(prepare.fit_transform(frames))
        prepared = prepare.transform(some)
        bar.update()
        bar.set_description("training")
        is_known = getattr(frames, "beam_center", None) is not None
        finder = make_single_particle_finder(level=level, center="beam" if is_known else "frame")
        found = np.asarray(finder[0].fit_transform(prepared))
        threshold, expected, held_out = _fitted(finder, found, y, recall, random_state, weight)
        bar.update()
        bar.set_description("counting lit pixels")
        baseline = _baseline(level, prepared, y)
        bar.update()
    return ScreeningModel(
        prepare=prepare,
        classifier=finder,
        baseline=baseline,
        threshold=threshold,
        trained_on=seen_frames(some),
        frame_shape=(frames.shape[1], frames.shape[2]),
        masked=getattr(frames, "mask", None) is not None,
        method=SPHERE,
        compared=(SPHERE,),
        expected=expected,
        held_out=held_out,
        task=SINGLE_PARTICLE.name,
    )


def _checked(labels: ArrayLike, n_frames: int) -> np.ndarray:
    """Return the labels as an array, and refuse what cannot be learned from."""
    y = np.asarray(labels, np.str_)
    if y.shape != (n_frames,):
        raise InputError(
            f"Each frame needs a label, or '' for none: {n_frames} frames, {y.size} labels."
        )
    if not np.isin(y, (*SINGLE_PARTICLE.labels, UNLABELLED)).all():
        raise InputError(f"A label is {SINGLE_PARTICLE.in_words}, or '' for a frame without one.")
    n_labels, n_single = int((y != UNLABELLED).sum()), int((y == SINGLE).sum())
    if n_single in (0, n_labels):
        raise InputError(
            "To tell single particles from all else takes a label of each at the least, and these "
            f"are {counted(n_single, 'single')} and {n_labels - n_single} of other classes: label "
            "more frames."
        )
    return y


def _fitted(
    finder: Pipeline,
    found: np.ndarray,
    y: np.ndarray,
    recall: float | None,
    random_state: int | None,
    weight: np.ndarray | None,
) -> tuple[float, Any, HeldOut | None]:
    """Fit what follows the first step; return the threshold, what to expect, and scores for it."""
    is_single, learner = y == SINGLE, finder[1:]
    few = int(min(is_single.sum(), (~is_single).sum()))
    if few < N_FOLDS and recall is not None:
        raise InputError(
            f"A recall of {recall:g} takes {N_FOLDS} labelled singles and {N_FOLDS} other labels "
            f"at the least, and there are {few} of one kind: label more frames, or ask for no "
            "recall."
        )
    if few < N_FOLDS:
        learner.fit(found, y)
        return 0.5, None, None
    _, kind, sizes = np.unique(y, return_inverse=True, return_counts=True)
    rare = sizes[kind] < N_FOLDS  # these are spread over the folds together
    kind = np.where(rare, -1, kind) if not 0 < rare.sum() < N_FOLDS else is_single
    splitter = StratifiedKFold(N_FOLDS, shuffle=True, random_state=random_state)
    folds = list(splitter.split(found, kind))
    scores = np.empty(len(y))
    for train, test in folds:
        scores[test] = _of_single(clone(learner).fit(found[train], y[train]), found[test])
    learner.fit(found, y)
    said = _of_single(learner, found)
    threshold, problem = find_threshold(scores, said, is_single, folds, recall, weight)
    if problem:
        raise InputError(problem)
    expected = expected_of_choice({SPHERE: scores}, is_single, folds, recall, weight)
    return threshold, expected, HeldOut(scores, is_single, weight)


def _of_single(learner: Any, found: np.ndarray) -> np.ndarray:
    return learner.predict_proba(found)[:, list(learner.classes_).index(SINGLE)]


def _baseline(level: float, prepared: Any, y: np.ndarray) -> LitPixelCountClassifier:
    """Return the count of lit pixels that tells frames with something in them from empty ones."""
    is_lit = y != "empty"
    baseline = make_pipeline(LitPixelCountClassifier(level=level))
    counts = find_in(baseline, prepared)
    if not is_lit.all() and is_lit.any():
        fit_found(baseline, prepared, counts, is_lit.astype(int))
    if is_lit.all() or not is_lit.any() or baseline[-1].hit_class_ != 1:
        baseline.set_params(litpixelcountclassifier__count=max(1, unusual_count(counts)))
        baseline.fit(prepared[:1])
    return baseline[-1]
