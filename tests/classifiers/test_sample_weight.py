"""Frames that weigh: for every classifier, alone and in what of scikit-learn gives weights."""

import numpy as np
import pytest
import sklearn
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import AdaBoostClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import get_scorer
from sklearn.model_selection import cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import has_fit_parameter

from sklearn_sfx.classifiers import (
    CNN1D,
    CNN2D,
    DANN,
    FineTuned,
    PeakCountClassifier,
    PeakHeightClassifier,
    SpotCountClassifier,
    best_count,
)
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames import open_frames
from sklearn_sfx.model_selection import TargetRecallClassifier
from sklearn_sfx.screening import HitFinderCV

TINY = {"channels": (4, 8), "n_hidden": 8, "max_epochs": 4, "lr": 0.02, "random_state": 0}
FINDING = [PeakCountClassifier, PeakHeightClassifier, SpotCountClassifier]


def make(name, vectors, spotted):
    """Return a classifier with the X and y that suit it."""
    X, y = vectors
    match name:
        case "CNN1D":
            return CNN1D(**TINY), X, y
        case "CNN1D, stopped early":
            return CNN1D(**TINY, early_stopping=True), X, y
        case "FineTuned":
            base = CNN1D(**TINY).fit(X, y)
            return FineTuned(base, head_max_epochs=2, max_epochs=2, random_state=0), X, y
        case "DANN":
            known = np.where(np.arange(len(y)) < 50, y, -1)
            return DANN(CNN1D(**TINY), max_epochs=3, batch_size=16, random_state=0), X, known
        case "TargetRecallClassifier":
            return (
                TargetRecallClassifier(
                    LogisticRegression(C=0.01, max_iter=5000), recall=0.8, random_state=0
                ),
                X,
                y,
            )
        case "CNN2D":
            return CNN2D(**{**TINY, "batch_size": 8}), spotted[0], spotted[2]
        case "CNN2D, lazy":
            return CNN2D(**{**TINY, "batch_size": 8}), open_frames(spotted[0]), spotted[2]
        case "HitFinderCV":
            return HitFinderCV(method="count", random_state=0), spotted[0], spotted[2]
    kinds = {kind.__name__: kind for kind in FINDING}
    return kinds[name](), spotted[0], spotted[2]


NAMES = ["CNN1D", "CNN1D, stopped early", "FineTuned", "DANN", "CNN2D", "CNN2D, lazy"]
NAMES += ["HitFinderCV", *(kind.__name__ for kind in FINDING)]
WITHIN = [*NAMES, "TargetRecallClassifier"]  # its folds hold other rows if some are left out
each = pytest.mark.parametrize("name", NAMES)


@each
def test_a_weight_of_0_is_a_frame_left_out(name, vectors, spotted):
    model, X, y = make(name, vectors, spotted)
    weight = (np.arange(len(y)) % 4 > 0).astype(float)
    rows = np.flatnonzero(weight)
    weighed = model.fit(X, y, sample_weight=weight).predict_proba(X)
    left_out = make(name, vectors, spotted)[0].fit(X[rows], y[rows]).predict_proba(X)
    np.testing.assert_allclose(weighed, left_out, rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", WITHIN)
def test_the_same_weight_for_all_is_none(name, vectors, spotted):
    model, X, y = make(name, vectors, spotted)
    weighed = model.fit(X, y, sample_weight=np.ones(len(y))).predict_proba(X)
    plain = make(name, vectors, spotted)[0].fit(X, y).predict_proba(X)
    np.testing.assert_allclose(weighed, plain, rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", [n for n in NAMES if n not in ("HitFinderCV",)])
def test_frames_that_weigh_more_are_learned_better(name, vectors, spotted):
    """Half of the labels are wrong, and weigh little: what weighs is right."""
    model, X, y = make(name, vectors, spotted)
    labelled = np.flatnonzero(np.asarray(y) >= 0)
    wrong, y_wrong = labelled[::2], np.array(y)
    y_wrong[wrong] = 1 - y_wrong[wrong]
    weight = np.ones(len(y))
    weight[wrong] = 1e-3
    right = model.fit(X, y_wrong, sample_weight=weight).predict_proba(X)[labelled, y[labelled]]
    alike = make(name, vectors, spotted)[0].fit(X, y_wrong).predict_proba(X)[labelled, y[labelled]]
    assert right.mean() > alike.mean() + 0.02


@pytest.mark.parametrize("name", WITHIN)
@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (lambda n: np.zeros(n), "not all of them zero"),
        (lambda n: np.full(n, -1.0), "0 or more"),
        (lambda n: np.full(n, np.nan), "finite"),
        (lambda n: np.ones(n + 1), "a number for each"),
        (lambda n: np.full(n, "a"), "a number for each"),
    ],
)
def test_weights_that_cannot_be_are_refused(name, weight, message, vectors, spotted):
    model, X, y = make(name, vectors, spotted)
    with pytest.raises(InputError, match=message):
        model.fit(X, y, sample_weight=weight(len(y)))


@pytest.mark.parametrize("kind", FINDING)
def test_a_weight_of_3_is_a_frame_three_times(kind, spotted):
    frames, _, is_hit = spotted
    weight = np.random.default_rng(0).integers(0, 4, len(frames))
    weighed = kind().fit(frames, is_hit, sample_weight=weight).predict_proba(frames)
    rows = np.arange(len(frames)).repeat(weight)
    repeated = kind().fit(frames[rows], is_hit[rows]).predict_proba(frames)
    np.testing.assert_allclose(weighed, repeated, rtol=0, atol=1e-5)


