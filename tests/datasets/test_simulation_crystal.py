"""The simulator's crystals: known geometry and statistics, computed another way."""

from dataclasses import replace

import numpy as np
import pytest

from sklearn_sfx.datasets.simulation import DOMAINS
from sklearn_sfx.datasets.simulation._crystal import (
    diffract,
    near_ewald_sphere,
    random_rotation,
    reciprocal_basis,
    wilson_intensities,
)
from sklearn_sfx.datasets.simulation._geometry import make_panels, pixel_positions, project
from sklearn_sfx.datasets.simulation._maps import make_maps
from sklearn_sfx.datasets.simulation._render import draw_spots
from sklearn_sfx.datasets.simulation._source import central_window
from sklearn_sfx.datasets.simulation._spots import land

TRICLINIC = (37.0, 52.0, 61.0, 81.0, 97.0, 112.0)


def metric_spacing(cell, hkl):
    """1/d^2 from the reciprocal metric tensor, which needs no orientation and no basis."""
    a, b, c = cell[:3]
    ca, cb, cg = np.cos(np.deg2rad(cell[3:]))
    direct = np.array(
        [
            [a * a, a * b * cg, a * c * cb],
            [a * b * cg, b * b, b * c * ca],
            [a * c * cb, b * c * ca, c * c],
        ]
    )
    return 1 / np.sqrt(np.einsum("ni,ij,nj->n", hkl, np.linalg.inv(direct), hkl))


def test_reciprocal_basis_gives_the_spacings_of_the_metric_tensor():
    hkl = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [3, -2, 5], [-7, 1, 4]])
    q = hkl @ reciprocal_basis(TRICLINIC)
    np.testing.assert_allclose(1 / np.linalg.norm(q, axis=1), metric_spacing(TRICLINIC, hkl))


def test_rotations_are_rotations_and_have_no_preferred_direction():
    rng = np.random.default_rng(0)
    rotations = np.array([random_rotation(rng) for _ in range(2000)])
    identity = np.broadcast_to(np.eye(3), rotations.shape)
    np.testing.assert_allclose(rotations @ rotations.transpose(0, 2, 1), identity, atol=1e-12)
    np.testing.assert_allclose(np.linalg.det(rotations), 1.0)
    np.testing.assert_allclose(rotations.mean(axis=0), 0.0, atol=0.06)


