"""The decision threshold that reaches a wanted recall, as surely as the labels allow."""

import math
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn import get_config
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, _fit_context, clone
from sklearn.model_selection import check_cv
from sklearn.utils import Bunch, Tags, get_tags, indexable
from sklearn.utils._param_validation import HasMethods, Interval
from sklearn.utils.metadata_routing import (
    MetadataRouter,
    MethodMapping,
    _raise_for_params,
    process_routing,
)
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import (
    check_is_fitted,
    has_fit_parameter,
)

from sklearn_sfx._intervals import clopper_pearson_lower
from sklearn_sfx._labels import check_labels, decided, hit_class, refuse_marks, strata
from sklearn_sfx._stored import Stored
from sklearn_sfx._weights import check_fit_weights, effective_counts
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.model_selection._of_fold import hit_probability_of_fold
from sklearn_sfx.model_selection._split import LabelledStratifiedKFold

__all__ = ["TargetRecallClassifier"]

PASSED_ON = ("n_features_in_", "feature_names_in_", "frame_shape_in_")


class TargetRecallClassifier(Stored, ClassifierMixin, MetaEstimatorMixin, BaseEstimator):
    """Set the decision threshold of a classifier so that it finds the wanted share of hits.

    The labelled hits get the probability that a model gives them that was not trained on them, by
    cross-validation. The threshold is the highest that keeps enough of them for the exact
    (Clopper-Pearson) lower bound of the recall to be at least `recall` at this `confidence`. Then
    `estimator` is fitted anew on all rows. Of several classes `pos_label` names that of hits; a row
    that is no hit has the likeliest of the others.

    Parameters
    ----------
    estimator : estimator instance
        A classifier with ``predict_proba``; a pipeline that ends in one.
    recall : float, default=0.95
        The wanted recall: found among all hits. 1 keeps every labelled hit, and takes
        ``confidence=None``, since no number of labels assures it of the frames to come.
    confidence : float between 0 and 1, or None, default=0.9
        How sure the recall has to be. It takes labelled hits: for a recall of 0.95, 45 at a
        confidence of 0.9 and 14 at 0.5, and then all of them are kept; to lose one, 77 and 34.
        None asks of the labelled hits alone that their recall be at least `recall`. This works
        with a few hits and promises nothing of the frames to come: with ten hits and 0.95, their
        recall is lower six times in ten.
    pos_label : int, float, bool or str, default=None
        The class that counts as a hit. By default the greater of two numbers, such as 1 of 0 and
        1; of strings, and of more than two classes, it has to be named.
    cv : int, splitter, iterable of splits or None, default=5
        A number of stratified, shuffled folds (None for 5), or how to split. Of several classes
        that are no hits, those rarer than the folds count as the commonest one when rows are dealt
        out to the folds of a number. A row may be tested once at most; rows that are never tested
        are for training only, as those without a label with `LabelledStratifiedKFold`.
    n_jobs : int, default=None
        Folds that are fitted at a time, as joblib counts.
    random_state : int, RandomState instance or None, default=None
        Makes the shuffle repeatable where `cv` is a number.

    Attributes
    ----------
    estimator_ : estimator instance
        Fitted on all rows.
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted, of the dtype of y.
    pos_label_ : label
        The class that counts as a hit.
    threshold_ : float
        A frame whose probability of a hit is this, or higher, is one.
    recall_ : float
        Share of the labelled hits that are kept, out of fold.
    recall_bound_ : float
        Lower bound of the recall at this confidence, `recall` at least; NaN without a confidence.
        Hits that tie at the threshold are kept, and counted only as far as they were needed.
    n_features_in_, feature_names_in_, frame_shape_in_
        As `estimator_` has them, where it does.

    See Also
    --------
    sklearn.model_selection.TunedThresholdClassifierCV : Tunes the threshold for the highest score.
    LabelledStratifiedKFold : Folds for rows of which only some have labels.

    Notes
    -----
    How many hits are kept follows from their number alone, so the threshold is a distribution-free
    tolerance limit of their probabilities [2]_: although it is chosen on the same hits, the recall
    reaches `recall` in a share `confidence` of all samples. This holds for hits drawn like the
    labelled ones, and for the model that gave the probabilities. It is exact for a model that is
    fitted already: wrap it in `sklearn.frozen.FrozenEstimator` and fit on labels that it has not
    seen. Otherwise the folds' models stand for the final one, which has more rows to learn from:
    the bound is as good as they are alike. Neither holds on frames of another kind. Hits that
    weigh differently count as the effective number of those that weigh the same [3]_, which is
    close to the truth and not exact.

    References
    ----------
    .. [1] C. J. Clopper and E. S. Pearson, "The use of confidence or fiducial limits illustrated
       in the case of the binomial", Biometrika 26, 404 (1934).
    .. [2] S. S. Wilks, "Determination of sample sizes for setting tolerance limits", Ann. Math.
       Stat. 12, 91 (1941).
    .. [3] E. L. Korn and B. I. Graubard, "Confidence intervals for proportions with small expected
       number of positive counts estimated from survey data", Survey Methodology 24, 193 (1998).

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn_sfx.model_selection import TargetRecallClassifier
    >>> X, y = make_classification(n_samples=200, weights=[0.6], class_sep=0.8, random_state=0)
    >>> model = TargetRecallClassifier(LogisticRegression(), recall=0.9, random_state=0).fit(X, y)
    >>> bool(model.threshold_ < 0.5), bool(model.recall_ > model.recall_bound_ >= 0.9)
    (True, True)
    >>> model.predict(X[:3]), model.predict_proba(X[:3]).shape
    (array([0, 1, 1]), (3, 2))
    >>> [name for name, _ in model.get_metadata_routing()]
    ['$self_request', 'estimator', 'splitter']
    >>> TargetRecallClassifier(LogisticRegression(), recall=0.99).fit(X, y)
    Traceback (most recent call last):
    ...
    sklearn_sfx.exceptions.InputError: A recall of 0.99 at confidence 0.9 takes 230 labelled hits...
    """

    _parameter_constraints: ClassVar[dict] = {
        "estimator": [HasMethods(["fit", "predict_proba"])],
        "recall": [Interval(Real, 0, 1, closed="right")],
        "confidence": [Interval(Real, 0, 1, closed="neither"), None],
        "pos_label": [Real, str, "boolean", None],
        "cv": ["cv_object"],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator: BaseEstimator,
        *,
        recall: float = 0.95,
        confidence: float | None = 0.9,
        pos_label: Any = None,
        cv: Any = 5,
        n_jobs: int | None = None,
        random_state: int | np.random.RandomState | None = None,
    ):
        self.estimator = estimator
        self.recall = recall
        self.confidence = confidence
        self.pos_label = pos_label
        self.cv = cv
        self.n_jobs = n_jobs
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None, **params: Any
    ) -> Self:
        """Find the threshold, and fit the estimator on all rows.

        Parameters
        ----------
        X : array-like or Frames, shape (n, ...)
            What `estimator` reads.
        y : array-like of shape (n,)
            Labels of two classes, or of more with `pos_label`; also the mark of rows without one,
            where `cv` and `estimator` know it.
        sample_weight : array-like of float, shape (n,), default=None
            What each row weighs for `estimator` and for the threshold, 0 or more. With metadata
            routing it reaches `estimator` as that asks; without, its `fit` has to take weights,
            which that of a pipeline does not.
        **params : dict
            Metadata for ``estimator.fit`` and ``cv.split``, routed as scikit-learn does.

        Returns
        -------
        self : object
            The fitted classifier.

        Raises
        ------
        InputError
            Labels of one class, strings or more than two classes without `pos_label`, a mark of
            rows without a label that `cv` does not know, too few labelled hits for what is asked,
            folds that test a row twice or train on one class, or weights that are below 0, all 0,
            or of no use to `estimator`.
        """
        _raise_for_params(params, self, "fit")
        X, y = indexable(X, check_labels("TargetRecallClassifier", y))
        if sample_weight is not None:
            sample_weight = check_fit_weights(self, X, sample_weight)
        routed = self._route(sample_weight, params)
        splits = list(self._make_folds(y).split(X, self._strata(y), **routed.splitter.split))
        tested = np.concatenate([test for _, test in splits])
        if len(np.unique(tested)) < len(tested):
            raise InputError(
                "Each row may be tested once at most, since each labelled hit counts once: give cv "
                "folds that do not overlap, such as StratifiedKFold."
            )
        labels = np.unique(y[tested])
        self.pos_label_ = self._find_pos_label(labels)
        is_hit = y[tested] == self.pos_label_
        weight = None if sample_weight is None else sample_weight[tested][is_hit]
        self._assured_recall(int(is_hit.sum()), weight)  # whether there are enough

        fit_params = routed.estimator.fit
        parts = Parallel(n_jobs=self.n_jobs)(
            delayed(hit_probability_of_fold)(
                clone(self.estimator), X, y, train, test, fit_params, self.pos_label_, labels
            )
            for train, test in splits
        )
        hits = np.concatenate(parts)[is_hit]
        order = np.argsort(-hits)
        weight = None if weight is None else weight[order]
        hits = hits[order]
        assured = self._assured_recall(len(hits), weight)
        kept = int(np.argmax(assured >= self.recall))
        self.threshold_ = float(hits[kept - 1])
        self.recall_ = float(np.average(hits >= self.threshold_, weights=weight))
        self.recall_bound_ = math.nan if self.confidence is None else float(assured[kept])

        self.estimator_ = clone(self.estimator).fit(X, y, **routed.estimator.fit)
        self.classes_ = self.estimator_.classes_
        for name in PASSED_ON:
            if hasattr(self.estimator_, name):
                setattr(self, name, getattr(self.estimator_, name))
        return self

    def predict(self, X: ArrayLike) -> np.ndarray:
        """Return the label of each row: a hit where its probability reaches the threshold.

        Parameters
        ----------
        X : array-like or Frames, shape (n, ...)
            What `estimator` reads.

        Returns
        -------
        labels : ndarray of shape (n,)
            Of the kind that `fit` was given.
        """
        probability = self.predict_proba(X)
        return decided(probability, self.classes_, self.pos_label_, self.threshold_)

    def predict_proba(self, X: ArrayLike) -> np.ndarray:
        """Return the probability of each class, as `estimator_` gives it.

        Parameters
        ----------
        X : array-like or Frames, shape (n, ...)
            What `estimator` reads.

        Returns
        -------
        probability : ndarray of float, shape (n, n_classes)
            Columns in the order of ``classes_``. The threshold has no part in it.
        """
        check_is_fitted(self)
        return self.estimator_.predict_proba(X)

    def get_metadata_routing(self) -> MetadataRouter:
        """Return what metadata goes to the estimator and to the splitter.

        Returns
        -------
        routing : MetadataRouter
            Of ``fit``.
        """
        to_fit = MethodMapping().add(caller="fit", callee="fit")
        to_split = MethodMapping().add(caller="fit", callee="split")
        router = MetadataRouter(owner=self).add_self_request(self)
        router.add(estimator=self.estimator, method_mapping=to_fit)
        return router.add(splitter=self.cv, method_mapping=to_split)

    def _route(self, sample_weight: np.ndarray | None, params: dict[str, Any]) -> Bunch:
        """Return what goes to the estimator and to the splitter."""
        if sample_weight is None:
            return process_routing(self, "fit", **params)
        if get_config()["enable_metadata_routing"]:
            return process_routing(self, "fit", sample_weight=sample_weight, **params)
        if not has_fit_parameter(self.estimator, "sample_weight"):
            raise InputError(
                f"TargetRecallClassifier: sample_weight is of no use to the fit of this "
                f"{type(self.estimator).__name__}; for a pipeline turn metadata routing on and let "
                "its steps ask for it: set_fit_request(sample_weight=True)."
            )
        routed = process_routing(self, "fit")
        routed.estimator.fit = {"sample_weight": sample_weight}
        return routed

    def __sfx_steps__(self) -> list[tuple[None, Any]]:
        """Return the classifier that this is around."""
        return [(None, getattr(self, "estimator_", self.estimator))]

    def __sfx_decision__(self) -> tuple[float, Any]:
        """Return the probability from which a frame is a hit, and the class of hits."""
        return self.threshold_, self.pos_label_

    def _make_folds(self, y: np.ndarray) -> Any:
        if self.cv is None or isinstance(self.cv, Integral):
            return LabelledStratifiedKFold(
                int(self.cv or 5), shuffle=True, random_state=self.random_state, unlabelled=None
            )
        return check_cv(self.cv, y, classifier=True)

    def _strata(self, y: np.ndarray) -> np.ndarray:
        """Return y as the folds are to be stratified; one's own get it as it is."""
        is_number, labels = self.cv is None or isinstance(self.cv, Integral), set(y.tolist())
        if not is_number or len(labels) <= 2 or self.pos_label not in labels:
            return y
        return strata(y, self.pos_label, int(self.cv or 5))

    def _find_pos_label(self, classes: np.ndarray) -> Any:
        labels = classes.tolist()
        marked = any(label in (-1, "-1") for label in labels)
        refuse_marks(type(self).__name__, classes, ("",))
        if len(labels) > 2 and (self.pos_label is None or marked):
            raise InputError(
                "Only binary classification is supported. The type of the target is multiclass, "
                f"with the labels {labels}: name the class of hits, as pos_label={labels[-1]!r} "
                "does; where one of them marks rows without a label, as -1 does, give "
                "cv=LabelledStratifiedKFold()."
            )
        if len(labels) < 2:
            raise InputError(
                f"The folds of cv test rows of one class only, {labels[0]!r}: test rows of both."
            )
        return hit_class(classes, self.pos_label)

    def _assured_recall(self, n_hits: float, weight: np.ndarray | None) -> np.ndarray:
        """Return the recall that is assured if 0, 1, ... n_hits of the labelled hits are kept."""
        kept: Any = np.arange(n_hits + 1)
        trials: Any = n_hits
        if weight is not None:
            if not weight.any():
                raise InputError("The labelled hits that cv tests all weigh 0: weigh some more.")
            kept = np.concatenate([[0.0], weight.cumsum()])
            trials = kept[-1]
        if self.confidence is None:
            return kept / trials
        if weight is not None:
            squares = np.concatenate([[0.0], (weight**2).cumsum()])
            sums = zip(kept, kept[-1] - kept, squares, squares[-1] - squares, strict=True)
            kept, trials = np.transpose([effective_counts(*each) for each in sums])
            n_hits = trials[-1]
        assured = clopper_pearson_lower(kept, trials, self.confidence)
        if assured[-1] >= self.recall:
            return assured
        asked = f"A recall of {self.recall:g} at confidence {self.confidence:g}"
        enough = np.floor(1000 * assured[-1]) / 1000
        if self.recall == 1:
            raise InputError(f"{asked} takes more labels than there are: set confidence=None.")
        raise InputError(
            f"{asked} takes {hits_needed(self.recall, self.confidence)} labelled hits or more, and "
            f"there are {round(n_hits, 1):g}, enough for {enough:.3f}: label more "
            "hits, ask for less, or set confidence=None for the recall of the labelled hits alone."
        )

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags = get_tags(self.estimator).input_tags
        tags.classifier_tags.multi_class = self.pos_label is not None
        return tags


def hits_needed(recall: float, confidence: float) -> int:
    """Return the fewest hits whose lower bound reaches `recall`, if all of them are kept."""
    return math.ceil(math.log1p(-confidence) / math.log(recall))
