"""Searches and cross-validation that choose by each of them."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import get_scorer
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    KFold,
    ParameterGrid,
    cross_val_score,
    cross_validate,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.semi_supervised import SelfTrainingClassifier

from sklearn_sfx import open_frames
from sklearn_sfx.classifiers import CNN1D, DANN
from sklearn_sfx.model_selection import (
    LabelledStratifiedKFold,
    SourceScorer,
    TargetEntropyScorer,
    TargetLabelScorer,
)
from tests.model_selection.scorers.cases import (
    BEST,
    GRID,
    Cut,
    adaptable,
    all_three,
    fitted,
    two_domains,
)


@pytest.mark.parametrize("chosen_by", BEST)
@pytest.mark.parametrize("n_jobs", [None, 2])
def test_a_search_chooses_by_what_it_is_told(chosen_by, n_jobs):
    X, y, domain = two_domains()
    scorers = all_three(X, y, domain)
    marked = np.where(domain < 0, -1, y)
    cv = LabelledStratifiedKFold(3)
    one = GridSearchCV(Cut(), GRID, scoring=scorers[chosen_by], cv=cv, n_jobs=n_jobs)
    several = GridSearchCV(Cut(), GRID, scoring=scorers, refit=chosen_by, cv=cv, n_jobs=n_jobs)
    for search in (one, several):
        search.fit(X, marked)
        assert BEST[chosen_by].items() <= search.best_params_.items()
        assert search.score(X, marked) == scorers[chosen_by](search.best_estimator_, X, marked)
    assert several.cv_results_["mean_test_source"].tolist() == [1, 0.5, 0.5]
    assert several.cv_results_["mean_test_labels"].tolist() == [0.5, 1, 0.5]


def test_halving():
    X, y, domain = two_domains(n=60)
    marked = np.where(domain < 0, -1, y)
    for name, scorer in all_three(X, y, domain).items():
        search = HalvingGridSearchCV(
            Cut(), GRID, scoring=scorer, cv=3, random_state=0, min_resources=40
        )
        assert BEST[name].items() <= search.fit(X, marked).best_params_.items()


def test_with_labelled_folds_the_source_score_is_the_plain_one():
    X, y, domain = two_domains()
    X = X + np.random.default_rng(1).normal(size=X.shape)
    marked = np.where(domain < 0, -1, y)
    model, cv = SelfTrainingClassifier(LogisticRegression()), LabelledStratifiedKFold(4)
    plain = cross_val_score(model, X, marked, scoring="recall", cv=cv)
    ours = cross_val_score(model, X, marked, scoring=SourceScorer(), cv=cv)
    np.testing.assert_array_equal(ours, plain)
    with pytest.warns(UserWarning, match="Scoring failed"):
        mixed = cross_val_score(
            model, X, marked, scoring="recall", cv=KFold(4, shuffle=True, random_state=0)
        )
    assert np.isnan(mixed).all()
    mixed = cross_val_score(
        model, X, marked, scoring=SourceScorer(), cv=KFold(4, shuffle=True, random_state=0)
    )
    assert mixed.min() > 0


def test_frames_stay_lazy():
    rng = np.random.default_rng(0)
    y = np.tile([0, 1], 30)
    values = (rng.poisson(20, (60, 4, 3)) + 15 * y[:, None, None]).astype(np.int16)
    source, target = open_frames(values[:40]), open_frames(values[40:])
    model = make_pipeline(FunctionTransformer(np.mean, kw_args={"axis": 1}), LogisticRegression())
    scoring = {
        "source": SourceScorer(),
        "entropy": TargetEntropyScorer(target),
        "labels": TargetLabelScorer(target, y[40:]),
    }
    scores = cross_validate(model, source, y[:40], scoring=scoring, cv=3)
    assert scores["test_source"].min() > 0.9
    assert scores["test_labels"].min() > 0.9
    assert scores["test_entropy"].min() > -0.5
    assert repr(scoring["entropy"]) == (
        "<TargetEntropyScorer uses 20 target frames, none of their labels>"
    )
    model.fit(source, y[:40])
    y = np.where(np.arange(60) < 30, y, -1)
    frames = open_frames(values)
    assert SourceScorer()(model, frames, y) == get_scorer("recall")(model, values[:30], y[:30])


def test_data_frames():
    pandas = pytest.importorskip("pandas")
    X, y, domain = two_domains()
    X, y = X + np.random.default_rng(0).normal(size=X.shape), np.where(domain < 0, -1, y)
    X_target, y_target = X[domain < 0], np.tile([0, 1], 20)
    model = LogisticRegression().fit(X[domain > 0], y[domain > 0])
    named = LogisticRegression().fit(pandas.DataFrame(X, columns=["x"])[domain > 0], y[domain > 0])
    for make in (
        lambda X, y: SourceScorer(),
        lambda X, y: TargetEntropyScorer(X),
        lambda X, y: TargetLabelScorer(X, y),
    ):
        frame, series = pandas.DataFrame(X, columns=["x"]), pandas.Series(y)
        scorer = make(pandas.DataFrame(X_target, columns=["x"]), pandas.Series(y_target))
        assert scorer(named, frame, series) == make(X_target, y_target)(model, X, y)


def test_inputs_are_only_read():
    X, y, domain = two_domains()
    marked = np.where(domain < 0, -1, y)
    for array in (X, y, domain, marked):
        array.setflags(write=False)
    for scorer in all_three(X, y, domain).values():
        scorer(fitted(), X, marked)
    SourceScorer()(fitted(), X, y, sample_domain=domain)


NETWORK = DANN(CNN1D(channels=(4, 8), n_hidden=8), max_epochs=4, lr=0.02, random_state=0)
SETTINGS = ParameterGrid({"base__dropout": [0.0, 0.3], "max_lambda": [0.0, 1.0]})


@pytest.fixture(scope="module")
def networks():
    """Return what was fitted by hand with each of the settings, and the rows left out of it."""
    X, y, domain = adaptable()
    marked = np.where(domain < 0, -1, y)
    return [
        [
            (clone(NETWORK).set_params(**params).fit(X[train], marked[train]), test)
            for train, test in LabelledStratifiedKFold(2).split(X, marked)
        ]
        for params in SETTINGS
    ]


@pytest.mark.parametrize("chosen_by", BEST)
def test_dann_is_searched_with_each(networks, chosen_by):
    X, y, domain = adaptable()
    marked = np.where(domain < 0, -1, y)
    scorer = all_three(X, y, domain)[chosen_by]
    cv = LabelledStratifiedKFold(2)
    search = GridSearchCV(NETWORK, SETTINGS.param_grid, scoring=scorer, cv=cv).fit(X, marked)
    results = search.cv_results_
    assert results["params"] == list(SETTINGS)
    by_hand = [[scorer(one, X[test], y[test]) for one, test in each] for each in networks]
    found = np.stack([results["split0_test_score"], results["split1_test_score"]], axis=1)
    np.testing.assert_allclose(found, by_hand)
    assert search.best_score_ == np.mean(by_hand, axis=1).max()
    assert search.predict(X).shape == y.shape
    assert search.score(X, y) == scorer(search.best_estimator_, X, y)
