"""What is a Bragg spot: known answers, what only looks like one, and real frames."""

import hdf5plugin  # noqa: F401  (the real frames are compressed with its filters)
import numpy as np
import pytest
import torch

from sklearn_sfx.exceptions import InputError, ScaledFramesWarning
from sklearn_sfx.frames import open_frames, read_mask
from sklearn_sfx.preprocessing import count_peaks, count_spots, find_peaks, find_spots

SHAPE = (300, 320)


def background(seed=0, level=10.0, shape=SHAPE):
    return np.random.default_rng(seed).poisson(level, shape).astype(np.int32)


def spots_at_random(n, seed=1, shape=SHAPE, margin=20):
    """Return places at least ten pixels apart."""
    rng = np.random.default_rng(seed)
    places = []
    while len(places) < n:
        place = rng.integers(margin, np.array(shape) - margin)
        if all(np.abs(place - other).max() > 12 for other in places):
            places.append(place)
    return np.array(places)


def with_spots(frame, places, photons=80):
    frame = frame.copy()
    for row, column in places:
        frame[row - 1 : row + 2, column - 1 : column + 2] += photons // 2
        frame[row, column] += photons // 2
    return frame


def distance(shape, row, column):
    y, x = np.mgrid[: shape[0], : shape[1]]
    return np.hypot(y - row, x - column)


def test_every_spot_is_found_where_it_is():
    places = spots_at_random(25)
    spots = find_spots(with_spots(background(), places))
    found = np.column_stack([spots.row, spots.column])
    assert len(found) == 25
    assert all(np.hypot(*(found - place).T).min() < 0.5 for place in places)


@pytest.mark.parametrize("shape", [(64, 64), (100, 333), (700, 90), (1500, 1400)])
def test_frames_of_any_shape(shape):
    places = spots_at_random(9, shape=shape, margin=5)
    frames = np.stack([background(shape=shape), with_spots(background(shape=shape), places)])
    np.testing.assert_array_equal(count_spots(frames), [0, 9])


@pytest.mark.parametrize("level", [0.001, 0.03, 1.0, 100.0])
def test_noise_alone_has_no_spots(level):
    frames = np.stack([background(seed, level, (512, 512)) for seed in range(4)])
    assert count_spots(frames).max() <= 1


def test_a_spot_in_a_frame_of_few_photons():
    places = spots_at_random(12, shape=(512, 512))
    assert count_spots(with_spots(background(0, 0.03, (512, 512)), places, 20)[None]) == [12]


def lines(frame):
    frame[:, 100] += 60  # a bad column
    frame[40, 20:200] += 90  # a part of a row
    for step in range(150):  # a streak
        frame[100 + step, 120 + step : 123 + step] += 50
    return frame


def ring_of_light(frame):
    return frame + np.random.default_rng(3).poisson(
        60 * np.exp(-(((distance(SHAPE, 140, 170) - 90) / 1.5) ** 2))
    )


def ring_of_grains(frame):
    rng = np.random.default_rng(4)
    for radius in (40, 70, 110):
        angles = rng.uniform(0, 2 * np.pi, 3 * radius)
        rows = np.rint(150 + radius * np.sin(angles)).astype(int)
        columns = np.rint(160 + radius * np.cos(angles)).astype(int)
        np.add.at(frame, (rows, columns), rng.integers(40, 400, len(rows)))
        np.add.at(frame, (rows, columns + 1), rng.integers(20, 200, len(rows)))
    return frame


@pytest.mark.parametrize("make", [lines, ring_of_light, ring_of_grains])
def test_what_lines_and_rings_are_made_of_is_no_spot(make):
    frame = make(background())
    assert count_peaks(frame[None])[0] >= 6
    assert count_spots(frame[None])[0] <= 3


@pytest.mark.parametrize("make", [lines, ring_of_light])
def test_spots_beside_lines_and_rings_are_kept(make):
    places = spots_at_random(20, seed=2)
    clear = np.hypot(places[:, 0] - 140, places[:, 1] - 170)
    places = places[np.abs(clear - 90) > 8]
    frame = with_spots(make(background()), places, 150)
    assert count_spots(frame[None])[0] >= len(places) // 2


def test_spots_on_circles_around_another_point_are_kept():
    """Where zones of the lattice meet the sphere of reflection, spots lie on circles."""
    angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    circle = np.column_stack([150 + 80 * np.sin(angles), 160 + 80 * np.cos(angles)])
    frame = with_spots(background(), np.rint(circle).astype(int))
    assert count_spots(frame[None])[0] >= 20


