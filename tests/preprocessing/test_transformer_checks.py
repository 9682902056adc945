"""scikit-learn's own checks of an estimator, on each transformer."""

from dataclasses import dataclass

import numpy as np
import pytest
from sklearn.utils.estimator_checks import check_estimator

from sklearn_sfx.preprocessing import (
    GCN,
    LCN,
    BaseStep,
    CentralCrop,
    FrameTransformer,
    PixelMask,
    RowWiseDecomposition,
    StrongestPeaks,
)


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


class TablePixelMask(OnTables, PixelMask):
    def transform(self, X):
        masked = super().transform(X)
        return masked.reshape(len(masked), -1)


class Scaled(FrameTransformer):
    """Test only: one of a user's own."""

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


@pytest.mark.parametrize(
    "transformer",
    [
        CentralCrop(size=1),
        GCN(),
        LCN(kernel_size=1),
        Scaled(),
        TableRowWiseDecomposition(),
        TableStrongestPeaks(),
        TablePixelMask(),
        TablePixelMask(detect=True, saturation=1e6),
    ],
    ids=repr,
)
def test_scikit_learn_checks(transformer):
    results = check_estimator(transformer, on_fail=None, on_skip=None)
    failed = {r["check_name"]: r["exception"] for r in results if r["status"] == "failed"}
    assert failed == {}
    assert sum(r["status"] == "passed" for r in results) > 40
