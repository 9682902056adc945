"""Scores that choose a model for frames of another kind."""

import copy
import pickle

import numpy as np
import pytest
import sklearn
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.exceptions import UndefinedMetricWarning, UnsetMetadataPassedError
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import get_scorer, make_scorer, recall_score
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    KFold,
    cross_val_score,
    cross_validate,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.semi_supervised import SelfTrainingClassifier
from sklearn.svm import LinearSVC
from sklearn.utils.metadata_routing import get_routing_for_object

from sklearn_sfx import open_frames
from sklearn_sfx.classifiers import CNN1D, DANN
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.model_selection import (
    LabelledStratifiedKFold,
    SourceScorer,
    TargetEntropyScorer,
    TargetLabelScorer,
)


class Cut(ClassifierMixin, BaseEstimator):
    """Learns nothing: a row is a hit if its first number is above the cut."""

    def __init__(self, cut=0.0, sharpness=1.0):
        self.cut = cut
        self.sharpness = sharpness

    def fit(self, X, y, sample_domain=None):
        self.classes_ = np.array([0, 1])
        return self

    def predict_proba(self, X):
        hit = expit(self.sharpness * (np.asarray(X)[:, 0] - self.cut))
        return np.column_stack([1 - hit, hit])

    def predict(self, X):
        return self.classes_[(np.asarray(X)[:, 0] > self.cut).astype(int)]


class Says(Cut):
    """Gives the probabilities that X holds."""

    def predict_proba(self, X):
        return X


def fitted(**parameters):
    return Cut(**parameters).fit(None, None)


def two_domains(seed=0, n=40, shift=2.0):
    """Return X and the true labels of n source rows and n target rows, and the domain of each.

    Hits lie above 0 in the source, above `shift` in the target.
    """
    rng = np.random.default_rng(seed)
    y = np.tile([0, 1], n)
    X = rng.uniform(0.2, 1.0, (2 * n, 1)) * np.where(y == 1, 1, -1)[:, None]
    domain = np.repeat([1, -2], n)
    X[domain < 0] += shift
    return X, y, domain


# -- The source --------------------------------------------------------------------------------


def test_source_score_by_hand():
    X = np.array([[1.0], [2.0], [-1.0], [5.0], [-3.0], [1.0]])
    y = np.array([1, 1, 1, 0, -1, -1])
    assert SourceScorer()(fitted(), X, y) == pytest.approx(2 / 3)
    assert SourceScorer("precision")(fitted(), X, y) == pytest.approx(2 / 3)
    assert SourceScorer("accuracy")(fitted(), X, y) == 0.5
    assert SourceScorer(get_scorer("accuracy"))(fitted(), X, y) == 0.5


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 2**32 - 1), n_unlabelled=st.integers(0, 20))
def test_unlabelled_rows_change_nothing(seed, n_unlabelled):
    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(30, 2)), np.tile([0, 1], 15)
    alone = get_scorer("recall")(fitted(), X, y)
    X = np.vstack([X, 100 * rng.normal(size=(n_unlabelled, 2))])
    y = np.concatenate([y, np.full(n_unlabelled, -1)])
    order = rng.permutation(len(y))
    assert SourceScorer()(fitted(), X[order], y[order]) == alone


def test_rows_of_the_target_are_dropped_whatever_their_label():
    X, y, domain = two_domains()
    assert SourceScorer("accuracy")(fitted(), X, y) == 0.75  # every miss of the target is wrong
    assert SourceScorer("accuracy")(fitted(), X, y, sample_domain=domain) == 1
    assert SourceScorer("accuracy")(fitted(), X, y, sample_domain=list(domain)) == 1
    y[:10] = -1
    assert SourceScorer("accuracy")(fitted(), X, y, sample_domain=domain) == 1
    y[10:20] = 1 - y[10:20]
    assert SourceScorer("accuracy")(fitted(), X, y, sample_domain=domain) == pytest.approx(2 / 3)


def test_labels_may_be_strings():
    class Named(Cut):
        def fit(self, X, y):
            self.classes_ = np.array(["miss", "hit"])
            return self

    model = Named().fit(None, None)
    X = np.array([[1.0], [-1.0], [-2.0], [3.0]])
    scoring = make_scorer(recall_score, pos_label="hit")
    named = np.array(["hit", "hit", "miss", "?"])
    assert SourceScorer(scoring, unlabelled="?")(model, X, named) == 0.5
    mixed = np.array(["hit", "hit", "miss", -1], dtype=object)
    assert SourceScorer(scoring)(model, X, mixed) == 0.5
    turned = np.array(["hit", "hit", "miss", -1])  # numpy makes a string of the number
    assert SourceScorer(scoring)(model, X, turned) == 0.5
    assert SourceScorer(scoring)(model, X[:3], named[:3]) == 0.5
    assert TargetLabelScorer(X[:3], named[:3], scoring)(model, None) == 0.5


def test_minus_one_may_be_a_label():
    X, y = np.array([[1.0], [-1.0]]), np.array([1, -1])
    model = LogisticRegression().fit(X, y)
    assert SourceScorer("accuracy", unlabelled=None)(model, X[::-1], y) == 0


