"""What the simulated detector does to photons."""

from dataclasses import replace

import numpy as np
import pytest

from sklearn_sfx.datasets.simulation import DOMAINS, Background, Crystal, Detector, Domain
from sklearn_sfx.datasets.simulation._geometry import make_panels
from sklearn_sfx.datasets.simulation._maps import make_maps
from sklearn_sfx.datasets.simulation._render import draw_spots
from sklearn_sfx.datasets.simulation._source import SimulatedSource, central_window
from sklearn_sfx.frames import Window


def flat_domain(level=0.0, **detector):
    """An experiment with even light on a small detector far away, and no crystal."""
    return Domain(
        name="flat",
        crystal=Crystal(cell=(80.0, 80.0, 80.0, 90.0, 90.0, 90.0)),
        detector=Detector(shape=(160, 180), pixel_size=0.1, **detector),
        background=Background(
            ring=0.0,
            air=0.0,
            flat=level,
            stop_radius=0.05,
            penumbra=0.01,
            streak=0.0,
            ice=0.0,
            salt=0.0,
        ),
        distance=5000.0,
        hit=0.0,
        maybe=0.0,
        weak=0.0,
    )


def read(domain, position=0, window=None, seed=0, frame_shape=None):
    source = SimulatedSource((domain,), (position + 1,), frame_shape=frame_shape, seed=seed)
    window = window or Window(0, 0, *source.shape[1:])
    out = np.empty((window.height, window.width), source.dtype)
    source.read(position, window, out)
    return out


@pytest.mark.parametrize("gain", [1.0, 7.0, 20.0])
def test_variance_against_mean_is_the_gain(gain):
    means, variances = [], []
    for level in (0.3, 3.0, 20.0, 45.0, 300.0):
        image = read(flat_domain(level, gain=gain, read_noise=2.0, offset=50.0, dtype="int32"))
        means.append(image[20:].mean() - 50.0)
        variances.append(image[20:].astype(float).var() - 4.0 - 1 / 12)
    slope, at_no_light = np.polyfit(means, variances, 1)
    assert slope == pytest.approx(gain, rel=0.04)
    assert abs(at_no_light) < 0.04 * variances[-1]
    assert variances[1] / means[1] == pytest.approx(gain, rel=0.1)


@pytest.mark.parametrize("level", [0.05, 1.0, 31.0, 33.0])
def test_photon_counts_are_poisson(level):
    images = [read(flat_domain(level, dtype="int32"), position=i)[20:] for i in range(6)]
    # the pulse energy differs from shot to shot, so each frame is compared with its own mean
    for image in images:
        assert image.min() >= 0
        assert image.var() / image.mean() == pytest.approx(1.0, abs=0.05)
        skewness = np.mean((image - image.mean()) ** 3) / image.std() ** 3
        assert skewness == pytest.approx(1 / np.sqrt(image.mean()), abs=0.12 + 0.05 / level)
        assert (image == 0).mean() == pytest.approx(np.exp(-image.mean()), abs=0.01)


def test_noise_of_neighbours_is_correlated_by_the_blur_only():
    for blur, expected in ((0.0, 0.0), (0.16, 2 * 0.16 * 0.68 / (2 * 0.16**2 + 0.68**2))):
        image = read(flat_domain(500.0, blur=blur, gain=4.0))[20:].astype(float)
        image -= image.mean()
        correlation = (image[:, 1:] * image[:, :-1]).mean() / image.var()
        assert correlation == pytest.approx(expected, abs=0.02)
        assert (image[:, 3:] * image[:, :-3]).mean() / image.var() == pytest.approx(0.0, abs=0.02)


def test_frames_are_independent_of_one_another():
    first, second = (read(flat_domain(100.0), position=i).astype(float) for i in (0, 1))
    assert abs(np.corrcoef(first[20:].ravel(), second[20:].ravel())[0, 1]) < 0.03


@pytest.mark.parametrize("dtype", ["uint16", "int16", "int32"])
def test_saturation_and_dtype(dtype):
    image = read(flat_domain(5000.0, gain=100.0, saturation=30_000, dtype=dtype))
    assert image.dtype == dtype
    assert image.max() == 30_000
    # light beyond the range of the dtype does not wrap around
    image = read(flat_domain(5000.0, gain=100.0, saturation=1e9, dtype=dtype))
    assert image[20:].min() == (np.iinfo(dtype).max if dtype != "int32" else image[20:].min()) > 0


def test_unsigned_frames_do_not_wrap_below_zero():
    image = read(flat_domain(0.0, read_noise=5.0))
    assert image.min() == 0
    assert image.max() < 100


