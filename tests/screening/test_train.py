"""Training from Python: what is refused, and what the threshold is for."""

import numpy as np
import pytest
from sklearn.metrics import fbeta_score

from sklearn_sfx import InputError, PeakHeightClassifier, make_sfx_frames, screen, train


@pytest.fixture(scope="module")
def run():
    return make_sfx_frames(90, frame_shape=(160, 160), hit_rate=0.5, random_state=4)


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
    arguments = {"method": "rows", "crop": 160, "max_epochs": 40, "random_state": 1}
    model = train(run.data[seen], run.target[seen], **arguments)
    scores = screen(model, run.data[rest])
    again = screen(train(run.data[seen], run.target[seen], **arguments), run.data[rest])
    np.testing.assert_array_equal(scores.probability, again.probability)
    assert scores.threshold == model.threshold == again.threshold
    np.testing.assert_array_equal(scores.decision, scores.probability >= model.threshold)
    everything = fbeta_score(run.target[rest], np.ones(30), beta=2)
    assert fbeta_score(run.target[rest], scores.decision, beta=2) > everything


def test_peaks_need_no_label():
    run = make_sfx_frames(60, domain="LN83", frame_shape=(724, 724), random_state=12)
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
        ({"method": "columns"}, "one of auto, peaks, spots, count, rows, both"),
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