@pytest.mark.parametrize("cell", [TRICLINIC, (40.0, 40.0, 80.0, 90.0, 90.0, 120.0)])
@pytest.mark.parametrize("tolerance", [2e-4, 5e-3])
def test_reflections_near_the_sphere_are_those_of_a_search_over_all(cell, tolerance):
    wavelength, resolution = 1.3, 3.0
    basis = reciprocal_basis(cell) @ random_rotation(np.random.default_rng(3)).T
    grid = np.stack(np.meshgrid(*[np.arange(-40, 41)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    q = grid @ basis
    distance = np.linalg.norm(q + np.array([0, 0, 1 / wavelength]), axis=1) - 1 / wavelength
    wanted = (np.linalg.norm(q, axis=1) <= 1 / resolution) & (np.abs(distance) <= tolerance)
    wanted &= (grid != 0).any(axis=1)
    found = near_ewald_sphere(basis, wavelength, resolution, tolerance)
    assert len(found) == wanted.sum() > 3
    assert set(map(tuple, found.tolist())) == set(map(tuple, grid[wanted].tolist()))


def test_intensities_follow_wilson_and_friedel():
    hkl = np.random.default_rng(0).integers(-80, 81, (40_000, 3))
    hkl = np.unique(hkl[hkl[:, 0] > 0], axis=0)
    intensity = wilson_intensities(hkl, key=5)
    # exponential: mean 1, second moment 2, and a third of them below 0.405
    assert intensity.mean() == pytest.approx(1.0, abs=0.03)
    assert np.mean(intensity**2) == pytest.approx(2.0, abs=0.15)
    assert np.mean(intensity < -np.log(2 / 3)) == pytest.approx(1 / 3, abs=0.015)
    np.testing.assert_array_equal(wilson_intensities(-hkl, key=5), intensity)
    assert abs(np.corrcoef(wilson_intensities(hkl, key=6), intensity)[0, 1]) < 0.03


def test_diffracted_beams_obey_braggs_law():
    domain = DOMAINS["LO19"]
    crystal = replace(domain.crystal, mosaicity=1e-4, size=1e5)
    beam = replace(domain.beam, bandwidth=1e-6)
    out = diffract(crystal, beam, 1.3, finest=1.5, key=1, rng=np.random.default_rng(0))
    assert len(out.hkl) > 10
    theta = np.arccos(out.direction[:, 2]) / 2
    spacing = 1.3 / (2 * np.sin(theta))
    # the cell of each crystal differs by about a tenth of a per cent
    np.testing.assert_allclose(spacing, metric_spacing(crystal.cell, out.hkl), rtol=5e-3)


def test_b_factor_weakens_fine_spacings():
    domain = DOMAINS["LO19"]
    low, high = (
        diffract(
            replace(domain.crystal, b_factor=b, resolution=1.6),
            domain.beam,
            1.3,
            finest=1.6,
            key=1,
            rng=np.random.default_rng(0),
        )
        for b in (5.0, 60.0)
    )
    weak = dict(zip(map(tuple, high.hkl.tolist()), high.intensity, strict=True))
    both = np.array([tuple(hkl) in weak for hkl in low.hkl.tolist()])
    assert both.sum() > 500
    spacing = metric_spacing(domain.crystal.cell, low.hkl[both])
    ratio = np.array([weak[tuple(hkl)] for hkl in low.hkl[both].tolist()]) / low.intensity[both]
    # exp(-(60 - 5) s^2 / 2) up to the crystal's own share of the spread, which is the same in both
    slope = np.polyfit(1 / spacing**2, np.log(ratio), 1)[0]
    assert -45 < slope < -15


@pytest.mark.parametrize("name", ["LN84", "LG36", "grid scan", "CSPAD slab"])
def test_a_ray_lands_on_the_pixel_whose_position_it_has(name):
    domain = DOMAINS[name]
    panels = make_panels(domain)
    x, y, panel = pixel_positions(panels, domain.detector.shape)
    inside = np.flatnonzero(panel.ravel() != panels.number)[::9973]
    row, column, number = project(panels, x.ravel()[inside], y.ravel()[inside])
    expected = np.unravel_index(inside, panel.shape)
    np.testing.assert_allclose(row, expected[0], atol=0.01)
    np.testing.assert_allclose(column, expected[1], atol=0.01)
    np.testing.assert_array_equal(number, panel.ravel()[inside])


@pytest.mark.parametrize("name", ["LG36", "CSPAD slab"])
def test_no_two_pixels_share_a_place(name):
    domain = DOMAINS[name]
    x, y, _ = pixel_positions(make_panels(domain), domain.detector.shape)
    places = np.stack([x[np.isfinite(x)], y[np.isfinite(y)]], axis=1)
    half_pixels = np.rint(places / domain.detector.pixel_size * 2).astype(np.int64) + 10_000
    whole = np.unique(half_pixels[:, 0] * 100_000 + half_pixels[:, 1])
    assert len(places) == 64 * 185 * 194
    assert len(whole) == len(places)


@pytest.mark.parametrize("name", ["LO19", "LG36", "CSPAD slab"])
def test_spots_are_drawn_where_braggs_law_puts_them(name):
    """From the brightest pixel of a spot back to the indices of a reflection: whole numbers."""
    domain = DOMAINS[name]
    cell = (60.0, 60.0, 70.0, 90.0, 90.0, 90.0)
    crystal = replace(domain.crystal, cell=cell, mosaicity=0.005, size=2e4, resolution=3.0)
    beam = replace(domain.beam, bandwidth=1e-4)
    wavelength = beam.wavelength
    out = diffract(crystal, beam, wavelength, finest=3.0, key=1, rng=np.random.default_rng(1))
    basis = np.linalg.lstsq(out.hkl.astype(float), out.q, rcond=None)[0]
    panels = make_panels(domain)
    maps = make_maps(domain, central_window(domain.detector.shape, (1200, 1200)))
    spots = land(domain, panels, maps, out, np.zeros(2))
    spots = spots.chosen(np.argsort(spots.photons)[::-1][:40])
    x, y, _ = (part[maps.window.slices] for part in pixel_positions(panels, domain.detector.shape))
    checked = 0
    for i in range(len(spots.row)):
        light = np.zeros(maps.panel.shape, np.float32)
        one = spots.chosen([i])
        draw_spots(
            light,
            maps.panel,
            0,
            0,
            one.row,
            one.column,
            np.ones(1),
            one.covariance,
            one.panel,
            0.0,
            2.0,
        )
        row, column = np.unravel_index(light.argmax(), light.shape)
        ray = np.array([x[row, column], y[row, column], domain.distance], dtype=float)
        q = (ray / np.linalg.norm(ray) - [0, 0, 1]) / wavelength
        hkl = q @ np.linalg.inv(basis)
        assert np.abs(hkl - np.rint(hkl)).max() < 0.15
        assert np.abs(np.rint(hkl)).max() > 0
        spacing = metric_spacing(cell, np.rint(hkl)[None])[0]
        radius = np.hypot(ray[0], ray[1])
        theta = np.arcsin(wavelength / (2 * spacing))
        assert domain.distance * np.tan(2 * theta) == pytest.approx(
            radius, abs=1.5 * domain.detector.pixel_size + 0.005 * radius
        )
        checked += 1
    assert checked > 5
