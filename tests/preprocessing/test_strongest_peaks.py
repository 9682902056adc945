"""The heights of the strongest peaks: what they are, and what they do not depend on."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_sfx import (
    CentralCrop,
    PixelMask,
    StrongestPeaks,
    load_model,
    make_sfx_frames,
    open_frames,
    save_model,
)
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.preprocessing import find_peaks

RANKS = (1, 2, 3, 5)


@pytest.fixture
def frames():
    """Six frames, with zero to five peaks, the k-th of height 40 k."""
    rng = np.random.default_rng(0)
    frames = rng.poisson(50.0, (6, 90, 110)).astype(np.int32)
    for n in range(6):
        for k in range(1, n + 1):
            frames[n, 14 * k : 14 * k + 2, 15 * k : 15 * k + 2] += 40 * k
    return frames


def test_heights_are_those_of_the_peak_finder(frames):
    values = StrongestPeaks(RANKS).fit_transform(frames)
    assert values.shape == (6, 4)
    assert values.dtype == np.float32
    for n, row in enumerate(values):
        snr = np.sort(find_peaks(frames[n], min_snr=4).snr)[::-1]
        assert len(snr) == n
        expected = [np.arcsinh(snr[rank - 1]) if rank <= n else 0 for rank in RANKS]
        np.testing.assert_allclose(row, expected, rtol=1e-6)


def test_every_kind_of_input_gives_the_same(frames):
    expected = StrongestPeaks(RANKS).fit_transform(frames)
    lazy = StrongestPeaks(RANKS).fit_transform(open_frames(frames))
    assert lazy.shape == expected.shape
    np.testing.assert_array_equal(np.asarray(lazy), expected)
    tensor = StrongestPeaks(RANKS).fit_transform(torch.from_numpy(frames))
    np.testing.assert_array_equal(tensor.numpy(), expected)


@settings(deadline=None, max_examples=20)
@given(st.floats(0.5, 20), st.floats(0, 5000), st.floats(-3, 3), st.integers(0, 3))
def test_level_slope_gain_and_orientation_change_nothing(gain, level, slope, turns):
    rng = np.random.default_rng(1)
    frame = rng.normal(500, 10, (1, 96, 96))
    for k in range(5):
        frame[0, 10 + 17 * k : 13 + 17 * k, 70 - 12 * k : 72 - 12 * k] += 100 + 80 * k
    one = StrongestPeaks(RANKS, noise_floor=0).fit_transform(frame)
    assert (one > 0).all()
    other = gain * np.rot90(frame, turns, (1, 2)) + level + slope * np.arange(96)
    found = StrongestPeaks(RANKS, noise_floor=0).fit_transform(other)
    np.testing.assert_allclose(found, one, atol=0.02)


def test_masked_pixels_are_no_peaks(frames):
    usable = np.ones(frames.shape[1:], dtype=bool)
    usable[14 * 5 - 3 : 14 * 5 + 5, 15 * 5 - 3 : 15 * 5 + 5] = False  # the strongest of the last
    without = StrongestPeaks(RANKS).fit_transform(frames[4:])
    for masked in (
        StrongestPeaks(RANKS).fit_transform(open_frames(frames[4:], mask=usable)),
        make_pipeline(PixelMask(usable), StrongestPeaks(RANKS)).fit_transform(frames[4:]),
        StrongestPeaks(RANKS).fit_transform(np.where(usable, frames[4:], np.nan)),
    ):
        masked = np.asarray(masked)
        np.testing.assert_allclose(masked[0], without[0], atol=1e-6)
        np.testing.assert_allclose(masked[1, :3], without[0, :3], atol=0.1)
        assert without[1, 3] > masked[1, 3] == 0


def test_names_are_the_ranks(frames):
    names = StrongestPeaks(RANKS).fit(frames).get_feature_names_out()
    assert names.tolist() == ["peak1", "peak2", "peak3", "peak5"]


@pytest.mark.parametrize("ranks", [(), (0, 1), (2, 1), (1, 1), (1.5, 2), ((1, 2), (3, 4))], ids=str)
def test_ranks_have_to_rise(frames, ranks):
    with pytest.raises(InputError, match="ranks that rise from 1"):
        StrongestPeaks(ranks).fit(frames)


def test_twenty_labels_of_another_detector_find_hits(tmp_path):
    """Simulated: a linear model of twenty frames like LN84 on frames of a counting detector."""
    linear = LogisticRegression(class_weight="balanced")
    model = make_pipeline(CentralCrop(200), StrongestPeaks(), StandardScaler(), linear)
    here = make_sfx_frames(20, frame_shape=(240, 240), domain="LN84", random_state=3)
    there = make_sfx_frames(60, frame_shape=(240, 240), domain="LO19", random_state=4)
    assert len(np.unique(here.target)) == 2
    model.fit(here.data, here.target)
    chance = max(there.target.mean(), 1 - there.target.mean())
    assert model.score(there.data, there.target) > chance + 0.25
    save_model(model, tmp_path / "model.skops")
    again = load_model(tmp_path / "model.skops")
    np.testing.assert_array_equal(
        again.predict_proba(there.data[:5]), model.predict_proba(there.data[:5])
    )
