"""Peaks found by torch operations are those of the compiled peak finder; here on the processor."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.pipeline import make_pipeline

from sklearn_sfx import (
    CentralCrop,
    InputError,
    PeakCountClassifier,
    PeakHeightClassifier,
    PixelMask,
    StrongestPeaks,
    make_sfx_frames,
)
from sklearn_sfx.classifiers import _peak_heights
from sklearn_sfx.frames import blocks_on_device, can_run_on_device, open_frames
from sklearn_sfx.preprocessing import (
    _counting,
    _peak_candidates_on_tensors,
    _peak_step,
    _peaks_on_tensors,
    count_peaks,
    count_spots,
    peak_count_step,
    peaks_once,
)
from sklearn_sfx.preprocessing._peak_kernels import find_all
from sklearn_sfx.preprocessing._peak_pixels import pixels_of
from sklearn_sfx.preprocessing._peaks_on_tensors import find_on_tensors
from sklearn_sfx.preprocessing._spots import SpotCountStep
from tests.conftest import DEVICES

DTYPES = ["uint8", "uint16", "uint32", "int32", "int64", "float32", "float64"]
LOOK = 4.0, 2, 200, 8, 1.0  # min_snr, min_pixels, max_pixels, background_radius, noise_floor


def assert_found_alike(frames, *looks, usable=None, device="cpu"):
    """Compare what is found with what the compiled loops find; return how many peaks there are."""
    tensor = torch.from_numpy(frames).to(device)
    found = find_on_tensors(tensor, looks, usable)
    compiled = [find_all(pixels_of(frame, usable), looks) for frame in frames]
    for k, (frame, n_pixels, snr) in enumerate(found):
        tables = [of_frame[k].table for of_frame in compiled]
        expected = np.concatenate(tables)
        wanted = np.repeat(np.arange(len(frames)), [len(table) for table in tables])
        assert snr.dtype == torch.float32
        assert {frame.device, n_pixels.device, snr.device} == {tensor.device}
        np.testing.assert_array_equal(frame.cpu(), wanted)
        np.testing.assert_array_equal(n_pixels.cpu(), expected[:, 2])
        np.testing.assert_allclose(snr.cpu(), expected[:, 4], rtol=1e-4)
    return sum(len(frame) for frame, _, _ in found)


def frames_of(shape, level, seed, n_spots=8, n_frames=2):
    rng = np.random.default_rng(seed)
    mean = np.full((n_frames, *shape), level, float)
    y, x = np.indices(shape)
    for number in range(n_spots):
        distance = np.hypot(y - rng.uniform(0, shape[0]), x - rng.uniform(0, shape[1]))
        height = rng.exponential(20) * np.sqrt(level + 1)
        mean[number % n_frames] += height * np.exp(-(distance**2) / 2)
    return rng.poisson(mean)


# -- The same as the compiled loops


@settings(max_examples=40)
@given(
    shape=st.tuples(st.integers(1, 80), st.integers(1, 80)),
    level=st.sampled_from([0.01, 0.3, 5.0, 200.0, 5000.0]),
    dtype=st.sampled_from(DTYPES),
    masked=st.sampled_from([0.0, 0.02, 0.5, 1.0]),
    seed=st.integers(0, 2**31),
)
def test_any_frames(shape, level, dtype, masked, seed):
    frames = frames_of(shape, level, seed)
    frames = np.minimum(frames, 255 if dtype == "uint8" else 60000).astype(dtype)
    bad = np.random.default_rng(seed).random(frames.shape)
    if frames.dtype.kind == "f":
        frames[bad < masked] = np.nan
        frames[bad > 0.999] = np.inf
        assert_found_alike(frames, LOOK)
    else:
        assert_found_alike(frames, LOOK, usable=bad[0] >= masked if masked else None)


@settings(max_examples=40)
@given(
    heights=st.lists(st.sampled_from([1.5, 3.0, 5.0, 8.0]), min_size=1, max_size=3),
    min_pixels=st.integers(1, 4),
    max_pixels=st.sampled_from([4, 9, 200]),
    background_radius=st.sampled_from([2, 3, 5, 8, 12, 20]),
    noise_floor=st.sampled_from([0.1, 1.0, 5.0]),
    seed=st.integers(0, 2**31),
)
def test_any_settings_by_themselves_and_at_once(
    heights, min_pixels, max_pixels, background_radius, noise_floor, seed
):
    rest = background_radius, noise_floor
    looks = [(height, min_pixels + k, max_pixels, *rest) for k, height in enumerate(heights)]
    assert_found_alike(frames_of((50, 70), 20.0, seed), *looks)


@settings(max_examples=30)
@given(values=st.lists(st.integers(0, 3), min_size=4, max_size=4), seed=st.integers(0, 2**31))
def test_ties_and_plateaus(values, seed):
    """Peaks side by side, of which one takes pixels that another one would have."""
    rng = np.random.default_rng(seed)
    frames = rng.choice(values, (2, 70, 75), p=[0.9, 0.06, 0.03, 0.01]).astype(np.uint16)
    for _ in range(12):
        i, j, tall, wide = rng.integers([0, 0, 1, 1], [70, 75, 7, 7])
        frames[:, i : i + tall, j : j + wide] += 40
    assert_found_alike(frames, LOOK, (2.0, 1, 9, 8, 1.0))


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("radius", [4, 8, 12])
def test_rings_and_crowds_where_many_want_the_same_pixels(radius, device):
    y, x = np.indices((150, 170))
    rng = np.random.default_rng(0)
    away = np.hypot(y - 70, x - 80)
    ring = 20 + 400 * np.exp(-(((away - 50) / 1.5) ** 2))
    speckled = 20 + rng.exponential(300, away.shape) * np.exp(-(((away - 40) / 3) ** 2))
    crowd = np.full(away.shape, 5.0)
    crowd[5::6, 5::4] += 300
    crowd[6::6, 5::4] += 200
    frames = rng.poisson([ring, speckled, crowd]).astype(np.int32)
    looks = [(height, 1, 200, radius, 1.0) for height in (2.0, 4.0, 6.0)]
    assert assert_found_alike(frames, *looks, device=device) > 500


@pytest.mark.parametrize("device", DEVICES)
def test_simulated_frames_masked_and_not(device):
    frames = np.asarray(make_sfx_frames(12, frame_shape=(200, 300), random_state=0).data)
    usable = np.random.default_rng(0).random((200, 300)) > 0.1
    usable[90:100] = False
    other = 5.0, 1, 20, 8, 1.0
    assert assert_found_alike(frames, LOOK, other, device=device) > 500
    assert assert_found_alike(frames, LOOK, other, usable=usable, device=device) > 300


def test_numbers_with_more_digits_than_float32_has_are_rounded_alike():
    frames = frames_of((60, 64), 200.0, 0)
    frames = frames * 2**20 + np.arange(64)
    assert assert_found_alike(frames.astype(np.int64), LOOK) > 2
    assert assert_found_alike(frames.astype(np.uint64), LOOK) > 2


def test_frames_and_windows_are_worked_on_in_parts(monkeypatch):
    frames = frames_of((70, 75), 5.0, 1, n_spots=40, n_frames=5)
    whole = find_on_tensors(torch.from_numpy(frames), [LOOK])
    for module in (_peaks_on_tensors, _peak_candidates_on_tensors):
        monkeypatch.setattr(module, "VALUES", 2 * 70 * 75)
    in_parts = find_on_tensors(torch.from_numpy(frames), [LOOK])
    assert len(whole[0].frame) > 20
    for one, other in zip(whole[0], in_parts[0], strict=True):
        assert torch.equal(one, other)


# -- Known answers


def test_a_known_peak_and_frames_without_any():
    frames = np.zeros((5, 100, 100), np.float32)
    frames[1] = 7.0
    frames[2] = np.nan
    frames[3, 40:43, 70:73] = 9.0
    frames[4, 40, 70] = 9.0  # a lone pixel is none
    frame, n_pixels, snr = find_on_tensors(torch.from_numpy(frames), [LOOK])[0]
    assert (frame.tolist(), n_pixels.tolist(), snr.tolist()) == ([3], [9], [9.0])
    alone = find_on_tensors(torch.from_numpy(frames), [(4.0, 1, 200, 8, 1.0)])[0]
    assert alone.n_pixels.tolist() == [9, 1]


def test_a_peak_larger_than_allowed_leaves_nothing_behind():
    frames = frames_of((96, 96), 30.0, 3, n_spots=0, n_frames=1)
    frames[0, 27:38, 27:38] += 300
    looks = [(5.0, 2, most, 20, 1.0) for most in (100, 130)]
    assert [len(found.snr) for found in find_on_tensors(torch.from_numpy(frames), looks)] == [0, 1]


def test_a_square_without_enough_pixels_for_a_background_is_refused():
    with pytest.raises(InputError, match=r"background_radius .* 2 or more, got 1"):
        find_on_tensors(torch.zeros(1, 40, 40), [(4.0, 2, 200, 1, 1.0)])


# -- What users call


@pytest.fixture(params=DEVICES)
def device(request, monkeypatch):
    """Return a device whose tensors are taken for those of a GPU."""
    if request.param == "cpu":
        for module in (_peak_step, _counting, _peak_heights):
            monkeypatch.setattr(
                module, "lies_on_gpu", lambda X: isinstance(X, torch.Tensor) and X.ndim == 3
            )
    return torch.device(request.param)


@pytest.fixture
def counts():
    """Return frames of counts, of which every other one has many peaks."""
    frames = np.random.default_rng(0).poisson(9.0, (6, 120, 150)).astype(np.uint16)
    frames[1::2, 10:110:10, 20:140:10] += np.arange(40, 160, 10, dtype=np.uint16)
    frames[1::2, 10:110:10, 21:140:10] += 30
    return frames


def never(*args):
    raise AssertionError("the compiled loops were asked")


def test_tensors_stay_on_their_device(counts, device, monkeypatch):
    strongest = StrongestPeaks((1, 2, 30, 99, 500)).fit(counts)
    expected, n_expected = strongest.transform(counts), count_peaks(counts, min_snr=6)
    assert (expected[1::2, 3] > 0).all()
    assert (n_expected[1::2] > 50).all()
    monkeypatch.setattr(_peak_step, "find_all", never)
    tensor = torch.from_numpy(counts).to(device)
    heights = strongest.transform(tensor)
    assert (heights.dtype, heights.device) == (torch.float32, tensor.device)
    np.testing.assert_allclose(heights.cpu(), expected, rtol=1e-4)
    np.testing.assert_array_equal(tensor.cpu(), counts)
    n_peaks = count_peaks(tensor, min_snr=6)
    assert n_peaks.dtype == np.int64
    np.testing.assert_array_equal(n_peaks, n_expected)
    assert count_peaks(tensor[:0]).shape == (0,)


@pytest.mark.parametrize("each_its_own", [False, True])
def test_masks_go_along(counts, device, monkeypatch, each_its_own):
    rng = np.random.default_rng(1)
    own = rng.random(counts.shape) > 0.05 if each_its_own else None
    run = open_frames(counts, mask=own)
    masked = PixelMask(rng.random((120, 150)) > 0.05).fit_transform(run)
    lazy = make_pipeline(CentralCrop(110), StrongestPeaks()).fit_transform(masked)
    expected = np.asarray(lazy)
    assert can_run_on_device(lazy)
    monkeypatch.setattr(_peak_step, "find_all", never)
    sent = torch.cat(list(blocks_on_device(lazy, device, max_frames=4)))
    assert (sent.dtype, sent.device.type) == (torch.float32, device.type)
    np.testing.assert_allclose(sent.cpu(), expected, rtol=1e-4)


def test_steps_that_look_alike_and_others_find_together(counts, device, monkeypatch):
    steps = [
        StrongestPeaks()._make_step(),
        peak_count_step(5.0, 2, 200, 8, 1.0),
        peak_count_step(5.0, 3, 200, 6, 0.5),
    ]
    expected = np.stack([np.concatenate([step(frame) for step in steps]) for frame in counts])
    monkeypatch.setattr(_peak_step, "find_all", never)
    together = peaks_once(steps).on_tensors(torch.from_numpy(counts).to(device))
    np.testing.assert_allclose(together.cpu(), expected, rtol=1e-4)


@pytest.mark.parametrize("classifier", [PeakHeightClassifier, PeakCountClassifier])
def test_classifiers_decide_alike(counts, device, monkeypatch, classifier):
    model = classifier().fit(counts, [0, 1, 0, 1, 0, 1])
    expected = model.predict_proba(counts)
    monkeypatch.setattr(_peak_step, "find_all", never)
    found = model.predict_proba(torch.from_numpy(counts).to(device))
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_spots_are_counted_by_the_processor(counts, device):
    tensor = torch.from_numpy(counts).to(device)
    np.testing.assert_array_equal(count_spots(tensor), count_spots(counts))
    spots = SpotCountStep()
    assert not can_run_on_device(open_frames(counts).append(spots))
    together = peaks_once([spots, peak_count_step(5.0, 2, 200, 8, 1.0)])
    assert not can_run_on_device(open_frames(counts).append(together))


def test_tensors_of_the_processor_take_the_compiled_loops(counts, monkeypatch):
    monkeypatch.setattr(_peaks_on_tensors, "find_on_tensors", never)
    tensor = torch.from_numpy(counts)
    np.testing.assert_array_equal(count_peaks(tensor), count_peaks(counts))
    strongest = StrongestPeaks().fit(counts)
    np.testing.assert_array_equal(strongest.transform(tensor), strongest.transform(counts))
