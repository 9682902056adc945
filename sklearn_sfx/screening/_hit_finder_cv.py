"""The method that the labels say is best, as one estimator."""

import warnings
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import _fit_context
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from sklearn_sfx._labels import decided, encode_binary_labels, hit_class
from sklearn_sfx._methods import AUTO, METHODS, find_methods, worth_comparing
from sklearn_sfx._weights import as_weights, left_in
from sklearn_sfx.classifiers import FrameClassifier
from sklearn_sfx.exceptions import FewLabelsWarning
from sklearn_sfx.preprocessing import PixelMask
from sklearn_sfx.screening._select import select

__all__ = ["HitFinderCV", "select_hit_finder"]


class HitFinderCV(FrameClassifier):
    """Find hits by the method that is best on the labelled frames.

    The methods of `train` are compared by five stratified folds. The best by the area under the
    ROC curve is taken, the first one of those that it does not beat by more than a standard error;
    the threshold is set by what models say of frames that they have not learned from. Then the
    method learns from all frames. It reads raw counts: put `PixelMask` with ``detect=True`` before
    it, as `select_hit_finder` does, and no crop, since each method has its own.

    Parameters
    ----------
    method : {"auto", "peaks", "spots", "count", "rows", "both", "frames"}, default="auto"
        One of the methods, for its threshold and what to expect of it; "auto" compares them, "rows"
        and "both" from 100 frames on, and "frames" never.
    recall : float in (0, 1] or None, default=None
        The share of the labelled hits to keep; None for the best F2 score.
    crop : int, "auto" or None, default="auto"
        Side of the square that is looked at, as in `train`.
    pos_label : int, float, bool or str, default=None
        The class that counts as a hit. By default the greater of two numbers, such as 1 of 0 and
        1; of strings it has to be named.
    max_epochs : int or None, default=None
        Training epochs of the network; None for the default of `CNN1D`.
    random_state : int or None, default=None
        Seed of the network and of the folds.

    Attributes
    ----------
    classes_ : ndarray of shape (2,)
        The labels, sorted, of the dtype of y.
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
        than five labels of a class.
    expected_ : Expectation or None
        Recall, precision and hit rate to expect, with 90 % intervals; None for fewer than five.
    n_features_in_ : int
        Height of the frames seen in `fit`.
    frame_shape_in_ : tuple of int
        (height, width) of the frames seen in `fit`.

    See Also
    --------
    train : Does this for a run, and makes a model for `screen`.
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
    """

    _parameter_constraints: ClassVar[dict] = {
        "method": [StrOptions({AUTO, *METHODS})],
        "recall": [Interval(Real, 0, 1, closed="right"), None],
        "crop": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"}), None],
        "pos_label": [Real, str, "boolean", None],
        "max_epochs": [Interval(Integral, 1, None, closed="left"), None],
        "random_state": [Integral, None],
    }

    def __init__(
        self,
        *,
        method: str = "auto",
        recall: float | None = None,
        crop: int | str | None = "auto",
        pos_label: Any = None,
        max_epochs: int | None = None,
        random_state: int | None = None,
    ):
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
            Labels of two classes.
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
            Labels of one class or of more than two, strings without `pos_label`, weights below 0 or
            all 0, input that is no frames, or a recall for fewer than five labels of a class.

        Warns
        -----
        FewLabelsWarning
            The best method would call every frame a hit, or says the same of all.
        """
        X = self._check_frames(X, reset=True)
        X, y, sample_weight = left_in(self, X, y, sample_weight)
        if sample_weight is not None:
            sample_weight = as_weights(sample_weight, len(X), type(self).__name__)
        self.classes_, targets = encode_binary_labels(self, X, y)
        self.pos_label_ = hit_class(self.classes_, self.pos_label)
        is_hit = self.classes_[targets] == self.pos_label_
        methods = worth_comparing(find_methods(self.method), len(is_hit))
        methods[0].check_labels(int(is_hit.sum()), int((~is_hit).sum()))
        chosen = select(
            X,
            is_hit.astype(int),
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

    def predict_proba(self, X: ArrayLike) -> np.ndarray:
        """Return the probability of each class.

        Parameters
        ----------
        X : array-like or Frames, shape (n, height, width)
            Of the shape seen in `fit`. `Frames` are read frame by frame.

        Returns
        -------
        probability : ndarray of float64, shape (n, 2)
            Columns in the order of ``classes_``; rows sum to 1. The threshold has no part in it.

        Raises
        ------
        InputError
            X is not made of frames, or is of another shape than in `fit`.
        """
        check_is_fitted(self)
        X = self._check_frames(X, reset=False)
        probability = self.estimator_.predict_proba(X)  # of a miss, and of a hit
        return probability if self.classes_[1] == self.pos_label_ else probability[:, ::-1]

    def predict(self, X: ArrayLike) -> np.ndarray:
        """Return the label of each frame: a hit where its probability reaches the threshold.

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

    def __sfx_steps__(self) -> list[tuple[None, Any]]:
        """Return the pipeline that decides, once there is one."""
        return [(None, self.estimator_)] if hasattr(self, "estimator_") else []

    def __sfx_decision__(self) -> tuple[float, Any]:
        """Return the probability from which a frame is a hit, and the class of hits."""
        return self.threshold_, self.pos_label_


def select_hit_finder(
    *,
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
    method : {"auto", "peaks", "spots", "count", "rows", "both", "frames"}, default="auto"
        All are those of `HitFinderCV`.
    recall : float in (0, 1] or None, default=None
        The share of the labelled hits to keep; None for the best F2 score.
    crop : int, "auto" or None, default="auto"
        Side of the square that is looked at.
    pos_label : int, float, bool or str, default=None
        The class that counts as a hit.
    max_epochs : int or None, default=None
        Training epochs of the network.
    random_state : int or None, default=None
        Seed of the network and of the folds.

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
        method=method,
        recall=recall,
        crop=crop,
        pos_label=pos_label,
        max_epochs=max_epochs,
        random_state=random_state,
    )
    return make_pipeline(PixelMask(detect=True, invalid="auto"), finder)