def where_light_spreads(rng):
    """The noise of a detector whose pixels share their light with their neighbours."""
    noise = rng.normal(0, 8, (402, 402))
    beside = noise[:-2, 1:-1] + noise[2:, 1:-1] + noise[1:-1, :-2] + noise[1:-1, 2:]
    return 200 + noise[1:-1, 1:-1] + 0.6 * beside


def test_cosmic_rays_on_a_detector_whose_light_spreads_are_no_spots():
    frame = where_light_spreads(np.random.default_rng(5))
    for row, column in spots_at_random(15, shape=(400, 400)):
        frame[row, column : column + 2] += 900, 500
    assert count_spots(frame[None])[0] <= 2
    y, x = np.mgrid[-4:5, -4:5]
    for row, column in spots_at_random(15, seed=6, shape=(400, 400)):
        frame[row - 4 : row + 5, column - 4 : column + 5] += 900 * np.exp(-(y**2 + x**2) / 2)
    assert count_spots(frame[None])[0] >= 10


def add_tracks(frame, rng, n):
    """Cosmic rays at a slant, a pixel wide: each pixel gets what crosses it."""
    aside = np.stack(np.meshgrid(*[np.linspace(-0.35, 0.35, 5)] * 2)).reshape(2, 1, -1)
    for _ in range(n):
        start, angle = rng.uniform(20, 380, (2, 1, 1)), rng.uniform(0, np.pi)
        length, charge = rng.uniform(1, 5), rng.uniform(150, 1500)
        way = np.linspace(0, length, 40)[:, None] * np.ones(25)
        across = start + np.stack([way * np.sin(angle), way * np.cos(angle)]) + aside
        np.add.at(frame, tuple(across.astype(int)), charge * length / way.size)


def add_round_spots(frame, rng, n):
    y, x = np.mgrid[-4:5, -4:5]
    for row, column in rng.integers(20, 380, (n, 2)):
        down, right = rng.uniform(-0.5, 0.5, 2)
        shape = np.exp(-((y - down) ** 2 + (x - right) ** 2) / (2 * 0.8**2))
        frame[row - 4 : row + 5, column - 4 : column + 5] += rng.uniform(120, 900) * shape


@pytest.mark.parametrize("seed", range(6))
def test_many_tracks_of_cosmic_rays_make_no_hit_and_hide_none(seed):
    rng = np.random.default_rng(seed)
    only_tracks, only_spots = where_light_spreads(rng), where_light_spreads(rng)
    add_round_spots(only_spots, rng, 12)
    both = only_spots.copy()
    add_tracks(both, rng, 12)
    add_tracks(only_tracks, rng, 40)
    counts = count_spots(np.stack([only_tracks, only_spots, both]))
    np.testing.assert_array_equal(counts >= 6, [False, True, True])
    assert counts[1] >= 10


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("lit", [False, True])
def test_a_noisy_row_or_column_is_no_hit_and_hides_none(turned, lit):
    rng = np.random.default_rng(8)
    empty = rng.poisson(100, (6, 400, 400)).astype(float)
    hits = empty.copy()
    for row, column in 25 + 50 * np.argwhere(np.ones((7, 7)))[::4]:
        hits[:, row : row + 3, column : column + 3] += 150
    noise = 300 * (rng.random((6, 400)) < 0.4) if lit else rng.normal(0, 100, (6, 400))
    for frames in (empty, hits):
        frames[:, :, 52] += noise
    counts = count_spots(np.concatenate([empty, hits]).transpose(0, *(2, 1) if turned else (1, 2)))
    assert (counts[:6] <= 1).all()
    assert (counts[6:] >= 11).all()


def test_a_column_of_spots_is_not_a_noisy_one():
    frame = np.random.default_rng(9).poisson(10, (400, 400))
    for row in range(20, 380, 15):
        frame[row : row + 3, 100:103] += 100
    assert count_spots(frame[None])[0] >= 20


