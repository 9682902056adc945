"""Which rows are the target, routed to the scorer that asks for it."""

import copy

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.model_selection import GridSearchCV, KFold, cross_validate
from sklearn.utils.metadata_routing import get_routing_for_object

from sklearn_sfx.classifiers import CNN1D, DANN
from sklearn_sfx.model_selection import SourceScorer
from tests.model_selection.scorers.cases import (
    Cut,
    adaptable,
    all_three,
    pickle_round_trip,
    two_domains,
)


@pytest.mark.usefixtures("routing")
def test_the_domain_is_routed():
    X, y, domain = two_domains()
    scorers = all_three(X, y, domain)
    asked = SourceScorer("accuracy").set_score_request(sample_domain=True)
    model, cv = Cut().set_fit_request(sample_domain=True), KFold(4, shuffle=True, random_state=0)
    for scoring, refit in [(asked, True), ({**scorers, "source": asked}, "source")]:
        search = GridSearchCV(model, {"cut": [0.0, 2.0]}, scoring=scoring, cv=cv, refit=refit)
        search.fit(X, y, sample_domain=domain)
        assert search.best_params_ == {"cut": 0.0}
        assert search.best_score_ == 1
        assert search.score(X, y, sample_domain=domain) == 1
    scores = cross_validate(model, X, y, scoring=asked, cv=cv, params={"sample_domain": domain})
    assert scores["test_score"].tolist() == [1, 1, 1, 1]


@pytest.mark.usefixtures("routing")
def test_the_domain_has_to_be_asked_for_or_refused():
    X, y, domain = two_domains()
    model = Cut().set_fit_request(sample_domain=True)

    def score(scorer, **params):
        cv = KFold(4, shuffle=True, random_state=0)
        scores = cross_validate(model, X, y, scoring=scorer, cv=cv, params=params)
        return scores["test_score"].mean()

    with pytest.raises(UnsetMetadataPassedError, match="SourceScorer"):
        score(SourceScorer("accuracy"), sample_domain=domain)
    scorer = SourceScorer("accuracy").set_score_request(sample_domain=False)
    assert score(scorer, sample_domain=domain) == 0.75
    scorer.set_score_request(sample_domain="which")
    assert score(scorer, which=domain) == 1
    for again in (copy.deepcopy(scorer), clone(scorer, safe=False), pickle_round_trip(scorer)):
        assert score(again, which=domain) == 1
    requests = get_routing_for_object(scorer)
    requests.score.add_request(param="sample_domain", alias=False)
    assert score(scorer, which=domain) == 1  # what was handed out is a copy


def test_without_routing_there_is_nothing_to_ask():
    with pytest.raises(RuntimeError, match="enable_metadata_routing"):
        SourceScorer().set_score_request(sample_domain=True)


@pytest.mark.usefixtures("routing")
def test_dann_is_told_the_domain():
    X, y, domain = adaptable()
    order = np.random.default_rng(0).permutation(len(y))
    X, y, domain = X[order], y[order], domain[order]
    model = DANN(CNN1D(channels=(4, 8), n_hidden=8), max_epochs=5, lr=0.02, random_state=0)
    model.set_fit_request(sample_domain=True)
    scorer = SourceScorer("accuracy").set_score_request(sample_domain=True)
    cv = KFold(4, shuffle=True, random_state=0)
    found = cross_validate(
        model, X, y, scoring=scorer, cv=cv, params={"sample_domain": domain}, return_estimator=True
    )
    for fold, (_, test) in enumerate(cv.split(X)):
        source = test[domain[test] > 0]
        assert found["test_score"][fold] == found["estimator"][fold].score(X[source], y[source])
