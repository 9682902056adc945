"""The model that the command line trains, keeps in a file and screens with."""

import os
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from numpy.typing import ArrayLike
from sklearn.metrics import fbeta_score, make_scorer
from sklearn.model_selection import StratifiedKFold, TunedThresholdClassifierCV
from sklearn.pipeline import Pipeline, make_pipeline
from tqdm import tqdm

from sklearn_sfx._files import replacing
from sklearn_sfx._version import __version__
from sklearn_sfx.classifiers import CNN1D, PeakCountClassifier, PeakHeightClassifier
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames import Frames
from sklearn_sfx.persistence import load_model, save_model
from sklearn_sfx.preprocessing import GCN, LCN, CentralCrop, PixelMask, RowWiseDecomposition

__all__ = ["ScreeningModel", "hit_finder", "load_screening_model", "train"]

N_PREPARE = 2  # the steps of hit_finder that mask and crop
METHODS = ("rows", "peaks")
UNLABELLED = -1
N_FOLDS = 5  # of the labelled frames, to choose the threshold


@dataclass(frozen=True)
class ScreeningModel:
    """A fitted hit finder, the peak-count baseline beside it, and what they were trained on.

    `train` makes one.

    Parameters
    ----------
    prepare : fitted Pipeline
        Masks and crops frames; its output goes to the classifier and to the baseline.
    classifier : fitted Pipeline
        Prepared frames to the probability of a hit.
    baseline : fitted PeakCountClassifier
        Prepared frames to the count of their peaks, and a decision by that count.
    threshold : float
        The probability from which a frame is a hit, as tuned on the training frames.
    trained_on : tuple of (str, int)
        Name and frame number (from 0) of the training frames: they are not for evaluation.
    frame_shape : tuple of int
        (height, width) in pixels of the frames it reads.
    version : str
        The version of this package that trained it.

    Examples
    --------
    >>> import tempfile
    >>> from sklearn_sfx import make_sfx_frames, train
    >>> from sklearn_sfx.screening import load_screening_model
    >>> run = make_sfx_frames(20, frame_shape=(160, 160), random_state=0)
    >>> model = train(run.data, method="peaks", crop=160)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     model.save(f"{folder}/model.joblib")
    ...     load_screening_model(f"{folder}/model.joblib").frame_shape
    (160, 160)
    """

    prepare: Pipeline
    classifier: Pipeline
    baseline: PeakCountClassifier
    threshold: float
    trained_on: tuple[tuple[str, int], ...]
    frame_shape: tuple[int, int]
    version: str = __version__

    def save(self, path: str | os.PathLike) -> None:
        """Write the model; a file that is there stays whole until this one is.

        Parameters
        ----------
        path : path-like
            A path that ends in ``.skops`` is written by `save_model`: loading it cannot run code.
            Any other is a pickle, written with joblib.

        Raises
        ------
        InputError
            What `save_model` refuses.
        """
        if _is_safe(path):
            save_model(self, path)
            return
        with replacing(path) as temporary:
            joblib.dump(self, temporary, compress=3)