def test_best_count_weighs():
    counts, is_hit = [1, 2, 3, 4], [False, True, False, True]
    assert best_count(counts, is_hit) == 2
    assert best_count(counts, is_hit, [1, 1, 9, 9]) == 4


def test_a_weight_for_all_hits_counts_as_their_class_does(vectors):
    X, y = vectors
    keen = CNN1D(**TINY, class_weight={0: 1, 1: 10}, augment=False).fit(X, y)
    weighed = CNN1D(**TINY, class_weight=None, augment=False)
    weighed.fit(X, y, sample_weight=np.where(y == 1, 10, 1))
    np.testing.assert_allclose(weighed.predict_proba(X), keen.predict_proba(X), atol=1e-4)


def test_balanced_classes_balance_what_they_weigh(vectors):
    X, y = vectors
    rare = np.where(y == 1, 0.01, 1.0)
    weighed = CNN1D(**TINY, augment=False).fit(X, y, sample_weight=rare)
    plain = CNN1D(**TINY, augment=False).fit(X, y)
    np.testing.assert_allclose(weighed.predict_proba(X), plain.predict_proba(X), atol=1e-4)


# -- In what gives weights ---------------------------------------------------------------------


def test_boosting_by_networks(vectors, other_vectors):
    X, y = vectors
    names = np.array(["miss", "hit"])
    boosted = AdaBoostClassifier(
        CNN1D(**{**TINY, "max_epochs": 12}), n_estimators=3, random_state=0
    )
    boosted.fit(X, names[y])
    assert len(boosted.estimators_) >= 1
    assert boosted.score(other_vectors[0], names[other_vectors[1]]) > 0.8


@pytest.mark.parametrize("name", ["CNN1D", "PeakCountClassifier"])
def test_calibration_passes_weights_on(name, vectors, spotted):
    model, X, y = make(name, vectors, spotted)
    assert has_fit_parameter(model, "sample_weight")
    weight = np.linspace(0.5, 1.5, len(y))
    calibrated = CalibratedClassifierCV(model, cv=2).fit(X, y, sample_weight=weight)
    plain = CalibratedClassifierCV(model, cv=2).fit(X, y)
    assert np.abs(calibrated.predict_proba(X) - plain.predict_proba(X)).max() > 0


def test_weights_are_routed_through_a_pipeline_and_folds(vectors):
    X, y = vectors
    weight = np.linspace(0.1, 2, len(y))
    with sklearn.config_context(enable_metadata_routing=True):
        net = CNN1D(**TINY).set_fit_request(sample_weight=True)
        net.set_score_request(sample_weight=False)
        pipeline = make_pipeline(StandardScaler().set_fit_request(sample_weight=False), net)
        routed = pipeline.fit(X, y, sample_weight=weight).predict_proba(X)
        model = TargetRecallClassifier(pipeline, recall=0.8, confidence=None, cv=2, random_state=0)
        model.fit(X, y, sample_weight=weight)
        scorer = get_scorer("accuracy").set_score_request(sample_weight=False)
        given = {"sample_weight": weight}
        found = cross_validate(pipeline, X, y, cv=2, scoring=scorer, params=given)
    by_name = make_pipeline(StandardScaler(), CNN1D(**TINY))
    by_name.fit(X, y, cnn1d__sample_weight=weight)
    np.testing.assert_array_equal(by_name.predict_proba(X), routed)
    np.testing.assert_array_equal(model.predict_proba(X), routed)
    assert len(found["test_score"]) == 2


# -- The threshold -----------------------------------------------------------------------------


def test_hits_that_weigh_move_the_threshold(vectors):
    X, y = vectors
    model = TargetRecallClassifier(
        LogisticRegression(C=0.01, max_iter=5000), recall=0.8, confidence=None, cv=3
    )
    plain = model.set_params(random_state=0).fit(X, y).threshold_
    probability = model.predict_proba(X)[:, 1]
    doubtful = (y == 1) & (probability < np.median(probability[y == 1]))
    weighed = model.fit(X, y, sample_weight=np.where(doubtful, 20, 1))
    assert weighed.threshold_ < plain
    assert weighed.recall_ >= 0.8


def test_the_bound_by_weights_counts_fewer_hits(vectors):
    X, y = vectors
    weight = np.random.default_rng(0).lognormal(0, 1, len(y))
    model = TargetRecallClassifier(
        LogisticRegression(C=0.01, max_iter=5000), recall=0.8, random_state=0
    )
    assert model.fit(X, y, sample_weight=weight).recall_bound_ >= 0.8
    assert model.recall_ <= 1
    with pytest.raises(InputError, match=r"takes 45 labelled hits or more, and there are 2\d"):
        model.set_params(recall=0.95).fit(X, y, sample_weight=weight)


def test_a_pipeline_without_routing_is_told_how(vectors):
    X, y = vectors
    model = TargetRecallClassifier(
        make_pipeline(LogisticRegression(C=0.01, max_iter=5000)), recall=0.8
    )
    with pytest.raises(InputError, match="metadata routing"):
        model.fit(X, y, sample_weight=np.ones(len(y)))


def test_hit_finder_chooses_by_weights(spotted):
    frames, _, is_hit = spotted
    weight = np.where(is_hit == 1, 0.1, 1.0)  # hits are rarer in the run than among the labels
    model = HitFinderCV(method="count", random_state=0)
    rare = model.fit(frames, is_hit, sample_weight=weight).expected_.hit_rate
    plain = model.fit(frames, is_hit).expected_.hit_rate
    assert rare.value < 0.2 < plain.value
