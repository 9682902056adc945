"""make_sfx_frames: labels, shares, determinism, and what it refuses."""

import pickle
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from sklearn_sfx.datasets import make_sfx_frames, random_domains
from sklearn_sfx.datasets.simulation import DOMAINS
from sklearn_sfx.datasets.simulation._source import SimulatedSource
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames import Frames

SMALL = (160, 160)
# hit, maybe, miss of the expert's annotations
REAL = {
    "LN84": (806, 132, 1062),
    "LN83": (346, 63, 1591),
    "LO19": (730, 151, 1119),
    "LG36": (235, 57, 1708),
    "L498": (148, 498, 1354),
}


@pytest.fixture(scope="module")
def run():
    return make_sfx_frames(30, domain="LN84", frame_shape=SMALL, random_state=7)


def test_labels_follow_the_spot_count(run):
    for count, label, target in zip(run.spot_count, run.labels, run.target, strict=True):
        assert label == ("HIT" if count >= 10 else "MAYBE" if count >= 4 else "MISS")
        assert target == (count >= 4)
    assert run.target_names.tolist() == ["MISS", "HIT"]
    assert "SIMULATED" in run.DESCR


@pytest.mark.parametrize("name", REAL)
def test_shares_are_those_of_the_real_data_set(name):
    n = 400
    run = make_sfx_frames(n, domain=name, frame_shape=(480, 480), random_state=1)
    for label, real in zip(("HIT", "MAYBE", "MISS"), REAL[name], strict=True):
        share = real / 2000
        slack = 3.5 * np.sqrt(share * (1 - share) / n)
        assert np.mean(run.labels == label) == pytest.approx(share, abs=slack)
    assert run.data.as_stored().dtype == DOMAINS[name].detector.dtype


def test_maybe_rules(run):
    def make(maybe):
        return make_sfx_frames(30, domain="LN84", frame_shape=SMALL, maybe=maybe, random_state=7)

    is_maybe = run.labels == "MAYBE"
    assert is_maybe.any()
    assert (make("miss").target[is_maybe] == 0).all()
    as_class = make("class")
    assert (as_class.target[is_maybe] == 1).all()
    assert as_class.target_names.tolist() == ["MISS", "MAYBE", "HIT"]
    dropped = make("drop")
    assert len(dropped.data) == len(dropped.target) == (~is_maybe).sum()
    np.testing.assert_array_equal(dropped.spot_count, run.spot_count[~is_maybe])
    np.testing.assert_array_equal(np.asarray(dropped.data), np.asarray(run.data)[~is_maybe])


@pytest.mark.parametrize("hit_rate", [0.0, 0.5, 1.0])
def test_hit_rate(hit_rate):
    run = make_sfx_frames(
        60, domain="LO19", frame_shape=(240, 240), hit_rate=hit_rate, random_state=0
    )
    assert run.target.mean() == pytest.approx(hit_rate, abs=0.2 if hit_rate == 0.5 else 0.0)


def test_visible_spots_are_in_the_pixels_and_misses_have_none():
    """Count peaks in the pixels, with the true background and noise left to a local estimate."""
    domain = replace(
        DOMAINS["LO19"],
        detector=replace(DOMAINS["LO19"].detector, hot=0.0, dead=0.0),
        background=replace(DOMAINS["LO19"].background, salt=0.0, ice=0.0, streak=0.0),
        weak=0.0,
    )
    run = make_sfx_frames(24, domain=domain, frame_shape=(300, 300), random_state=3)
    away = ndimage.binary_erosion(run.mask, iterations=8, border_value=1)
    counted = []
    for image in run.data:
        image = image.astype(float)
        smooth = ndimage.median_filter(image, 7)
        noise = np.sqrt(0.27 * 1.3 * np.maximum(smooth, 1) + 9)
        above = np.where(away, (image - smooth) / noise, 0)
        top = ndimage.maximum_filter(above, 5) == above
        counted.append(np.count_nonzero(top & (above > 5.5)))
    counted = np.array(counted)
    assert (counted[run.labels == "MISS"] <= 1).all()
    shown = run.spot_count > 0
    assert shown.any()
    ratio = counted[shown] / run.spot_count[shown]
    assert 0.5 < np.median(ratio) < 1.4
    assert np.corrcoef(np.log1p(counted), np.log1p(run.spot_count))[0, 1] > 0.9


def test_frames_do_not_depend_on_order_or_length(run):
    whole = np.asarray(run.data)
    some = [17, 3, 3, 29]
    np.testing.assert_array_equal(np.asarray(run.data[some]), whole[some])
    longer = make_sfx_frames(40, domain="LN84", frame_shape=SMALL, random_state=7)
    np.testing.assert_array_equal(np.asarray(longer.data[:30]), whole)
    other = make_sfx_frames(30, domain="LN84", frame_shape=SMALL, random_state=8)
    assert (np.asarray(other.data) != whole).any(axis=(1, 2)).all()


