"""A score of a model that adapts, by the labels of the source."""

from collections.abc import Callable
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn import get_config
from sklearn.utils import _safe_indexing, check_consistent_length, column_or_1d
from sklearn.utils.metadata_routing import MetadataRequest

from sklearn_sfx._labels import is_unlabelled
from sklearn_sfx._stored import Stored
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.model_selection._scoring import check_length, find_scorer

__all__ = ["SourceScorer"]


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

    `DANN` learns from frames of the source that are made like the target's, and decides on all as
    they come. So where detectors differ it finds less in frames of the source, and what makes the
    two most alike need not score best. What ``early_stopping=True`` holds back is made alike too.

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
        self._scorer = find_scorer(self, scoring)
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
            check_length("sample_domain", sample_domain, len(y))
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
