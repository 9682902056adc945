"""The peak finder on known answers, noise and real frames; counting what it finds."""

import h5py
import hdf5plugin  # noqa: F401  (the real frames are compressed with its filters)
import joblib
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames import open_frames
from sklearn_sfx.preprocessing import RowWiseDecomposition, count_peaks, find_peaks


def spots(positions, shape=(64, 64), height=100.0, background=10.0, seed=0):
    i, j = np.indices(shape)
    mean = np.full(shape, background)
    for row, column in positions:
        mean += height * np.exp(-((i - row) ** 2 + (j - column) ** 2) / 2.0)
    return np.random.default_rng(seed).poisson(mean).astype(np.uint16)


def test_spots_are_found_where_they_are():
    positions = np.array([(8.0, 9.0), (20.3, 40.6), (45.5, 12.0), (50.0, 55.0)])
    peaks = find_peaks(spots(positions, height=300.0))
    found = np.column_stack([peaks.row, peaks.column])[np.argsort(peaks.row)]
    np.testing.assert_allclose(found, positions, atol=0.25)
    assert (peaks.n_pixels >= 5).all()
    # The sum of a Gaussian spot is 2 pi sigma^2 height; its rim lies below the noise.
    np.testing.assert_allclose(peaks.intensity, 300 * 2 * np.pi, rtol=0.15)
    assert (peaks.snr > 30).all()


@pytest.mark.parametrize("place", [(0, 0), (0, 30), (63, 63), (30, 63), (63, 0)])
def test_spots_at_the_rim_are_found(place):
    assert len(find_peaks(spots([place])).row) == 1


@pytest.mark.parametrize("background", [0.0, 0.001, 0.02, 0.1, 0.5, 1.0, 3.0, 10.0, 100.0, 5000.0])
def test_photon_noise_has_no_peaks(background):
    frame = np.random.default_rng(0).poisson(background, (724, 724))
    assert len(find_peaks(frame).row) <= 1


def test_readout_noise_has_no_peaks():
    frame = np.random.default_rng(0).normal(-3.0, 25.0, (724, 724))
    assert len(find_peaks(frame).row) <= 1


def test_a_ring_and_a_beam_stop_are_no_peaks_but_spots_on_them_are():
    """The slope of a ring is many times its noise."""
    i, j = np.indices((400, 400))
    radius = np.hypot(i - 200, j - 200)
    mean = 300 + 3000 * np.exp(-(((radius - 120) / 30) ** 2))
    mean[radius < 20] = 20.0
    rng = np.random.default_rng(0)
    assert len(find_peaks(rng.poisson(mean)).row) <= 1
    mean[200:202, 290:292] += 900.0  # on the flank of the ring
    mean[80:82, 200:202] += 900.0  # on its top
    assert len(find_peaks(rng.poisson(mean)).row) == 2


def test_few_photons_that_cluster_are_a_peak_where_there_are_else_none():
    frame = np.zeros((100, 100), np.uint8)
    frame[20, 20] = 1
    frame[50, 50:52] = 2
    assert len(find_peaks(frame).row) == 0
    frame[70, 70:72] = 8
    peaks = find_peaks(frame)
    assert (peaks.row, peaks.column) == (70.0, pytest.approx(70.5))


def test_sizes_outside_the_limits_are_left_out():
    frame = spots([], seed=1)
    frame[10, 10] += 500  # one pixel: a cosmic ray or a hot pixel
    frame[40:42, 40:42] += 500
    assert len(find_peaks(frame).row) == 1
    assert len(find_peaks(frame, min_pixels=1).row) == 2
    assert len(find_peaks(frame, min_pixels=5).row) == 0
    assert len(find_peaks(frame, max_pixels=3).row) == 0


def test_min_snr_is_the_height_over_the_noise():
    frame = np.random.default_rng(0).normal(0.0, 20.0, (100, 100))
    frame[50:52, 50:52] = 200.0  # ten standard deviations
    assert len(find_peaks(frame, min_snr=8.0, noise_floor=0.0).row) == 1
    assert len(find_peaks(frame, min_snr=13.0, noise_floor=0.0).row) == 0
    assert find_peaks(frame).snr == pytest.approx(10.0, rel=0.15)


def test_the_noise_floor_is_in_the_units_of_the_frame():
    frame = spots([(30, 30)])
    assert len(find_peaks(frame / 1000.0).row) == 0
    assert len(find_peaks(frame / 1000.0, noise_floor=0.001).row) == 1


def test_masked_pixels_take_no_part():
    frame = spots([(15, 15), (40, 40)]).astype(np.float32)
    frame[12:19, 12:19] = np.nan
    frame[::9] = np.nan
    frame[:, 60] = 1e6
    frame[:, 60:] = np.nan
    peaks = find_peaks(frame)
    assert len(peaks.row) == 1
    assert (round(float(peaks.row[0])), round(float(peaks.column[0]))) == (40, 40)


def test_a_spot_beside_a_gap_is_found():
    frame = spots([(30, 30)]).astype(np.float32)
    frame[:, 32:40] = np.nan
    assert len(find_peaks(frame).row) == 1


def test_an_unmasked_hot_pixel_hides_no_spot():
    frame = spots([(30, 30)]).astype(np.int32)
    frame[34, 34] = 1_000_000
    assert len(find_peaks(frame).row) == 1


