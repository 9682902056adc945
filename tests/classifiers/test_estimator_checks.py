"""scikit-learn's own checks, each of them, on each classifier."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.datasets import make_blobs
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import estimator_checks_generator

from sklearn_sfx import classifiers
from sklearn_sfx._validation import check_frames
from sklearn_sfx.classifiers import (
    CNN1D,
    CNN2D,
    DANN,
    FineTuned,
    NetworkClassifier,
    PeakCountClassifier,
    PeakHeightClassifier,
)
from sklearn_sfx.classifiers._cnn2d import CNN2DDesign
from tests.classifiers.own_designs import WideDesign


class Painted:
    """Reads rows of numbers: each becomes a frame with spots, the more the higher the numbers.

    scikit-learn's checks speak 2-D. This changes the one place where the shape is checked, so that
    everything else of the classifier runs as it is.
    """

    def _check_frames(self, X, reset):
        X = check_frames(self, X, reset=reset, allow_3d=False, dtype=np.float64)
        n_spots = np.clip(np.rint(8 + 4 * np.nan_to_num(X[:, -1])), 0, 16).astype(int)
        frames = np.zeros((len(X), 48, 48), np.float32)
        for frame, n in zip(frames, n_spots, strict=True):
            for spot in range(n):
                row, column = 5 + 12 * (spot // 4), 5 + 12 * (spot % 4)
                frame[row : row + 2, column : column + 2] = 50.0
        return frames

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = True
        return tags


class PaintedPeakCount(Painted, PeakCountClassifier):
    """Reads rows of numbers."""


class PaintedPeakHeights(Painted, PeakHeightClassifier):
    """Reads rows of numbers."""


class SquareDesign(CNN2DDesign):
    """Reads rows of numbers: each becomes a square frame, filled up with zeros."""

    def _check(self, estimator, X, *, reset):
        X = check_frames(estimator, X, reset=reset, allow_3d=False)
        side = int(np.ceil(np.sqrt(X.shape[1])))
        X = np.pad(X, [(0, 0), (0, side**2 - X.shape[1])])
        return X.reshape(len(X), side, side)


class SquareCNN2D(CNN2D):
    """Reads rows of numbers."""

    def _make_design(self):
        return SquareDesign(**super()._make_design().get_params())

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = True
        return tags


class Padded(TransformerMixin, BaseEstimator):
    """Fills rows of numbers up with zeros to 16 of them."""

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return np.pad(X, [(0, 0), (0, 16 - X.shape[1])])

    def __sklearn_is_fitted__(self):
        return True

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


def fitted_base():
    """Return a network that reads any rows of numbers up to 16, for FineTuned to start from."""
    X, y = make_blobs(n_samples=200, n_features=8, centers=3, random_state=1)
    net = CNN1D(channels=(4, 8), n_hidden=8, max_epochs=5, augment=False, random_state=0)
    return FrozenEstimator(make_pipeline(Padded(), net).fit(X, y))


INSTANCES = [
    CNN1D(
        channels=(4, 8),
        n_hidden=8,
        max_epochs=15,
        lr=0.02,
        augment=False,  # two features reversed and rolled are not the same sample
        random_state=0,
    ),
    SquareCNN2D(
        channels=(8,),
        first_kernel_size=3,
        n_hidden=8,
        max_epochs=15,
        lr=0.02,
        augment=False,
        random_state=0,
    ),
    NetworkClassifier(WideDesign(), max_epochs=15, lr=0.02, augment=False, random_state=0),
    FineTuned(
        fitted_base(),
        n_unfrozen_blocks=2,
        head_max_epochs=5,
        max_epochs=15,
        lr=0.02,
        augment=False,
        random_state=0,
    ),
    DANN(
        CNN1D(channels=(4, 8), n_hidden=8),
        max_epochs=15,
        batch_size=32,
        lr=0.02,
        augment=False,
        random_state=0,
    ),
    PaintedPeakCount(),
    PaintedPeakHeights(),
]
EXPECTED_FAILURES = {
    DANN: {"check_classifiers_classes": "fits the labels -1 and 1, and -1 marks the target"}
}


def all_checks():
    for estimator in INSTANCES:
        reasons = EXPECTED_FAILURES.get(type(estimator), {})
        for each, check in estimator_checks_generator(estimator):
            name = getattr(check, "func", check).__name__
            marks = [pytest.mark.xfail(reason=reasons[name])] if name in reasons else []
            yield pytest.param(each, check, id=f"{type(each).__name__}-{name}", marks=marks)


CHECKS = list(all_checks())


@pytest.mark.filterwarnings("ignore::sklearn_sfx.exceptions.FewLabelsWarning")
@pytest.mark.filterwarnings("ignore::sklearn_sfx.exceptions.NoTargetWarning")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@pytest.mark.parametrize(("estimator", "check"), CHECKS)
def test_scikit_learn_check(estimator, check):
    check(estimator)


@pytest.mark.parametrize("estimator", INSTANCES, ids=lambda e: type(e).__name__)
def test_no_estimator_is_let_off(estimator):
    """A wrong tag would leave one check of these."""
    mine = [p for p in CHECKS if type(p.values[0]) is type(estimator)]
    assert len(mine) > 40
    assert len(EXPECTED_FAILURES.get(type(estimator), ())) <= 1


def test_no_public_classifier_is_forgotten():
    public = [getattr(classifiers, name) for name in classifiers.__all__]
    public = [each for each in public if isinstance(each, type) and hasattr(each, "fit")]
    assert len(public) == 7
    for each in public:
        assert any(isinstance(estimator, each) for estimator in INSTANCES), each


@pytest.mark.parametrize("kind", [PeakCountClassifier, PeakHeightClassifier])
def test_those_that_find_peaks_say_that_they_read_frames(kind):
    tags = kind().__sklearn_tags__().input_tags
    assert tags.three_d_array
    assert not tags.two_d_array
    assert tags.allow_nan
