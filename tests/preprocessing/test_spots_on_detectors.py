"""Spots and none on detectors of each kind: photons, bad lines, gaps, wide pixels."""

import numpy as np
import pytest
from scipy.special import erf

from sklearn_sfx.frames import open_frames
from sklearn_sfx.preprocessing import count_spots

SHAPE = (400, 512)
#: What a photon is, and the readout noise, in keV or ADU.
INTEGRATING = {"JUNGFRAU": (12.4, 0.3), "CSPAD": (30.0, 5.0), "4 sigma": (4.0, 1.0)}


def spots(rng, n, photons, shape=SHAPE, size=2):
    """Return the mean of so many spots, each of its pixels of so many photons, far apart."""
    mean = np.zeros(shape)
    cells = rng.choice((shape[0] // 40) * (shape[1] // 40), n, replace=False)
    for row, column in zip(*np.divmod(cells, shape[1] // 40), strict=True):
        top, left = 40 * row + rng.integers(8, 30), 40 * column + rng.integers(8, 30)
        mean[top : top + size, left : left + size] += photons
    return mean


def charge(photons, rng, width):
    """Return where the charge of photons goes that fall anywhere on their pixel, in photons."""
    out = np.zeros(photons.shape)
    rows, columns = (np.repeat(axis, photons[photons > 0]) for axis in np.nonzero(photons))
    shares = []
    for _ in range(2):
        place = rng.uniform(-0.5, 0.5, len(rows))
        before, after = ((1 - erf((0.5 + s * place) / width / 2**0.5)) / 2 for s in (1, -1))
        shares.append((before, 1 - before - after, after))
    for i in range(3):
        for j in range(3):
            at = (rows + i - 1) % out.shape[0], (columns + j - 1) % out.shape[1]
            np.add.at(out, at, shares[0][i] * shares[1][j])
    return out


@pytest.mark.parametrize("width", [None, 0.1, 0.15])  # of the charge of a photon, in pixels
@pytest.mark.parametrize("detector", INTEGRATING)
@pytest.mark.parametrize("rate", [0.001, 0.01, 0.03, 0.1, 0.3])
def test_lone_photons_on_an_integrating_detector_are_no_spots(detector, rate, width):
    """Two side by side stand far out of the readout noise, and are seen by chance."""
    rng = np.random.default_rng(0)
    unit, noise = INTEGRATING[detector]
    frames = []
    for n in (0, 0, 15, 15):
        photons = rng.poisson(rate + spots(rng, n, 14))
        signal = photons if width is None else charge(photons, rng, width)
        frames.append((unit * signal + rng.normal(0, noise, SHAPE)).astype(np.float32))
    counts = count_spots(np.stack(frames))
    assert (counts[:2] <= 3).all()
    assert (counts[2:] >= 12).all()


@pytest.mark.parametrize("share", [1e-4, 5e-4, 2e-3])
def test_hot_pixels_side_by_side_by_chance_are_no_spots(share):
    rng = np.random.default_rng(1)
    shape = 1600, 1600
    frames = rng.poisson(5 + np.stack([np.zeros(shape), spots(rng, 15, 60, shape, 3)]))
    hot = rng.random(frames.shape) < share
    frames[hot] += rng.exponential(500, np.count_nonzero(hot)).astype(int)
    none, some = count_spots(frames)
    assert none <= 3
    assert 12 <= some <= 18


@pytest.mark.parametrize("n_stuck", [20, 60, 300])
@pytest.mark.parametrize(("value", "noise"), [(4095, 0), (16000, 300), (300, 5)])
def test_stuck_pixels_are_not_taken_for_photons(value, noise, n_stuck):
    """They are all of one height, too, and the spots are far below."""
    rng = np.random.default_rng(n_stuck)
    frame = rng.poisson(10 + spots(rng, 15, 60))
    stuck = rng.choice(frame.size, n_stuck, replace=False)
    frame.flat[stuck] = value + rng.normal(0, noise, n_stuck)
    assert count_spots(frame[None])[0] >= 12


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("length", [128, 194, 256])
@pytest.mark.parametrize("kind", ["heavy tails", "normal"])
def test_a_noisy_line_that_ends_with_its_chip_is_no_hit(kind, length, turned):
    rng = np.random.default_rng(2)
    frames = rng.poisson(5, (6, 512, 400)).astype(float)
    for frame in frames:
        if kind == "heavy tails":
            frame[200 : 200 + length, 100] += rng.poisson(rng.exponential(30, length))
        else:
            frame[200 : 200 + length, 100] += rng.normal(0, 22, length)
    assert (count_spots(frames.transpose(0, 2, 1) if turned else frames) < 6).all()


@pytest.mark.parametrize("gap", [-1, -2, np.nan, 2**32 - 1])
@pytest.mark.parametrize("rate", [0.0, 1e-4, 1e-3])
def test_spots_are_found_on_dark_frames_with_gaps(rate, gap):
    """Nearly all pixels are 0, which is a measurement, and the others are gaps."""
    rng = np.random.default_rng(3)
    frame = rng.poisson(rate + spots(rng, 15, 40)).astype(float)
    is_gap = np.zeros(SHAPE, bool)
    is_gap[195:212] = is_gap[:, 250:257] = True
    frame[is_gap] = gap
    n_left = count_spots(np.where(is_gap, np.nan, frame)[None])[0]
    assert n_left >= 10
    assert count_spots(frame[None])[0] == n_left


RADIUS = np.hypot(*(np.indices(SHAPE) - np.array([190, 260])[:, None, None]))
STEPS = np.random.default_rng(4).uniform(0, 40, (25, 32))
STRUCTURES = {
    "a strong solvent ring": 3000 * np.exp(-(((RADIUS - 130) / 40) ** 2) / 2),
    "a steep slope": 20.0 * np.indices(SHAPE)[1],
    "steps between chips": np.kron(STEPS, np.ones((16, 16))),
    "no background": np.full(SHAPE, -5.0),
}  # fmt: skip


@pytest.mark.parametrize("structure", STRUCTURES)
def test_structure_is_not_light_that_spreads(structure):
    """Spots of two pixels are as sharp as cosmic rays, which only spreading light tells apart."""
    rng = np.random.default_rng(5)
    mean = 5 + STRUCTURES[structure]
    where = spots(rng, 40, 1.0)
    where[:, 1:] *= where[:, :-1] > 0  # the right half of each
    counts = count_spots(rng.poisson(mean + where * 30 * np.sqrt(np.maximum(mean, 5)))[None])
    assert counts[0] >= 36


def test_noise_that_a_row_shares_is_no_light_that_spreads():
    rng = np.random.default_rng(6)
    noise = rng.normal(0, 5, (400, 513))
    frame = 20 * rng.poisson(spots(rng, 40, 15)) + noise[:, 1:] + 0.5 * noise[:, :-1]
    assert count_spots(frame[None])[0] >= 36


@pytest.mark.parametrize("value", [0.0, -9999.0, -3e38])
@pytest.mark.parametrize("wide", [1, 2, 4])
def test_dead_pixels_far_below_the_others_hide_no_spot(value, wide):
    rng = np.random.default_rng(7)
    frame = 1000 + 20 * rng.poisson(spots(rng, 20, 15)) + rng.normal(0, 5, SHAPE)
    dead = rng.random(SHAPE) < 0.01
    for start in range(36, 400, 40):
        dead[start : start + wide] = dead[:, start : start + wide] = True
    expected = count_spots(np.where(dead, np.nan, frame)[None])[0]
    assert expected >= 16
    frame[dead] = value
    assert abs(count_spots(frame.astype(np.float32)[None])[0] - expected) <= 1
    assert abs(count_spots(open_frames(frame.astype(np.float32)[None]))[0] - expected) <= 1


def test_zeros_beside_counts_are_measurements():
    """The lowest value of a counting detector is one apart from the next, and far from none."""
    rng = np.random.default_rng(8)
    for level in (0.1, 1.0, 3.0, 20.0):
        frame = rng.poisson(level + spots(rng, 20, 15 + 10 * level**0.5))
        assert count_spots(frame[None])[0] >= 18


@pytest.mark.parametrize("along", [0, 1])
def test_wide_pixels_that_share_their_count_are_no_spots(along):
    """At the rims of chips some detectors have pixels three times as wide as the others."""
    rng = np.random.default_rng(9)
    frame = rng.poisson(0.05, SHAPE)
    for k in range(30):
        count = rng.integers(7, 3000)
        side = np.arange(3) + 100
        frame[(side, 10 * k + 50) if along == 0 else (10 * k + 50, side)] = count
    assert count_spots(frame[None])[0] <= 1