def test_gaps_read_the_gap_value_and_are_masked():
    domain = flat_domain(
        50.0, layout="grid", module_shape=(50, 60), gap=(10, 6), gap_value=-2, dtype="int32"
    )
    image = read(domain)
    maps = make_maps(domain, central_window(domain.detector.shape, None))
    gap = np.zeros(image.shape, bool)
    gap[50:60], gap[110:120], gap[:, 60:66], gap[:, 126:132] = True, True, True, True
    assert (image[gap] == -2).all()
    assert (image[~gap] >= 0).all()
    assert not maps.usable[gap].any()
    assert maps.usable[~gap].mean() > 0.99


def test_most_but_not_all_defects_are_masked():
    domain = flat_domain(50.0, hot=0.01, dead=0.01, unmasked=0.3, dtype="int32")
    image = read(domain)
    usable = make_maps(domain, central_window(domain.detector.shape, None)).usable
    odd = (image > 120) | (image == 0)
    odd[75:85, 85:95] = False  # the beam stop
    assert 0.015 < odd.mean() < 0.025
    assert 0.2 < usable[odd].mean() < 0.4
    assert usable[~odd].mean() > 0.995
    no_mask = replace(domain, detector=replace(domain.detector, masked=False))
    assert make_maps(no_mask, central_window(domain.detector.shape, None)).usable.all()


def test_defects_belong_to_the_detector_not_to_the_run():
    domain = flat_domain(5.0, hot=0.005, dtype="int32")
    first, second = (read(domain, seed=seed) > 60 for seed in (0, 1))
    assert first.sum() > 50
    assert (first & second).sum() > 0.9 * first.sum()
    other = read(replace(domain, name="another detector")) > 60
    assert (first & other).sum() < 0.2 * first.sum()


@pytest.mark.parametrize("name", ["LN84", "LG36", "grid scan", "CSPAD slab"])
def test_a_window_is_cut_out_of_the_whole(name):
    domain = replace(DOMAINS[name], hit=1.0, maybe=0.0)
    whole = read(domain, frame_shape=(300, 320))
    for window in (Window(0, 0, 300, 320), Window(17, 200, 90, 33), Window(299, 319, 1, 1)):
        part = read(domain, window=window, frame_shape=(300, 320))
        np.testing.assert_array_equal(part, whole[window.slices])


@pytest.mark.parametrize("name", ["LN84", "LG36", "grid scan", "CSPAD slab"])
def test_the_central_part_is_the_centre_of_the_whole_frame(name):
    """Without a crystal to the pixel: the same background, noise, gaps and defects."""
    domain = replace(
        DOMAINS[name],
        hit=0.0,
        maybe=0.0,
        weak=0.0,
        background=replace(DOMAINS[name].background, salt=0.0),
    )
    part = read(domain, frame_shape=(200, 240))
    top, left = (
        (length - n) // 2 for length, n in zip(domain.detector.shape, part.shape, strict=True)
    )
    whole = read(domain)[top : top + 200, left : left + 240]
    # beyond the rim the blur finds nothing of the whole frame
    np.testing.assert_array_equal(part[1:-1, 1:-1], whole[1:-1, 1:-1])


def test_all_the_light_of_a_spot_arrives_on_its_own_panel():
    light = np.zeros((40, 40), np.float32)
    panel = np.zeros((40, 40), np.uint8)
    panel[:, 25:] = 1
    spot = (np.array([15.3]), np.array([12.7]), np.array([1000.0]), np.array([[0.8, 0.3, 1.5]]))
    draw_spots(light, panel, 0, 0, *spot, np.array([0]), 0.1, 2.0)
    assert light.sum() == pytest.approx(1000.0, rel=1e-4)
    row, column = np.indices(light.shape)
    assert (light * row).sum() / light.sum() == pytest.approx(15.3, abs=0.1)
    assert (light * column).sum() / light.sum() == pytest.approx(12.7, abs=0.1)
    light[:] = 0
    at_the_edge = (spot[0], np.array([24.4]), *spot[2:])
    draw_spots(light, panel, 0, 0, *at_the_edge, np.array([0]), 0.1, 2.0)
    assert (light[:, 25:] == 0).all()
    assert 400 < light.sum() < 900


def test_polarised_light_is_weaker_along_the_rows():
    domain = replace(
        flat_domain(1000.0),
        distance=10.0,
        detector=Detector(shape=(201, 201), pixel_size=0.1, dtype="int32"),
    )
    image = read(domain).astype(float)
    # at 45 degrees a horizontally polarised beam scatters half as much sideways as upwards
    beside, above = image[95:106, 195:].mean(), image[195:, 95:106].mean()
    assert beside / above == pytest.approx(1 - np.sin(np.arctan(9.8 / 10)) ** 2 * 0.98, abs=0.05)


