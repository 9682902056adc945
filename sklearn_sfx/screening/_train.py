"""The hit finder, and its training on the labelled frames of a run."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.pipeline import Pipeline, make_pipeline
from tqdm import tqdm

from sklearn_sfx._methods import AUTO, METHODS, Method, find_methods, worth_comparing
from sklearn_sfx._weights import as_weights, weights_of_labels
from sklearn_sfx.classifiers import PeakCountClassifier, fit_found
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames import Frames
from sklearn_sfx.preprocessing import CentralCrop, PixelMask
from sklearn_sfx.screening._model import ScreeningModel
from sklearn_sfx.screening._seen_frames import SeenFrame, seen_frames
from sklearn_sfx.screening._select import select
from sklearn_sfx.screening._transfer import Adapted, Transfer, open_transfer
from sklearn_sfx.screening._unreadable import readable_rows

__all__ = ["hit_finder", "train"]

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
    method : {"rows", "peaks", "spots", "count", "both", "frames"}
        As in `train`.
    crop : CentralCrop, int or None
        The part that is looked at, or the side of the central square in pixels; None for the whole
        frame.
    max_epochs : int, optional
        Training epochs of the network; its own default where it is not given.
    random_state : int, optional
        Seed of the network and of the folds.

    Returns
    -------
    Pipeline
        `PixelMask` with detection of defects and of values that are no counts, `CentralCrop`, and
        what the method goes by: for "rows" `GCN`, `LCN`, `RowWiseDecomposition` and `CNN1D`. At a
        probability of 0.5 a network trained on few labels loses hits: `HitFinderCV` sets the
        threshold by them, as `train` does.

    Raises
    ------
    InputError
        There is no such method, or it is "auto".

    Examples
    --------
    >>> from sklearn_sfx.screening import hit_finder
    >>> list(hit_finder().named_steps)
    ['pixelmask', 'centralcrop', 'gcn', 'lcn', 'rowwisedecomposition', 'cnn1d']
    """
    if method == AUTO:
        raise InputError(
            f"hit_finder makes one method, of {', '.join(METHODS)}; HitFinderCV chooses one."
        )
    (chosen,) = find_methods(method)
    steps = chosen.steps(max_epochs=max_epochs, random_state=random_state)
    part = crop if isinstance(crop, CentralCrop) else CentralCrop(crop)
    return make_pipeline(PixelMask(detect=True, invalid="auto"), part, *steps)


