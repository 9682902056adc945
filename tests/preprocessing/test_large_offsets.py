"""Means are taken before numbers are rounded to float32, so a large offset costs nothing."""

import numpy as np
import pytest
import torch
from numpy.lib.stride_tricks import sliding_window_view
from sklearn.pipeline import make_pipeline

from sklearn_sfx.frames import open_frames
from sklearn_sfx.preprocessing import GCN, LCN, CentralCrop, PixelMask, RowWiseDecomposition

COUNTS = np.random.default_rng(0).poisson(20, (3, 70, 66))
FRACTIONS = np.random.default_rng(1).random(COUNTS.shape)
CASES = {
    "int32 at 2^24": (COUNTS + 2**24).astype(np.int32),
    "int32 below -2^30": (COUNTS - 2**30).astype(np.int32),
    "uint32 at 2^31": (COUNTS + 2**31).astype(np.uint32),
    "int64 at 2^40": COUNTS + 2**40,
    "float64 at 1e6": COUNTS + FRACTIONS + 1e6,
    "float64 at -1e9": COUNTS + FRACTIONS - 1e9,
}
case = pytest.mark.parametrize("X", CASES.values(), ids=CASES)


def global_contrast(X):
    X = X.astype(np.longdouble)
    return (X - X.mean((1, 2), keepdims=True)) / X.std((1, 2), keepdims=True)


def local_contrast(X, size=5, floor=1.0):
    X, edge = X.astype(np.longdouble), size // 2
    X = X - X.mean((1, 2), keepdims=True)
    windows = sliding_window_view(X, (size, size), (1, 2))
    centre = X[:, edge:-edge, edge:-edge]
    return (centre - windows.mean((-1, -2))) / np.maximum(windows.std((-1, -2)), floor)


@case
def test_contrast_is_that_of_exact_numbers(X):
    np.testing.assert_allclose(GCN().fit_transform(X), global_contrast(X), rtol=0, atol=2e-6)
    np.testing.assert_allclose(LCN().fit_transform(X), local_contrast(X), rtol=0, atol=2e-6)


@case
def test_an_offset_changes_no_vector(X):
    ranges = RowWiseDecomposition().fit_transform(X)
    np.testing.assert_allclose(ranges, np.ptp(X, axis=2), rtol=1e-6)
    whole = make_pipeline(GCN(), LCN(5), RowWiseDecomposition())
    lowered = X - np.rint(X.mean())
    found, expected = whole.fit_transform(X), whole.fit_transform(lowered)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


@case
@pytest.mark.parametrize("step", [GCN(), LCN(5), RowWiseDecomposition()], ids=repr)
def test_arrays_and_frames_give_the_same_bits(X, step):
    lazy = np.asarray(step.fit_transform(open_frames(X)))
    np.testing.assert_array_equal(lazy, step.fit_transform(X), strict=True)


@pytest.mark.parametrize("X", [COUNTS.astype(np.uint16), *CASES.values()])
def test_arrays_and_frames_agree_through_several_steps(X):
    """Fused steps round once where arrays do so at each step: 1e-5 of a deviation at the most."""
    steps = make_pipeline(GCN(), LCN(5), RowWiseDecomposition())
    lazy = np.asarray(steps.fit_transform(open_frames(X)))
    np.testing.assert_allclose(lazy, steps.fit_transform(X), rtol=0, atol=1e-5)


@pytest.mark.parametrize("size", [None, 60])
def test_masks_and_rules_see_numbers_as_they_were_read(size):
    X = CASES["int32 at 2^24"].copy()
    X[:, 10, 10], X[:, 20, 20:30] = 2**24 + 5000, -1
    usable = np.random.default_rng(2).random(X.shape[1:]) > 0.05
    steps = [CentralCrop(size), PixelMask(usable, saturation=2**24 + 4000, invalid=(-1,)), GCN()]
    if size:
        steps[1] = PixelMask(saturation=2**24 + 4000, invalid=(-1,))
    found = np.asarray(make_pipeline(*steps).fit_transform(open_frames(X)))
    small = (X - 2**24).astype(np.int32)
    small[X == -1] = -1
    steps[1] = PixelMask(steps[1].mask, saturation=4000, invalid=(-1,))
    expected = np.asarray(make_pipeline(*steps).fit_transform(open_frames(small)))
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert np.isnan(found).any()


@pytest.mark.parametrize("share", [0, 0.1, 0.6])
@pytest.mark.parametrize(("kernel_size", "floor"), [(5, 1.0), (7, 0.01)])
@pytest.mark.parametrize("make", [np.asarray, torch.as_tensor, open_frames])
@pytest.mark.parametrize("dtype", ["int32", "uint32", "int64", "float32", "float64"])
def test_pixels_not_usable_but_not_masked_change_no_window_far_from_them(
    dtype, make, kernel_size, floor, share
):
    """Files mark them by the highest number, up to 2**32 - 1."""
    highest = 2**31 - 1 if dtype == "int32" else 2**32 - 1
    X = np.random.default_rng(0).poisson(10, (2, 128, 160)).astype(dtype)
    X[:, :, : round(160 * share)] = highest
    X[:, ::32], X[:, 43, 90::31] = highest, highest
    found = LCN(kernel_size, floor=floor).fit_transform(make(X))
    is_far = sliding_window_view(highest > X, (kernel_size, kernel_size), (1, 2)).all((-1, -2))
    expected = local_contrast(X, kernel_size, floor)
    assert np.count_nonzero(is_far) > 5000
    np.testing.assert_allclose(np.asarray(found)[is_far], expected[is_far], rtol=0, atol=1e-5)


def test_what_is_only_masked_keeps_its_values():
    X = CASES["float64 at 1e6"]
    np.testing.assert_array_equal(PixelMask().fit_transform(X), X.astype(np.float32))
