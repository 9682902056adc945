"""What is scored: two domains, models that learn nothing or little, each of the scorers."""

import pickle

import numpy as np
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin

from sklearn_sfx.model_selection import SourceScorer, TargetEntropyScorer, TargetLabelScorer


class Cut(ClassifierMixin, BaseEstimator):
    """Learns nothing: a row is a hit if its first number is above the cut."""

    def __init__(self, cut=0.0, sharpness=1.0):
        self.cut = cut
        self.sharpness = sharpness

    def fit(self, X, y, sample_domain=None):
        self.classes_ = np.array([0, 1])
        return self

    def predict_proba(self, X):
        hit = expit(self.sharpness * (np.asarray(X)[:, 0] - self.cut))
        return np.column_stack([1 - hit, hit])

    def predict(self, X):
        return self.classes_[(np.asarray(X)[:, 0] > self.cut).astype(int)]


class Says(Cut):
    """Gives the probabilities that X holds."""

    def predict_proba(self, X):
        return X


def fitted(**parameters):
    return Cut(**parameters).fit(None, None)


def two_domains(seed=0, n=40, shift=2.0):
    """Return X and the true labels of n source rows and n target rows, and the domain of each.

    Hits lie above 0 in the source, above `shift` in the target.
    """
    rng = np.random.default_rng(seed)
    y = np.tile([0, 1], n)
    X = rng.uniform(0.2, 1.0, (2 * n, 1)) * np.where(y == 1, 1, -1)[:, None]
    domain = np.repeat([1, -2], n)
    X[domain < 0] += shift
    return X, y, domain


def all_three(X, y, domain):
    is_target = domain < 0
    return {
        "source": SourceScorer("accuracy"),
        "entropy": TargetEntropyScorer(X[is_target]),
        "labels": TargetLabelScorer(X[is_target][:6], y[is_target][:6], "accuracy"),
    }


GRID = [
    {"cut": [0.0, 2.0], "sharpness": [1.0]},
    {"cut": [9.0], "sharpness": [50.0]},  # certain that all are misses
]
BEST = {"source": {"cut": 0.0}, "labels": {"cut": 2.0}, "entropy": {"cut": 9.0}}


def adaptable(n=40):
    """Return vectors of a source and of a brighter target, true labels, and the domain of each."""
    X = np.random.default_rng(0).gumbel(5.0, 1.0, (2 * n, 60)).astype(np.float32)
    y = np.tile([0, 1], n)
    X[y == 1, 5:55:5] += 15.0
    X[n:] = 2.0 * X[n:] + 5.0
    return X, y, np.repeat([1, -2], n)


def pickle_round_trip(scorer):
    return pickle.loads(pickle.dumps(scorer))