def hit_finder(
    *,
    method: str = "rows",
    crop: int = 724,
    max_epochs: int | None = None,
    random_state: int | None = None,
) -> Pipeline:
    """Return the pipeline that finds hits, not yet fitted.

    Parameters
    ----------
    method : {"rows", "peaks"}
        "rows" is row-wise decomposition and a network, for about 200 labels. "peaks" goes by the
        heights of the strongest peaks, for fewer labels or none.
    crop : int
        Side of the central square that is looked at, in pixels.
    max_epochs : int, optional
        Training epochs of "rows"; the default of `CNN1D` where it is not given.
    random_state : int, optional
        Seed of the network and of the folds.

    Returns
    -------
    Pipeline
        `PixelMask` with detection of defects, `CentralCrop`, and for "peaks" a
        `PeakHeightClassifier`. For "rows" `GCN`, `LCN`, `RowWiseDecomposition`, and `CNN1D` in a
        `TunedThresholdClassifierCV`: five folds of the labelled frames choose the threshold with
        the best F2 score, in which recall weighs twice as much as precision. At 0.5 a network
        trained on few labels loses more hits.

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
    if method not in METHODS:
        raise InputError(f"method has to be one of {', '.join(METHODS)}, got {method!r}.")
    prepare = (PixelMask(detect=True), CentralCrop(crop))
    if method == "peaks":
        return make_pipeline(*prepare, PeakHeightClassifier())
    network = CNN1D(random_state=random_state)
    if max_epochs is not None:
        network.set_params(max_epochs=max_epochs)
    decide = TunedThresholdClassifierCV(
        network,
        scoring=make_scorer(fbeta_score, beta=2, zero_division=0),
        cv=StratifiedKFold(N_FOLDS, shuffle=True, random_state=random_state),
        random_state=random_state,
    )
    return make_pipeline(*prepare, GCN(), LCN(5), RowWiseDecomposition(), decide)


def train(
    frames: Frames | np.ndarray,
    target: ArrayLike | None = None,
    *,
    method: str = "rows",
    crop: int = 724,
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
    crop : int
        Side of the central square that is looked at, in pixels.
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
    finder = hit_finder(method=method, crop=crop, max_epochs=max_epochs, random_state=random_state)
    target = _checked(target, len(frames), method)
    labelled = np.flatnonzero(target != UNLABELLED)
    some, known = (frames[labelled], target[labelled]) if labelled.size else (frames, None)
    prepare, classifier = finder[:N_PREPARE], finder[N_PREPARE:]
    threshold = 0.5
    with tqdm(total=4, unit="step", disable=None if progress else True) as bar:
        bar.set_description("finding defective pixels")
        prepared = prepare.fit(frames).transform(some)
        bar.update()
        if method == "rows":
            threshold = _fit_rows(classifier, prepared, known, bar)
        else:
            bar.set_description("finding the strongest peaks")
            classifier.fit(prepared, known)
            bar.update(2)
        bar.set_description("counting peaks")
        baseline = PeakCountClassifier().fit(prepared, known)
        bar.update()
    origins = [] if known is None else getattr(some, "sources", [])
    trained_on = tuple((os.path.basename(o.path), o.position) for o in origins if o.path)
    return ScreeningModel(
        prepare=prepare,
        classifier=classifier,
        baseline=baseline,
        threshold=threshold,
        trained_on=trained_on,
        frame_shape=tuple(frames.shape[1:]),
    )


def _checked(target: ArrayLike | None, n_frames: int, method: str) -> np.ndarray:
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
    n_hits, n_misses = int((target == 1).sum()), int((target == 0).sum())
    if method == "peaks" and n_hits == n_misses == 0:
        return target
    least = N_FOLDS if method == "rows" else 1
    if min(n_hits, n_misses) < least:
        otherwise = "take the method 'peaks'" if method == "rows" else "leave the labels out"
        raise InputError(
            f"train needs {least} labels of each kind at the least for the method {method!r}, and "
            f"these are {n_hits} hits and {n_misses} misses: label more frames, or {otherwise}."
        )
    return target


def _fit_rows(classifier: Pipeline, prepared: Frames | np.ndarray, target: Any, bar: tqdm) -> float:
    """Fit decomposition and network, and return the threshold that the folds chose."""
    # The frames are read once for all folds, since their vectors are small.
    bar.set_description("reading the labelled frames")
    vectors = np.asarray(classifier[:-1].fit_transform(prepared))
    bar.update()
    bar.set_description("training the networks")
    try:
        classifier[-1].fit(vectors, target)
    except ValueError as error:
        if "constant predictions" not in str(error):
            raise
        raise InputError(
            "The network learned nothing: it says the same of every frame. Look at a frame and at "
            "its mask, check that the labels belong to these frames, label more of them, or train "
            "for more epochs."
        ) from error
    bar.update()
    return float(classifier[-1].best_threshold_)


def load_screening_model(path: str | os.PathLike) -> ScreeningModel:
    """Load what `ScreeningModel.save` wrote.

    Parameters
    ----------
    path : path-like
        The model file. Unless it ends in ``.skops`` it is a pickle, which can run code: load only
        files that you trust.

    Returns
    -------
    ScreeningModel
        As it was saved.

    Raises
    ------
    InputError
        The file is missing, cannot be read, or holds something else.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from sklearn_sfx import make_sfx_frames, train
    >>> from sklearn_sfx.screening import load_screening_model
    >>> run = make_sfx_frames(10, frame_shape=(96, 96), random_state=0)
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "model.joblib"
    >>> train(run.data, method="peaks", crop=90).save(path)
    >>> load_screening_model(path).frame_shape
    (96, 96)
    """
    try:
        model = load_model(path) if _is_safe(path) else joblib.load(path)
    except InputError:
        raise
    except FileNotFoundError:
        raise InputError(
            f"{path}: there is no such model file; make one with 'sfx train'."
        ) from None
    except (
        pickle.UnpicklingError,
        EOFError,
        ValueError,
        KeyError,
        IndexError,
        ImportError,
    ) as error:
        raise InputError(
            f"{path}: this is not a model that 'sfx train' wrote, or it is damaged."
        ) from error
    if not isinstance(model, ScreeningModel):
        raise InputError(
            f"{path}: this holds a {type(model).__name__}, not a model that 'sfx train' wrote."
        )
    return model


def _is_safe(path: str | os.PathLike) -> bool:
    return Path(path).suffix == ".skops"