def test_an_undefined_recall_is_told_as_scikit_learn_does():
    with pytest.warns(UndefinedMetricWarning, match="no true samples"):
        assert SourceScorer()(fitted(), np.ones((2, 1)), [0, 0]) == 0


# -- The entropy -------------------------------------------------------------------------------


def test_entropy_by_hand():
    def score(*rows):
        return TargetEntropyScorer(np.array(rows))(Says(), None)

    assert score([0.5, 0.5]) == -1
    assert score([0.25, 0.25, 0.25, 0.25]) == -1
    assert score([0, 1], [1, 0]) == 0
    assert score([0.75, 0.25]) == pytest.approx(-0.8112781)  # of a coin, in bits
    assert score([0.75, 0.25], [1, 0]) == pytest.approx(-0.8112781 / 2)
    assert score([0.5, 0.5, 0]) == pytest.approx(-np.log(2) / np.log(3))


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 2**32 - 1), n_classes=st.integers(2, 5))
def test_entropy_knows_no_order_of_rows_or_classes(seed, n_classes):
    rng = np.random.default_rng(seed)
    says = rng.dirichlet(np.ones(n_classes), 20)
    score = TargetEntropyScorer(says)(Says(), None)
    assert -1 <= score <= 0
    rows, columns = rng.permutation(20), rng.permutation(n_classes)
    assert TargetEntropyScorer(says[rows][:, columns])(Says(), None) == pytest.approx(score)
    assert TargetEntropyScorer(np.vstack([says, says]))(Says(), None) == pytest.approx(score)


def test_entropy_does_not_look_at_the_rows_it_is_called_with():
    X, y, domain = two_domains()
    scorer = TargetEntropyScorer(X[domain < 0])
    alone = scorer(fitted(), None)
    assert scorer(fitted(), X, y) == scorer(fitted(), X, y, sample_domain=domain) == alone
    p = fitted().predict_proba(X[domain < 0])
    assert alone == pytest.approx(np.mean(np.sum(p * np.log2(p), axis=1)))


def test_the_documented_weakness():
    """A model that calls every frame a miss looks best to it, and not to the source."""
    X, y, domain = two_domains(shift=0.5)
    entropy, source = TargetEntropyScorer(X[domain < 0]), SourceScorer()
    useful, blind = fitted(cut=0.1), fitted(cut=1000.0)
    assert entropy(blind, X, y) == pytest.approx(0)
    assert entropy(useful, X, y) < -0.5
    assert source(blind, X, y, sample_domain=domain) == 0
    assert source(useful, X, y, sample_domain=domain) == 1


# -- A few labels ------------------------------------------------------------------------------


@pytest.mark.parametrize("scoring", ["recall", "f1", "roc_auc", make_scorer(recall_score)])
def test_target_score_is_scikit_learns(scoring):
    X, y, domain = two_domains()
    X, y = X[domain < 0], y[domain < 0]
    by_name = get_scorer(scoring) if isinstance(scoring, str) else scoring
    model = fitted(cut=2.5)
    scorer = TargetLabelScorer(X, y, scoring)
    assert scorer(model, None) == scorer(model, -X, 1 - y) == by_name(model, X, y)
    assert TargetLabelScorer(X, list(y), scoring)(model, None) == by_name(model, X, y)


# -- In a search -------------------------------------------------------------------------------


def all_three(X, y, domain):
    is_target = domain < 0
    return {
        "source": SourceScorer("accuracy"),
        "entropy": TargetEntropyScorer(X[is_target]),
        "labels": TargetLabelScorer(X[is_target][:6], y[is_target][:6], "accuracy"),
    }


GRID = [
    {"cut": [0.0, 2.0], "sharpness": [1.0]},
    {"cut": [9.0], "sharpness": [50.0]},  # certain that all are misses
]
BEST = {"source": {"cut": 0.0}, "labels": {"cut": 2.0}, "entropy": {"cut": 9.0}}


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
        mixed = cross_val_score(model, X, marked, scoring="recall", cv=KFold(4, shuffle=True))
    assert np.isnan(mixed).all()
    mixed = cross_val_score(model, X, marked, scoring=SourceScorer(), cv=KFold(4, shuffle=True))
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


def adaptable(n=40):
    """Return vectors of a source and of a brighter target, true labels, and the domain of each."""
    X = np.random.default_rng(0).gumbel(5.0, 1.0, (2 * n, 60)).astype(np.float32)
    y = np.tile([0, 1], n)
    X[y == 1, 5:55:5] += 15.0
    X[n:] = 2.0 * X[n:] + 5.0
    return X, y, np.repeat([1, -2], n)


