"""LitPixels, RadialProfile and RadialSpectrum: known answers, masks, lazy runs."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.pipeline import make_pipeline

from sklearn_sfx import open_frames
from sklearn_sfx.datasets import make_spi_frames
from sklearn_sfx.datasets.single_particles import PARTICLE_DOMAINS, Particle
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.preprocessing import LitPixels, RadialProfile, RadialSpectrum

IMAGES = arrays(np.float32, (2, 9, 12), elements=st.floats(-50, 50, width=32))


@given(X=IMAGES, threshold=st.floats(0, 5))
def test_lit_pixels_are_those_above_the_threshold(X, threshold):
    X[0, 0] = np.nan
    found = LitPixels(threshold=threshold, photon=2.0).fit_transform(X)
    for frame, (n_lit, photons) in zip(X, found, strict=True):
        lit = frame[frame > threshold * 2.0]
        assert n_lit == lit.size
        assert photons == pytest.approx(lit.sum(dtype=float) / 2, rel=1e-5, abs=1e-5)


@given(X=IMAGES, center=st.tuples(st.floats(-3, 12), st.floats(-3, 15)), width=st.floats(0.5, 4))
def test_a_ring_has_the_mean_and_variance_of_its_pixels(X, center, width):
    mean = RadialProfile(center=center, width=width).fit_transform(X)
    variance = RadialProfile(center=center, width=width, statistic="variance").fit_transform(X)
    rows, columns = np.mgrid[:9, :12]
    ring = np.floor(np.hypot(rows - center[0], columns - center[1]) / width + 0.5).astype(int)
    assert mean.shape == variance.shape == (2, ring.max() + 1)
    for number in np.unique(ring):
        pixels = X[:, ring == number].astype(float)
        np.testing.assert_allclose(mean[:, number], pixels.mean(axis=1), rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(variance[:, number], pixels.var(axis=1), rtol=1e-4, atol=1e-3)


def test_masked_pixels_take_no_part_and_empty_rings_are_filled():
    X = np.ones((1, 21, 21), np.float32)
    rows, columns = np.mgrid[:21, :21]
    away = np.hypot(rows - 10, columns - 10)
    X[0] += away
    X[0, 5] = 1e6
    mask = np.ones((21, 21), bool)
    mask[5] = False
    mask[away < 3] = False
    masked = np.where(mask, X, np.nan)
    found = RadialProfile().fit_transform(masked)[0]
    assert found.max() < 20
    np.testing.assert_array_equal(found[:2], found[3])  # nearest ring with a pixel
    lazy = open_frames(X, mask=mask)
    np.testing.assert_array_equal(np.asarray(RadialProfile().fit_transform(lazy))[0], found)
    nothing = np.full((1, 21, 21), np.nan, np.float32)
    assert not RadialProfile().fit(masked).transform(nothing).any()


def test_a_profile_of_round_light_is_the_same_about_the_beam():
    rows, columns = np.mgrid[:64, :64]
    frame = 100 * np.exp(-np.hypot(rows - 20, columns - 40) / 8)
    found = RadialProfile(center=(20, 40)).fit_transform(frame[None])[0]
    np.testing.assert_allclose(found[:20], 100 * np.exp(-np.arange(20) / 8), rtol=0.06)
    uneven = RadialProfile(center=(20, 40), statistic="variance").fit_transform(frame[None])[0]
    assert (uneven[3:20] < 0.01 * found[3:20] ** 2).all()


def test_the_beam_has_to_be_known():
    with pytest.raises(InputError, match=r"RadialProfile\(center='beam'\) has to know"):
        RadialProfile(center="beam").fit(np.ones((1, 8, 8)))


@pytest.mark.parametrize("diameter", [60.0, 90.0, 130.0])
def test_the_spectrum_of_spheres_shows_their_size(diameter):
    """Simulated spheres: a peak at diameter x pixel / (wavelength x distance) cycles per ring."""
    virus = PARTICLE_DOMAINS["virus"]
    bright = replace(
        virus,
        focus=replace(virus.focus, fluence=1e13),
        particle=Particle("sphere", diameter=diameter, spread=0.0),
        visible=1e6,
    )
    run = make_spi_frames(4, domain=bright, shares=(1.0, 0.0, 0.0), random_state=0)
    chain = make_pipeline(RadialProfile(), RadialSpectrum())
    spectrum = np.asarray(chain.fit_transform(run.data))
    n_rings = chain[0].fit(run.data).get_feature_names_out().size
    expected = diameter * 0.3 / (0.775 * 581.0) * n_rings
    first = 4  # slower changes are the fall of the profile
    found = first + spectrum[:, first:].argmax(axis=1)
    np.testing.assert_allclose(found, expected, atol=1.5)


def test_frames_are_no_profiles():
    with pytest.raises(InputError, match="put RadialProfile before it"):
        RadialSpectrum().fit(np.ones((2, 8, 8)))