def train(
    frames: Frames | np.ndarray,
    target: ArrayLike | None = None,
    *,
    sample_weight: ArrayLike | None = None,
    method: str = "auto",
    base: Any = None,
    source: tuple[Frames | np.ndarray, ArrayLike] | None = None,
    crop: int | str | None = "auto",
    recall: float | None = None,
    max_epochs: int | None = None,
    random_state: int | None = None,
    device: str = "auto",
    progress: bool = False,
) -> ScreeningModel:
    """Train the hit finder and its baseline on labelled frames.

    Parameters
    ----------
    frames : Frames or ndarray, shape (n_frames, height, width)
        The labelled frames, and others of the run where there are few: defective pixels are found
        in all of them, ten at the least, better a hundred.
    target : array-like of int, shape (n_frames,), optional
        1 for a hit, 0 for a miss, -1 for a frame without a label; None is -1 for all. "rows",
        "both", "frames" and `base` need five of each kind at least; the others one of each, or none
        at all.
    sample_weight : array-like of float, shape (n_frames,), optional
        What each label weighs where frames were drawn with different chances, as `match_labels`
        returns it; what stands with a frame without a label is not looked at. The comparison of
        methods, the threshold and what is expected go by it: labels of doubtful frames alone would
        say too little of them. Each method learns from all labels alike.
    method : {"auto", "peaks", "spots", "count", "rows", "both", "frames"}
        "peaks" goes by the heights of the strongest peaks and has learned from simulated frames
        before (`PeakHeightClassifier`), "spots" by the number of Bragg spots
        (`SpotCountClassifier`), "count" by the number of peaks (`PeakCountClassifier`), "rows" by
        row-wise decomposition and a network (`CNN1D`), "both" by the mean of rows and peaks, and
        "frames" by a network on whole frames (`CNN2D`), which is only taken where it is named.
        "auto" takes the best of them by five folds of the labels: the first of "peaks", "spots",
        "count", "rows", "both" that none beats in the area under the ROC curve by more than a
        standard error. It compares "rows" and "both" from 100 labels on; without five labels of
        each kind nothing can be compared, and it takes "peaks".
    base : ScreeningModel, fitted estimator, or path, default=None
        A model of another experiment with a network in it, as `FineTuned` takes it. The network is
        tuned with these labels, behind its own crop and steps, and nothing is compared.
    source : (Frames or ndarray, array-like of int), default=None
        Labelled frames of another experiment, of shape (n_others, height, width), with labels as in
        `target`. A network learns from
        them, and from `frames` without their labels, what both have in common (`DANN`): on row
        vectors, or on frames with the method "frames". So `target` may be left out; labels that are
        there set the threshold and tell what to expect.
    crop : int, "auto" or None, default="auto"
        Side of the square that is looked at, in pixels, about the beam where the frames know it,
        or else the middle; None for the whole frame. "auto" is 724 for "rows", or the whole frame
        where it is smaller or made of modules upon each other, and the whole frame for the others.
        With `base` it is what that model looks at, with `source` what fits both experiments.
    recall : float in (0, 1], optional
        The share of the hits to keep. The threshold is the highest that keeps as many of the
        labelled hits, each judged by a model that has not learned from it. By default it has the
        best F2 score, in which recall weighs twice as much as precision; and without five labels of
        each kind it is 0.5.
    max_epochs : int, optional
        Training epochs of the network; its own default where it is not given. With `base` those
        of the second step of `FineTuned`.
    random_state : int, optional
        Seed of the network and of the folds.
    device : str, default="auto"
        Where networks are computed: "cpu", "cuda", or a GPU where there is one.
    progress : bool
        Whether to show, on a terminal, which step is being done.

    Returns
    -------
    ScreeningModel
        A fitted one, for `screen` and for `save`.

    Raises
    ------
    InputError
        The labels are not as many as the frames, are not 0, 1 and -1, or are too few of a kind;
        the weights are not as many, or not positive and finite;
        there is no such method; or the best would call every frame a hit. `base` has no network,
        or one that looks at larger frames; `source` has too few labels; or both are given.

    Warns
    -----
    UnreadableFramesWarning
        Some frames cannot be read, and are left out.

    Examples
    --------
    >>> from sklearn_sfx import make_sfx_frames, train
    >>> run = make_sfx_frames(40, frame_shape=(160, 160), random_state=0)
    >>> model = train(run.data, run.target, random_state=0)
    >>> model.compared, model.expected.hit_rate.of
    (('peaks', 'spots', 'count'), 40)
    >>> train(run.data).threshold  # without labels
    0.5

    Another experiment's model is tuned with fewer labels.

    >>> other = make_sfx_frames(40, domain="LO19", frame_shape=(160, 160), random_state=0)
    >>> theirs = train(other.data, other.target, method="rows", max_epochs=5, random_state=0)
    >>> settings = {"recall": 0.5, "max_epochs": 5, "random_state": 0}
    >>> tuned = train(run.data, run.target, base=theirs, **settings)
    >>> tuned.method, tuned.expected.hit_rate.of
    ('tuned', 40)
    """
    if recall is not None and not 0 < recall <= 1:
        raise InputError(f"recall has to be above 0 and at most 1, got {recall}.")
    transfer = open_transfer(frames, base, source, method)
    methods = find_methods(method) if transfer is None else (transfer,)
    target = _checked(target, len(frames), methods)
    weight = weights_of_labels(sample_weight, target != UNLABELLED, "train")
    rows = readable_rows(frames, "the training")
    if len(rows) < len(frames):
        frames, target = frames[rows], _checked(target[rows], len(rows), methods)
        weight = None if weight is None else weight[rows]
    labelled = np.flatnonzero(target != UNLABELLED)
    some, known = (frames[labelled], target[labelled]) if labelled.size else (frames, None)
    if weight is not None:
        weight = as_weights(weight[labelled], labelled.size, "train")
    with (
        ThreadPoolExecutor(1) as beside,
        tqdm(total=3, unit="step", disable=None if progress else True) as bar,
    ):
        trained_on = beside.submit(_trained_on, some, known, transfer)
        bar.set_description("finding defective pixels")
        mask = PixelMask(detect=True, invalid="auto").fit(frames)
        masked = mask.transform(some)
        if isinstance(transfer, Adapted):
            transfer.target = mask.transform(frames)
        bar.update()
        chosen = select(
            masked,
            known,
            worth_comparing(methods, labelled.size),
            crop=crop,
            recall=recall,
            max_epochs=max_epochs,
            random_state=random_state,
            device=device,
            sample_weight=weight,
            say=bar.set_description,
        )
        if chosen.problem:
            raise InputError(chosen.problem)
        bar.update()
        bar.set_description("counting peaks")
        baseline, prepared = PeakCountClassifier(), chosen.crop.transform(masked)
        if chosen.counts is None or known is None:
            baseline.fit(prepared, known)
        else:
            fit_found(make_pipeline(baseline), prepared, chosen.counts, known)
        bar.update()
    return ScreeningModel(
        prepare=make_pipeline(mask, chosen.crop),
        classifier=chosen.classifier,
        baseline=baseline,
        threshold=chosen.threshold,
        trained_on=trained_on.result(),
        frame_shape=tuple(frames.shape[1:]),
        masked=getattr(frames, "mask", None) is not None,
        method=chosen.method,
        compared=chosen.compared,
        expected=chosen.expected,
        held_out=chosen.held_out,
    )


def _trained_on(
    frames: Frames | np.ndarray, target: np.ndarray | None, transfer: Transfer | None
) -> tuple[SeenFrame, ...]:
    """Return the labelled frames that were learned from, of another experiment too."""
    own = () if target is None else seen_frames(frames)
    return own if transfer is None else own + transfer.trained_on


def _checked(target: ArrayLike | None, n_frames: int, methods: tuple[Method, ...]) -> np.ndarray:
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
    methods[0].check_labels(int((target == 1).sum()), int((target == 0).sum()))
    return target
