"""The peak finder against the same method written plainly, on whatever frames come.

The plain one takes one pixel, one window and one peak after the other, in float64. So the two
differ by rounding alone: what is counted has to be the same, what is measured to five digits.
"""

import joblib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import label

from sklearn_sfx import InputError, StrongestPeaks
from sklearn_sfx.frames import open_frames
from sklearn_sfx.preprocessing import count_peaks, count_spots, find_peaks, find_spots

TILE = 32
SETTINGS = {
    "min_snr": 5.0,
    "min_pixels": 2,
    "max_pixels": 200,
    "background_radius": 8,
    "noise_floor": 1.0,
}


def plain_contrast(pixels, distance):
    """Return how far each pixel stands above the lower of its two pairs of distant neighbours."""
    around = np.pad(pixels, distance, constant_values=np.nan)
    height, width = pixels.shape

    def pair(down, right):
        one, other = (
            around[
                distance + sign * down : distance + sign * down + height,
                distance + sign * right : distance + sign * right + width,
            ]
            for sign in (-1, 1)
        )
        one, other = np.where(np.isnan(one), other, one), np.where(np.isnan(other), one, other)
        return (one + other) / 2

    return pixels - np.fmin(pair(0, distance), pair(distance, 0))


def plain_spread(contrast):
    """Return the deviation of a tile without what is four times the mean size, four times over."""
    sizes = np.abs(contrast[~np.isnan(contrast)])
    kept = sizes
    for _ in range(4):
        if not kept.size:
            return 0.0
        mean = kept.mean()
        kept = sizes[sizes <= 4 * mean]
    return 1.25 * mean


def plain_background(pixels, i, j, radius, noise_floor):
    """Return the fitted plane over the frame and the noise, or None without enough pixels."""
    down, right = np.indices(pixels.shape) - np.array([i, j]).reshape(2, 1, 1)
    here = (np.abs(down) <= radius) & (np.abs(right) <= radius) & ~np.isnan(pixels)
    inner = radius // 2 - 2
    kept = here & ~((np.abs(down) <= inner) & (np.abs(right) <= inner))
    for _ in range(3):
        n = np.count_nonzero(kept)
        if n < 12:
            return None
        x, y = np.stack([down[kept], right[kept]]).astype(float), pixels[kept]
        cross = np.cov(x, bias=True) * n
        slope = np.zeros(2)
        if np.linalg.det(cross) > 1e-6 * cross[0, 0] * cross[1, 1]:
            slope = np.linalg.solve(cross, (x - x.mean(1, keepdims=True)) @ (y - y.mean()))
        level = y.mean() - slope @ x.mean(1)
        plane = level + slope[0] * down + slope[1] * right
        noise = np.sqrt(((y - plane[kept]) ** 2).sum() / max(n - 3, 1) + noise_floor**2)
        kept = here & (pixels - plane <= 3 * noise)
    return plane, noise


