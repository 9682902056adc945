"""The method that the labels say is best, as one estimator."""

import warnings
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import _fit_context
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.utils import Tags
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from sklearn_sfx._labels import (
    decided,
    encode_binary_labels,
    encode_labels,
    hit_class,
    refuse_marks,
)
from sklearn_sfx._methods import AUTO, METHODS, Method, find_methods, worth_comparing
from sklearn_sfx._tasks import SINGLE_PARTICLE, TASKS
from sklearn_sfx._weights import as_weights, left_in
from sklearn_sfx.classifiers import FrameClassifier
from sklearn_sfx.exceptions import FewLabelsWarning, InputError
from sklearn_sfx.preprocessing import PixelMask
from sklearn_sfx.screening._crop import crop_for
from sklearn_sfx.screening._particle_finder import PARTICLE_METHODS, particle_methods
from sklearn_sfx.screening._select import select

__all__ = ["HitFinderCV", "select_hit_finder"]


class HitFinderCV(FrameClassifier):
    """Find hits by the method that is best on the labelled frames.

    The methods of `train` are compared by five stratified folds. The best by the area under the
    ROC curve is taken, the first one of those that it does not beat by more than a standard error;
    the threshold is set by what models say of frames that they have not learned from. Then the
    method learns from all frames. It reads raw counts: put `PixelMask` with ``detect=True`` before
    it, as `select_hit_finder` does, and no crop, since each method has its own.

    Of single particles the hits are one class of several, by default "single"; a frame that is no
    hit has the likeliest of the other classes.

    Parameters
    ----------
    task : {"crystallography", "single-particle"}, default="crystallography"
        What is looked for, which decides on the methods.
    method : str, default="auto"
        One of the methods, for its threshold and what to expect of it; "auto" compares them. Those
        of crystals are "peaks", "spots", "count", "rows", "both" and "frames", of which "rows" and
        "both" are compared from 100 frames on, and "frames" never; those of single particles are
        "sphere" and "trees".
    recall : float in (0, 1] or None, default=None
        The share of the labelled hits to keep; None for the best F2 score.
    crop : int, "auto" or None, default="auto"
        Side of the square that is looked at, as in `train`.
    pos_label : int, float, bool or str, default=None
        The class that counts as a hit. By default "single" where the task has it, or the greater
        of two numbers, such as 1 of 0 and 1; of other strings it has to be named.
    max_epochs : int or None, default=None
        Training epochs of the network; None for the default of `CNN1D`.
    random_state : int or None, default=None
        Seed of the network, the trees and the folds.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted, of the dtype of y; two for crystals.
    pos_label_ : label
        The class that counts as a hit.
    method_ : str
        The method that was taken.
    compared_ : tuple of str
        Those that it was chosen from.
    estimator_ : Pipeline
        The method, fitted to all frames: `CentralCrop` and what follows.
    threshold_ : float
        A frame whose probability of a hit is this, or higher, is one. 0.5 where there are fewer
        than five labels of hits, or of others.
    expected_ : Expectation or None
        Recall, precision and hit rate to expect, with 90 % intervals; None for fewer than five.
    n_features_in_ : int
        Height of the frames seen in `fit`.
    frame_shape_in_ : tuple of int
        (height, width) of the frames seen in `fit`.

    See Also
    --------
    train : Does this for a run, and makes a model for `screen`.
    train_single_particles : The same for single particles.
    TargetRecallClassifier : Assures a recall, with a confidence.

    Notes
    -----
    What is expected is nested: of each fold it counts what was chosen, and at which threshold, on
    the other four. The standard error of the difference of two areas is that of DeLong et al. [1]_.

    References
    ----------
    .. [1] DeLong, DeLong and Clarke-Pearson, "Comparing the areas under two or more correlated
       receiver operating characteristic curves", Biometrics 44, 837 (1988).

    Examples
    --------
    >>> from sklearn_sfx import HitFinderCV, make_sfx_frames
    >>> run = make_sfx_frames(60, frame_shape=(160, 160), random_state=0)
    >>> model = HitFinderCV(random_state=0).fit(run.data, run.target)
    >>> model.compared_, model.method_ in model.compared_
    (('peaks', 'spots', 'count'), True)
    >>> model.predict(run.data[:5]).shape, model.predict_proba(run.data[:5]).shape
    ((5,), (5, 2))
    >>> print(model.expected_.hit_rate)
    46.7 % (35.6 to 58.0 %)

    Single particles, in four classes:

    >>> from sklearn_sfx import make_spi_frames
    >>> run = make_spi_frames(60, shares=(0.4, 0.2, 0.1), random_state=0)
    >>> model = HitFinderCV(task="single-particle", random_state=0).fit(run.data, run.labels)
    >>> model.compared_, model.pos_label_, model.classes_.size
    (('sphere', 'trees'), 'single', 4)
    """

    _parameter_constraints: ClassVar[dict] = {
        "task": [StrOptions(set(TASKS))],
        "method": [StrOptions({AUTO, *METHODS, *PARTICLE_METHODS})],
        "recall": [Interval(Real, 0, 1, closed="right"), None],
        "crop": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"}), None],
        "pos_label": [Real, str, "boolean", None],
        "max_epochs": [Interval(Integral, 1, None, closed="left"), None],
        "random_state": [Integral, None],
    }

    def __init__(
        self,
        *,
        task: str = "crystallography",
        method: str = "auto",
        recall: float | None = None,
        crop: int | str | None = "auto",
        pos_label: Any = None,
        max_epochs: int | None = None,
        random_state: int | None = None,
    ):
        self.task = task
        self.method = method
        self.recall = recall
        self.crop = crop
        self.pos_label = pos_label
        self.max_epochs = max_epochs
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Compare the methods, and fit the best to all frames.

        Parameters
        ----------
        X : array-like or Frames, shape (n, height, width)
            Raw frames; NaN, and what the mask of `Frames` calls unusable, take no part.
        y : array-like of shape (n,)
            Labels of two classes; of two or more for single particles.
        sample_weight : array-like of float, shape (n,), default=None
            What each label weighs in the comparison, the threshold and what is expected, 0 or more,
            where frames were drawn with different chances. Each method learns from all labels
            alike, but for those that weigh 0.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        InputError
            Labels of one class, or of more than two where crystals are looked for, marks of frames
            without a label ("", or -1 beside two classes), strings without `pos_label`, a method of
            another task, weights below 0 or all 0, input that is no frames, or a recall for fewer
            than five labels of hits or of others.

        Warns
        -----
        FewLabelsWarning
            The best method would call every frame a hit, or says the same of all.
        """
        X = self._check_frames(X, reset=True)
        X, y, sample_weight = left_in(self, X, y, sample_weight)
        if sample_weight is not None:
            sample_weight = as_weights(sample_weight, len(X), type(self).__name__)
        known = PARTICLE_METHODS if self._is_particles else METHODS
        if self.method not in (AUTO, *known):
            raise InputError(
                f"HitFinderCV: the method {self.method!r} is of another task than {self.task}: "
                f"take one of {', '.join([AUTO, *known])}."
            )
        if self._is_particles:
            labels, methods = self._of_particles(X, y)
        else:
            labels, methods = self._of_crystals(X, y)
        chosen = select(
            X,
            labels,
            methods,
            crop=self.crop,
            recall=self.recall,
            max_epochs=self.max_epochs,
            random_state=self.random_state,
            sample_weight=sample_weight,
        )
        if chosen.problem:
            warnings.warn(chosen.problem, FewLabelsWarning, stacklevel=2)
        self.method_, self.compared_ = chosen.method, chosen.compared
        self.estimator_ = make_pipeline(chosen.crop, *chosen.classifier.named_steps.values())
        self.threshold_, self.expected_ = chosen.threshold, chosen.expected
        return self

    @property
    def _is_particles(self) -> bool:
        return self.task == SINGLE_PARTICLE.option

    def _of_crystals(self, X: Any, y: ArrayLike) -> tuple[np.ndarray, tuple[Method, ...]]:
        """Return 1 for a hit and 0 for a miss, and the methods that find peaks."""
        self.classes_, targets = encode_binary_labels(self, X, y)
        self.pos_label_ = hit_class(self.classes_, self.pos_label)
        is_hit = self.classes_[targets] == self.pos_label_
        methods = worth_comparing(find_methods(self.method), len(is_hit))
        methods[0].check_labels(int(is_hit.sum()), int((~is_hit).sum()))
        return is_hit.astype(int), methods

    def _of_particles(self, X: Any, y: ArrayLike) -> tuple[np.ndarray, tuple[Method, ...]]:
        """Return the labels as they are, and the methods that fit spheres."""
        self.classes_, targets = encode_labels(self, X, y)
        if self.classes_.size > 2:  # -1 and 1 are two classes
            refuse_marks(type(self).__name__, self.classes_, (-1, "-1"))
        asked = self.pos_label
        if asked is None and SINGLE_PARTICLE.kept in self.classes_:
            asked = SINGLE_PARTICLE.kept
        self.pos_label_ = hit_class(self.classes_, asked)
        names = tuple(PARTICLE_METHODS) if self.method == AUTO else (self.method,)
        cropped = crop_for(X, self.crop).fit_transform(X)
        return self.classes_[targets], particle_methods(cropped, names, self.pos_label_)

    def predict_proba(self, X: ArrayLike) -> np.ndarray:
        """Return the probability of each class.

        Parameters
        ----------
        X : array-like or Frames, shape (n, height, width)
            Of the shape seen in `fit`. `Frames` are read frame by frame.

        Returns
        -------
        probability : ndarray of float64, shape (n, n_classes)
            Columns in the order of ``classes_``; rows sum to 1. The threshold has no part in it.

        Raises
        ------
        InputError
            X is not made of frames, or is of another shape than in `fit`.
        """
        check_is_fitted(self)
        X = self._check_frames(X, reset=False)
        probability = self.estimator_.predict_proba(X)
        if self._is_particles:
            return probability
        # Of a miss, and of a hit.
        return probability if self.classes_[1] == self.pos_label_ else probability[:, ::-1]

    def predict(self, X: ArrayLike) -> np.ndarray:
        """Return the label of each frame: a hit where its probability reaches the threshold.

        Any other frame has the likeliest of the other classes.

        Parameters
        ----------
        X : array-like or Frames, shape (n, height, width)
            Of the shape seen in `fit`. `Frames` are read frame by frame.

        Returns
        -------
        labels : ndarray of shape (n,)
            Of the kind that `fit` was given.

        Raises
        ------
        InputError
            X is not made of frames, or is of another shape than in `fit`.
        """
        probability = self.predict_proba(X)
        return decided(probability, self.classes_, self.pos_label_, self.threshold_)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = self._is_particles
        return tags

    def __sfx_steps__(self) -> list[tuple[None, Any]]:
        """Return the pipeline that decides, once there is one."""
        return [(None, self.estimator_)] if hasattr(self, "estimator_") else []

    def __sfx_decision__(self) -> tuple[float, Any]:
        """Return the probability from which a frame is a hit, and the class of hits."""
        return self.threshold_, self.pos_label_


def select_hit_finder(
    *,
    task: str = "crystallography",
    method: str = "auto",
    recall: float | None = None,
    crop: int | str | None = "auto",
    pos_label: Any = None,
    max_epochs: int | None = None,
    random_state: int | None = None,
) -> Pipeline:
    """Return the pipeline that finds hits by the method that is best, not yet fitted.

    Parameters
    ----------
    task : {"crystallography", "single-particle"}, default="crystallography"
        What is looked for. All parameters are those of `HitFinderCV`.
    method : str, default="auto"
        The method, or "auto" for the one that the labels say is best.
    recall : float in (0, 1] or None, default=None
        The share of the labelled hits to keep; None for the best F2 score.
    crop : int, "auto" or None, default="auto"
        Side of the square that is looked at.
    pos_label : int, float, bool or str, default=None
        The class that counts as a hit.
    max_epochs : int or None, default=None
        Training epochs of the network.
    random_state : int or None, default=None
        Seed of the network, the trees and the folds.

    Returns
    -------
    Pipeline
        `PixelMask` with detection of defects and of values that are no counts, and `HitFinderCV`.

    See Also
    --------
    hit_finder : The same for one method, without a comparison and a threshold.

    Examples
    --------
    >>> from sklearn_sfx.screening import select_hit_finder
    >>> list(select_hit_finder(recall=0.98).named_steps)
    ['pixelmask', 'hitfindercv']
    """
    finder = HitFinderCV(
        task=task,
        method=method,
        recall=recall,
        crop=crop,
        pos_label=pos_label,
        max_epochs=max_epochs,
        random_state=random_state,
    )
    return make_pipeline(PixelMask(detect=True, invalid="auto"), finder)
