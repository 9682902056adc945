"""Calibrated probabilities, and thresholds that are tuned."""

import numpy as np
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import (
    brier_score_loss,
    fbeta_score,
    make_scorer,
    precision_score,
    recall_score,
)
from sklearn.model_selection import FixedThresholdClassifier, TunedThresholdClassifierCV

from sklearn_sfx.model_selection import TargetRecallClassifier
from tests.classifiers.composition.cases import (
    CAUTIOUS,
    cases,
    check_probabilities,
    faint,
    same,
    test_of,
    train_of,
)


def wrong_at_times(y, seed):
    """Return labels of which a quarter is wrong: nobody can be sure of more than three quarters."""
    return np.where(np.random.default_rng(seed).random(len(y)) < 0.25, 1 - y, y)


@cases()
def test_calibration_takes_back_the_confidence_of_an_over_confident_net(case):
    X, y = train_of(case, n=80)
    X_test, y_test = test_of(case)
    y, y_test = wrong_at_times(y, seed=1), wrong_at_times(y_test, seed=2)
    net = case.make(max_epochs=30, weight_decay=0.0)  # learns the wrong labels too, by heart
    raw = net.fit(X, y).predict_proba(X_test)
    calibrated = CalibratedClassifierCV(net, cv=2).fit(X, y).predict_proba(X_test)
    check_probabilities(calibrated, len(y_test))
    excess = [
        probability.max(axis=1).mean() - np.mean(probability.argmax(axis=1) == y_test)
        for probability in (raw, calibrated)
    ]
    assert excess[0] > 0.1
    assert abs(excess[1]) < 0.6 * excess[0]
    assert brier_score_loss(y_test, calibrated[:, 1]) < brier_score_loss(y_test, raw[:, 1]) - 0.02


@cases()
def test_a_fitted_net_is_calibrated_on_other_labels_and_stays_as_it_is(case):
    X, y = train_of(case, n=80)
    net = case.make(max_epochs=30, weight_decay=0.0).fit(X, wrong_at_times(y, seed=1))
    X_test, y_test = test_of(case)
    y_test = wrong_at_times(y_test, seed=2)
    raw = net.predict_proba(X_test)
    X_other, y_other = faint(case.frame_shape, 200, seed=5)
    model = CalibratedClassifierCV(FrozenEstimator(net))
    calibrated = model.fit(X_other, wrong_at_times(y_other, seed=3)).predict_proba(X_test)
    assert brier_score_loss(y_test, calibrated[:, 1]) < brier_score_loss(y_test, raw[:, 1]) - 0.01
    # A sigmoid moves the probabilities and keeps their order.
    assert (np.diff(calibrated[np.argsort(raw[:, 1]), 1]) >= 0).all()
    same(net.predict_proba(X_test), raw)


@cases()
def test_a_threshold_tuned_for_recall_keeps_more_hits(case):
    X, y = train_of(case)
    X_test, y_test = test_of(case)
    net = case.make(class_weight={0: 3, 1: 1})
    tuned = TunedThresholdClassifierCV(net, scoring="recall", cv=2, thresholds=30).fit(X, y)
    net.fit(X, y)
    same(tuned.predict_proba(X_test), net.predict_proba(X_test))
    at_half = FixedThresholdClassifier(FrozenEstimator(net), threshold=0.5).fit(X, y)
    same(at_half.predict(X_test), net.predict(X_test))
    assert tuned.best_threshold_ < 0.5
    found, before = (recall_score(y_test, model.predict(X_test)) for model in (tuned, net))
    assert found > before


@cases()
def test_a_threshold_for_a_fitted_net_is_tuned_on_other_labels(case):
    """Recall alone is highest for who calls everything a hit; F2 minds that a little."""
    net = case.make(class_weight=CAUTIOUS).fit(*faint(case.frame_shape, 240, seed=11))
    F2 = make_scorer(fbeta_score, beta=2)
    tuned = TunedThresholdClassifierCV(net, scoring=F2, cv="prefit", refit=False, thresholds=30)
    tuned.fit(*faint(case.frame_shape, 120, seed=5))
    X_test, y_test = test_of(case)
    assert F2(tuned, X_test, y_test) > F2(net, X_test, y_test) + 0.02
    found, before = (recall_score(y_test, model.predict(X_test)) for model in (tuned, net))
    assert found > before + 0.02
    assert precision_score(y_test, tuned.predict(X_test)) > 0.7


@cases()
def test_the_wanted_recall_is_reached_on_other_frames(case):
    X, y = faint(case.frame_shape, 240, seed=11)
    net = case.make(class_weight=CAUTIOUS)
    model = TargetRecallClassifier(net, recall=0.9, cv=2, random_state=0).fit(X, y)
    X_test, y_test = test_of(case)
    found = recall_score(y_test, model.predict(X_test))
    assert found >= 0.9
    assert precision_score(y_test, model.predict(X_test)) > 0.8
    # The threshold did it: without it this net, which shuns false hits, finds fewer.
    assert recall_score(y_test, net.fit(X, y).predict(X_test)) < found - 0.02
