"""DANN inside of what composes it: which rows are the target reaches it by mark or by name."""

from typing import NamedTuple

import numpy as np
import pytest
from scipy.ndimage import uniform_filter1d
from sklearn import config_context
from sklearn.base import clone
from sklearn.ensemble import VotingClassifier
from sklearn.metrics import balanced_accuracy_score, recall_score
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_predict, cross_validate
from sklearn.pipeline import Pipeline, make_pipeline

from sklearn_sfx.classifiers import DANN
from sklearn_sfx.exceptions import NoTargetWarning
from sklearn_sfx.model_selection import LabelledStratifiedKFold, TargetRecallClassifier
from sklearn_sfx.preprocessing import CentralCrop
from tests.classifiers.composition.cases import (
    ANY_INPUT,
    CASES,
    CAUTIOUS,
    KEEN,
    TINY,
    Case,
    check_probabilities,
    faint,
    lazy,
    same,
    test_of,
    train_of,
)

GAIN = 1.1  # at which a net of the source alone takes noise of the target for hits
ADAPTED = {
    "CNN1D": (CASES["CNN1D"], {"max_epochs": 25, "batch_size": 24}),
    "CNN2D": (CASES["CNN2D"], {"max_epochs": 25, "batch_size": 16, "lr": 0.005}),
}


class Domains(NamedTuple):
    """Frames of a detector with labels, the source, and of one with more gain, the target."""

    case: Case
    X: np.ndarray
    y: np.ndarray  # of both, as nobody knows it
    domain: np.ndarray  # below 0 in the target
    X_test: np.ndarray  # of the target
    y_test: np.ndarray
    model: Pipeline

    @property
    def marked(self):
        return np.where(self.domain < 0, -1, self.y)

    def trained_for(self, n_epochs):
        """Return the model, not yet fitted; few epochs do where nothing has to be found."""
        return clone(self.model).set_params(dann__max_epochs=n_epochs)


# What trains often does so on vectors alone: on frames it is the same code, and slow.
on_vectors = pytest.mark.parametrize("domains", ["CNN1D"], indirect=True)


@pytest.fixture(scope="module", params=ADAPTED)
def domains(request):
    case, settings = ADAPTED[request.param]
    (X_source, y_source), (X_target, y_target) = train_of(case), faint(case.frame_shape, 120, 20)
    order = np.random.default_rng(0).permutation(240)
    X = np.concatenate([X_source, GAIN * X_target])[order]
    y = np.concatenate([y_source, y_target])[order]
    X_test, y_test = test_of(case)
    shared = {name: TINY[name] for name in ("lr", "augment", "random_state")}
    dann = DANN(case.make(), **{**shared, **settings})
    model = make_pipeline(CentralCrop(case.frame_shape[0]), dann)
    return Domains(case, X, y, np.where(order < 120, 3, -2), GAIN * X_test, y_test, model)


@pytest.fixture(scope="module")
def short(domains):
    """Return a model that was trained a little on what is marked."""
    return domains.trained_for(3).fit(domains.X, domains.marked)


@pytest.fixture
def routing():
    with config_context(enable_metadata_routing=True):
        yield


def asks_for_domain(model):
    """Return a copy whose last step is given `sample_domain`."""
    model = clone(model)
    model[-1].set_fit_request(sample_domain=True)
    return model


def test_a_pipeline_adapts_to_frames_without_labels(domains, short):
    source = domains.domain >= 0
    adapted = clone(domains.model).fit(domains.X, domains.marked)
    plain = domains.case.make(max_epochs=12).fit(domains.X[source], domains.y[source])
    before = balanced_accuracy_score(domains.y_test, plain.predict(domains.X_test))
    assert balanced_accuracy_score(domains.y_test, adapted.predict(domains.X_test)) > before + 0.15
    # Frames of the source as the detector of the target would show them.
    assert adapted.score(GAIN * domains.X[source], domains.y[source]) > 0.9
    assert adapted.classes_.tolist() == [0, 1]
    run = lazy(domains.X)
    from_frames = clone(short).fit(run, domains.marked)
    same(from_frames.predict_proba(run), short.predict_proba(domains.X))


def test_the_domain_reaches_the_last_step_by_its_name(domains, short):
    wrong = np.where(domains.domain < 0, 1 - domains.y, domains.y)  # not looked at in the target
    model = clone(short).fit(domains.X, wrong, dann__sample_domain=domains.domain)
    same(model.predict_proba(domains.X_test), short.predict_proba(domains.X_test))


def test_the_domain_reaches_the_last_step_by_routing(domains, short, routing):
    wrong = np.where(domains.domain < 0, 1 - domains.y, domains.y)
    model = asks_for_domain(short).fit(domains.X, wrong, sample_domain=domains.domain)
    same(model.predict_proba(domains.X_test), short.predict_proba(domains.X_test))


