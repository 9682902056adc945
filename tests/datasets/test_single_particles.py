"""make_spi_frames against physics: form factors, photons, labels; and what it refuses."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sklearn_sfx.datasets import make_spi_frames
from sklearn_sfx.datasets.single_particles import (
    PARTICLE_DOMAINS,
    Camera,
    Focus,
    Particle,
    ParticleDomain,
    StrayLight,
)
from sklearn_sfx.datasets.single_particles._form_factors import (
    ellipsoid,
    icosahedron,
    icosahedron_volume,
    random_rotation,
    sphere,
)
from sklearn_sfx.datasets.single_particles._pixels import make_pixels
from sklearn_sfx.datasets.single_particles._shot import amplitude
from sklearn_sfx.exceptions import InputError

VIRUS = PARTICLE_DOMAINS["virus"]
SMALL = replace(VIRUS, name="small", camera=Camera((96, 96), pixel_size=0.8, stop_radius=1.0))


def points_in_icosahedron(n, circumradius, rng):
    """Draw points at random by rejection, from the known normals of its faces."""
    golden = (1 + 5**0.5) / 2
    dodecahedron = [(s, t, u) for s in (1, -1) for t in (1, -1) for u in (1, -1)]
    for s in (1, -1):
        for t in (1, -1):
            corner = (s / golden, 0, t * golden)
            dodecahedron += [np.roll(corner, turn) for turn in range(3)]
    normals = np.array(dodecahedron) / np.sqrt(3)  # of the faces of the icosahedron
    inradius = circumradius * 0.7946544722917661
    points = rng.uniform(-circumradius, circumradius, (n, 3))
    return points[(np.abs(points @ normals.T) <= inradius).all(axis=1)]


def test_a_sphere_has_its_volume_and_its_minima():
    radius = 35.0
    assert sphere(np.array(0.0), radius) == pytest.approx(4 / 3 * np.pi * radius**3)
    q = np.linspace(1e-3, 0.5, 200_001)
    crossings = q[np.flatnonzero(np.diff(np.sign(sphere(q, radius))))]
    of_tan_x_is_x = [4.4934, 7.7253, 10.9041, 14.0662]
    np.testing.assert_allclose(crossings[:4] * radius, of_tan_x_is_x, atol=1e-3)


@pytest.mark.parametrize("radius", [10.0, 40.0])
def test_guinier_slope_of_a_sphere(radius):
    q = np.array([0.01, 0.05]) / radius
    intensity = sphere(q, radius) ** 2
    slope = np.diff(np.log(intensity)) / np.diff(q**2)
    assert slope[0] == pytest.approx(-(3 / 5 * radius**2) / 3, rel=1e-3)  # -Rg^2 / 3


def test_porod_law_of_a_sphere():
    radius = 20.0
    q = np.linspace(20, 60, 100_001) * np.pi / radius  # over whole fringes
    surface = 4 * np.pi * radius**2
    mean = np.mean(sphere(q, radius) ** 2 * q**4)
    assert mean == pytest.approx(2 * np.pi * surface, rel=2e-3)


def test_an_ellipsoid_is_a_sphere_where_its_axes_are_equal():
    rng = np.random.default_rng(0)
    q = rng.normal(0, 0.1, (3, 50))
    same = ellipsoid(q, np.array([30.0, 30.0, 30.0]), random_rotation(rng))
    np.testing.assert_allclose(same, sphere(np.linalg.norm(q, axis=0), 30.0), rtol=1e-9)


def test_an_ellipsoid_along_its_axis():
    rng = np.random.default_rng(1)
    rotation = random_rotation(rng)
    q = np.linspace(0.01, 0.4, 40)
    along = ellipsoid(np.outer(rotation[:, 2], q), np.array([20.0, 20.0, 50.0]), rotation)
    expected = sphere(q, 50.0) * (20 * 20) / (50 * 50)
    np.testing.assert_allclose(along, expected, rtol=1e-6, atol=1e-6 * expected.max())


def test_an_icosahedron_against_points_drawn_in_it():
    rng = np.random.default_rng(2)
    rotation = random_rotation(rng)
    q = np.linspace(-0.12, 0.12, 9)
    found = icosahedron(q, q, 40.0, rotation)
    assert icosahedron(np.zeros(1), np.zeros(1), 40.0, rotation)[0, 0] == pytest.approx(
        icosahedron_volume(40.0), rel=2e-3
    )
    points = points_in_icosahedron(400_000, 40.0, rng) @ rotation.T
    assert len(points) / 400_000 == pytest.approx(icosahedron_volume(40.0) / 80**3, rel=0.01)
    phase = points[:, 0] * q[:, None, None] + points[:, 1] * q[None, :, None]
    drawn = np.cos(phase).mean(axis=-1).T * icosahedron_volume(40.0)
    np.testing.assert_allclose(found, drawn, atol=4e-3 * icosahedron_volume(40.0))


@pytest.mark.parametrize("shape", ["sphere", "ellipsoid", "icosahedron"])
def test_particles_of_one_volume_scatter_alike_at_small_angles(shape):
    far = replace(SMALL, distance=50_000.0, particle=Particle(shape, diameter=70.0, elongation=1.3))
    scattered = amplitude(far, make_pixels(far), 70.0, np.random.default_rng(0))
    expected = 430.0 * np.pi / 6 * 70.0**3  # electrons
    assert scattered[48, 48] == pytest.approx(expected, rel=0.01)


def test_the_first_ring_lies_where_the_diameter_says():
    domain = replace(VIRUS, particle=Particle("sphere", diameter=70.0, spread=0.0))
    pixels = make_pixels(domain)
    scattered = amplitude(domain, pixels, 70.0, np.random.default_rng(0)) ** 2
    row = scattered[127]
    minimum = 128 + int(row[128:180].argmin())
    two_theta = np.arctan((minimum - 127.5) * 0.3 / 581.0)
    q = 4 * np.pi / 0.775 * np.sin(two_theta / 2)
    assert q == pytest.approx(4.4934 / 35.0, rel=0.02)


def test_the_photons_are_those_of_the_thomson_cross_section():
    """In the forward direction: fluence x (electron radius x electrons)^2 x solid angle."""
    pixels = make_pixels(SMALL)
    electrons = 1e6
    solid_angle = (0.8 / 581.0) ** 2
    expected = SMALL.focus.fluence * (2.8179403e-9 * electrons) ** 2 * solid_angle
    assert pixels.photons[48, 48] * electrons**2 == pytest.approx(expected, rel=1e-3)


def test_polarised_light_leaves_out_its_own_direction():
    near = replace(SMALL, distance=40.0)
    pixels = make_pixels(near)
    along, across = pixels.photons[48, 0], pixels.photons[0, 48]
    tangent = (47.5 * 0.8) ** 2 / ((47.5 * 0.8) ** 2 + 40.0**2 + 0.4**2)
    assert along / across == pytest.approx(1 - tangent, rel=0.01)


def test_counts_are_photons_of_a_poisson_distribution():
    quiet = replace(
        SMALL,
        camera=replace(SMALL.camera, read_noise=0.0, common_mode=0.0, hot=0.0, gain=1.0, gap=0),
        stray=StrayLight(halo=0.0, gas=2.0, spread=0.0),
        single=0.0,
        multiple=0.0,
        other=0.0,
        weak=0.0,
    )
    frames = np.asarray(make_spi_frames(60, domain=quiet, random_state=0).data)
    counts = frames[:, quiet_mask(frames)]
    assert counts.mean() == pytest.approx(2.0, rel=0.01)
    assert counts.var() / counts.mean() == pytest.approx(1.0, abs=0.02)
    share_of_zero = np.mean(counts == 0)
    assert share_of_zero == pytest.approx(np.exp(-2.0), rel=0.02)


def quiet_mask(frames):
    return np.isfinite(frames).all(axis=0)


def test_a_run_sends_the_photons_that_it_says():
    quiet = replace(
        SMALL,
        camera=replace(SMALL.camera, read_noise=0.0, common_mode=0.0, hot=0.0, gain=1.0),
        stray=StrayLight(halo=0.0, gas=0.0),
        weak=0.0,
    )
    run = make_spi_frames(40, domain=quiet, shares=(0.9, 0.0, 0.0), random_state=3)
    counted = np.nansum(np.asarray(run.data), axis=(1, 2))
    np.testing.assert_array_less(np.abs(counted - run.photons), 6 * np.sqrt(run.photons) + 1e-9)
    assert (run.photons[run.labels == "single"] >= quiet.visible).all()
    assert (counted[run.labels == "empty"] == 0).all()
    assert 1e2 < np.median(run.photons[run.labels == "single"]) < 1e6


@pytest.mark.parametrize("name", PARTICLE_DOMAINS)
def test_every_domain_has_every_label_and_two_runs_of_it_one_mask(name):
    domain = PARTICLE_DOMAINS[name]
    if name == "spheres":  # one megapixel takes its time
        domain = replace(domain, camera=replace(domain.camera, shape=(128, 128), pixel_size=0.6))
    run = make_spi_frames(40, domain=domain, shares=(0.3, 0.2, 0.2), random_state=0)
    assert set(run.labels) == {"empty", "single", "multiple", "other"}
    assert (run.target_names[run.target] == run.labels).all()
    assert "SIMULATED" in run.DESCR
    other = make_spi_frames(2, domain=domain, random_state=1)
    np.testing.assert_array_equal(run.mask, other.mask)
    frame = run.data[0]
    np.testing.assert_array_equal(np.isnan(frame), ~run.mask)
    assert run.data.metadata["wavelength"][0] == pytest.approx(10 * domain.focus.wavelength)


def test_shares_are_as_asked():
    run = make_spi_frames(600, domain=SMALL, shares=(0.25, 0.15, 0.1), random_state=0)
    for label, share in (("single", 0.25), ("multiple", 0.15), ("other", 0.1), ("empty", 0.5)):
        slack = 3.5 * np.sqrt(share * (1 - share) / 600)
        assert np.mean(run.labels == label) == pytest.approx(share, abs=slack)


def test_domains_differ():
    by_domain = [make_pixels(domain) for domain in PARTICLE_DOMAINS.values()]
    sizes = {pixels.qx.max().round(4) for pixels in by_domain}
    assert len(sizes) == len(PARTICLE_DOMAINS)


@settings(max_examples=10, deadline=None)
@given(positions=st.lists(st.integers(0, 11), min_size=1, max_size=4), seed=st.integers(0, 99))
def test_a_frame_is_the_same_in_any_order_window_and_process(positions, seed):
    def make(n):
        return make_spi_frames(n, domain=SMALL, shares=(0.4, 0.2, 0.2), random_state=seed).data

    frames, longer = make(12), pickle.loads(pickle.dumps(make(15)))
    for position in positions:
        np.testing.assert_array_equal(frames[position], longer[position])
    from sklearn_sfx.preprocessing import CentralCrop

    cropped = CentralCrop(32).fit(frames).transform(frames)
    np.testing.assert_array_equal(cropped[positions[0]], frames[positions[0]][32:64, 32:64])


def test_several_particles_interfere():
    """Two alike, side by side: their sum has fringes that neither has alone."""
    bright = replace(SMALL.focus, fluence=1e13)
    alike = Particle("sphere", diameter=40.0, spread=0.0)
    camera = replace(SMALL.camera, saturation=1e9, dtype="int32", hot=0.0)
    domain = replace(
        SMALL, focus=bright, particle=alike, camera=camera, stray=StrayLight(sectors=0.0)
    )
    single = make_spi_frames(30, domain=domain, shares=(1.0, 0.0, 0.0), random_state=0)
    several = make_spi_frames(30, domain=domain, shares=(0.0, 1.0, 0.0), random_state=0)

    def unevenness(run):
        from sklearn_sfx.preprocessing import RadialProfile

        mean = RadialProfile().fit_transform(run.data)
        variance = RadialProfile(statistic="variance").fit_transform(run.data)
        return np.median(np.asarray(variance)[:, 5:15] / np.asarray(mean)[:, 5:15] ** 2)

    assert unevenness(several) > 2 * unevenness(single)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"n_frames": 0}, "positive integer"),
        ({"domain": "LN84"}, "not known: use one of virus"),
        ({"domain": 3}, "not known"),
        ({"shares": (0.5, 0.6, 0.0)}, "add up to 1"),
        ({"shares": (0.5,)}, "three shares"),
    ],
)
def test_what_is_refused(wrong, said):
    with pytest.raises(InputError, match=said):
        make_spi_frames(**wrong)


def test_parts_have_defaults():
    assert ParticleDomain("mine", focus=Focus(wavelength=0.5)).seed != VIRUS.seed
