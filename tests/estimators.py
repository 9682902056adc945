"""One instance, or more, of each public estimator, for whatever has to hold for all of them.

An estimator that runs scikit-learn's checks as it is, with its default parameters, need not be
named here: `instances` makes one. Here stand those that need other parameters to be quick, and
subclasses for tests alone of those that read frames: scikit-learn's checks speak 2-D.
"""

import inspect
from dataclasses import dataclass
from importlib import import_module
from pkgutil import iter_modules

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.datasets import make_blobs
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import make_pipeline
from sklearn.tree import DecisionTreeClassifier

import sklearn_sfx
from sklearn_sfx._validation import check_frames
from sklearn_sfx.classifiers import (
    CNN1D,
    CNN2D,
    DANN,
    CNN2DDesign,
    FineTuned,
    NetworkClassifier,
    PeakCountClassifier,
    PeakHeightClassifier,
    SpotCountClassifier,
)
from sklearn_sfx.model_selection import TargetRecallClassifier
from sklearn_sfx.preprocessing import (
    LCN,
    AngularVariance,
    BaseStep,
    CentralCrop,
    FrameTransformer,
    LitPixels,
    PixelMask,
    RadialProfile,
    RowWiseDecomposition,
    SphereFit,
    StrongestPeaks,
)
from sklearn_sfx.screening import HitFinderCV
from tests.classifiers.own_designs import WideDesign

# Not by themselves: a design is a part of a classifier, and a base class is derived from.
NO_ESTIMATORS = {"FrameDesign", "FrameTransformer", "VectorDesign"}


def public_estimators():
    """Return every public class with fit, from the faces of all rooms."""
    found = []
    for module in iter_modules(sklearn_sfx.__path__):
        if not module.name.startswith("_") and module.ispkg:
            face = import_module(f"sklearn_sfx.{module.name}")
            found += [getattr(face, name) for name in getattr(face, "__all__", ())]
    found = [item for item in found if inspect.isclass(item) and hasattr(item, "fit")]
    return [item for item in found if item.__name__ not in NO_ESTIMATORS]


def instances():
    """Return the instances below, and one with default parameters of every other estimator."""
    kinds = public_estimators()
    return LISTED + [kind() for kind in kinds if not any(isinstance(one, kind) for one in LISTED)]


class OnTables:
    """Test only: lay each row of a table out as a square frame, filled up with zeros."""

    _reads_signals = True

    def _check(self, X, *, reset):
        if not reset:
            square, self.frame_shape_in_ = self.frame_shape_in_, (self.n_features_in_,)
        try:
            X = super()._check(X, reset=reset)
        finally:
            if not reset:
                self.frame_shape_in_ = square
        side = int(np.ceil(np.sqrt(X.shape[1])))
        frames = np.zeros((len(X), side * side), dtype=X.dtype)
        frames[:, : X.shape[1]] = X
        self.frame_shape_in_ = (side, side)
        return frames.reshape(len(X), side, side)


class TableRowWiseDecomposition(OnTables, RowWiseDecomposition):
    pass


class TableStrongestPeaks(OnTables, StrongestPeaks):
    pass


class TableLitPixels(OnTables, LitPixels):
    pass


class TableRadialProfile(OnTables, RadialProfile):
    pass


class TableAngularVariance(OnTables, AngularVariance):
    pass


class TableSphereFit(OnTables, SphereFit):
    """Test only: of each value eight by eight pixels, since fringes take some."""

    def _check(self, X, *, reset):
        frames = super()._check(X, reset=reset)
        self.frame_shape_in_ = tuple(8 * length for length in frames.shape[1:])
        return frames.repeat(8, axis=1).repeat(8, axis=2)


class TablePixelMask(OnTables, PixelMask):
    def transform(self, X):
        masked = super().transform(X)
        return masked.reshape(len(masked), -1)


class Scaled(FrameTransformer):
    """One of a user's own."""

    _reads_signals = True

    def __init__(self, factor=2.0):
        self.factor = factor

    def _make_step(self):
        return ScaledStep(float(self.factor))


@dataclass(frozen=True)
class ScaledStep(BaseStep):
    factor: float

    def output_shape(self, frame_shape):
        return frame_shape

    def __call__(self, frame, usable=None):
        return self.factor * frame.astype(np.float32)


