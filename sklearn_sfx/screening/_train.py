"""The hit finder, and its training on the labelled frames of a run."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from sklearn.pipeline import Pipeline, make_pipeline
from tqdm import tqdm

from sklearn_sfx._methods import Method, find_method
from sklearn_sfx.classifiers import PeakCountClassifier
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames import Frames
from sklearn_sfx.preprocessing import CentralCrop, PixelMask
from sklearn_sfx.screening._crop import crop_for
from sklearn_sfx.screening._model import ScreeningModel
from sklearn_sfx.screening._seen_frames import seen_frames
from sklearn_sfx.screening._unreadable import readable_rows

__all__ = ["hit_finder", "train"]

N_PREPARE = 2  # the steps of hit_finder that mask and crop
UNLABELLED = -1


def hit_finder(
    *,
    method: str = "rows",
    crop: CentralCrop | int | None = 724,
    max_epochs: int | None = None,
    random_state: int | None = None,
) -> Pipeline:
    """Return the pipeline that finds hits, not yet fitted.

    Parameters
    ----------
    method : {"rows", "peaks"}
        "rows" is row-wise decomposition and a network, for about 200 labels. "peaks" goes by the
        heights of the strongest peaks, for fewer labels or none.
    crop : CentralCrop, int or None
        The part that is looked at, or the side of the central square in pixels; None for the whole
        frame.
    max_epochs : int, optional
        Training epochs of "rows"; the default of `CNN1D` where it is not given.
    random_state : int, optional
        Seed of the network and of the folds.

    Returns
    -------
    Pipeline
        `PixelMask` with detection of defects and of values that are no counts, `CentralCrop`, and
        for "peaks" a `PeakHeightClassifier`. For "rows" `GCN`, `LCN`, `RowWiseDecomposition`, and
        `CNN1D` in a `TunedThresholdClassifierCV`: five folds of the labelled frames choose the
        threshold with the best F2 score, in which recall weighs twice as much as precision. At 0.5
        a network trained on few labels loses more hits.

    Raises
    ------
    InputError
        There is no such method.

    Examples
    --------
    >>> from sklearn_sfx.screening import hit_finder
    >>> list(hit_finder().named_steps)[:5]
    ['pixelmask', 'centralcrop', 'gcn', 'lcn', 'rowwisedecomposition']
    """
    steps = find_method(method).steps(max_epochs=max_epochs, random_state=random_state)
    part = crop if isinstance(crop, CentralCrop) else CentralCrop(crop)
    return make_pipeline(PixelMask(detect=True, invalid="auto"), part, *steps)


def train(
    frames: Frames | np.ndarray,
    target: ArrayLike | None = None,
    *,
    method: str = "rows",
    crop: int | str | None = "auto",
    max_epochs: int | None = None,
    random_state: int | None = None,
    progress: bool = False,
) -> ScreeningModel:
    """Train the hit finder and its baseline on labelled frames.

    Parameters
    ----------
    frames : Frames or ndarray, shape (n_frames, height, width)
        The labelled frames, and others of the run where there are few: defective pixels are found
        in all of them, ten at the least, better a hundred.
    target : array-like of int, shape (n_frames,), optional
        1 for a hit, 0 for a miss, -1 for a frame without a label; None is -1 for all. "rows" needs
        five of each kind at least; "peaks" needs one of each, or none at all.
    method : {"rows", "peaks"}
        "rows" is row-wise decomposition and a network, for about 200 labels. "peaks" goes by the
        heights of the strongest peaks and has learned from simulated frames before: for fewer
        labels or none (see `PeakHeightClassifier`).
    crop : int, "auto" or None, default="auto"
        Side of the square that is looked at, in pixels, about the beam where the frames know it,
        or else the middle; None for the whole frame. "auto" is 724 for "rows", or the whole frame
        where it is smaller or made of modules upon each other, and the whole frame for "peaks".
    max_epochs : int, optional
        Training epochs of "rows"; the default of `CNN1D` where it is not given.
    random_state : int, optional
        Seed of the network and of the folds.
    progress : bool
        Whether to show, on a terminal, which step is being done.

    Returns
    -------
    ScreeningModel
        A fitted one, for `screen` and for `save`.

    Raises
    ------
    InputError
        The labels are not as many as the frames, are not 0, 1 and -1, or are too few of a kind; or
        there is no such method.

    Warns
    -----
    UnreadableFramesWarning
        Some frames cannot be read, and are left out.

    Examples
    --------
    >>> from sklearn_sfx import make_sfx_frames, train
    >>> run = make_sfx_frames(40, frame_shape=(160, 160), random_state=0)
    >>> model = train(run.data, run.target, crop=160, max_epochs=10, random_state=0)
    >>> model.frame_shape
    (160, 160)
    >>> train(run.data, method="peaks", crop=160).threshold
    0.5
    """
    finder = hit_finder(
        method=method,
        crop=crop_for(frames, crop, method),
        max_epochs=max_epochs,
        random_state=random_state,
    )
    chosen = find_method(method)
    target = _checked(target, len(frames), chosen)
    rows = readable_rows(frames, "the training")
    if len(rows) < len(frames):
        frames, target = frames[rows], _checked(target[rows], len(rows), chosen)
    labelled = np.flatnonzero(target != UNLABELLED)
    some, known = (frames[labelled], target[labelled]) if labelled.size else (frames, None)
    prepare, classifier = finder[:N_PREPARE], finder[N_PREPARE:]
    with tqdm(total=3, unit="step", disable=None if progress else True) as bar:
        bar.set_description("finding defective pixels")
        prepared = prepare.fit(frames).transform(some)
        bar.update()
        threshold = chosen.fit(classifier, prepared, known, bar.set_description)
        bar.update()
        bar.set_description("counting peaks")
        baseline = PeakCountClassifier().fit(prepared, known)
        bar.update()
    return ScreeningModel(
        prepare=prepare,
        classifier=classifier,
        baseline=baseline,
        threshold=threshold,
        trained_on=() if known is None else seen_frames(some),
        frame_shape=tuple(frames.shape[1:]),
        masked=getattr(frames, "mask", None) is not None,
    )


def _checked(target: ArrayLike | None, n_frames: int, method: Method) -> np.ndarray:
    """Return the labels as an array, and refuse what cannot be learned from."""
    target = np.full(n_frames, UNLABELLED) if target is None else np.asarray(target)
    if target.shape != (n_frames,):
        raise InputError(
            f"train needs one label for each frame: {n_frames} frames, {target.size} labels."
        )
    if not np.isin(target, (0, 1, UNLABELLED)).all():
        raise InputError(
            "train needs labels of 1 for a hit, 0 for a miss and -1 for a frame without a label, "
            "and no other."
        )
    method.check_labels(int((target == 1).sum()), int((target == 0).sum()))
    return target
