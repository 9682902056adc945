"""The model that the command line trains, keeps in a file and screens with."""

import os
import pickle
from dataclasses import dataclass

import joblib
import numpy as np
from numpy.typing import ArrayLike
from sklearn.pipeline import Pipeline, make_pipeline

from sklearn_sfx._files import replacing
from sklearn_sfx._version import __version__
from sklearn_sfx.classifiers import CNN1D, PeakCountClassifier
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames import Frames
from sklearn_sfx.model_selection import TargetRecallClassifier
from sklearn_sfx.preprocessing import GCN, LCN, CentralCrop, PixelMask, RowWiseDecomposition

__all__ = ["ScreeningModel", "hit_finder", "load_screening_model", "train"]

N_PREPARE = 2  # the steps of hit_finder that mask and crop


@dataclass(frozen=True)
class ScreeningModel:
    """A fitted hit finder, the peak-count baseline beside it, and what they were trained on.

    Attributes
    ----------
    prepare : fitted Pipeline
        Masks and crops frames; its output goes to the classifier and to the baseline.
    classifier : fitted Pipeline
        Prepared frames to the probability of a hit; its last step is a `TargetRecallClassifier`.
    baseline : fitted PeakCountClassifier
        Prepared frames to the count of their peaks, and a decision by that count.
    trained_on : tuple of (str, int)
        Name and frame number (from 0) of the training frames: they are not for evaluation.
    frame_shape : tuple of int
        (height, width) in pixels of the frames it reads.
    version : str
        The version of this package that trained it.
    """

    prepare: Pipeline
    classifier: Pipeline
    baseline: PeakCountClassifier
    trained_on: tuple[tuple[str, int], ...]
    frame_shape: tuple[int, int]
    version: str = __version__

    @property
    def threshold(self) -> float:
        """The probability from which a frame is a hit, chosen for the wanted recall."""
        return self.classifier[-1].threshold_

    def save(self, path: str | os.PathLike) -> None:
        """Write the model with joblib; a file that is there stays whole until this one is."""
        with replacing(path) as temporary:
            joblib.dump(self, temporary, compress=3)


def hit_finder(
    *,
    crop: int = 724,
    recall: float = 0.95,
    max_epochs: int | None = None,
    random_state: int | None = None,
) -> Pipeline:
    """Return the pipeline for a run with about 200 labels, not yet fitted.

    Parameters
    ----------
    crop : int
        Side of the central square that is looked at, in pixels.
    recall : float in (0, 1]
        Share of the labelled hits that the threshold keeps, out of fold.
    max_epochs : int, optional
        Training epochs; the default of `CNN1D` where it is not given.
    random_state : int, optional
        Seed of the network and of the folds.

    Returns
    -------
    Pipeline
        `PixelMask` with detection of defects, `CentralCrop`, `GCN`, `LCN`,
        `RowWiseDecomposition`, and `CNN1D` in a `TargetRecallClassifier`.

    Examples
    --------
    >>> from sklearn_sfx.screening import hit_finder
    >>> list(hit_finder().named_steps)[:5]
    ['pixelmask', 'centralcrop', 'gcn', 'lcn', 'rowwisedecomposition']
    >>> hit_finder(recall=0.99)[-1].recall
    0.99
    """
    network = CNN1D(random_state=random_state)
    if max_epochs is not None:
        network.set_params(max_epochs=max_epochs)
    decide = TargetRecallClassifier(
        network, recall=recall, confidence=None, random_state=random_state
    )
    return make_pipeline(
        PixelMask(detect=True), CentralCrop(crop), GCN(), LCN(5), RowWiseDecomposition(), decide
    )


def train(
    frames: Frames | np.ndarray,
    target: ArrayLike,
    *,
    crop: int = 724,
    recall: float = 0.95,
    max_epochs: int | None = None,
    random_state: int | None = None,
) -> ScreeningModel:
    """Train the hit finder and its baseline on labelled frames.

    Parameters
    ----------
    frames : Frames or ndarray, shape (n_frames, height, width)
        The labelled frames only.
    target : array-like of int, shape (n_frames,)
        1 for a hit, 0 for a miss.
    crop : int
        Side of the central square that is looked at, in pixels.
    recall : float in (0, 1]
        Share of the labelled hits that the threshold keeps, out of fold: what networks that were
        not trained on a hit say of it.
    max_epochs : int, optional
        Training epochs; the default of `CNN1D` where it is not given.
    random_state : int, optional
        Seed of the network and of the folds.

    Returns
    -------
    ScreeningModel

    Raises
    ------
    InputError
        The labels are not as many as the frames, are not 0 and 1, or are too few of a kind.

    Examples
    --------
    >>> from sklearn_sfx import make_sfx_frames, train
    >>> run = make_sfx_frames(32, frame_shape=(64, 64), random_state=0)
    >>> model = train(run.data, [0, 1] * 16, crop=64, max_epochs=2, random_state=0)
    >>> model.frame_shape
    (64, 64)
    """
    target = np.asarray(target)
    if target.shape != (len(frames),):
        raise InputError(
            f"train needs one label for each frame: {len(frames)} frames, {target.size} labels."
        )
    if set(np.unique(target).tolist()) != {0, 1}:
        raise InputError(
            "train needs labels of both kinds, 1 for a hit and 0 for a miss, and no other; "
            f"these have {', '.join(str(value) for value in np.unique(target)) or 'none'}."
        )
    if not 0 < recall <= 1:
        raise InputError(f"recall has to lie above 0 and not above 1, got {recall}.")
    finder = hit_finder(crop=crop, recall=recall, max_epochs=max_epochs, random_state=random_state)
    # The frames are read once for all folds, since their vectors are small.
    finder[-1].fit(np.asarray(finder[:-1].fit_transform(frames)), target)
    prepare = finder[:N_PREPARE]
    baseline = PeakCountClassifier().fit(prepare.transform(frames), target)
    origins = getattr(frames, "sources", ())
    trained_on = tuple((os.path.basename(o.path), o.position) for o in origins if o.path)
    return ScreeningModel(
        prepare, finder[N_PREPARE:], baseline, trained_on, tuple(frames.shape[1:])
    )


def load_screening_model(path: str | os.PathLike) -> ScreeningModel:
    """Load what `ScreeningModel.save` wrote.

    Parameters
    ----------
    path : path-like
        The model file. It is a pickle, which can run code: load only files that you trust.

    Returns
    -------
    ScreeningModel

    Raises
    ------
    InputError
        The file is missing, cannot be read, or holds something else.
    """
    try:
        model = joblib.load(path)
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
            f"{path}: this is not a model that 'sfx train' wrote, or it is damaged ({error})."
        ) from error
    if not isinstance(model, ScreeningModel):
        raise InputError(
            f"{path}: this holds a {type(model).__name__}, not a model that 'sfx train' wrote."
        )
    return model