class Painted:
    """Reads rows of numbers: each becomes a frame with spots, the more the higher the numbers.

    scikit-learn's checks speak 2-D. This changes the one place where the shape is checked, so that
    everything else of the classifier runs as it is.
    """

    def _n_spots(self, values):
        return np.clip(np.rint(8 + 4 * values), 0, 16).astype(int)

    def _check_frames(self, X, reset):
        X = check_frames(self, X, reset=reset, allow_3d=False, dtype=np.float64)
        frames = np.zeros((len(X), 48, 48), np.float32)
        for frame, n in zip(frames, self._n_spots(np.nan_to_num(X[:, -1])), strict=True):
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


class PaintedSpotCount(Painted, SpotCountClassifier):
    """Reads rows of numbers; without any noise all around the spots would pass for no data."""

    def _check_frames(self, X, reset):
        frames = super()._check_frames(X, reset)
        return frames + np.random.default_rng(0).poisson(2, frames.shape[1:]).astype(np.float32)


class PaintedHitFinder(Painted, HitFinderCV):
    """Reads rows of numbers, and paints all spots or none.

    So there are two probabilities, on which every threshold decides alike: one of the checks asks
    that predict is where the probability is highest, which a threshold may change.
    """

    def _n_spots(self, values):
        return np.where(values > 0, 16, 0)


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
    """Fills rows of numbers up with zeros to 32 of them."""

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return np.pad(X, [(0, 0), (0, 32 - X.shape[1])])

    def __sklearn_is_fitted__(self):
        return True

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


def fitted_base():
    """Return a network that reads any rows of numbers up to 32, for FineTuned to start from."""
    X, y = make_blobs(n_samples=200, n_features=8, centers=3, random_state=1)
    net = CNN1D(channels=(4, 8), n_hidden=8, max_epochs=5, augment=False, random_state=0)
    return FrozenEstimator(make_pipeline(Padded(), net).fit(X, y))


LISTED = [
    CentralCrop(size=1),
    LCN(kernel_size=1),
    Scaled(),
    TableRowWiseDecomposition(),
    TableStrongestPeaks(),
    TableLitPixels(),
    TableRadialProfile(),
    TableRadialProfile(statistic="variance", width=2.0),
    TableAngularVariance(),
    TableSphereFit(width=0.25),
    TablePixelMask(),
    TablePixelMask(detect=True, saturation=1e6),
    CNN1D(
        channels=(4, 8),
        n_hidden=8,
        max_epochs=6,
        batch_size=64,
        lr=0.05,
        augment=False,  # two features reversed and rolled are not the same sample
        random_state=0,
    ),
    SquareCNN2D(
        channels=(8,),
        first_kernel_size=3,
        n_hidden=8,
        max_epochs=6,
        batch_size=64,
        lr=0.05,
        augment=False,
        random_state=0,
    ),
    NetworkClassifier(
        WideDesign(), max_epochs=6, batch_size=64, lr=0.05, augment=False, random_state=0
    ),
    FineTuned(
        fitted_base(),
        n_unfrozen_blocks=2,
        head_max_epochs=5,
        max_epochs=6,
        lr=0.05,
        augment=False,
        random_state=0,
    ),
    DANN(
        CNN1D(channels=(4, 8), n_hidden=8),
        max_epochs=6,
        batch_size=64,
        lr=0.05,
        augment=False,
        random_state=0,
    ),
    PaintedPeakCount(),
    PaintedPeakHeights(),
    PaintedSpotCount(),
    PaintedHitFinder(method="count", random_state=0),
    # A tree gives probabilities of 0 and 1, on which every threshold decides alike: one of the
    # checks asks that predict is where the probability is highest, which a threshold may change.
    TargetRecallClassifier(
        DecisionTreeClassifier(random_state=0), confidence=None, cv=3, random_state=0
    ),
]

# With weights of 0 they pass, which tests/classifiers/test_sample_weight.py sees to.
IN_BATCHES = {
    "check_sample_weight_equivalence_on_dense_data": "a batch has so many samples, whatever they "
    "weigh, so a repeated one is seen in more batches than one that weighs more"
}
EXPECTED_FAILURES = {
    CNN1D: IN_BATCHES,
    SquareCNN2D: IN_BATCHES,
    NetworkClassifier: IN_BATCHES,
    FineTuned: IN_BATCHES,
    DANN: {
        "check_classifiers_classes": "fits the labels -1 and 1, and -1 marks the target",
        **IN_BATCHES,
    },
    PaintedHitFinder: {
        "check_classifiers_classes": "fits strings, of which the one that counts has to be named"
    },
    TargetRecallClassifier: {
        "check_classifiers_classes": "fits strings, of which the one that counts has to be named"
    },
}
