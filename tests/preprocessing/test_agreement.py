"""Every way to run preprocessing gives what the float64 formulas give."""

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.pipeline import make_pipeline

from sklearn_sfx.frames import blocks_on_device, open_frames
from sklearn_sfx.preprocessing import (
    GCN,
    LCN,
    CentralCrop,
    PixelMask,
    RowWiseDecomposition,
)

# Masks that leave hardly a pixel are meant here.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn_sfx.exceptions.SparseMaskWarning")

TOLERANCE = 5e-5  # of the largest value in the frame
FRAME_DTYPES = ["uint16", "int16", "int32", "float32", "float64", "uint8", ">u2"]
MASKS = ["none", "scattered", "rows", "block", "all", "one left"]

fixed = settings(
    max_examples=100,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def make_frames(rng, shape, kind):
    """Three frames: photon counts, an integrating detector with a saturated pixel, flat."""
    counts = rng.poisson(0.4, shape)
    level = 90 + 100 * np.exp(-(np.linspace(-2, 2, shape[1]) ** 2))
    integrating = rng.normal(level, 6, shape).clip(0, 250)
    integrating[shape[0] // 2, shape[1] // 3] = {"uint8": 255, "int16": 32767}.get(kind, 65535)
    frames = np.stack([counts, integrating, np.full(shape, 13)])
    if np.dtype(kind).kind != "f":
        frames = np.rint(frames)
    return frames.astype(kind)


def make_mask(rng, shape, kind):
    if kind == "none":
        return None
    if kind == "scattered":
        return rng.random(shape) > 0.1
    usable = np.ones(shape, dtype=bool)
    if kind == "rows":
        usable[rng.integers(shape[0]) :][:3] = False
    elif kind == "block":
        top, left = rng.integers(shape[0]), rng.integers(shape[1])
        usable[top : top + 9, left : left + 9] = False
    else:
        usable[:] = False
        if kind == "one left":
            usable[rng.integers(shape[0]), rng.integers(shape[1])] = True
    return usable


def assert_agree(result, expected):
    result = np.asarray(result)
    assert result.dtype == np.float32
    assert result.shape == (len(expected), *expected[0].shape)
    for one, wanted in zip(result, expected, strict=True):
        scale = np.nanmax(np.abs(wanted), initial=0)
        np.testing.assert_allclose(one, wanted, rtol=0, atol=TOLERANCE * scale + 1e-30)


def run_every_way(steps, frames, mask=None):
    """Give the result of the same steps for each kind of input, by name."""
    pipeline = make_pipeline(*steps)
    if mask is None:
        yield "array", pipeline.fit_transform(frames)
    lazy = open_frames(frames, mask=mask)
    fused = pipeline.fit_transform(lazy)
    yield "fused", fused
    sent = list(blocks_on_device(fused, torch.device("cpu"), max_frames=2))
    yield "on a device", torch.cat(sent).numpy()
    single = lazy
    for step in steps:
        values = np.asarray(step.fit_transform(single))
        single = open_frames(values) if values.ndim == 3 else values
    yield "step by step", np.asarray(single)
    named = PixelMask(mask)
    yield "mask as a step", make_pipeline(named, *steps).fit_transform(frames)
    native = frames.astype(frames.dtype.newbyteorder("="))
    yield "tensor", make_pipeline(named, *steps).fit_transform(torch.from_numpy(native)).numpy()


@fixed
@given(
    seed=st.integers(0, 2**32 - 1),
    height=st.integers(7, 40),
    width=st.integers(7, 40),
    dtype=st.sampled_from(FRAME_DTYPES),
    mask=st.sampled_from(MASKS),
    kernel_size=st.sampled_from([1, 3, 5, 7]),
    floor=st.sampled_from([0.0, 1.0, 0.3, "mean"]),
)
def test_local_contrast_agrees(reference, seed, height, width, dtype, mask, kernel_size, floor):
    rng = np.random.default_rng(seed)
    frames = make_frames(rng, (height, width), dtype)
    mask = make_mask(rng, (height, width), mask)
    known = [reference.masked(frame, mask) for frame in frames]

    alone = [reference.lcn(frame, kernel_size, floor) for frame in known]
    for _, result in run_every_way([LCN(kernel_size, floor)], frames, mask):
        assert_agree(result, alone)
    after_gcn = [reference.lcn(reference.gcn(frame), kernel_size, floor) for frame in known]
    for _, result in run_every_way([GCN(), LCN(kernel_size, floor)], frames, mask):
        assert_agree(result, after_gcn)


@fixed
@given(
    seed=st.integers(0, 2**32 - 1),
    height=st.integers(8, 40),
    width=st.integers(8, 40),
    dtype=st.sampled_from(FRAME_DTYPES),
    mask=st.sampled_from(MASKS),
    kernel_size=st.sampled_from([3, 5]),
    floor=st.sampled_from([0.0, 1.0, "mean"]),
    axis=st.sampled_from(["row", "column"]),
)
def test_whole_chain_agrees(reference, seed, height, width, dtype, mask, kernel_size, floor, axis):
    rng = np.random.default_rng(seed)
    frames = make_frames(rng, (height, width), dtype)
    mask = make_mask(rng, (height, width), mask)
    size = min(height, width) - 1
    steps = [CentralCrop(size), GCN(), LCN(kernel_size, floor), RowWiseDecomposition(axis)]
    expected = []
    for frame in frames:
        crop = reference.central_crop(reference.masked(frame, mask), size)
        contrast = reference.lcn(reference.gcn(crop), kernel_size, floor)
        expected.append(reference.rwd(contrast, axis))
    for _, result in run_every_way(steps, frames, mask):
        assert_agree(result, expected)


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("dtype", FRAME_DTYPES)
def test_each_step_agrees(reference, dtype, mask):
    rng = np.random.default_rng(7)
    frames = make_frames(rng, (19, 23), dtype)
    mask = make_mask(rng, (19, 23), mask)
    known = [reference.masked(frame, mask) for frame in frames]
    expected = {
        CentralCrop(8): [reference.central_crop(frame, 8) for frame in known],
        GCN(): [reference.gcn(frame) for frame in known],
        RowWiseDecomposition(): [reference.rwd(frame) for frame in known],
        RowWiseDecomposition(axis="column"): [reference.rwd(frame, "column") for frame in known],
    }
    for step, wanted in expected.items():
        for _, result in run_every_way([step], frames, mask):
            assert_agree(result, wanted)
    wanted = [reference.rwd(reference.gcn(frame)) for frame in known]
    for _, result in run_every_way([GCN(), RowWiseDecomposition()], frames, mask):
        assert_agree(result, wanted)


@pytest.mark.parametrize("kernel_size", [1, 3, 5, 7])
@pytest.mark.parametrize("floor", [0.0, 1.0, "mean"])
def test_signals_agree(reference, kernel_size, floor):
    rng = np.random.default_rng(3)
    signals = rng.normal(50, 5, (4, 31)).astype(np.float32)
    signals[0, 4:9] = np.nan
    signals[1, :] = np.nan
    signals[2, :] = 4.25
    expected = {
        CentralCrop(11): [reference.central_crop(signal, 11) for signal in signals],
        GCN(): [reference.gcn(signal) for signal in signals],
        LCN(kernel_size, floor): [reference.lcn(s, kernel_size, floor) for s in signals],
    }
    for step, wanted in expected.items():
        assert_agree(step.fit_transform(signals), wanted)
        assert_agree(step.fit_transform(torch.from_numpy(signals)).numpy(), wanted)


def test_vectors_of_lazy_frames_are_signals(reference):
    frames = make_frames(np.random.default_rng(0), (20, 24), "uint16")
    steps = [RowWiseDecomposition(), CentralCrop(16), GCN(), LCN(3)]
    lazy = make_pipeline(*steps).fit_transform(open_frames(frames))
    assert lazy.shape == (3, 14)
    vectors = [reference.central_crop(reference.rwd(frame), 16) for frame in frames]
    assert_agree(lazy, [reference.lcn(reference.gcn(vector), 3, 1.0) for vector in vectors])


@pytest.mark.parametrize("dtype", ["uint16", "int32", "float32"])
def test_saturation_and_invalid_values_are_masked(reference, dtype):
    frames = np.random.default_rng(1).integers(0, 12, (3, 17, 18)).astype(dtype)
    masking = PixelMask(saturation=10, invalid=[0, 3])
    known = [reference.masked(frame, None, 10, [0, 3]) for frame in frames]
    for result in (
        masking.fit_transform(frames),
        masking.fit_transform(open_frames(frames)),
        masking.fit_transform(torch.from_numpy(frames)).numpy(),
    ):
        assert_agree(result, known)
    wanted = [reference.rwd(reference.lcn(reference.gcn(frame), 5, 1.0)) for frame in known]
    steps = [masking, GCN(), LCN(), RowWiseDecomposition()]
    for _, result in run_every_way(steps, frames):
        assert_agree(result, wanted)


def test_a_saturated_pixel_changes_only_its_windows():
    frame = np.random.default_rng(2).poisson(40, (1, 60, 60)).astype(np.uint16)
    burnt = frame.copy()
    burnt[0, 30, 30] = 65535
    quiet, loud = LCN(5, floor=0.0).fit_transform(frame), LCN(5, floor=0.0).fit_transform(burnt)
    touched = np.zeros((56, 56), dtype=bool)
    touched[26:31, 26:31] = True
    np.testing.assert_allclose(loud[0][~touched], quiet[0][~touched], rtol=0, atol=2e-6)


@pytest.mark.parametrize("masked", [False, True])
def test_sums_that_slide_forget_a_saturated_pixel(masked):
    rng = np.random.default_rng(2)
    frame = rng.poisson(10_000, (1, 60, 60)).astype(np.uint16)
    burnt = frame.copy()
    burnt[0, 10, 30] = 65535
    mask = rng.random((60, 60)) < 0.95 if masked else None
    if masked:
        mask[10, 30] = True
    runs = [open_frames(some, mask=mask) for some in (frame, burnt)]
    quiet, loud = (np.asarray(LCN(5, floor=90).fit_transform(run)) for run in runs)
    assert (loud[0, :11] != quiet[0, :11]).any()
    np.testing.assert_array_equal(loud[0, 11:], quiet[0, 11:])


@pytest.mark.parametrize("masked", [False, True])
def test_rows_of_a_tall_frame_with_masks_here_and_there_agree(reference, masked):
    rng = np.random.default_rng(8)
    frame = rng.poisson(30, (135, 30)).astype(np.uint16)
    mask = None
    if masked:  # single pixels in some rows, a gap in others, and none in the rest
        mask = np.ones(frame.shape, bool)
        mask[:50] = rng.random((50, 30)) < 0.97
        mask[100:110, 3:20] = False
    expected = reference.lcn(reference.gcn(reference.masked(frame, mask)), 5, 1.0)
    for steps, wanted in (
        ([], expected),
        ([RowWiseDecomposition()], reference.rwd(expected)),
        ([RowWiseDecomposition("column")], reference.rwd(expected, "column")),
    ):
        for _, result in run_every_way([GCN(), LCN(5), *steps], frame[np.newaxis], mask):
            assert_agree(result, [wanted])


@pytest.mark.parametrize("offset", [0, 30000])
def test_precision_does_not_depend_on_the_level(reference, offset):
    frame = np.random.default_rng(4).normal(offset, 1.5, (1, 80, 90)).astype(np.float32)
    expected = [reference.rwd(reference.lcn(reference.gcn(frame[0]), 5, 0.0))]
    assert_agree(
        make_pipeline(GCN(), LCN(5, 0.0), RowWiseDecomposition()).fit_transform(open_frames(frame)),
        expected,
    )


@pytest.mark.parametrize("level", [0, 65535])
def test_counts_agree_where_a_few_rows_are_unlike_the_rest(reference, level):
    frame = np.random.default_rng(5).poisson(9, (140, 40)).astype(np.uint16)
    frame[::64] = level
    expected = [reference.lcn(reference.gcn(frame), 5, 1.0)]
    assert_agree(make_pipeline(GCN(), LCN(5)).fit_transform(open_frames(frame[None])), expected)


def test_rows_whose_deviations_have_one_sign_agree(reference):
    frame = np.random.default_rng(6).poisson(9, (200, 6)).astype(np.uint16)
    contrast = reference.lcn(reference.gcn(frame), 5, 1.0)
    assert (contrast > 0).all(axis=1).any()
    assert (contrast < 0).all(axis=1).any()
    chain = make_pipeline(GCN(), LCN(5), RowWiseDecomposition())
    assert_agree(chain.fit_transform(open_frames(frame[np.newaxis])), [reference.rwd(contrast)])


def test_real_frame_agrees(reference, shared_data):
    lazy = open_frames(shared_data / "real" / "rayonix_mfx.h5")
    steps = [CentralCrop(724), GCN(), LCN(), RowWiseDecomposition()]
    crop = reference.central_crop(lazy[0], 724)
    expected = [reference.rwd(reference.lcn(reference.gcn(crop), 5, 1.0))]
    assert_agree(make_pipeline(*steps).fit_transform(lazy), expected)


@pytest.mark.parametrize("dtype", ["uint16", "int16", "int32"])
@pytest.mark.parametrize("height", [3, 300, 30000])
def test_counts_on_a_plateau_agree_and_flat_windows_are_zero(reference, dtype, height):
    """Far from the mean of the frame, sums of squares would lose what matters."""
    rng = np.random.default_rng(height)
    frame = rng.poisson(20, (40, 44)).astype(dtype)
    frame[5:14, 6:20] += np.array(height, dtype)
    frame[25:35, 10:30] = height
    frame[30, 40] = np.iinfo("int16").max
    values = make_pipeline(GCN(), LCN(5)).fit_transform(open_frames(frame[np.newaxis]))
    expected = reference.lcn(reference.gcn(frame.astype(float)), 5, 1.0)
    np.testing.assert_allclose(
        np.asarray(values)[0], expected, atol=TOLERANCE * np.abs(expected).max()
    )
    assert (np.asarray(values)[0, 25:31, 10:26] == 0).all()
    vector = make_pipeline(GCN(), LCN(5), RowWiseDecomposition()).fit_transform(frame[np.newaxis])
    wide = expected.max(axis=1) - expected.min(axis=1)
    np.testing.assert_allclose(vector[0], wide, atol=TOLERANCE * wide.max())