def plain_peaks(frame, *, min_snr, min_pixels, max_pixels, background_radius, noise_floor):
    """Return the table of peaks: row, column, number of pixels, intensity, signal-to-noise."""
    pixels = np.asarray(frame).astype(np.float32).astype(float)
    pixels[np.isinf(pixels)] = np.nan
    contrast = plain_contrast(pixels, max(2, background_radius - 2))
    taken = np.zeros(pixels.shape, bool)
    found = []
    for top, left in np.ndindex(*(-(-np.array(pixels.shape) // TILE))):
        tile = slice(top * TILE, top * TILE + TILE), slice(left * TILE, left * TILE + TILE)
        noise_here = np.hypot(plain_spread(contrast[tile]) / np.sqrt(1.5), noise_floor)
        least = 0.7 * min_snr * noise_here
        for i, j in np.argwhere(contrast[tile] > least):
            i, j = i + top * TILE, j + left * TILE
            near = slice(max(i - 1, 0), i + 2), slice(max(j - 1, 0), j + 2)
            if taken[i, j] or (pixels[near] > pixels[i, j]).any():
                continue
            if min_pixels > 1 and np.count_nonzero(contrast[near] > 0.7 * least) < 2:
                continue
            background = plain_background(pixels, i, j, background_radius, noise_floor)
            if background is None:
                continue
            excess, noise = pixels - background[0], background[1]
            if not excess[i, j] >= min_snr * noise:
                continue
            window = np.zeros(pixels.shape, bool)
            reach = background_radius
            window[max(i - reach, 0) : i + reach + 1, max(j - reach, 0) : j + reach + 1] = True
            bright = (excess >= 0.7 * min_snr * noise) & window & ~taken
            bright[i, j] = True
            areas, _ = label(bright, np.ones((3, 3)))
            peak = areas == areas[i, j]
            taken |= peak
            n, total = np.count_nonzero(peak), excess[peak].sum()
            if min_pixels <= n <= max_pixels:
                centre = (np.argwhere(peak) * excess[peak][:, None]).sum(axis=0) / total
                found.append([*centre, n, total, excess[peak].max() / noise])
    return np.array(found).reshape(-1, 5)


def assert_found_alike(frame, **changed):
    before = np.array(frame)
    asked = SETTINGS | changed
    peaks = find_peaks(frame, **asked)
    expected = plain_peaks(frame, **asked)
    np.testing.assert_array_equal(peaks.n_pixels, expected[:, 2])
    np.testing.assert_allclose(peaks.row, expected[:, 0], atol=2e-4)
    np.testing.assert_allclose(peaks.column, expected[:, 1], atol=2e-4)
    np.testing.assert_allclose(peaks.intensity, expected[:, 3], rtol=2e-5)
    np.testing.assert_allclose(peaks.snr, expected[:, 4], rtol=2e-5)
    np.testing.assert_array_equal(frame, before)
    assert count_peaks(np.asarray(frame)[None], **asked) == len(expected)
    return len(expected)


def frame_of(shape, level, seed, n_spots=8, width=1.0):
    rng = np.random.default_rng(seed)
    mean = np.full(shape, level, float)
    y, x = np.indices(shape)
    for _ in range(n_spots):
        distance = np.hypot(y - rng.uniform(0, shape[0]), x - rng.uniform(0, shape[1]))
        height = rng.exponential(20) * np.sqrt(level + 1)
        mean += height * np.exp(-((distance / width) ** 2) / 2)
    return rng.poisson(mean)


@settings(deadline=None, max_examples=40)
@given(
    shape=st.tuples(st.integers(1, 80), st.integers(1, 80)),
    level=st.sampled_from([0.01, 0.3, 5.0, 200.0, 5000.0]),
    dtype=st.sampled_from([np.uint16, np.int32, np.float32, np.float64, ">i4", np.uint8]),
    masked=st.sampled_from([0.0, 0.02, 0.5]),
    seed=st.integers(0, 2**31),
)
def test_any_frame(shape, level, dtype, masked, seed):
    frame = frame_of(shape, level, seed)
    frame = np.minimum(frame, np.iinfo(np.uint8).max if dtype is np.uint8 else 60000).astype(dtype)
    if masked and frame.dtype.kind == "f":
        bad = np.random.default_rng(seed).random(shape)
        frame[bad < masked] = np.nan
        frame[bad > 0.999] = np.inf
    assert_found_alike(frame)


@settings(deadline=None, max_examples=40)
@given(
    min_snr=st.sampled_from([3.0, 4.0, 8.0]),
    min_pixels=st.integers(1, 4),
    max_pixels=st.sampled_from([4, 9, 200]),
    background_radius=st.sampled_from([2, 3, 5, 8, 12]),
    noise_floor=st.sampled_from([0.1, 1.0, 5.0]),
    seed=st.integers(0, 2**31),
)
def test_any_settings(seed, **asked):
    frame = frame_of((50, 70), 20.0, seed, width=1.5)
    assert_found_alike(frame.astype(np.uint16), **asked)


@settings(deadline=None, max_examples=30)
@given(
    values=st.lists(st.integers(0, 3), min_size=4, max_size=4),
    seed=st.integers(0, 2**31),
)
def test_ties_and_plateaus(values, seed):
    """Frames of few values, whose pixels are often as high as their neighbours."""
    rng = np.random.default_rng(seed)
    frame = rng.choice(values, (70, 75), p=[0.9, 0.06, 0.03, 0.01]).astype(np.uint16)
    for _ in range(12):
        i, j, tall, wide = rng.integers([0, 0, 1, 1], [70, 75, 7, 7])
        frame[i : i + tall, j : j + wide] += 40
    assert_found_alike(frame)


@settings(deadline=None, max_examples=15)
@given(
    height=st.sampled_from([1, 2, 33]),
    width=st.sampled_from([255, 256, 257, 290]),
    background_radius=st.sampled_from([2, 3, 4, 7, 20, 40]),
    min_pixels=st.integers(1, 2),
    seed=st.integers(0, 2**31),
)
def test_wide_frames_are_worked_on_in_pieces(height, width, seed, **asked):
    """Peaks of two pixels lie across the columns at which the next eight tiles begin."""
    frame = frame_of((height, width), 20.0, seed, n_spots=2)
    rng = np.random.default_rng(seed)
    for i in range(0, height, 8):
        j = int(rng.integers(253, width - 1)) if width > 255 else 252
        frame[i, j : j + 2] += rng.integers(60, 200, 2)
    assert_found_alike(frame, **asked)


@pytest.mark.parametrize("radius", [-1, 0, 1, 8.0])
def test_a_square_without_enough_pixels_for_a_background_is_refused(radius):
    with pytest.raises(InputError, match=r"background_radius .* 2 or more, got"):
        find_peaks(np.zeros((40, 40)), background_radius=radius)


@pytest.mark.parametrize("place", [(0, 0), (31, 31), (32, 40), (63, 64), (95, 95), (64, 0)])
def test_peaks_across_tiles_and_at_the_border(place):
    """What grows out of one tile is not found again in the next."""
    frame = frame_of((96, 96), 30.0, 3, n_spots=0)
    i, j = place
    frame[max(i - 2, 0) : i + 3, max(j - 2, 0) : j + 3] += 200
    assert assert_found_alike(frame) == 1


def test_a_peak_larger_than_allowed_leaves_nothing_behind():
    frame = frame_of((96, 96), 30.0, 3, n_spots=0)
    frame[27:38, 27:38] += 300
    assert assert_found_alike(frame, max_pixels=100, background_radius=20) == 0
    assert assert_found_alike(frame, max_pixels=130, background_radius=20) == 1


def test_steep_background_and_saturated_pixels():
    y, x = np.indices((120, 120))
    mean = 200 + 3000 * np.exp(-(((np.hypot(y - 45, x - 50) - 30) / 6) ** 2))
    frame = np.random.default_rng(0).poisson(mean).astype(np.int32)
    frame[100:103, 98:101] += 2000
    frame[98, 104] = 65535
    assert assert_found_alike(frame) >= 1


def test_faint_peaks_beside_one_a_thousand_times_as_bright():
    """Sums of the bright one's squares leave no digit of the others', if they are taken off."""
    frame = frame_of((96, 96), 30.0, 3, n_spots=0).astype(np.float32) + np.float32(0.3)
    frame[40:43, 40:43] += 60000
    frame[41:43, 47:49] += 60
    frame[49:51, 41:43] += 60
    assert assert_found_alike(frame) == 3


def test_more_peaks_than_any_table_is_made_for():
    frame = np.random.default_rng(0).poisson(5.0, (400, 400))
    frame[5::8, 5::8] += 300
    frame[6::8, 5::8] += 200
    assert len(find_peaks(frame, background_radius=8).row) == 50**2


@pytest.mark.parametrize("count", [count_peaks, count_spots, StrongestPeaks().fit_transform])
def test_threads_and_masks_find_what_one_frame_by_itself_does(count):
    frames = np.stack([frame_of((100, 90), 3.0, seed, n_spots=seed) for seed in range(12)])
    usable = np.random.default_rng(0).random(frames.shape[1:]) > 0.1
    one_by_one = np.concatenate([count(np.where(usable, frame, np.nan)[None]) for frame in frames])
    with joblib.parallel_config("threading", n_jobs=4):
        for X in (open_frames(frames, mask=usable), np.where(usable, frames, np.nan)):
            np.testing.assert_array_equal(np.asarray(count(X)), one_by_one)


def test_spots_of_every_dtype_and_of_frames_that_cannot_be_written_to():
    frame = frame_of((150, 140), 3.0, 5, n_spots=20)
    expected = find_spots(frame)
    assert len(expected.row) >= 6
    for dtype in (np.uint16, np.int16, ">i4", "<u8", np.float32, np.float64):
        same = np.asfortranarray(frame.astype(dtype))
        same.setflags(write=False)
        for field, wanted in zip(find_spots(same), expected, strict=True):
            np.testing.assert_array_equal(field, wanted)