@pytest.mark.parametrize("value", [np.nan, 0.0, 7.0, np.inf])
def test_flat_frames_have_no_peaks(value):
    assert len(find_peaks(np.full((50, 60), value)).row) == 0


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (3, 2), (33, 65), (8, 724)])
def test_frames_of_any_size(shape):
    frame = np.random.default_rng(0).poisson(4.0, shape)
    assert len(find_peaks(frame).row) <= 1


@settings(deadline=None, max_examples=30)
@given(
    seed=st.integers(0, 2**31),
    turns=st.integers(0, 3),
    offset=st.integers(0, 1000),
    dtype=st.sampled_from([np.uint16, np.int32, np.float32, np.float64, ">i4"]),
)
def test_turning_offset_and_dtype_change_no_peak(seed, turns, offset, dtype):
    positions = np.random.default_rng(seed).permutation(np.arange(25))[:6]
    frame = spots([(7 + 12 * (p // 5), 7 + 12 * (p % 5)) for p in positions], height=200.0)
    changed = (np.rot90(frame, turns).astype(np.int64) + offset).astype(dtype)
    before = changed.copy()
    assert len(find_peaks(changed).row) == len(find_peaks(frame).row) == 6
    np.testing.assert_array_equal(changed, before)


def test_what_is_no_frame_is_refused():
    for wrong in (np.ones(5), np.ones((2, 5, 5)), np.full((4, 4), "a"), np.ones((4, 4), complex)):
        with pytest.raises(InputError, match="one frame of real numbers"):
            find_peaks(wrong)


# -- Counting ----------------------------------------------------------------------------------


@pytest.fixture
def frames():
    """Return four frames with none, one, two and three spots."""
    places = [(10, 10), (10, 40), (40, 25)]
    return np.stack([spots(places[:n], seed=n) for n in range(4)])


def test_every_kind_of_input_is_counted_alike(frames):
    for X in (frames, frames.tolist(), torch.from_numpy(frames.astype(np.int32))):
        np.testing.assert_array_equal(count_peaks(X), np.arange(4), strict=True)
    np.testing.assert_array_equal(count_peaks(open_frames(frames)[::-1]), np.arange(4)[::-1])
    assert count_peaks(frames[:0]).shape == (0,)


def test_the_settings_and_the_mask_are_those_of_the_finder(frames):
    for changed in ({"min_snr": 40.0}, {"min_pixels": 20}, {"noise_floor": 1000.0}):
        expected = [len(find_peaks(frame, **changed).row) for frame in frames]
        assert count_peaks(frames, **changed).tolist() == expected
        assert sum(expected) < 6
    mask = np.ones(frames.shape[1:], bool)
    mask[:20] = False
    assert count_peaks(open_frames(frames, mask=mask)).tolist() == [0, 0, 0, 1]
    assert count_peaks(np.where(mask, frames, np.nan)).tolist() == [0, 0, 0, 1]


def test_workers_count_what_one_counts(frames):
    for X in (frames, open_frames(frames)):
        with joblib.parallel_config("threading", n_jobs=2):
            np.testing.assert_array_equal(count_peaks(X), np.arange(4))


def test_what_is_not_made_of_frames_is_not_counted(frames):
    for wrong in (
        frames[0],
        np.ones((4, 720)),
        np.full((2, 4, 4), "a"),
        np.ones((2, 4, 4), complex),
    ):
        with pytest.raises(InputError, match="count_peaks needs frames of real numbers"):
            count_peaks(wrong)
    with pytest.raises(InputError, match="count_peaks needs frames of real numbers"):
        count_peaks(RowWiseDecomposition().fit_transform(open_frames(frames)))


# -- Real frames, one default setting for three detectors --------------------------------------


@pytest.fixture(scope="module")
def grid_scan(shared_data):
    """Return peaks of each frame of a scan that walks off a crystal, and its labels."""
    with h5py.File(shared_data / "real" / "thaumatin_grid.cxi") as file:
        usable = file["entry_1/data_1/mask"][()] == 0
        labels = np.array([label.decode() for label in file["labels"][()]])
        frames = (np.where(usable, frame, np.nan) for frame in file["entry_1/data_1/data"])
        return [find_peaks(frame) for frame in frames], labels


def test_real_photon_counting_frames(grid_scan):
    peaks, labels = grid_scan
    counts = np.array([len(p.row) for p in peaks])
    assert (labels == "HIT").sum() == 7
    assert counts[labels == "HIT"].min() >= 50
    assert counts[labels == "MISS"].max() < 10


def test_real_spots_are_of_the_size_of_spots(grid_scan):
    peaks, _ = grid_scan
    assert 4 <= np.median(peaks[1].n_pixels) <= 30


def test_a_real_integrating_frame(shared_data):
    with (
        h5py.File(shared_data / "real" / "rayonix_mfx.h5") as file,
        h5py.File(shared_data / "real" / "rayonix_mfx_mask.h5") as mask,
    ):
        frame = np.where(mask["mask"], file["data/chunk_0000000/images"][0], np.nan)
    peaks = find_peaks(frame)
    assert 100 <= len(peaks.row) <= 400
    # A crystal diffracts to a limit: nearly all spots lie around the beam, few in the corners.
    distance = np.hypot(peaks.row - 960, peaks.column - 960)
    assert (distance < 500).mean() > 0.9


def test_real_frames_of_a_tiled_detector_are_hits(shared_data):
    with h5py.File(shared_data / "real" / "thermolysin_cspad.cxi") as file:
        frames = file["entry_1/data_1/data"][()]
    assert min(len(find_peaks(frame).row) for frame in frames) >= 10
