"""Single particles in Python: what is lit, what is learned, what is refused."""

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline

from sklearn_sfx import InputError, evaluate, open_frames, screen
from sklearn_sfx.exceptions import UnreadableFramesWarning
from sklearn_sfx.preprocessing import AngularVariance, LitPixels, SphereFit
from sklearn_sfx.preprocessing._particle_features import ParticleFeatures
from sklearn_sfx.screening import train_single_particles, untrained_model
from sklearn_sfx.screening._lit_level import lit_level, unusual_count
from sklearn_sfx.screening._report_pictures import log_thumbnail


@pytest.fixture(scope="module")
def frames(particle_run):
    pixels = np.where(particle_run.mask, np.asarray(particle_run.data), np.nan)
    return open_frames(pixels.astype(np.float32))


@pytest.fixture(scope="module")
def model(frames, particle_run):
    return train_single_particles(frames[:120], particle_run.labels[:120], random_state=0)


def test_features_are_those_of_the_transformers_they_name(frames):
    X = np.asarray(frames[:3])
    found = ParticleFeatures(level=10.0).fit_transform(X)
    counts = np.log1p(np.maximum(LitPixels(threshold=10.0).fit_transform(X) * [1, 0.1], 0))
    np.testing.assert_allclose(found[:, :2], counts, rtol=1e-5)
    sphere = SphereFit(photon=10.0).fit_transform(X)
    assert (sphere[:, :4] > 1e-3).any()
    np.testing.assert_allclose(found[:, 2:6], np.log(np.maximum(sphere[:, :4], 1e-3)), rtol=1e-6)
    np.testing.assert_array_equal(found[:, 6], sphere[:, 4])
    uneven = np.maximum(AngularVariance(photon=10.0).fit_transform(X), 1e-3)
    np.testing.assert_allclose(found[:, 7:], np.log(uneven), rtol=1e-6)
    lazy = ParticleFeatures(level=10.0).fit_transform(frames[:3])
    np.testing.assert_array_equal(np.asarray(lazy), found)


@pytest.mark.parametrize(("dark", "noise"), [(0.0, 2.0), (100.0, 3.0), (-50.0, 4.0)])
def test_the_level_of_a_lit_pixel_is_above_the_noise_whatever_lights_some_frames(dark, noise):
    frames = np.random.default_rng(0).normal(dark, noise, (40, 50, 50))
    frames[::3] += 30 * noise  # a third of them
    frames[:, :5] += 10 * noise  # and stray light
    wanted = dark + 5 * noise if dark + 5 * noise > 0 else 5 * noise
    assert lit_level(frames) == pytest.approx(wanted, rel=0.15)


def test_a_camera_that_counts_photons_has_lit_pixels_from_one_on():
    frames = np.random.default_rng(0).poisson(0.05, (10, 50, 50)).astype(np.float32)
    assert 0 < lit_level(frames) < 1
    with pytest.raises(InputError, match="has a pixel that is usable"):
        lit_level(np.full((3, 4, 4), np.nan))


def test_an_unusual_count_is_above_those_of_empty_frames():
    rng = np.random.default_rng(0)
    empty, lit = rng.poisson(50, 700), rng.integers(200, 5000, 300)
    assert empty.max() < unusual_count(np.concatenate([empty, lit])) < 200


def test_singles_are_found_better_than_by_lit_pixels(frames, particle_run, model):
    scores = screen(model, frames[120:])
    is_single = particle_run.labels[120:] == "single"
    found = evaluate(is_single, scores.decision)
    by_count = evaluate(is_single, scores.peak_count >= model.baseline.threshold_)
    assert found.recall > 0.7
    assert found.precision > by_count.precision + 0.1
    assert (scores.called == particle_run.labels[120:]).mean() > 0.7
    np.testing.assert_array_equal(scores[np.arange(5)].called, scores.called[:5])