def test_another_process_gives_the_same_frames(run, tmp_path):
    (tmp_path / "frames.pickle").write_bytes(pickle.dumps(run.data[[5, 2]]))
    program = (
        "import pickle, sys, numpy as np; path = sys.argv[1];"
        "frames = pickle.load(open(path + '/frames.pickle', 'rb'));"
        "np.save(path + '/frames.npy', np.asarray(frames))"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True, timeout=120)
    np.testing.assert_array_equal(np.load(tmp_path / "frames.npy"), np.asarray(run.data[[5, 2]]))
    assert len(pickle.dumps(run.data)) < 20_000


def test_global_random_numbers_are_left_alone():
    np.random.seed(0)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    run = make_sfx_frames(3, domain="LN83", frame_shape=(64, 64), random_state=0)
    np.asarray(run.data)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_labels_need_no_pixels(monkeypatch):
    def refuse(*args):
        raise AssertionError("a frame was rendered")

    monkeypatch.setattr(SimulatedSource, "read", refuse)
    run = make_sfx_frames(4, domain="LN84", frame_shape=SMALL, random_state=0)
    assert len(run.data) == len(run.labels) == 4
    assert run.data[1:].shape == (3, *SMALL)
    assert run.mask.shape == SMALL


def test_the_mask_is_the_callers_own(run):
    again = make_sfx_frames(1, domain="LN84", frame_shape=SMALL, random_state=7)
    again.mask[:] = False
    assert make_sfx_frames(1, domain="LN84", frame_shape=SMALL, random_state=7).mask.any()


def test_several_domains_share_the_frames():
    run = make_sfx_frames(7, domain=["LN84", "LG36"], frame_shape=(100, 110), random_state=0)
    assert run.domain.tolist() == ["LN84"] * 4 + ["LG36"] * 3
    assert run.data.as_stored().dtype == np.int32  # holds both uint16 and int16
    assert isinstance(run.mask, Frames)
    masks = np.asarray(run.mask)
    assert masks.shape == (7, 100, 110)
    single = make_sfx_frames(1, domain="LG36", frame_shape=(100, 110)).mask
    np.testing.assert_array_equal(masks[4], single)
    assert (masks[0] != masks[4]).any()
    assert run.data[[6, 0]].mask.shape == (2, 100, 110)
    assert np.asarray(run.data).shape == (7, 100, 110)


def test_metadata_and_origins(run):
    metadata = run.data[3:5].metadata
    assert metadata["distance"].tolist() == [150.0, 150.0]
    assert metadata["wavelength"] == pytest.approx([1.304, 1.304])
    assert [origin.path for origin in run.data[3:5].sources] == [None, None]
    assert len(set(run.data.metadata["identifier"])) == 30


def test_random_domains_differ_and_are_repeatable():
    domains = random_domains(30, random_state=0)
    assert domains == random_domains(30, random_state=0)
    assert domains != random_domains(30, random_state=1)
    assert {domain.detector.dtype for domain in domains} >= {"uint16", "int32"}
    assert any(domain.detector.read_noise == 0 for domain in domains)
    assert any(domain.detector.read_noise > 0 for domain in domains)
    for name in ("flicker", "blinking", "cosmics"):
        shares = {getattr(domain.detector, name) for domain in domains}
        assert 0.0 in shares
        assert len(shares) > 3
    assert {0.0} < {domain.background.powder for domain in domains}
    levels = [domain.background.ring for domain in domains]
    assert max(levels) / min(levels) > 300
    run = make_sfx_frames(30, domain=domains, frame_shape=SMALL, random_state=0)
    frames = np.asarray(run.data)
    assert (np.nanstd(frames, axis=(1, 2)) > 0).all()
    assert 0.25 < run.target.mean() < 0.75


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_frames": 0}, "positive integer"),
        ({"domain": "LN85"}, "LN84"),
        ({"domain": []}, "No domain"),
        ({"domain": [3]}, "not int"),
        ({"hit_rate": 1.5}, "between 0 and 1"),
        ({"maybe": "perhaps"}, "hit, miss, class, drop"),
        ({"frame_shape": (4000, 20)}, "does not fit"),
        ({"frame_shape": (20,)}, "two lengths"),
        ({"domain": ["LN84", "LG36"]}, "frame_shape"),
    ],
)
def test_bad_parameters_are_refused_with_a_sentence(parameters, message):
    with pytest.raises(InputError, match=message):
        make_sfx_frames(**{"n_frames": 2, **parameters})
