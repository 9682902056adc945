"""Scores that choose a model for frames of another kind, each saying what it looked at."""

from collections.abc import Callable
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import entr
from sklearn import get_config
from sklearn.metrics import check_scoring
from sklearn.utils import _safe_indexing, check_consistent_length, column_or_1d
from sklearn.utils.metadata_routing import MetadataRequest

from sklearn_sfx._labels import check_labels, is_unlabelled
from sklearn_sfx._stored import Stored
from sklearn_sfx.exceptions import InputError

__all__ = ["SourceScorer", "TargetEntropyScorer", "TargetLabelScorer"]


class SourceScorer(Stored):
    """The score on the labelled frames of the source: it never looks at the target.

    "Source validation". It takes the rows that it is given, as every scorer does, and drops those
    without a label. It cannot see whether a model works on the target.

    Parameters
    ----------
    scoring : str or callable, default="recall"
        A score of scikit-learn, or a scorer. Labels that are strings take one such as
        ``make_scorer(recall_score, pos_label="hit")``.
    unlabelled : int, str or None, default=-1
        The value of y of a row without a label; None where every row has one.

    Attributes
    ----------
    uses : str
        What the score is made from.

    Raises
    ------
    InputError
        `scoring` is neither a name of a score nor a scorer.

    See Also
    --------
    TargetEntropyScorer : Looks at target frames, at none of their labels.
    TargetLabelScorer : Looks at a few target labels.
    LabelledStratifiedKFold : Folds whose test part has no unlabelled row.

    Notes
    -----
    With `LabelledStratifiedKFold` the target frames, which y marks, are in every training part and
    in no test part, and this is the same as `scoring` alone. Other folds test such rows too, and
    there `scoring` alone fails.

    Where the target is told by ``sample_domain`` and y may hold its labels, ask for it, with
    metadata routing on: ``SourceScorer().set_score_request(sample_domain=True)``. Otherwise those
    labels are scored as if they were the source's.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.dummy import DummyClassifier
    >>> from sklearn_sfx.model_selection import SourceScorer
    >>> X, y = np.zeros((5, 1)), np.array([1, 1, 0, -1, -1])
    >>> model = DummyClassifier(strategy="constant", constant=1).fit(X[:3], y[:3])
    >>> SourceScorer("accuracy")(model, X, y)
    0.666...
    >>> SourceScorer().uses
    'labels of the source frames, none of the target'
    >>> import sklearn
    >>> with sklearn.config_context(enable_metadata_routing=True):
    ...     SourceScorer().set_score_request(sample_domain=True).get_metadata_routing()
    {'score': {'sample_domain': True}}
    """

    def __init__(self, scoring: str | Callable = "recall", *, unlabelled: Any = -1):
        self.scoring = scoring
        self.unlabelled = unlabelled
        self._scorer = _find_scorer(self, scoring)
        self._sample_domain: bool | str | None = None

    def __call__(
        self, estimator: Any, X: Any, y: ArrayLike, *, sample_domain: ArrayLike | None = None
    ) -> float:
        """Score a fitted estimator.

        Parameters
        ----------
        estimator : estimator instance
            A fitted classifier.
        X : array-like or Frames, shape (n, ...)
            Rows of the source, and possibly of the target.
        y : array-like of shape (n,)
            Labels, and `unlabelled`.
        sample_domain : array-like of int, shape (n,), optional
            Below 0 for a row of the target, which is dropped whatever its y.

        Returns
        -------
        score : float
            Higher is better.

        Raises
        ------
        InputError
            No row is left, or the lengths differ.
        """
        y = column_or_1d(y)
        is_kept = ~is_unlabelled(y, self.unlabelled)
        check_consistent_length(X, y)
        if sample_domain is not None:
            sample_domain = column_or_1d(sample_domain)
            _check_length("sample_domain", sample_domain, len(y))
            is_kept = is_kept & (sample_domain >= 0)
        if not is_kept.any():
            raise InputError(
                f"SourceScorer was given {len(y)} rows and none of them is a labelled row of the "
                "source: test on folds that have some, as LabelledStratifiedKFold makes them."
            )
        if not is_kept.all():
            rows = np.flatnonzero(is_kept)
            X, y = _safe_indexing(X, rows), y[rows]
        return self._scorer(estimator, X, y)

    @property
    def uses(self) -> str:
        """What the score is made from."""
        return "labels of the source frames, none of the target"

    def set_score_request(self, *, sample_domain: bool | str | None) -> Self:
        """Say whether ``sample_domain`` is passed to the scorer; with metadata routing on.

        Parameters
        ----------
        sample_domain : bool, str or None
            True to be given it, False to do without, a name under which it is passed, or None for
            an error if it is passed.

        Returns
        -------
        self : SourceScorer
            This scorer, changed.

        Raises
        ------
        RuntimeError
            Metadata routing is off.
        """
        if not get_config()["enable_metadata_routing"]:
            raise RuntimeError(
                "Requests take sklearn.set_config(enable_metadata_routing=True) to be made before."
            )
        self._sample_domain = sample_domain
        return self

    def get_metadata_routing(self) -> MetadataRequest:
        """Return what metadata the scorer asks for.

        Returns
        -------
        requests : MetadataRequest
            Of ``score``.
        """
        requests = MetadataRequest(owner=type(self).__name__)
        requests.score.add_request(param="sample_domain", alias=self._sample_domain)
        return requests

    def __repr__(self) -> str:
        return f"<SourceScorer({self.scoring!r}) uses {self.uses}>"


