"""Training of the finder of single particles on the labelled frames of a run."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.pipeline import make_pipeline
from tqdm import tqdm

from sklearn_sfx._methods import AUTO
from sklearn_sfx._tasks import SINGLE_PARTICLE
from sklearn_sfx._text import counted
from sklearn_sfx._weights import as_weights, weights_of_labels
from sklearn_sfx.classifiers import LitPixelCountClassifier, find_in, fit_found
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames import Frames
from sklearn_sfx.preprocessing import PixelMask
from sklearn_sfx.screening._crop import crop_for
from sklearn_sfx.screening._lit_level import unusual_count
from sklearn_sfx.screening._model import ScreeningModel
from sklearn_sfx.screening._particle_finder import PARTICLE_METHODS, particle_methods
from sklearn_sfx.screening._seen_frames import seen_frames
from sklearn_sfx.screening._select import N_FOLDS, select
from sklearn_sfx.screening._unreadable import readable_rows

__all__ = ["train_single_particles"]

SINGLE, UNLABELLED = SINGLE_PARTICLE.kept, ""


def train_single_particles(
    frames: Frames | np.ndarray,
    labels: ArrayLike,
    *,
    method: str = AUTO,
    sample_weight: ArrayLike | None = None,
    crop: int | str | None = "auto",
    recall: float | None = None,
    random_state: int | None = None,
    progress: bool = False,
) -> ScreeningModel:
    """Train the finder of single particles on labelled frames.

    It learns to tell all classes apart that are labelled, by the method that the labels say is
    best: a logistic regression or trees, of the same features. A frame is kept where the
    probability of a single particle reaches the threshold; another frame is called by the likeliest
    of the other classes.

    Parameters
    ----------
    frames : Frames or ndarray, shape (n_frames, height, width)
        The labelled frames, and others of the run where there are few: defective pixels are found
        in all of them, ten at the least, better a hundred.
    labels : array-like of str, shape (n_frames,)
        Each is empty, single, multiple or other, or "" for a frame without a label.
    method : {"auto", "sphere", "trees"}, default="auto"
        The logistic regression, the trees, or what the labels say is better. A ``.skops`` file
        holds no trees.
    sample_weight : array-like of float, shape (n_frames,), optional
        What each label weighs in the threshold and in what is expected, as in `train`.
    crop : int, "auto" or None, default="auto"
        Side of the square that is looked at, in pixels; "auto" and None are the whole frame.
    recall : float in (0, 1], optional
        The share of the single particles to keep, as in `train`; by default what has the best F2
        score.
    random_state : int, optional
        Seed of the folds and of the trees.
    progress : bool
        Whether to show, on a terminal, which step is being done.

    Returns
    -------
    ScreeningModel
        Of the task "single-particle", for `screen` and for `save`.

    Raises
    ------
    InputError
        There is no such method; the labels are not as many as the frames, or are other words;
        none is of a single particle, or all are; a recall is asked for of fewer than five of
        either; or the model would keep every frame.

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
    known = (AUTO, *PARTICLE_METHODS)
    if method not in known:
        raise InputError(f"method has to be one of {', '.join(known)}, got {method!r}.")
    names = tuple(PARTICLE_METHODS) if method == AUTO else (method,)
    y = _checked(labels, len(frames), recall)
    weight = weights_of_labels(sample_weight, y != UNLABELLED, "train_single_particles")
    rows = readable_rows(frames, "the training")
    if len(rows) < len(frames):
        frames, y = frames[rows], _checked(y[rows], len(rows), recall)
        weight = None if weight is None else weight[rows]
    labelled = np.flatnonzero(y != UNLABELLED)
    some, y = frames[labelled], y[labelled]
    if weight is not None:
        weight = as_weights(weight[labelled], labelled.size, "train_single_particles")
    with tqdm(total=3, unit="step", disable=None if progress else True) as bar:
        bar.set_description("finding defective pixels")
        mask = PixelMask(detect=True, invalid="auto")
        whole = make_pipeline(mask, crop_for(frames, crop)).fit_transform(frames)
        methods = particle_methods(whole, names)
        bar.update()
        chosen = select(
            mask.transform(some),
            y,
            methods,
            crop=crop,
            recall=recall,
            max_epochs=None,
            random_state=random_state,
            sample_weight=weight,
            say=bar.set_description,
        )
        if chosen.problem:
            raise InputError(chosen.problem)
        bar.update()
        bar.set_description("counting lit pixels")
        prepare = make_pipeline(mask, chosen.crop)
        baseline = _baseline(methods[0].level, prepare.transform(some), y)
        bar.update()
    return ScreeningModel(
        prepare=prepare,
        classifier=chosen.classifier,
        baseline=baseline,
        threshold=chosen.threshold,
        trained_on=seen_frames(some),
        frame_shape=(frames.shape[1], frames.shape[2]),
        masked=getattr(frames, "mask", None) is not None,
        method=chosen.method,
        compared=chosen.compared,
        expected=chosen.expected,
        held_out=chosen.held_out,
        task=SINGLE_PARTICLE.name,
    )


def _checked(labels: ArrayLike, n_frames: int, recall: float | None) -> np.ndarray:
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
    few = min(n_single, n_labels - n_single)
    if recall is not None and few < N_FOLDS:
        raise InputError(
            f"A recall of {recall:g} takes {N_FOLDS} labelled singles and {N_FOLDS} other labels "
            f"at the least, and there are {few} of one kind: label more frames, or ask for no "
            "recall."
        )
    return y


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
