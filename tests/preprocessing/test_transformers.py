"""What a user relies on beyond the formulas: laziness, untouched input, clear refusals."""

import pickle
import re

import joblib
import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline, make_union

from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames import ArraySource, Frames, open_frames
from sklearn_sfx.preprocessing import (
    GCN,
    LCN,
    AngularVariance,
    CentralCrop,
    LitPixels,
    PixelMask,
    RadialProfile,
    RowWiseDecomposition,
    SphereFit,
    StrongestPeaks,
)

CHAIN = [PixelMask(saturation=60000), CentralCrop(12), GCN(), LCN(), RowWiseDecomposition()]
STEPS = [*CHAIN, StrongestPeaks(), LitPixels(), RadialProfile(), AngularVariance()]
STEPS.append(SphereFit(width=0.5))  # these frames are small
TRANSFORMERS = pytest.mark.parametrize("step", STEPS, ids=lambda step: type(step).__name__)


class CountingSource(ArraySource):
    """Note every part of a frame that is read."""

    def __init__(self, array):
        super().__init__(array)
        self.reads = []

    def read(self, position, window, out):
        self.reads.append((position, tuple(window)))
        super().read(position, window, out)


@pytest.fixture
def frames():
    return np.random.default_rng(0).poisson(30, (6, 16, 18)).astype(np.uint16)


def test_pipeline_on_frames_reads_only_the_crop_once_and_late(frames):
    source = CountingSource(frames)
    mask = np.random.default_rng(1).random((16, 18)) > 0.2
    pipeline = make_pipeline(PixelMask(mask), CentralCrop(12), GCN(), LCN(), RowWiseDecomposition())
    lazy = pipeline.fit_transform(Frames(source))
    assert source.reads == []
    assert isinstance(lazy, Frames)
    assert lazy.shape == (6, 8)
    assert lazy.dtype == np.float32
    values = np.asarray(lazy[[4, 1]])
    assert source.reads == [(4, (2, 3, 12, 12)), (1, (2, 3, 12, 12))]
    np.testing.assert_allclose(values, pipeline.transform(frames)[[4, 1]], rtol=1e-5)


def test_steps_in_another_order_are_run_one_by_one(frames):
    lazy = open_frames(frames, mask=np.random.default_rng(1).random((16, 18)) > 0.2)
    steps = [LCN(3), GCN(), CentralCrop(10), PixelMask(invalid=[0]), LCN(3), GCN()]
    plain = np.asarray(lazy.append(PixelMask().fit(frames)._make_step()))
    expected = make_pipeline(*steps).fit_transform(plain)
    result = np.asarray(make_pipeline(*steps).fit_transform(lazy))
    np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-5)


@TRANSFORMERS
def test_input_is_unchanged_and_may_be_read_only(step, frames, tmp_path):
    kept = frames.copy()
    result = clone(step).fit_transform(frames)
    np.testing.assert_array_equal(frames, kept)
    assert not np.shares_memory(result, frames)

    floats = frames.astype(np.float32)
    assert not np.shares_memory(clone(step).fit_transform(floats), floats)
    np.testing.assert_array_equal(floats, kept)
    tensor = torch.from_numpy(floats.copy())
    clone(step).fit_transform(tensor)
    np.testing.assert_array_equal(tensor.numpy(), kept)

    np.save(tmp_path / "frames.npy", frames)
    mapped = np.load(tmp_path / "frames.npy", mmap_mode="r")
    np.testing.assert_array_equal(clone(step).fit_transform(mapped), result)
    turned = np.asfortranarray(frames)
    np.testing.assert_array_equal(clone(step).fit_transform(turned), result)


@TRANSFORMERS
def test_frames_do_not_influence_each_other(step, frames):
    frames[3] = 0
    together = clone(step).fit_transform(frames)
    assert together.dtype == np.float32
    for one, frame in zip(together, frames, strict=True):
        np.testing.assert_array_equal(clone(step).fit_transform(frame[np.newaxis])[0], one)