class TargetEntropyScorer(Stored):
    """How decided a model is about target frames: minus the mean entropy, without any label.

    A model that has not found its way into the target hesitates there [1]_. The score is 0 where
    every frame is decided and -1 where the classes are equally likely.

    Parameters
    ----------
    X : array-like or Frames, shape (n, ...)
        Target frames, as the searched model reads them. `Frames` stay lazy and are read anew for
        each model. They may be the ones that it is trained on, since no label is involved.

    Attributes
    ----------
    uses : str
        What the score is made from.

    Raises
    ------
    InputError
        X has no rows.

    See Also
    --------
    SourceScorer : Looks at labels of the source.
    TargetLabelScorer : Looks at a few target labels.

    Notes
    -----
    **Decided is not right.** A model that calls every frame a miss, with certainty, has the best
    score there is, and so does one that has merely been trained to larger weights. Never choose by
    it alone: watch `SourceScorer` beside it, and look at the share of hits that the chosen model
    finds in the target ::

        GridSearchCV(
            DANN(),
            {"max_lambda": [0.1, 1.0]},
            scoring={"source": SourceScorer(), "entropy": TargetEntropyScorer(X_target)},
            refit="entropy",
            cv=LabelledStratifiedKFold(shuffle=True),
        )

    The rows of the test part play no role: the model of each fold is scored on all of `X`, so how
    the folds differ says how much depends on what was trained on.

    References
    ----------
    .. [1] P. Morerio, J. Cavazza and V. Murino, "Minimal-entropy correlation alignment for
       unsupervised deep domain adaptation", ICLR (2018).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.dummy import DummyClassifier
    >>> from sklearn_sfx.model_selection import TargetEntropyScorer
    >>> scorer = TargetEntropyScorer(np.zeros((300, 1)))
    >>> scorer
    <TargetEntropyScorer uses 300 target frames, none of their labels>
    >>> scorer.uses
    '300 target frames, none of their labels'
    >>> X, y = np.zeros((4, 1)), [0, 0, 0, 1]
    >>> model = DummyClassifier(strategy="prior").fit(X, y)  # says 0.75 and 0.25 of any frame
    >>> round(scorer(model, X, y), 3)
    -0.811
    """

    def __init__(self, X: Any):
        self.X = X
        self._n = _count_rows(self, X)

    def __call__(self, estimator: Any, X: Any = None, y: Any = None, **metadata: Any) -> float:
        """Score a fitted estimator.

        Parameters
        ----------
        estimator : estimator instance
            A fitted classifier with ``predict_proba``.
        X, y, **metadata : object
            Ignored; there for compatibility.

        Returns
        -------
        score : float
            From -1 to 0; higher is more decided.

        Raises
        ------
        InputError
            The estimator has no ``predict_proba`` or knows one class only.
        """
        if not hasattr(estimator, "predict_proba"):
            raise InputError(
                f"TargetEntropyScorer needs probabilities and {type(estimator).__name__} has no "
                "predict_proba: wrap it in CalibratedClassifierCV, or choose by another score."
            )
        probability = np.asarray(estimator.predict_proba(self.X), np.float64)
        n_classes = probability.shape[1]
        if n_classes < 2:
            raise InputError(
                "TargetEntropyScorer needs a model of two classes at least, and this one was "
                "fitted on labels of one: make folds whose training parts have both."
            )
        return -float(np.mean(entr(probability).sum(axis=1))) / float(np.log(n_classes))

    @property
    def uses(self) -> str:
        """What the score is made from."""
        return f"{self._n} target frame{'s' if self._n > 1 else ''}, none of their labels"

    def __repr__(self) -> str:
        return f"<TargetEntropyScorer uses {self.uses}>"


