"""Training from Python: what is refused, and what the threshold is for."""

import numpy as np
import pytest
from sklearn.metrics import fbeta_score

from sklearn_sfx import InputError, PeakHeightClassifier, make_sfx_frames, screen, train
from sklearn_sfx.screening import load_screening_model
from tests.simulated import in_memory


@pytest.fixture(scope="module")
def run():
    return in_memory(make_sfx_frames(90, frame_shape=(160, 160), hit_rate=0.5, random_state=4))


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ([0, 1] * 10, "90 frames, 20 labels"),
        (np.full(90, 2), "and no other"),
        (np.r_[np.ones(4), np.zeros(86)], "4 hits and 86 misses"),
        (np.zeros(90), "0 hits and 90 misses"),
    ],
)
def test_labels_that_do_not_serve_are_refused(run, target, message):
    with pytest.raises(InputError, match=message):
        train(run.data, target, method="rows", crop=160)


def test_a_network_that_learned_nothing_is_refused(run):
    flat = np.full((40, 32, 32), 7, dtype=np.uint16)
    with pytest.raises(InputError, match="says the same of every frame"):
        train(flat, [0, 1] * 20, method="rows", crop=32, max_epochs=2, random_state=0)


def test_one_seed_gives_one_model_and_its_threshold_weighs_recall(run):
    seen, rest = np.arange(60), np.arange(60, 90)
    arguments = {"method": "rows", "crop": 160, "max_epochs": 20, "random_state": 1}
    model = train(run.data[seen], run.target[seen], **arguments)
    scores = screen(model, run.data[rest])
    again = screen(train(run.data[seen], run.target[seen], **arguments), run.data[rest])
    np.testing.assert_array_equal(scores.probability, again.probability)
    assert scores.threshold == model.threshold == again.threshold
    np.testing.assert_array_equal(scores.decision, scores.probability >= model.threshold)
    everything = fbeta_score(run.target[rest], np.ones(30), beta=2)
    assert fbeta_score(run.target[rest], scores.decision, beta=2) > everything


def test_peaks_need_no_label():
    run = in_memory(make_sfx_frames(60, domain="LN83", frame_shape=(724, 724), random_state=12))
    model = train(run.data[:20], method="peaks")
    assert model.trained_on == ()
    scores = screen(model, run.data[20:])
    target = run.target[20:]
    assert scores.decision[target == 1].mean() >= 0.9
    assert scores.decision[target == 0].mean() <= 0.15
    by_count = scores.peak_count >= model.baseline.threshold_
    assert np.mean(by_count == target) >= 0.75


def test_peaks_learn_from_few_labels(run):
    seen = np.r_[np.flatnonzero(run.target)[:3], np.flatnonzero(run.target == 0)[:3]]
    target = np.full(90, -1)
    target[seen] = run.target[seen]
    model = train(run.data, target, method="peaks", crop=160)
    assert model.threshold == 0.5
    few = model.prepare.transform(run.data[seen])
    expected = PeakHeightClassifier().fit(few, run.target[seen])
    np.testing.assert_allclose(model.classifier[-1].coef_, expected.coef_)
    without = train(run.data, method="peaks", crop=160)
    assert not np.allclose(model.classifier[-1].coef_, without.classifier[-1].coef_)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"method": "columns"}, "one of auto, peaks, spots, count, rows, both, frames"),
        (
            {"method": "rows"},
            "0 hits and 0 misses: .* take the method 'peaks' or 'spots' or 'count'",
        ),
        ({"recall": 0.9}, "A recall of 0.9 takes 5 labelled hits and 5 labelled misses"),
        ({"recall": 1.2}, "recall has to be above 0 and at most 1, got 1.2"),
        ({"method": "peaks", "target": np.zeros(90)}, "1 label of each kind .* leave the labels"),
    ],
)
def test_methods_say_what_they_need(run, arguments, message):
    with pytest.raises(InputError, match=message):
        train(run.data, crop=160, **arguments)


def test_arrays_train_too_and_name_no_frames(run):
    model = train(np.asarray(run.data[:40]), run.target[:40], crop=160, random_state=0)
    assert model.trained_on == ()


def test_weights_set_the_threshold_and_what_is_expected_but_not_what_is_learned():
    run = in_memory(make_sfx_frames(60, frame_shape=(160, 160), hit_rate=0.4, random_state=0))
    options = {"method": "peaks", "crop": 160, "random_state": 0}
    counted = train(run.data, run.target, **options)
    alike = train(run.data, run.target, sample_weight=np.full(60, 0.7), **options)
    assert alike.threshold == counted.threshold
    assert str(alike.expected) == str(counted.expected)
    weight = np.where(run.target == 1, 0.2, 1.5)
    weighted = train(run.data, run.target, sample_weight=weight, **options)
    hits = np.average(run.target == 1, weights=weight)
    assert weighted.expected.hit_rate.value == pytest.approx(hits)
    assert weighted.expected.n_labels == 60
    said = [model.classifier.predict_proba(run.data) for model in (counted, weighted)]
    np.testing.assert_array_equal(*said)


def test_weights_of_frames_without_a_label_are_not_looked_at():
    run = in_memory(make_sfx_frames(60, frame_shape=(160, 160), hit_rate=0.4, random_state=0))
    target = np.where(np.arange(60) < 40, run.target, -1)
    weight = np.where(np.arange(60) < 40, 1.0 + np.arange(60) % 3, np.nan)
    options = {"method": "count", "crop": 160, "random_state": 0}
    model = train(run.data, target, sample_weight=weight, **options)
    known = target[:40], weight[:40]
    expected = np.average(known[0] == 1, weights=known[1])
    assert model.expected.hit_rate.value == pytest.approx(expected)
    for wrong in (weight[:40], np.where(np.isnan(weight), 1, 0), -weight, [["a"] * 60]):
        with pytest.raises(InputError, match=r"train needs (one weight|weights that are finite)"):
            train(run.data, target, sample_weight=wrong, **options)


def test_a_model_keeps_what_weighted_labels_let_expect(tmp_path):
    run = in_memory(make_sfx_frames(40, frame_shape=(160, 160), hit_rate=0.5, random_state=0))
    weight = 0.5 + np.arange(40) % 2
    model = train(run.data, run.target, sample_weight=weight, method="count", crop=160)
    for name in ("m.skops", "m.joblib"):
        model.save(tmp_path / name)
        assert load_screening_model(tmp_path / name).expected == model.expected
