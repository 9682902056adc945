"""Labels of four classes, of which one is wanted: a threshold for it, and the best method."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from sklearn_sfx import screen
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.model_selection import LabelledStratifiedKFold, TargetRecallClassifier
from sklearn_sfx.preprocessing import LitPixels
from sklearn_sfx.screening import HitFinderCV, select_hit_finder, train_single_particles

LABELS = np.array(["empty", "single", "multiple", "other"])
FOUR = r"\['empty', 'multiple', 'other', 'single'\]"


@pytest.fixture
def lit():
    """Return frames whose number of lit pixels says their class, and the classes."""
    kind = np.arange(60) % 4
    frames = np.zeros((60, 16, 16))
    for frame, k in zip(frames, kind, strict=True):
        frame.flat[: 20 * k] = 5
    return frames, LABELS[kind]


@pytest.fixture
def table():
    """Return rows of two numbers, of four classes that overlap, and the classes."""
    rng = np.random.default_rng(0)
    kind = np.repeat([0, 0, 0, 1, 2, 3], 25)
    return rng.normal(kind[:, None] * [1.5, -0.5], 1.0), LABELS[kind]


@pytest.mark.parametrize("finder", [HitFinderCV(), HitFinderCV(pos_label="single")], ids=str)
def test_of_crystals_there_are_two_classes(finder, lit):
    say = rf"{FOUR}: say which one is a hit, as y == 'single' does"
    with pytest.raises(InputError, match=rf"HitFinderCV tells hits from misses.*{say}"):
        finder.fit(*lit)
    with pytest.raises(InputError, match=say):
        select_hit_finder().fit(*lit)


def test_a_threshold_for_one_class_of_several(table):
    X, y = table
    finder = TargetRecallClassifier(
        LogisticRegression(), recall=0.9, confidence=None, pos_label="single", random_state=0
    ).fit(X, y)
    assert finder.recall_ >= 0.9
    assert finder.classes_.tolist() == sorted(LABELS)
    said, probability = finder.predict(X), finder.predict_proba(X)
    single = finder.classes_.tolist().index("single")
    is_hit = probability[:, single] >= finder.threshold_
    np.testing.assert_array_equal(said == "single", is_hit)
    others = np.delete(finder.classes_, single)
    likeliest = others[np.delete(probability, single, axis=1).argmax(axis=1)]
    np.testing.assert_array_equal(said[~is_hit], likeliest[~is_hit])
    assert set(said[~is_hit]) == {"empty", "multiple", "other"}
    plain = LogisticRegression().fit(X, y)
    assert is_hit.sum() > (plain.predict(X) == "single").sum()  # what argmax alone would lose


def test_a_class_rarer_than_the_folds_does_not_stop_it(table):
    X, y = table
    keep = np.r_[np.flatnonzero(y != "other"), np.flatnonzero(y == "other")[:2]]
    settings = {"recall": 0.9, "confidence": None, "pos_label": "single", "random_state": 0}
    model = TargetRecallClassifier(LogisticRegression(), **settings).fit(X[keep], y[keep])
    assert "other" in model.classes_
    assert model.recall_ >= 0.9
    few = np.r_[np.flatnonzero(y != "single"), np.flatnonzero(y == "single")[:3]]
    with pytest.raises(InputError, match="Class 'single' has 3 labels, fewer than the 5 folds"):
        TargetRecallClassifier(LogisticRegression(), **settings).fit(X[few], y[few])


def test_what_is_fitted_may_know_more_classes_than_the_labels_show(table):
    X, y = table
    four = FrozenEstimator(LogisticRegression().fit(X, y))
    some = y != "other"
    finder = TargetRecallClassifier(four, confidence=None, pos_label="single", random_state=0)
    assert "other" in finder.fit(X[some], y[some]).classes_


def test_which_class_is_wanted_has_to_be_said(table):
    X, y = table
    say = rf"labels {FOUR}: name the class of hits, as pos_label='single' does"
    with pytest.raises(InputError, match=say):
        TargetRecallClassifier(LogisticRegression()).fit(X, y)
    with pytest.raises(InputError, match="pos_label='double' is not one of the labels"):
        TargetRecallClassifier(LogisticRegression(), pos_label="double").fit(X, y)


def test_rows_without_a_label_are_never_taken_for_a_class(table):
    X, y = table
    numbers = np.where(y == "single", 1, 0)
    numbers[::3] = -1
    with pytest.raises(InputError, match="give cv=LabelledStratifiedKFold"):
        TargetRecallClassifier(LogisticRegression(), pos_label=1).fit(X, numbers)
    words = np.where(numbers == -1, "-1", y)
    with pytest.raises(InputError, match="give cv=LabelledStratifiedKFold"):
        TargetRecallClassifier(LogisticRegression(), pos_label="single").fit(X, words)
    folds = LabelledStratifiedKFold(3)
    with pytest.raises(InputError, match=r"learned the classes \['-1', 'empty'"):
        TargetRecallClassifier(
            LogisticRegression(), pos_label="single", confidence=None, cv=folds
        ).fit(X, words)


def test_a_threshold_of_frames_screens(lit):
    frames, y = lit
    model = make_pipeline(LitPixels(), ExtraTreesClassifier(20, random_state=0))
    settings = {"recall": 0.9, "confidence": None, "random_state": 0}
    finder = TargetRecallClassifier(model, pos_label="single", **settings).fit(frames, y)
    np.testing.assert_array_equal(finder.predict(frames), y)
    np.testing.assert_array_equal(screen(finder, frames).decision, y == "single")


@pytest.fixture(scope="module")
def finder(particle_run):
    pixels = np.asarray(particle_run.data)[:120]
    return select_hit_finder(task="single-particle", random_state=0).fit(
        pixels, particle_run.labels[:120]
    )


def test_the_best_method_for_singles_is_that_of_the_command(particle_run, finder):
    pixels, labels = np.asarray(particle_run.data), particle_run.labels
    model = train_single_particles(pixels[:120], labels[:120], random_state=0)
    best = finder[-1]
    assert best.compared_ == model.compared == ("sphere", "trees")
    assert (best.method_, best.threshold_) == (model.method, model.threshold)
    assert best.expected_ == model.expected
    assert (best.pos_label_, best.classes_.tolist()) == ("single", sorted(LABELS))
    said, probability = finder.predict(pixels[120:]), finder.predict_proba(pixels[120:])
    scores = screen(model, pixels[120:])
    np.testing.assert_allclose(probability[:, 3], scores.probability, atol=1e-6)
    np.testing.assert_array_equal(said == "single", scores.decision)
    assert (said == labels[120:]).mean() > 0.7
    by_it = screen(finder, pixels[120:140])
    np.testing.assert_array_equal(by_it.decision, scores.decision[:20])


def test_another_class_and_two_of_them(particle_run, finder):
    pixels, labels = np.asarray(particle_run.data)[:60], particle_run.labels[:60]
    of_multiple = clone(finder[-1]).set_params(pos_label="multiple", method="sphere")
    said = of_multiple.fit(pixels, labels).predict(pixels)
    assert of_multiple.compared_ == ("sphere",)
    assert (said[labels == "multiple"] == "multiple").mean() > 0.7
    two = clone(of_multiple).set_params(pos_label=None).fit(pixels, (labels != "empty").astype(int))
    assert two.pos_label_ == 1
    assert set(two.predict(pixels)) == {0, 1}


def test_a_method_of_the_other_task_is_refused(lit):
    with pytest.raises(InputError, match=r"'rows' is of another task.* auto, sphere, trees"):
        HitFinderCV(task="single-particle", method="rows").fit(*lit)
    with pytest.raises(InputError, match=r"method 'trees' is of another task than crystallography"):
        HitFinderCV(method="trees").fit(lit[0], lit[1] == "single")
    no_single = np.where(lit[1] == "single", "other", lit[1])
    with pytest.raises(InputError, match="Name the class that counts as a hit"):
        HitFinderCV(task="single-particle").fit(lit[0], no_single)


def test_screened_for_another_class_than_that_of_the_threshold(particle_run, lit, finder):
    pixels = np.asarray(particle_run.data)[100:]
    model = make_pipeline(LitPixels(), ExtraTreesClassifier(20, random_state=0))
    settings = {"recall": 0.9, "confidence": None, "random_state": 0}
    threshold = TargetRecallClassifier(model, pos_label="single", **settings).fit(*lit)
    for one, frames in ((finder, pixels), (threshold, lit[0])):
        for label in ("multiple", "empty"):
            decision = screen(one, frames, pos_label=label, peaks=False).decision
            np.testing.assert_array_equal(decision, one.predict(frames) == label)
            assert decision.any()


@pytest.mark.parametrize("mark", ["", "-1", -1])
def test_frames_without_a_label_are_no_class(lit, table, mark):
    frames, y = lit
    y = y.copy() if isinstance(mark, str) else np.arange(60) % 4
    y[::5] = mark
    of_hits = y[1]
    say = f"{mark!r} in y marks frames without one: leave them out"
    with pytest.raises(InputError, match=f"HitFinderCV learns from frames with a label, and {say}"):
        HitFinderCV(task="single-particle", pos_label=of_hits).fit(frames, y)
    if mark == "":
        with pytest.raises(InputError, match=say):
            finder = TargetRecallClassifier(LogisticRegression(), pos_label="single")
            finder.fit(table[0], np.where(table[1] == "other", "", table[1]))


def test_a_model_from_before_there_were_tasks_has_that_of_crystals():
    old = HitFinderCV(recall=0.9)
    del old.task
    again = pickle.loads(pickle.dumps(old))
    assert (again.task, again.recall) == ("crystallography", 0.9)
    assert not again.__sklearn_tags__().classifier_tags.multi_class


def test_the_method_for_singles_may_be_said(particle_run, tmp_path):
    pixels, labels = np.asarray(particle_run.data)[:60], particle_run.labels[:60]
    for method in ("trees", "sphere"):
        model = train_single_particles(pixels, labels, method=method, random_state=0)
        assert (model.method, model.compared) == (method, (method,))
    model.save(tmp_path / "model.skops")  # which holds no trees
    with pytest.raises(InputError, match="method has to be one of auto, sphere, trees, got 'rows'"):
        train_single_particles(pixels, labels, method="rows")


@pytest.mark.parametrize("method", ["sphere", "trees"])
def test_a_frame_without_any_light_is_empty(particle_run, method):
    model = train_single_particles(
        np.asarray(particle_run.data)[:120],
        particle_run.labels[:120],
        method=method,
        random_state=0,
    )
    dark = np.zeros((2, *particle_run.data.shape[1:]), np.float32)
    dark[1] = -3.0  # pedestals that were taken off
    assert screen(model, dark).called.tolist() == ["empty", "empty"]
