"""The peak finder on known answers, noise and real frames; the classifier that counts."""

import h5py
import hdf5plugin  # noqa: F401  (the real frames are compressed with its filters)
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sklearn_sfx.classifiers import PeakCountClassifier, find_peaks
from sklearn_sfx.classifiers._peak_count import _best_threshold
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames import open_frames


def spots(positions, shape=(64, 64), height=100.0, background=10.0, seed=0):
    i, j = np.indices(shape)
    mean = np.full(shape, background)
    for row, column in positions:
        mean += height * np.exp(-((i - row) ** 2 + (j - column) ** 2) / 2.0)
    return np.random.default_rng(seed).poisson(mean).astype(np.uint16)


# -- Finding -----------------------------------------------------------------------------------


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


# -- Deciding ----------------------------------------------------------------------------------


def test_counts_are_the_spots_that_are_there(spotted):
    frames, counts, is_hit = spotted
    model = PeakCountClassifier().fit(frames, is_hit)
    assert np.abs(model.count_peaks(frames) - counts).max() <= 1
    assert model.count_peaks(frames).dtype == np.int64
    assert model.threshold_ in (3, 4)
    assert model.score(frames, is_hit) == 1.0


@pytest.mark.parametrize(
    ("misses", "hits", "threshold"),
    [
        ([0, 1, 3], [20, 30], 4),  # the lowest count that no miss reaches
        ([0, 0, 5], [3, 4, 6], 1),  # as good as 6, and loses no hit
        ([0, 0, 0, 9], [0, 8, 9, 10], 1),
        ([4, 4], [4, 4], 4),
    ],
)
def test_the_threshold_is_the_best_and_ties_go_to_recall(misses, hits, threshold):
    counts = np.array(misses + hits)
    is_hit = np.arange(len(counts)) >= len(misses)
    assert _best_threshold(counts, is_hit) == threshold


@settings(deadline=None)
@given(
    st.lists(st.integers(0, 20), min_size=1, max_size=15),
    st.lists(st.integers(0, 20), min_size=1, max_size=15),
)
def test_no_threshold_is_better(misses, hits):
    counts = np.array(misses + hits)
    is_hit = np.arange(len(counts)) >= len(misses)

    def balanced(threshold):
        found = counts >= threshold
        return found[is_hit].mean() - found[~is_hit].mean()

    scores = [balanced(threshold) for threshold in range(23)]
    assert balanced(_best_threshold(counts, is_hit)) == pytest.approx(max(scores))


def test_the_probability_rises_with_the_count_and_only_with_it(spotted):
    frames, _, is_hit = spotted
    labels = np.where(is_hit == 1, "HIT", "MISS")  # the hit comes first in classes_
    model = PeakCountClassifier().fit(frames, labels)
    assert model.hit_class_ == "HIT"
    counts = model.count_peaks(frames)
    probability = model.predict_proba(frames)[:, 0]
    order = np.argsort(counts, kind="stable")
    steps = np.diff(probability[order])
    assert (steps[np.diff(counts[order]) > 0] > 0).all()
    assert (steps[np.diff(counts[order]) == 0] == 0).all()
    np.testing.assert_array_equal(probability > 0.5, counts >= model.threshold_)
    np.testing.assert_array_equal(model.predict(frames), labels)


def test_three_classes_are_refused(spotted):
    frames, counts, _ = spotted
    with pytest.raises(InputError, match="Only binary classification is supported"):
        PeakCountClassifier().fit(frames, np.minimum(counts, 12))


def test_vectors_are_refused():
    with pytest.raises(InputError, match="frames"):
        PeakCountClassifier().fit(np.ones((4, 720)), [0, 1, 0, 1])


def test_the_mask_of_a_lazy_run_is_used(spotted):
    frames, _, is_hit = spotted
    mask = np.ones(frames.shape[1:], bool)
    mask[:48] = False
    model = PeakCountClassifier().fit(frames, is_hit)
    masked = np.where(mask, frames, np.nan)
    expected = model.count_peaks(masked)
    assert expected.sum() < 0.7 * model.count_peaks(frames).sum()
    np.testing.assert_array_equal(model.count_peaks(open_frames(frames, mask=mask)), expected)


def test_a_crop_of_a_lazy_run_is_counted(spotted):
    from sklearn_sfx.preprocessing import CentralCrop

    frames, _, is_hit = spotted
    crop = CentralCrop(60)
    model = PeakCountClassifier().fit(crop.fit_transform(open_frames(frames)), is_hit)
    np.testing.assert_array_equal(
        model.count_peaks(crop.transform(open_frames(frames))),
        model.count_peaks(frames[:, 18:78, 18:78]),
    )


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