class TargetLabelScorer(Stored):
    """The score on a few target frames that somebody has labelled.

    Parameters
    ----------
    X : array-like or Frames, shape (n, ...)
        Target frames, as the searched model reads them.
    y : array-like of shape (n,)
        Their labels, of two classes at least.
    scoring : str or callable, default="recall"
        A score of scikit-learn, or a scorer, as for `SourceScorer`.

    Attributes
    ----------
    uses : str
        What the score is made from.

    Raises
    ------
    InputError
        Lengths that differ, or labels of one class only, which some model gets right by always
        saying the same.

    See Also
    --------
    SourceScorer : Looks at labels of the source.
    TargetEntropyScorer : Looks at target frames, at none of their labels.

    Notes
    -----
    Keep these frames out of what the model is trained on, or let y mark them as unlabelled there.
    With `LabelledStratifiedKFold` the labelled rows are then those of the source, and the model of
    each fold is scored on all of `X`; the rows of the test part play no role.

    Few labels choose roughly: a recall that is measured on ten hits moves in steps of 0.1. A result
    on the target is to be measured on other frames than those which the model was chosen with.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.dummy import DummyClassifier
    >>> from sklearn_sfx.model_selection import TargetLabelScorer
    >>> scorer = TargetLabelScorer(np.zeros((4, 1)), [1, 0, 0, 0], "accuracy")
    >>> scorer
    <TargetLabelScorer('accuracy') uses 4 target labels>
    >>> scorer.uses
    '4 target labels'
    >>> X, y = np.zeros((2, 1)), [0, 1]
    >>> scorer(DummyClassifier(strategy="constant", constant=0).fit(X, y), X, y)
    0.75
    """

    def __init__(self, X: Any, y: ArrayLike, scoring: str | Callable = "recall"):
        self.X = X
        self.y = np.array(check_labels("TargetLabelScorer", y))
        self.scoring = scoring
        self._scorer = _find_scorer(self, scoring)
        n = _count_rows(self, X)
        _check_length("y", self.y, n)
        classes = np.unique(self.y).tolist()
        if len(classes) < 2:
            raise InputError(
                f"TargetLabelScorer got {n} labels, all of them {classes[0]!r}, and a model that "
                "always says so would look best: label target frames of another class too."
            )

    def __call__(self, estimator: Any, X: Any = None, y: Any = None, **metadata: Any) -> float:
        """Score a fitted estimator.

        Parameters
        ----------
        estimator : estimator instance
            A fitted classifier.
        X, y, **metadata : object
            Ignored; there for compatibility.

        Returns
        -------
        score : float
            Higher is better.
        """
        return self._scorer(estimator, self.X, self.y)

    @property
    def uses(self) -> str:
        """What the score is made from."""
        return f"{len(self.y)} target labels"

    def __repr__(self) -> str:
        return f"<TargetLabelScorer({self.scoring!r}) uses {self.uses}>"


def _find_scorer(owner: Any, scoring: Any) -> Callable:
    name = type(owner).__name__
    if not isinstance(scoring, str) and not callable(scoring):
        raise InputError(
            f"{name}: scoring is {scoring!r}, and has to be the name of one score or a scorer; for "
            "several make a scorer of each."
        )
    try:
        return check_scoring(scoring=scoring)
    except ValueError as error:  # no such name, or a metric where a scorer is wanted
        if callable(scoring):
            hint = "make a scorer of a metric: make_scorer(...)"
        else:
            hint = "sklearn.metrics.get_scorer_names() lists the names"
        raise InputError(f"{name}: scoring={scoring!r} is not a scorer; {hint}.") from error


def _count_rows(owner: Any, X: Any) -> int:
    n = X.shape[0] if getattr(X, "shape", ()) else len(X)
    if not n:
        raise InputError(f"{type(owner).__name__} needs a target frame at least, and X has none.")
    return n


def _check_length(name: str, values: np.ndarray, n: int) -> None:
    if len(values) != n:
        raise InputError(f"{name} has {len(values)} values for {n} rows of X: give one for each.")