@TRANSFORMERS
def test_threads_give_the_same_result(step, frames):
    expected = clone(step).fit_transform(frames)
    for backend in ("threading", "loky"):
        with joblib.parallel_config(backend, n_jobs=2):
            np.testing.assert_array_equal(clone(step).fit_transform(frames), expected)


@TRANSFORMERS
def test_pickles_fitted_and_lazy(step, frames):
    fitted = clone(step).fit(frames)
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.transform(frames), fitted.transform(frames))
    lazy = fitted.transform(open_frames(frames))
    np.testing.assert_array_equal(
        np.asarray(pickle.loads(pickle.dumps(lazy))), fitted.transform(frames)
    )


@TRANSFORMERS
def test_tensors_stay_tensors(step, frames):
    tensor = torch.from_numpy(frames.astype(np.int32))
    result = clone(step).fit_transform(tensor)
    assert isinstance(result, torch.Tensor)
    assert result.dtype == torch.float32
    assert result.device == tensor.device


@TRANSFORMERS
def test_refuses_what_it_cannot_read(step, frames):
    with pytest.raises(NotFittedError):
        clone(step).transform(frames)
    fitted = clone(step).fit(frames)
    other = np.ones((2, 16, 19), np.float32)
    for X in (other, open_frames(other), torch.from_numpy(other)):
        with pytest.raises(
            InputError, match=re.escape("(16, 18), and these are of shape (16, 19)")
        ):
            fitted.transform(X)
    bad = frames.astype(np.float32)
    bad[0, 0, 0] = np.inf
    for X in (bad, torch.from_numpy(bad)):
        with pytest.raises(InputError, match="infinity"):
            fitted.transform(X)
    for X in (frames[np.newaxis], torch.ones(1, 2, 16, 18)):
        with pytest.raises(InputError, match="n_frames, height, width"):
            clone(step).fit(X)


@pytest.mark.parametrize("step", [PixelMask(), RowWiseDecomposition()])
def test_signals_are_refused_where_they_make_no_sense(step):
    for X in (np.ones((4, 20)), torch.ones(4, 20)):
        with pytest.raises(InputError, match="needs frames, X of shape"):
            step.fit(X)


@pytest.mark.parametrize("X", [np.ones((2, 9, 30)), np.ones((2, 9))], ids=["frames", "signals"])
def test_frames_smaller_than_the_crop_or_window_are_refused(X):
    for step, message in (
        (CentralCrop(10), "at least 10 pixels"),
        (LCN(11), "smaller kernel_size"),
    ):
        with pytest.raises(InputError, match=message):
            step.fit(X)
    with pytest.raises(InputError, match="odd kernel_size"):
        LCN(4).fit(X)


def test_crop_begins_at_half_the_difference_rounded_down():
    frames = np.arange(7 * 8).reshape(1, 7, 8)
    np.testing.assert_array_equal(CentralCrop(4).fit_transform(frames)[0], frames[0, 1:5, 2:6])


@pytest.mark.parametrize("level", [0, 7, 0.1, 12345.678])
def test_flat_frames_give_zero(level):
    flat = np.full((1, 12, 13), float(level))
    flat[0, 2, 3] = np.nan
    for steps in ([GCN()], [LCN(5, 0.0)], [LCN(5, "mean")], [GCN(), LCN(3, 0.0)]):
        pipeline = make_pipeline(*steps)
        for X in (flat, open_frames(flat), torch.from_numpy(flat)):
            result = np.asarray(pipeline.fit_transform(X))
            assert set(np.unique(result[~np.isnan(result)])) == {0.0}


def test_frames_with_no_usable_pixel():
    nothing = np.full((1, 9, 10), np.nan, dtype=np.float32)
    for X in (nothing, open_frames(nothing), torch.from_numpy(nothing)):
        assert np.isnan(np.asarray(make_pipeline(GCN(), LCN()).fit_transform(X))).all()
        vectors = make_pipeline(GCN(), LCN(), RowWiseDecomposition()).fit_transform(X)
        np.testing.assert_array_equal(np.asarray(vectors), np.zeros((1, 5), np.float32))


