"""Folds for data of which only a part has labels."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.model_selection import StratifiedKFold
from sklearn.utils import check_consistent_length, column_or_1d

from sklearn_sfx._labels import is_unlabelled
from sklearn_sfx._stored import Stored
from sklearn_sfx.exceptions import InputError

__all__ = ["LabelledStratifiedKFold"]


class LabelledStratifiedKFold(Stored, StratifiedKFold):
    """Stratified folds of the labelled rows; the others are in every training part.

    A row without a label can help a classifier that learns from both kinds, but a prediction of it
    cannot be right or wrong. With these folds it is never tested, so ``scoring="recall"`` works
    where y marks such rows. Without any it does what `sklearn.model_selection.StratifiedKFold`
    does.

    Parameters
    ----------
    n_splits : int, default=5
        Number of folds, 2 at least.
    shuffle : bool, default=False
        Whether to shuffle the labelled rows of each class first. Frames of a run are alike when
        they are close in time, and stay together without it.
    random_state : int, RandomState instance or None, default=None
        Makes the shuffle repeatable; only with ``shuffle=True``.
    unlabelled : int, str or None, default=-1
        The value of y of a row without a label; None where every row has one, as with the labels
        -1 and 1.

    See Also
    --------
    TargetRecallClassifier : Takes it as ``cv`` when y has rows without a label.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_sfx.model_selection import LabelledStratifiedKFold
    >>> y = np.array([0, 1, -1, 0, 1, -1])
    >>> for train, test in LabelledStratifiedKFold(n_splits=2).split(np.zeros(6), y):
    ...     print(train.tolist(), test.tolist())
    [2, 3, 4, 5] [0, 1]
    [0, 1, 2, 5] [3, 4]
    """

    def __init__(
        self,
        n_splits: int = 5,
        *,
        shuffle: bool = False,
        random_state: int | np.random.RandomState | None = None,
        unlabelled: Any = -1,
    ):
        super().__init__(n_splits=n_splits, shuffle=shuffle, random_state=random_state)
        self.unlabelled = unlabelled

    def split(
        self, X: Any, y: ArrayLike, groups: Any = None
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield the row numbers of the training part and of the test part of each fold.

        Parameters
        ----------
        X : array-like or Frames, shape (n, ...)
            Only its length is used.
        y : array-like of shape (n,)
            Labels of two classes or more, and `unlabelled`.
        groups : object
            Ignored; there for compatibility.

        Yields
        ------
        train, test : ndarray of int, shape (n_train,) and (n_test,)
            Sorted row numbers. `train` has every row without a label, `test` has none.

        Raises
        ------
        InputError
            Labels of one class only, or a class with fewer labels than there are folds.
        """
        y = column_or_1d(y)
        check_consistent_length(X, y)
        is_other = is_unlabelled(y, self.unlabelled)
        labelled, others = np.flatnonzero(~is_other), np.flatnonzero(is_other)
        self._check_counts(y[labelled], len(others))
        for train, test in super().split(np.zeros(len(labelled)), y[labelled]):
            yield np.sort(np.concatenate([labelled[train], others])), labelled[test]

    def _check_counts(self, labels: np.ndarray, n_others: int) -> None:
        classes, counts = np.unique(labels, return_counts=True)
        if len(classes) < 2:
            held = f"labels of one class only: {classes.tolist()[0]!r}" if len(classes) else "none"
            hint = f", unless {self.unlabelled!r} is a label: then set unlabelled=None"
            raise InputError(
                f"Stratified folds need labels of two classes at least, and y holds {held}. Label "
                f"rows of another class{hint if n_others else ''}."
            )
        fewest = int(counts.min())
        if fewest < self.n_splits:
            label = classes.tolist()[int(counts.argmin())]
            fewer = f", or make {fewest} folds" if fewest > 1 else ""
            raise InputError(
                f"Class {label!r} has {fewest} label{'s' if fewest > 1 else ''}, fewer than the "
                f"{self.n_splits} folds: label more rows of it{fewer}."
            )