def test_a_class_without_labels_has_no_probability(frames, particle_run, tmp_path):
    few = np.where(particle_run.labels == "other", "", particle_run.labels)[:120]
    scores = screen(train_single_particles(frames[:120], few, random_state=0), frames[120:])
    assert np.isnan(scores.of_others[:, 2]).all()
    np.testing.assert_allclose(
        scores.probability + np.nansum(scores.of_others, axis=1), 1, atol=1e-6
    )
    assert set(scores.called) <= {"empty", "single", "multiple"}
    scores.write_csv(tmp_path / "scores.csv")
    lines = (tmp_path / "scores.csv").read_text().splitlines()
    assert all(line.endswith(",") for line in lines[1:])


def test_a_frame_that_cannot_be_read_has_no_class(frames, particle_run, model, tmp_path):
    pixels = np.asarray(frames[118:123])
    pixels[2] = np.nan
    with pytest.warns(UnreadableFramesWarning):
        scores = screen(model, open_frames(pixels))
    assert np.isnan(scores.of_others).all(axis=1).tolist() == [False, False, True, False, False]
    scores.write_csv(tmp_path / "scores.csv")
    row = (tmp_path / "scores.csv").read_text().splitlines()[3]
    assert ",,,,unreadable," in row
    assert row.endswith(",,,")


def test_hits_without_labels_are_what_is_not_empty(frames, particle_run):
    scores = screen(untrained_model(frames, "single-particle"), frames)
    assert set(scores.called) == {"hit", "miss"}
    found = evaluate(particle_run.labels != "empty", scores.decision)
    assert min(found.recall, found.precision) > 0.9


def test_weights_set_the_threshold_and_what_is_expected(frames, particle_run, model):
    labels = particle_run.labels[:120]
    weight = np.where(labels == "single", 0.5, 1.5)
    weighted = train_single_particles(
        frames[:120], labels, sample_weight=weight, recall=0.9, random_state=0
    )
    share = np.average(labels == "single", weights=weight)
    assert weighted.expected.hit_rate.value == pytest.approx(share)
    assert model.expected.hit_rate.value == pytest.approx((labels == "single").mean())
    for each in (model, weighted):  # at its threshold they say the same
        there = each.held_out.at(each.threshold)
        assert there.hit_rate.value == pytest.approx(each.expected.hit_rate.value)
    assert model.held_out.at(0.0).lost == 0


def test_a_wrong_label_is_refused(frames):
    with pytest.raises(InputError, match="A label is empty, single, multiple or other, or ''"):
        train_single_particles(frames[:2], ["single", "HIT"])
    with pytest.raises(InputError, match="these are 2 singles and 0 of other classes"):
        train_single_particles(frames[:3], ["single", "single", ""])
    with pytest.raises(InputError, match=r"2 frames, 1 labels"):
        train_single_particles(frames[:2], ["single"])
    labels = ["single", "empty"] * 2 + [""] * 16
    with pytest.raises(InputError, match=r"A recall of 0\.9 takes 5 labelled singles"):
        train_single_particles(frames[:20], labels, recall=0.9)


def test_another_estimator_screens_singles_by_its_class(frames, particle_run):
    forest = make_pipeline(ParticleFeatures(level=15.0), RandomForestClassifier(20, random_state=0))
    forest.fit(frames[:120], particle_run.labels[:120])
    scores = screen(forest, frames[120:130], pos_label="single")
    np.testing.assert_array_equal(scores.decision, forest.predict(frames[120:130]) == "single")


def test_a_picture_is_on_one_scale_for_all_frames():
    faint, bright = np.full((4, 4), 1.0), np.full((4, 4), 1000.0)
    bright[0, 0] = faint[0, 0] = np.nan
    assert log_thumbnail(faint, 1.0) != log_thumbnail(bright, 1.0)
    assert log_thumbnail(faint, 1.0) == log_thumbnail(1000 * faint, 1000.0)
