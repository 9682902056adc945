"""No hit is lost for what else is on its frame: hot pixels, noise of many kinds, steps, rows."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from sklearn_sfx.frames import open_frames
from sklearn_sfx.preprocessing import count_spots

SHAPE = (400, 400)
ROWS, COLUMNS = np.indices(SHAPE)


def spots(rng, n=12, low=60, high=150, sigma=0.8):
    """Return the sum of so many spots of this width, far apart; 0 for none."""
    cells = rng.permutation([(y, x) for y in range(50, 380, 80) for x in range(50, 380, 80)])[:n]
    mean = np.zeros(SHAPE)
    for (row, column), (down, right) in zip(cells, rng.uniform(-0.5, 0.5, (n, 2)), strict=True):
        distance = (ROWS - row - down) ** 2 + (COLUMNS - column - right) ** 2
        mean += rng.uniform(low, high) * np.exp(-distance / 2 / sigma**2)
    return mean


def with_lone(rng, frame, heights):
    """Return a frame with hot pixels of these heights."""
    frame = np.asarray(frame, np.float32).copy()
    frame.flat[rng.choice(frame.size, len(heights), replace=False)] += heights
    return frame


HOT = {
    "warm pixels of a counter": lambda rng: with_lone(
        rng, rng.poisson(0.1 + spots(rng)), rng.uniform(20, 35, 22).round()
    ),
    "zingers on a CCD": lambda rng: with_lone(
        rng,
        gaussian_filter(rng.poisson(60.0 + spots(rng, 12, 150, 300)).astype(float), 0.8),
        rng.uniform(90, 140, 30),
    ),
    "an exponential tail": lambda rng: with_lone(
        rng, rng.normal(0, 5, SHAPE) + spots(rng), 27 + rng.exponential(22, 60)
    ),
    "warm pixels of a dark JUNGFRAU": lambda rng: with_lone(
        rng,
        rng.normal(0, 0.3, SHAPE) + 12.4 * rng.poisson(spots(rng, 12, 10, 20)),
        rng.uniform(13, 17, 25),
    ),
    "some as bright as a thousand photons": lambda rng: with_lone(
        rng, rng.normal(0, 5, SHAPE) + spots(rng, 12, 50, 100), 30 + rng.exponential(400, 400)
    ),
}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("hot", HOT)
def test_lone_pixels_hide_no_spots(hot, seed):
    assert 10 <= count_spots(HOT[hot](np.random.default_rng(seed))[None])[0] <= 14


NOISE = {
    "heavy tails": lambda rng, n: 4 * rng.standard_t(5, SHAPE) + spots(rng, n),
    "pixels that differ": lambda rng, n: (
        rng.normal(0, 5, SHAPE) * rng.lognormal(0, 0.4, SHAPE) + spots(rng, n, 50, 100)
    ),
    "some pixels three times as noisy": lambda rng, n: (
        rng.normal(0, 5, SHAPE) * np.where(rng.random(SHAPE) < 0.03, 3, 1) + spots(rng, n, 50, 100)
    ),
    "columns of their own level": lambda rng, n: (
        25 * rng.poisson(0.2 + spots(rng, n, 7, 7, 0.9))
        + rng.normal(0, 6, SHAPE)
        + rng.normal(0, 10, (1, SHAPE[1]))
    ),
    "charge that is shared": lambda rng, n: (
        gaussian_filter(150.0 * rng.poisson(0.5 + spots(rng, n, 8, 8, 0.9)), 0.4)
        + rng.normal(0, 20, SHAPE)
    ),
}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("noise", NOISE)
def test_weak_spots_are_told_on_noise_of_any_kind(noise, seed):
    rng = np.random.default_rng(seed)
    frames = np.stack([NOISE[noise](rng, n) for n in (12, 0)]).astype(np.float32)
    hit, blank = count_spots(frames)
    assert 9 <= hit <= 14
    assert blank <= 3


STEPS = {
    "photons in keV": lambda rng, n: np.float32(12.4) * rng.poisson(0.05 + spots(rng, n)),
    "counts times 4": lambda rng, n: 4 * rng.poisson(0.05 + spots(rng, n)),
    "counts a second": lambda rng, n: rng.poisson(0.3 + spots(rng, n)) / 0.01,
    "one photon a pixel": lambda rng, n: np.float32(12.4) * rng.poisson(1 + spots(rng, n)),
    "few counts set to 0": lambda rng, n: (
        lambda frame: np.where(frame < 5, 0, frame)
    )(rng.poisson(1 + spots(rng, n))),
}  # fmt: skip


@pytest.mark.parametrize("step", STEPS)
def test_the_lowest_of_values_in_steps_are_measurements(step):
    """A pixel of 0 beside others of one photon is not dead, however large that is."""
    rng = np.random.default_rng(0)
    assert count_spots(STEPS[step](rng, 12)[None])[0] >= 11


@pytest.mark.parametrize("step", ["photons in keV", "counts times 4", "counts a second"])
def test_photons_side_by_side_are_no_spots_in_any_unit(step):
    rng = np.random.default_rng(0)
    assert (count_spots(np.stack([STEPS[step](rng, 0) for _ in range(3)])) <= 3).all()


@pytest.mark.parametrize("sigma", [0.55, 0.8])
def test_saturated_spots_are_no_wide_pixels(sigma):
    rng = np.random.default_rng(1)
    frame = 100 + rng.normal(0, 5, SHAPE) + spots(rng, 12, 3e4, 3e5, sigma)
    assert count_spots(np.minimum(frame, 16383).astype(np.uint16)[None])[0] == 12
    counts = rng.poisson(0.1 + spots(rng, 12, 60, 300, 0.7))
    assert count_spots(np.minimum(counts, 20)[None])[0] == 12


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(("step", "sigma", "n"), [(12, 1.2, 12), (16, 1.5, 12), (24, 2.0, 12)])
def test_a_row_of_wide_spots_is_no_noisy_row(step, sigma, n, turned):
    rng = np.random.default_rng(2)
    frame = rng.normal(0, 5, SHAPE)
    for k in range(n):
        distance = (ROWS - 150) ** 2 + (COLUMNS - 30 - k * step) ** 2
        frame += rng.uniform(80, 300) * np.exp(-distance / 2 / sigma**2)
    assert count_spots((frame.T if turned else frame)[None])[0] >= 9


@pytest.mark.parametrize("share", [0.1, 0.2, 0.5])
def test_a_column_of_which_some_pixels_flicker_is_no_hit(share):
    rng = np.random.default_rng(3)
    frames = rng.normal(0, 5, (4, *SHAPE))
    for frame in frames:
        frame[rng.random(SHAPE[0]) < share, 100] += 300
    assert (count_spots(frames) < 6).all()


def test_hot_pixels_and_noisy_columns_on_real_frames(shared_data):
    folder = shared_data / "real"
    hits = {"thaumatin_grid.cxi": 6, "hit_timepix.h5": 0, "lcysteine_pilatus2m.h5": 17}
    for name, row in hits.items():
        rng = np.random.default_rng(0)
        frame = np.asarray(open_frames(folder / name, mask=False)[row], np.float32)
        hot = rng.choice(frame.size, 60, replace=False)
        hot = hot[frame.flat[hot] >= 0]
        before = count_spots(frame[None])[0]
        frame.flat[hot] += rng.uniform(20, 35, len(hot)).round()
        assert count_spots(frame[None])[0] >= max(6, before - 3)
    for row in (7, 8):  # without a crystal
        rng = np.random.default_rng(0)
        frame = np.asarray(open_frames(folder / "thaumatin_grid.cxi", mask=False)[row], np.float32)
        for column in rng.choice(frame.shape[1] - 1, 3, replace=False):
            noise = np.abs(rng.normal(0, 100, len(frame))).round()
            frame[:, column] += np.where(frame[:, column] >= 0, noise, 0)
        assert count_spots(frame[None])[0] < 6


def test_noisy_columns_beside_soft_spots_are_no_tracks(shared_data):
    """Their peaks are as sharp as cosmic rays, of which a part goes off the count."""
    frame = open_frames(shared_data / "real" / "hit_timepix.h5", mask=False)[0]
    before = count_spots(np.asarray(frame)[None])[0]
    for seed in range(6):
        rng = np.random.default_rng(seed)
        noisy = np.asarray(frame, np.float32).copy()
        for column in rng.choice(noisy.shape[1], 2, replace=False):
            noisy[:, column] += rng.exponential(40, len(noisy)).round()
        assert count_spots(noisy[None])[0] >= before - 4


@pytest.mark.parametrize("rate", [0.03, 0.1, 0.3])
def test_weak_spots_among_faint_photons(rate):
    """A photon is three times the readout noise: two side by side are often a peak."""
    rng = np.random.default_rng(0)
    readout, photon = 20.0, 60.0
    noise = np.hypot(readout, photon * rate**0.5)
    frames = [
        photon * rng.poisson(rate + spots(rng, n, 10 * noise, 16 * noise, 0.65) / photon)
        + rng.normal(0, readout, SHAPE)
        for n in (12, 12, 12, 0, 0, 0)
    ]
    counts = count_spots(np.stack(frames))
    assert (counts[:3] >= 6).all()
    assert (counts[3:] <= 4).all()


@pytest.mark.parametrize("step", [10, 16, 20])
def test_a_lattice_of_sharp_spots_along_the_detector_is_kept(step):
    rng = np.random.default_rng(1)
    frame = rng.poisson(3.0, SHAPE)
    frame[20:380:step, 20:380:step] += 50
    frame[21:380:step, 20:380:step] += 50
    n_spots = len(range(20, 380, step)) ** 2
    assert count_spots(frame[None])[0] > 0.8 * n_spots