def test_infinities_that_are_asked_to_be_none_are_masked():
    frames = np.random.default_rng(0).normal(5, 1, (2, 12, 12)).astype(np.float32)
    marked = frames.copy()
    frames[1, 4, 4], marked[1, 4, 4] = np.inf, np.nan
    result = np.asarray(LCN(3).fit_transform(open_frames(frames, missing="nan")))
    np.testing.assert_array_equal(result, LCN(3).fit_transform(marked))


def test_mask_of_the_frames_and_of_the_step_are_combined(frames):
    own, named = np.random.default_rng(5).random((2, 16, 18)) > 0.3
    result = np.asarray(PixelMask(named).fit_transform(open_frames(frames, mask=own)))
    np.testing.assert_array_equal(~np.isnan(result), np.broadcast_to(own & named, frames.shape))


def test_masks_per_frame(frames):
    masks = np.random.default_rng(5).random(frames.shape) > 0.3
    lazy = make_pipeline(CentralCrop(12), GCN(), LCN()).fit_transform(
        open_frames(frames, mask=masks)
    )
    marked = np.where(masks, frames, np.nan)
    expected = make_pipeline(CentralCrop(12), GCN(), LCN()).fit_transform(marked)
    np.testing.assert_allclose(np.asarray(lazy), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("mask", "message"),
    [(np.ones((16, 18), np.uint8), "bool mask, True where"), (np.ones((18, 16), bool), "(18, 16)")],
)
def test_wrong_masks_are_refused(frames, mask, message):
    with pytest.raises(InputError, match=re.escape(message)):
        PixelMask(mask).fit(frames)


def test_names_of_the_vector(frames):
    rows = RowWiseDecomposition().fit(frames)
    assert list(rows.get_feature_names_out()) == [f"row{i}" for i in range(16)]
    columns = RowWiseDecomposition(axis="column").fit(frames)
    assert list(columns.get_feature_names_out()) == [f"column{i}" for i in range(18)]


@pytest.mark.parametrize("data", [np.asarray, open_frames], ids=["array", "Frames"])
def test_vectors_become_named_columns(frames, data):
    pandas = pytest.importorskip("pandas")
    union = make_union(RowWiseDecomposition(), StrongestPeaks(ranks=(1, 2)))
    table = union.set_output(transform="pandas").fit_transform(data(frames))
    assert isinstance(table, pandas.DataFrame)
    assert list(table.columns[[0, -1]]) == ["rowwisedecomposition__row0", "strongestpeaks__peak2"]
    union.set_params(verbose_feature_names_out=False)
    assert list(union.get_feature_names_out()[[0, -1]]) == ["row0", "peak2"]


@TRANSFORMERS
def test_a_notebook_shows_name_parameters_and_whether_it_is_fitted(frames, step):
    page = clone(step)._repr_html_()
    assert type(step).__name__ in page
    assert "Not fitted" in page
    for name in step.get_params():
        assert name in page
    assert "Not fitted" not in clone(step).fit(frames)._repr_html_()


def test_shapes_are_remembered(frames):
    for step in STEPS:
        fitted = clone(step).fit(open_frames(frames))
        assert fitted.frame_shape_in_ == (16, 18)
        assert fitted.n_features_in_ == 16


def test_a_fitted_mask_is_small_on_disk():
    frames = np.zeros((2, 600, 700), dtype=np.uint16)
    mask = np.ones((600, 700), dtype=bool)
    mask[200:260, 300:420] = False
    fitted = PixelMask(mask).fit(frames)
    stored = pickle.dumps(fitted)
    assert len(stored) < 10_000
    again = pickle.loads(stored)
    np.testing.assert_array_equal(again.mask_, mask)
    np.testing.assert_array_equal(again.mask, mask)
    assert fitted.mask is mask


def test_global_random_state_is_untouched(frames):
    np.random.seed(3)  # noqa: NPY002
    before, torch_before = np.random.get_state()[1].copy(), torch.get_rng_state()  # noqa: NPY002
    make_pipeline(PixelMask(detect=True), *CHAIN[1:]).fit_transform(frames.repeat(3, axis=0))
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), torch_before)