@on_vectors
def test_cross_validation_splits_the_domain_with_the_rows(domains, short, routing):
    X, y, domain = domains.X, domains.y, domains.domain
    model = asks_for_domain(short)
    cv = StratifiedKFold(2, shuffle=True, random_state=0)
    settings = {"cv": cv, "params": {"sample_domain": domain}}
    results = cross_validate(model, X, y, scoring="recall", return_estimator=True, **settings)
    probability = cross_val_predict(model, X, y, method="predict_proba", **settings)
    check_probabilities(probability, len(y))
    for fold, (train, test) in enumerate(cv.split(X, y)):
        by_hand = clone(short).fit(X[train], domains.marked[train])
        expected = by_hand.predict_proba(X[test])
        same(results["estimator"][fold].predict_proba(X[test]), expected)
        same(probability[test], expected)
        assert results["test_score"][fold] == recall_score(y[test], by_hand.predict(X[test]))


@on_vectors
def test_a_search_with_the_domain_routed_finds_that_adapting_helps(domains, routing):
    """Its folds test rows of the target too, with labels that training has not seen."""
    model = domains.trained_for(20)
    strength = model[-1].max_lambda
    # Noise that neighbours share is left, where a gain is undone whatever the strength.
    is_target = domains.domain < 0
    X = np.where(is_target[:, None], uniform_filter1d(domains.X, 3, axis=1), domains.X)
    search = GridSearchCV(
        asks_for_domain(model),
        {"dann__max_lambda": [0.0, strength]},
        scoring="balanced_accuracy",
        cv=StratifiedKFold(2, shuffle=True, random_state=0),
    ).fit(X, domains.y, sample_domain=domains.domain)
    assert search.best_params_ == {"dann__max_lambda": strength}
    assert "target_domain_loss" in search.best_estimator_[-1].history_[-1]
    score = search.cv_results_["mean_test_score"]
    assert score[1] > score[0]  # by how much hangs on the last bits of the processor


@on_vectors
def test_a_search_by_recall_takes_rows_without_labels(domains):
    grid = {"dann__class_weight": [CAUTIOUS, KEEN], "dann__base__kernel_size": [5]}
    cv = LabelledStratifiedKFold(2, shuffle=True, random_state=0)
    search = GridSearchCV(domains.trained_for(5), grid, scoring="recall", cv=cv)
    search.fit(domains.X, domains.marked)
    recall = search.cv_results_["mean_test_score"]
    assert np.isfinite(recall).all()
    assert search.best_params_["dann__class_weight"] == KEEN
    assert recall[0] < recall[1] == search.best_score_
    best = search.best_estimator_
    assert best[-1].design_.kernel_size == 5
    assert best.classes_.tolist() == [0, 1]


@on_vectors
def test_the_wanted_recall_is_found_from_the_labelled_rows_alone(domains):
    cv = LabelledStratifiedKFold(2, shuffle=True, random_state=0)
    model = TargetRecallClassifier(domains.trained_for(5), recall=0.9, cv=cv)
    model.fit(domains.X, domains.marked)
    X, y = test_of(domains.case)
    assert model.classes_.tolist() == [0, 1]
    assert recall_score(y, model.predict(X)) >= 0.9


@on_vectors
def test_ensembles_hide_the_mark_and_pass_the_domain_on(domains, routing):
    """They number the labels, -1 among them: what is left of the mark is a class like any other."""
    members = [
        (
            f"seed {seed}",
            domains.trained_for(3).set_params(dann__random_state=seed),
        )
        for seed in (0, 1)
    ]
    with pytest.warns(NoTargetWarning, match="nothing to adapt to"):
        VotingClassifier(members).fit(domains.X, domains.marked)
    asking = [(name, asks_for_domain(model)) for name, model in members]
    vote = VotingClassifier(asking, voting="soft")
    vote.fit(domains.X, np.maximum(domains.marked, 0), sample_domain=domains.domain)
    assert vote.classes_.tolist() == [0, 1]
    each = [
        model.fit(domains.X, domains.marked).predict_proba(domains.X_test) for _, model in members
    ]
    assert np.abs(each[0] - each[1]).max() > 0.01
    found = vote.predict_proba(domains.X_test)
    np.testing.assert_allclose(found, np.mean(each, axis=0), rtol=0, atol=1e-12)


@on_vectors
@pytest.mark.parametrize("name", ["calibrated", "tuned"])
def test_what_knows_no_mark_takes_the_domain_and_folds_of_the_labelled(
    domains, short, name, routing
):
    """These would take the mark for a third class; the folds show them none of the target."""
    folds = list(LabelledStratifiedKFold(2).split(domains.X, domains.marked))
    model = ANY_INPUT[name](asks_for_domain(short), None).set_params(cv=folds)
    as_miss, as_hit = (
        clone(model).fit(domains.X, filled, sample_domain=domains.domain)
        for filled in (np.maximum(domains.marked, 0), np.abs(domains.marked))
    )
    assert as_miss.classes_.tolist() == as_hit.classes_.tolist() == [0, 1]
    check_probabilities(as_miss.predict_proba(domains.X_test), len(domains.X_test))
    same(as_miss.predict_proba(domains.X_test), as_hit.predict_proba(domains.X_test))
    same(as_miss.predict(domains.X_test), as_hit.predict(domains.X_test))