@pytest.mark.parametrize("level", [0, 0.0005, 0.001, 0.03])
@pytest.mark.parametrize("n_spots", [6, 60])
def test_spots_are_found_where_nearly_all_pixels_are_zero(level, n_spots):
    rng = np.random.default_rng(3)
    frame = rng.poisson(level, (500, 500))
    for row, column in 25 + 50 * np.argwhere(np.ones((10, 10)))[:n_spots]:
        spot = rng.poisson([[5, 20, 5], [20, 80, 20], [5, 20, 5]])
        frame[row : row + 3, column : column + 3] += spot
    assert count_spots(frame[None])[0] == n_spots


@pytest.mark.parametrize("value", [0, -1, 65535])
def test_areas_without_data_and_their_rims_have_no_spots(value):
    frame = with_spots(background(level=100.0), spots_at_random(8, margin=40), 400)
    frame[distance(SHAPE, 150, 160) > 145] = value
    frame[140:150] = value
    spots = find_spots(frame)
    rim = np.abs(np.hypot(spots.row - 150, spots.column - 160) - 145) < 3
    assert not rim.any()
    assert len(spots.row) <= 8


def test_masked_pixels_and_frames_and_arrays_agree():
    places = spots_at_random(12)
    frames = with_spots(background(), places)[None]
    usable = np.ones(SHAPE, bool)
    usable[:150] = False
    expected = int(np.count_nonzero(places[:, 0] >= 152))
    assert abs(count_spots(open_frames(frames, mask=usable))[0] - expected) <= 1
    np.testing.assert_array_equal(count_spots(open_frames(frames)), count_spots(frames))
    np.testing.assert_array_equal(
        count_spots(open_frames(frames, mask=usable)),
        count_spots(np.where(usable, frames, np.nan)),
    )


def test_nothing_in_a_frame_of_one_value():
    assert count_spots(np.zeros((2, 64, 64), np.uint16)).tolist() == [0, 0]
    assert count_spots(np.full((1, 64, 64), np.nan)).tolist() == [0]
    assert len(find_spots(np.ones((64, 64), bool)).row) == 0


@pytest.mark.parametrize("make", [np.asarray, open_frames, torch.as_tensor])
@pytest.mark.parametrize("count", [count_spots, count_peaks])
def test_frames_scaled_to_fractions_are_told(count, make):
    counts = np.stack([with_spots(background(seed), spots_at_random(12)) for seed in range(2)])
    scaled = (counts / counts.max()).astype(np.float32)
    with pytest.warns(ScaledFramesWarning, match="above 1.*as the detector counted them"):
        assert not count(make(scaled)).any()
    assert count(make(counts.astype(np.float32))).all()
    dark = np.zeros((2, 80, 80), np.float32)  # photons, of which there is none or one
    assert not count(make(dark)).any()
    dark[:, 40, 40] = 1
    assert not count(make(dark)).any()


def test_what_is_no_frame_is_refused():
    with pytest.raises(InputError, match="find_spots needs one frame"):
        find_spots(np.zeros((2, 64, 64)))
    with pytest.raises(InputError, match="for a single frame take find_spots"):
        count_spots(np.zeros((64, 64)))


def test_spots_are_peaks():
    frame = lines(with_spots(background(), spots_at_random(15)))
    peaks, spots = find_peaks(frame, min_snr=6.0), find_spots(frame)
    assert set(zip(spots.row, spots.column, strict=True)) <= set(
        zip(peaks.row, peaks.column, strict=True)
    )


@pytest.mark.filterwarnings("ignore::sklearn_sfx.SlowFileWarning")
@pytest.mark.parametrize(
    ("name", "is_hit"),
    [
        ("hit_timepix.h5", True),
        ("jungfrau_module.h5", True),
        ("native/pilatus300k.cbf", True),
        ("no_crystal_marccd.h5", False),
        ("no_crystal_powder.h5", False),
        ("native/dls_pilatus100k.nxs", False),
        ("native/lambda_blanks_m2_part00000.nxs", False),
    ],
)
def test_real_frames_without_a_label_or_mask(shared_data, name, is_hit):
    if name.endswith(".cbf"):
        pytest.importorskip("fabio")
    counts = count_spots(open_frames(shared_data / "real" / name))
    assert ((counts >= 6) == is_hit).all()


def test_real_frames_behind_a_mask(shared_data):
    grid = shared_data / "real" / "thaumatin_grid.cxi"
    mask = read_mask(grid, dataset="/entry_1/data_1/mask", bad_bits="any")
    counts = count_spots(open_frames(grid, mask=mask)[[5, 6, 7, 8]])
    np.testing.assert_array_equal(counts >= 6, [True, True, False, False])