def test_the_beam_stop_shades_the_beam_softly():
    domain = flat_domain(2000.0)
    domain = replace(domain, background=replace(domain.background, stop_radius=2.0, penumbra=0.3))
    image = read(domain).astype(float)
    row = image[78:82].mean(axis=0) / image[:, -20:].mean()
    centre = 89
    assert row[centre] < 0.05
    assert row[centre + 20] == pytest.approx(0.5, abs=0.12)
    assert row[centre + 32] == pytest.approx(1.0, abs=0.05)
    assert np.all(np.diff(row[centre + 12 : centre + 28 : 3]) > 0)


def test_panels_of_the_slab_and_of_the_assembled_detector_are_the_same_in_space():
    slab, whole = (
        make_panels(DOMAINS["CSPAD slab"]),
        make_panels(replace(DOMAINS["CSPAD slab"], detector=DOMAINS["L498"].detector)),
    )

    def corners(panels):
        far = panels.origin + (panels.height[:, None] - 1) * panels.slow
        far = far + (panels.width[:, None] - 1) * panels.fast
        return np.concatenate(
            [np.minimum(panels.origin, far), np.maximum(panels.origin, far)], axis=1
        )

    np.testing.assert_allclose(corners(slab), corners(whole), atol=1e-9)


def changes(**detector):
    """What nuisances add to eight frames of a detector without light."""
    plain, lit = flat_domain(dtype="int32"), flat_domain(dtype="int32", **detector)
    return np.array([read(lit, i).astype(int) - read(plain, i) for i in range(8)])


def test_columns_that_flicker_are_the_same_ones_and_not_always_lit():
    added = changes(flicker=0.05)
    lit = (added > 0).any(axis=1)  # columns of each frame
    assert (added >= 0).all()
    assert 2 <= lit.any(axis=0).sum() <= 25
    assert lit.any(axis=0).sum() > lit.sum(axis=1).max()


def test_pixels_that_blink_are_the_same_ones_and_not_always_lit():
    lit = changes(blinking=2e-3) > 0
    n_ever = lit.any(axis=0).sum()
    assert 0.5 * 2e-3 < n_ever / lit[0].size <= 2e-3
    assert 0.05 < lit.sum() / (8 * n_ever) < 0.5


def test_cosmic_rays_are_elsewhere_in_each_frame():
    lit = changes(cosmics=12.0) > 0
    assert 8 * 6 < lit.sum() < 8 * 70
    assert (lit.sum(axis=0) <= 2).all()


def test_nuisances_are_cut_out_of_the_whole_and_leave_gaps_and_labels_alone():
    nuisances = {"flicker": 0.05, "blinking": 1e-3, "cosmics": 20.0}
    gaps = {"layout": "grid", "module_shape": (60, 50), "gap": (10, 10), "gap_value": -1}
    domain = flat_domain(3.0, dtype="int32", **gaps, **nuisances)
    whole, window = read(domain), Window(31, 45, 70, 80)
    np.testing.assert_array_equal(read(domain, window=window), whole[window.slices])
    usable = SimulatedSource((domain,), (1,), frame_shape=None, seed=0).mask(0)
    assert (whole[60:70] == -1).all()
    assert usable[whole > 30].all()  # no mask names them
    hits = replace(DOMAINS["LG36"], name="LG36")
    with_rays = replace(hits, detector=replace(hits.detector, cosmics=30.0))
    counts = [
        [
            SimulatedSource((one,), (6,), frame_shape=(90, 90), seed=0).shot(i).spot_count
            for i in range(6)
        ]
        for one in (hits, with_rays)
    ]
    assert counts[0] == counts[1]


def test_powder_is_sharp_rings_in_some_frames():
    flat = flat_domain(1000.0, dtype="int32")
    domain = replace(flat, background=replace(flat.background, powder=0.5))
    even = [read(flat, i) for i in range(8)]
    spread = np.array([read(domain, i).std() for i in range(8)]) / np.std(even, axis=(1, 2))
    assert (spread > 1.5).any()
    assert (spread < 1.1).any()


def test_rings_of_a_powder_belong_to_the_experiment():
    flat = flat_domain(1000.0, dtype="int32")
    domain = replace(flat, background=replace(flat.background, powder=1.0))
    whole = read(domain)
    for side in (8, 60):
        part = central_window(domain.detector.shape, (side, side))
        np.testing.assert_array_equal(read(domain, frame_shape=(side, side)), whole[part.slices])
