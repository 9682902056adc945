"""Estimators of a user's own, in a module so that they can be pickled."""

import numpy as np
from sklearn.base import BaseEstimator


def highest(X):
    """Return the logarithms of the highest pixels of each frame, (n, 20) float."""
    flat = np.nan_to_num(np.asarray(X, dtype=float)).reshape(len(X), -1)
    return np.log1p(np.sort(flat, axis=1)[:, -20:].clip(0))


def rows_summed(X):
    """Return the sum of each row of each frame, (n, height) float."""
    return np.nan_to_num(np.asarray(X, dtype=float)).sum(axis=2)


class OnlyPredicts(BaseEstimator):
    """A class that has nothing but fit and predict, and says which labels it knows."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        means = [X[np.asarray(y) == label].mean() for label in self.classes_]
        self.cut_, self.greater_ = np.mean(means), int(np.argmax(means))
        return self

    def predict(self, X):
        is_above = X.mean(axis=1) > self.cut_
        return self.classes_[np.where(is_above, self.greater_, 1 - self.greater_)]


class GivesProbabilities(OnlyPredicts):
    """A class that says of each frame what it was made with."""

    def __init__(self, said):
        self.said = said

    def predict_proba(self, X):
        return np.repeat(self.said, len(X), axis=0)
