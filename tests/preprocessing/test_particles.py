"""SphereFit and AngularVariance: known answers, photons, masks, lazy runs, several particles."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sklearn_sfx import open_frames
from sklearn_sfx.datasets import make_spi_frames
from sklearn_sfx.datasets.single_particles import PARTICLE_DOMAINS, Particle
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.preprocessing import AngularVariance, SphereFit

SHAPE = (96, 90)
NAMES = ["diameter", "intensity", "background", "misfit", "explained"]


def sphere_light(spacing, center, intensity=400.0, background=0.2):
    """Return what a sphere scatters whose fringes are `spacing` pixels apart."""
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    x = np.maximum(np.pi * np.hypot(rows - center[0], columns - center[1]) / spacing, 1e-3)
    return background + intensity * (3 * (np.sin(x) - x * np.cos(x)) / x**3) ** 2


def fitted_to(frames, **settings):
    found = np.asarray(SphereFit(**settings).fit_transform(frames))
    return dict(zip(NAMES, found.T, strict=True))


@settings(max_examples=15, deadline=None)
@given(
    spacing=st.floats(9, 28),
    center=st.tuples(st.floats(40, 55), st.floats(38, 52)),
    scale=st.floats(0.5, 5000),
)
def test_a_sphere_has_its_size_and_its_intensity(spacing, center, scale):
    frame = sphere_light(spacing, center, background=0.6)
    found = fitted_to(frame[None], center=center, scale=scale)
    assert found["diameter"][0] == pytest.approx(scale / spacing, rel=0.01)
    assert found["intensity"][0] == pytest.approx(400, rel=0.05)
    assert found["background"][0] == pytest.approx(0.6, rel=0.1)
    assert found["explained"][0] > 0.99


def test_photons_leave_a_misfit_of_one():
    rng = np.random.default_rng(0)
    frames = rng.poisson(sphere_light(20.0, (48.0, 45.0)), (20, *SHAPE))
    found = fitted_to(frames, center=(48.0, 45.0))
    np.testing.assert_allclose(found["diameter"], 1 / 20, rtol=0.03)
    assert 0.8 < found["misfit"].mean() < 1.2
    even = fitted_to(rng.poisson(1.0, (20, *SHAPE)))
    assert 0.8 < even["misfit"].mean() < 1.2
    assert even["explained"].mean() < 0.3


@pytest.mark.parametrize("kind", [SphereFit, AngularVariance])
def test_the_unit_of_the_frames_and_the_place_of_the_beam_do_not_matter(kind):
    rng = np.random.default_rng(1)
    counts = rng.poisson(sphere_light(20.0, (48.0, 45.0)), (3, *SHAPE)).astype(np.float32)
    expected = kind(center=(48.0, 45.0)).fit_transform(counts)
    scaled = kind(center=(48.0, 45.0), photon=12.5).fit_transform(12.5 * counts)
    np.testing.assert_allclose(scaled, expected, rtol=1e-4)
    moved = np.zeros((3, 120, 120), np.float32)
    moved[:, 10 : 10 + SHAPE[0], 20 : 20 + SHAPE[1]] = counts
    mask = np.zeros((120, 120), bool)
    mask[10 : 10 + SHAPE[0], 20 : 20 + SHAPE[1]] = True
    lazy = open_frames(moved, mask=mask)
    found = np.asarray(kind(center=(58.0, 65.0)).fit_transform(lazy))
    np.testing.assert_allclose(found[:, 0], expected[:, 0], rtol=0.02)


def test_masked_pixels_take_no_part():
    center = (48.0, 45.0)
    rng = np.random.default_rng(2)
    frame = rng.poisson(sphere_light(20.0, center)).astype(np.float32)
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    mask = (np.hypot(rows - 48, columns - 45) > 4) & (np.abs(rows - 47.5) > 2)
    wrong = np.where(mask, frame, 1e6)
    lazy = open_frames(wrong[None], mask=mask)
    for kind in (SphereFit(center=center), AngularVariance(center=center)):
        marked = kind.fit_transform(np.where(mask, frame, np.nan)[None])
        np.testing.assert_array_equal(np.asarray(kind.fit_transform(lazy)), marked)
    found = fitted_to(lazy, center=center)
    assert found["diameter"][0] == pytest.approx(1 / 20, rel=0.03)


def test_a_frame_without_light_gives_zeros():
    for nothing in (np.zeros((1, *SHAPE)), np.full((1, *SHAPE), 0.5), np.full((1, *SHAPE), np.nan)):
        assert not SphereFit().fit_transform(nothing).any()
        assert not AngularVariance().fit_transform(nothing).any()


@settings(max_examples=30, deadline=None)
@given(X=arrays(np.float32, (2, 9, 12), elements=st.floats(-5, 50, width=32)))
def test_angular_variance_is_the_variance_beyond_the_photons(X):
    X[0, 0] = np.nan
    found = AngularVariance(photon=2.0, center=(3.0, 4.0)).fit_transform(X)
    rows, columns = np.mgrid[:9, :12]
    rings = np.floor(np.hypot(rows - 3, columns - 4) + 0.5).astype(int)
    for frame, (value,) in zip(X, found, strict=True):
        photons = np.where(frame > 1, frame.astype(float) / 2, 0)
        beyond = 0.0
        for ring in np.unique(rings):
            inside = photons[(rings == ring) & np.isfinite(frame)]
            if len(inside):
                beyond += ((inside - inside.mean()) ** 2).sum()
                beyond -= inside.sum() * (1 - 1 / len(inside))
        total = photons[np.isfinite(frame)].sum()
        assert value == pytest.approx(beyond / max(total, 1.0), rel=1e-4, abs=1e-4)


def test_photons_alone_have_no_angular_variance():
    rng = np.random.default_rng(3)
    even = AngularVariance().fit_transform(rng.poisson(0.4, (50, *SHAPE)))
    assert abs(even.mean()) < 0.01
    assert even.std() < 0.05


def test_several_particles_are_neither_round_nor_a_sphere():
    """Simulated spheres: what tells one from several, whatever their brightness."""
    virus = PARTICLE_DOMAINS["virus"]
    domain = replace(
        virus,
        particle=Particle("sphere", diameter=70.0, spread=0.02),
        camera=replace(virus.camera, shape=(128, 128), pixel_size=0.6, hot=0.0),
        visible=5000.0,
    )
    scale = 0.775 * 581.0 / 0.6  # nm
    one = make_spi_frames(12, domain=domain, shares=(1.0, 0.0, 0.0), random_state=0)
    several = make_spi_frames(12, domain=domain, shares=(0.0, 1.0, 0.0), random_state=0)
    of_one = fitted_to(one.data, photon=10.0, scale=scale)
    of_several = fitted_to(several.data, photon=10.0, scale=scale)
    np.testing.assert_allclose(of_one["diameter"], one.diameter, rtol=0.05)
    assert np.median(of_several["misfit"]) > 2 * np.median(of_one["misfit"])
    uneven = [AngularVariance(photon=10.0).fit_transform(run.data) for run in (one, several)]
    assert np.median(np.asarray(uneven[1])) > 3 * np.median(np.asarray(uneven[0]))


def test_what_is_refused():
    with pytest.raises(InputError, match="in frames of 8 x 8 there are 6 rings: give a smaller"):
        SphereFit().fit(np.ones((1, 8, 8)))
    for kind in (SphereFit, AngularVariance):
        with pytest.raises(InputError, match=rf"{kind.__name__}\(center='beam'\) has to know"):
            kind(center="beam").fit(np.ones((1, 40, 40)))
