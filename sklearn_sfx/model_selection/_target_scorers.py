"""Scores of a model that adapts, by the frames of the target: without labels, or with a few."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import entr

from sklearn_sfx._labels import check_labels
from sklearn_sfx._stored import Stored
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.model_selection._scoring import check_length, count_rows, find_scorer

__all__ = ["TargetEntropyScorer", "TargetLabelScorer"]


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
        self._n = count_rows(self, X)

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
        self._scorer = find_scorer(self, scoring)
        n = count_rows(self, X)
        check_length("y", self.y, n)
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
