"""What is composed here: inputs, the classifiers that read them, what they are put into.

Frames, (n, height, width), and lazy `Frames` go into pipelines, searches, cross-validation,
learning curves, calibration, thresholds, votes and stacks. scikit-learn's bagging, self-training,
permutation importance and ``StackingClassifier(passthrough=True)`` read tables only: they take the
vectors of `RowWiseDecomposition`, and stand behind it in a pipeline that reads frames.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.calibration import CalibratedClassifierCV
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV, TunedThresholdClassifierCV
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.semi_supervised import SelfTrainingClassifier

from sklearn_sfx.classifiers import CNN1D, CNN2D, FineTuned
from sklearn_sfx.frames import open_frames
from sklearn_sfx.model_selection import TargetRecallClassifier
from sklearn_sfx.preprocessing import GCN, LCN, CentralCrop, RowWiseDecomposition

LENGTH, SHAPE = (60,), (12, 12)
TINY = {
    "channels": (4, 8),
    "n_hidden": 8,
    "max_epochs": 8,
    "batch_size": 16,
    "lr": 0.02,
    "dropout": 0.0,
    "augment": False,
    "random_state": 0,
}
# From a net that shuns false hits to one that keeps what might be a hit.
CAUTIOUS, EVEN, KEEN = {0: 8, 1: 1}, {0: 1, 1: 1}, {0: 1, 1: 8}


@functools.cache
def faint(frame_shape, n, seed):
    """Return noise, with spots in half of the rows, some too faint to be told from it; and y."""
    rng = np.random.default_rng(seed)
    X = rng.gumbel(5.0, 0.5, (n, *frame_shape)).astype(np.float32)
    y = rng.permutation(np.arange(n) % 2)
    n_spots, height = ((3, 9), (1.5, 4.0)) if len(frame_shape) == 1 else ((4, 12), (2.0, 8.0))
    pixels = X.reshape(n, -1)
    for row in np.flatnonzero(y):
        spots = rng.choice(pixels.shape[1], rng.integers(*n_spots), replace=False)
        pixels[row, spots] += rng.uniform(*height, len(spots))
    X.setflags(write=False)
    return X, y


def make_cnn1d(**changes):
    return CNN1D(**{**TINY, **changes})


def make_cnn2d(**changes):
    return CNN2D(**{**TINY, "channels": (8,), "first_kernel_size": 3, **changes})


@functools.cache
def base_of_another_run(make, frame_shape):
    return make().fit(*faint(frame_shape, 200, seed=50))


def make_fine_tuned(base, frame_shape, **changes):
    settings = {name: TINY[name] for name in ("max_epochs", "batch_size", "lr", "random_state")}
    settings |= {"augment": False, "head_max_epochs": 4, "head_lr": 0.02, **changes}
    return FineTuned(base_of_another_run(base, frame_shape), **settings)


class Case(NamedTuple):
    make: Callable[..., BaseEstimator]
    frame_shape: tuple[int, ...]


CASES = {
    "CNN1D": Case(make_cnn1d, LENGTH),
    "CNN2D": Case(make_cnn2d, SHAPE),
    "FineTuned-CNN1D": Case(functools.partial(make_fine_tuned, make_cnn1d, LENGTH), LENGTH),
    "FineTuned-CNN2D": Case(functools.partial(make_fine_tuned, make_cnn2d, SHAPE), SHAPE),
}
# A net that is fine-tuned is composed as any other: one kind of input is enough, where it is slow.
MOST = ["CNN1D", "CNN2D", "FineTuned-CNN1D"]
ON_VECTORS = [name for name, case in CASES.items() if case.frame_shape == LENGTH]


def cases(names=MOST):
    return pytest.mark.parametrize("case", [pytest.param(CASES[name], id=name) for name in names])


def train_of(case, n=120):
    return faint(case.frame_shape, n, seed=0)


def test_of(case):
    return faint(case.frame_shape, 300, seed=99)


test_of.__test__ = False


def linear(case):
    """Return a companion from scikit-learn that reads the same input."""
    model = make_pipeline(StandardScaler(), LogisticRegression())
    return model if case.frame_shape == LENGTH else make_pipeline(RowWiseDecomposition(), model)


def lazy(X):
    """Return Frames that read as X, the vectors by row-wise decomposition."""
    if X.ndim == 3:
        return open_frames(X)
    frames = open_frames(np.stack([X, np.zeros_like(X)], axis=2))
    return RowWiseDecomposition().fit_transform(frames)


def make_whole(**changes):
    network = make_cnn1d(**{"batch_size": 8, "max_epochs": 12, **changes})
    return make_pipeline(CentralCrop(90), GCN(), LCN(5), RowWiseDecomposition(), network)


def same(a, b):
    np.testing.assert_array_equal(a, b, strict=True)


def close(a, b):
    """Steps that are fused on lazy frames round the last bits in another way."""
    np.testing.assert_allclose(a, b, rtol=0, atol=1e-3)


def check_probabilities(probability, n):
    assert probability.shape == (n, 2)
    assert (probability >= 0).all()
    np.testing.assert_allclose(probability.sum(axis=1), 1.0, rtol=0, atol=1e-9)


ANY_INPUT = {
    "grid": lambda net, other: GridSearchCV(net, {"lr": [0.02]}, scoring="recall", cv=2),
    "halving": lambda net, other: HalvingGridSearchCV(
        net, {"lr": [0.01, 0.02]}, scoring="recall", cv=2, factor=2, random_state=0
    ),
    "calibrated": lambda net, other: CalibratedClassifierCV(net, cv=2),
    "tuned": lambda net, other: TunedThresholdClassifierCV(
        net, scoring="recall", cv=2, thresholds=5
    ),
    "wanted": lambda net, other: TargetRecallClassifier(net, recall=0.8, cv=2, random_state=0),
    "vote": lambda net, other: VotingClassifier([("a", net), ("b", other)], voting="soft"),
    "stack": lambda net, other: StackingClassifier([("a", net), ("b", other)], GaussianNB(), cv=2),
}
TABLES_ONLY = {
    "bagging": lambda net, other: BaggingClassifier(net, n_estimators=2, random_state=0),
    "self-training": lambda net, other: SelfTrainingClassifier(net, max_iter=1),
    "stack with X": lambda net, other: StackingClassifier(
        [("a", net), ("b", other)], DummyClassifier(), cv=2, passthrough=True
    ),
}