@pytest.mark.parametrize("chosen_by", BEST)
def test_dann_is_searched_with_each(chosen_by):
    X, y, domain = adaptable()
    marked = np.where(domain < 0, -1, y)
    scorer = all_three(X, y, domain)[chosen_by]
    base = CNN1D(channels=(4, 8), n_hidden=8)
    model = DANN(base, max_epochs=10, lr=0.02, random_state=0)
    grid = {"base__dropout": [0.0, 0.3], "max_lambda": [0.0, 1.0]}
    cv = LabelledStratifiedKFold(2)
    search = GridSearchCV(model, grid, scoring=scorer, cv=cv).fit(X, marked)
    results = search.cv_results_
    by_hand = [
        [
            scorer(clone(model).set_params(**params).fit(X[train], marked[train]), X[test], y[test])
            for train, test in cv.split(X, marked)
        ]
        for params in results["params"]
    ]
    found = np.stack([results["split0_test_score"], results["split1_test_score"]], axis=1)
    np.testing.assert_allclose(found, by_hand)
    assert search.best_score_ == np.mean(by_hand, axis=1).max()
    assert search.predict(X).shape == y.shape
    assert search.score(X, y) == scorer(search.best_estimator_, X, y)


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


# -- Metadata ----------------------------------------------------------------------------------


@pytest.fixture
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


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


# -- As an object ------------------------------------------------------------------------------


def pickle_round_trip(scorer):
    return pickle.loads(pickle.dumps(scorer))


def test_copies_score_alike():
    X, y, domain = two_domains()
    marked = np.where(domain < 0, -1, y)
    for scorer in all_three(X, y, domain).values():
        for again in (copy.deepcopy(scorer), clone(scorer, safe=False), pickle_round_trip(scorer)):
            assert again(fitted(cut=0.3), X, marked) == scorer(fitted(cut=0.3), X, marked)
            assert repr(again) == repr(scorer)
        search = clone(GridSearchCV(Cut(), {"cut": [0.0]}, scoring=scorer))
        assert repr(search.scoring) == repr(scorer)


def test_a_search_says_what_its_score_was_made_from():
    X, y, domain = two_domains()
    scorers = all_three(X, y, domain)
    assert [scorer.uses for scorer in scorers.values()] == [
        "labels of the source frames, none of the target",
        "40 target frames, none of their labels",
        "6 target labels",
    ]
    for scorer in scorers.values():
        search = GridSearchCV(Cut(), {"cut": [0.0]}, scoring=scorer)
        assert scorer.uses in " ".join(repr(search).split())
        assert scorer.uses in repr(search.get_params())
        assert scorer.uses in search._repr_html_()
    search = GridSearchCV(Cut(), {"cut": [0.0]}, scoring=scorers, refit="source")
    for scorer in scorers.values():
        assert scorer.uses in " ".join(repr(search).split())
    assert repr(SourceScorer(make_scorer(recall_score, pos_label="hit"))).startswith(
        "<SourceScorer(make_scorer(recall_score, response_method='predict', pos_label=hit)) uses "
    )


# -- What cannot be used -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("y", "domain", "message"),
    [
        ([-1, -1], None, "given 2 rows and none of them is a labelled row of the source"),
        ([0, 1], [-1, -2], "none of them is a labelled row"),
        ([-1, 1], [1, -1], "none of them is a labelled row"),
        ([0, 1], [1], "sample_domain has 1 values for 2 rows of X: give one for each"),
        ([0, 1, 1], None, "inconsistent numbers of samples"),
    ],
)
def test_rows_that_cannot_be_scored(y, domain, message):
    with pytest.raises(ValueError, match=message):
        SourceScorer()(fitted(), np.zeros((2, 1)), y, sample_domain=domain)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda X: SourceScorer("recal"), "scoring='recal' is not a scorer.*get_scorer_names"),
        (lambda X: SourceScorer(recall_score), "is not a scorer; make a scorer of a metric"),
        (lambda X: SourceScorer(["recall"]), "has to be the name of one score or a scorer"),
        (lambda X: SourceScorer(None), "scoring is None"),
        (lambda X: TargetLabelScorer(X, [0, 1], 3), "TargetLabelScorer: scoring is 3"),
        (lambda X: TargetLabelScorer(X, [0, 1, 1]), "y has 3 values for 2 rows of X"),
        (lambda X: TargetLabelScorer(X, [1, 1]), "2 labels, all of them 1, and a model that"),
        (lambda X: TargetLabelScorer(X[:0], []), "needs a target frame at least"),
        (lambda X: TargetLabelScorer(X, [0, np.nan]), "y contains NaN"),
        (lambda X: TargetLabelScorer(X, [0.1, 0.2]), "Unknown label type"),
        (lambda X: TargetEntropyScorer(X[:0]), "TargetEntropyScorer needs a target frame at"),
    ],
)
def test_parameters_that_cannot_be_used(make, message):
    with pytest.raises(ValueError, match=message):
        make(np.zeros((2, 1)))


def test_models_without_probabilities_or_with_one_class():
    scorer = TargetEntropyScorer(np.zeros((2, 1)))
    svc = LinearSVC().fit([[0.0], [1.0]], [0, 1])
    with pytest.raises(InputError, match="LinearSVC has no predict_proba: wrap it in Calibrated"):
        scorer(svc, None)
    with pytest.raises(InputError, match="fitted on labels of one"):
        TargetEntropyScorer(np.ones((2, 1)))(Says(), None)
