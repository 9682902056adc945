"""The threshold that reaches a wanted recall."""

import io
import pickle

import joblib
import numpy as np
import pytest
import sklearn
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, binomtest, norm
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    RepeatedStratifiedKFold,
    StratifiedKFold,
    StratifiedShuffleSplit,
    cross_val_predict,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.semi_supervised import SelfTrainingClassifier
from sklearn.tree import DecisionTreeClassifier

from sklearn_sfx import open_frames
from sklearn_sfx._intervals import clopper_pearson_lower
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.model_selection import LabelledStratifiedKFold, TargetRecallClassifier
from sklearn_sfx.model_selection._target_recall import hits_needed


class FirstColumn(ClassifierMixin, BaseEstimator):
    """Learns nothing: the probability of the greater class is the first column of X."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        return np.column_stack([1 - X[:, 0], X[:, 0]])

    def predict(self, X):
        return self.classes_[(X[:, 0] >= 0.5).astype(int)]


def with_scores(hits, misses=None):
    """Return X and y of which FirstColumn gives these probabilities."""
    misses = np.zeros(10) if misses is None else misses
    return np.concatenate([misses, hits])[:, None], np.repeat([0, 1], [len(misses), len(hits)])


def two_clouds(seed, n=100, shift=1.5, n_features=5):
    rng = np.random.default_rng(seed)
    y = np.repeat([0, 1], n)
    X = rng.normal(size=(2 * n, n_features))
    X[:, 0] += shift * y
    return X, y


# -- How many labels it takes ------------------------------------------------------------------


# The usual sample sizes of a test by attributes, for no failure and for one.
@pytest.mark.parametrize(
    ("recall", "confidence", "none_lost", "one_lost"),
    [
        (0.9, 0.9, 22, 38),
        (0.9, 0.95, 29, 46),
        (0.95, 0.5, 14, 34),
        (0.95, 0.9, 45, 77),
        (0.95, 0.95, 59, 93),
    ],
)
def test_the_numbers_of_labels_are_the_published_ones(recall, confidence, none_lost, one_lost):
    assert hits_needed(recall, confidence) == none_lost
    for n, n_lost in ((none_lost, 0), (one_lost, 1)):
        assert clopper_pearson_lower(n - 1 - n_lost, n - 1, confidence) < recall
        assert clopper_pearson_lower(n - n_lost, n, confidence) >= recall


# -- The threshold -----------------------------------------------------------------------------


@settings(deadline=None, max_examples=60)
@given(
    levels=st.lists(st.integers(0, 30), min_size=5, max_size=120),
    recall=st.floats(0.3, 0.95),
    confidence=st.one_of(st.none(), st.floats(0.3, 0.95)),
)
def test_the_threshold_is_the_highest_that_keeps_enough(levels, recall, confidence):
    hits = np.array(levels) / 30  # few levels, so that many hits tie
    X, y = with_scores(hits)
    model = TargetRecallClassifier(
        FirstColumn(), recall=recall, confidence=confidence, random_state=0
    )
    if confidence is not None and len(hits) < hits_needed(recall, confidence):
        with pytest.raises(InputError, match=f"takes {hits_needed(recall, confidence)} labelled"):
            model.fit(X, y)
        return
    model.fit(X, y)

    def reached(kept):
        if confidence is None:
            return kept / len(hits)
        test = binomtest(int(kept), len(hits), alternative="greater")
        return test.proportion_ci(confidence, method="exact").low

    kept = model.predict(X)[y == 1].sum()
    assert model.recall_ == kept / len(hits)
    assert reached(kept) >= recall - 1e-12
    assert reached(np.sum(hits > model.threshold_)) < recall + 1e-12
    if confidence is None:
        assert np.isnan(model.recall_bound_)
    else:
        assert recall - 1e-12 <= model.recall_bound_ <= reached(kept) + 1e-12


@settings(deadline=None, max_examples=25)
@given(
    seed=st.integers(0, 1000),
    recalls=st.lists(st.floats(0.1, 0.97), min_size=2, max_size=4).map(sorted),
    confidence=st.sampled_from([None, 0.5, 0.9]),
)
def test_asking_for_more_never_raises_the_threshold(seed, recalls, confidence):
    hits = np.round(np.random.default_rng(seed).random(90), 2)
    thresholds = [
        TargetRecallClassifier(FirstColumn(), recall=recall, confidence=confidence, random_state=0)
        .fit(*with_scores(hits))
        .threshold_
        for recall in recalls
    ]
    assert thresholds == sorted(thresholds, reverse=True)


def test_known_thresholds():
    X, y = with_scores(np.arange(1, 81) / 100)
    fitted = {
        confidence: TargetRecallClassifier(FirstColumn(), confidence=confidence).fit(X, y)
        for confidence in (0.95, 0.9, 0.5, None)
    }
    # Of 80 hits one may be lost at confidence 0.9, none at 0.95, and 4 of 80 are 5 %.
    assert fitted[0.95].threshold_ == 0.01
    assert fitted[0.9].threshold_ == 0.02
    assert fitted[0.9].recall_ == 79 / 80
    assert fitted[None].threshold_ == 0.05
    assert fitted[None].recall_ == 0.95
    assert 0.02 < fitted[0.5].threshold_ <= 0.05
    keep_all = TargetRecallClassifier(FirstColumn(), recall=1, confidence=None).fit(X, y)
    assert keep_all.threshold_ == 0.01


def test_hits_that_tie_are_kept_together():
    X, y = with_scores(np.repeat([0.25, 0.75], [40, 40]))
    model = TargetRecallClassifier(FirstColumn(), recall=0.6).fit(X, y)
    assert model.threshold_ == 0.25
    assert model.recall_ == 1
    assert 0.6 <= model.recall_bound_ < 0.65  # of the hits that were needed, not of all that tie


def test_the_recall_is_reached_as_often_as_promised():
    """Scores are uniform, so the recall at a threshold is known: one minus the threshold."""
    n, recall, confidence, n_samples = 60, 0.9, 0.9, 300
    kept = np.searchsorted(clopper_pearson_lower(np.arange(n + 1), n, confidence), recall)
    exact = binom.cdf(kept - 1, n, recall)  # what theory says of this number of hits
    assert confidence <= exact < 0.96
    frozen = FrozenEstimator(FirstColumn().fit(None, [0, 1]))
    reached = 0
    for seed in range(n_samples):
        X, y = with_scores(np.random.default_rng(seed).random(n), np.zeros(2))
        model = TargetRecallClassifier(frozen, recall=recall, cv=2, random_state=0).fit(X, y)
        reached += 1 - model.threshold_ >= recall
    spread = np.sqrt(exact * (1 - exact) / n_samples)
    assert abs(reached / n_samples - exact) < 3 * spread


def test_the_folds_stand_for_the_final_model():
    """The scores of a line through two normal clouds are normal, so the recall is known."""
    reached = []
    for seed in range(60):
        X, y = two_clouds(seed)
        model = TargetRecallClassifier(LogisticRegression(), recall=0.9, random_state=seed)
        model.fit(X, y)
        weight = model.estimator_.coef_[0]
        center = model.estimator_.intercept_[0] + 1.5 * weight[0]
        cut = np.log(model.threshold_ / (1 - model.threshold_))
        reached.append(norm.sf(cut, center, np.linalg.norm(weight)) >= 0.9)
    assert np.mean(reached) >= 0.9


# -- As an estimator ---------------------------------------------------------------------------


def test_the_probabilities_are_out_of_fold():
    X, y = two_clouds(0)
    cv = StratifiedKFold(4, shuffle=True, random_state=1)
    model = TargetRecallClassifier(LogisticRegression(), confidence=None, cv=cv).fit(X, y)
    scores = cross_val_predict(LogisticRegression(), X, y, cv=cv, method="predict_proba")[:, 1]
    assert model.threshold_ == np.sort(scores[y == 1])[5]
    np.testing.assert_array_equal(
        model.predict_proba(X), LogisticRegression().fit(X, y).predict_proba(X)
    )


@pytest.mark.parametrize("labels", [[0, 1], [-1, 1], [False, True], [2.0, 3.0]])
def test_numbers_as_labels(labels):
    X, y = two_clouds(0)
    named = np.array(labels)[y]
    model = TargetRecallClassifier(LogisticRegression(), random_state=0).fit(X, named)
    assert model.pos_label_ == labels[1]
    assert model.predict(X).dtype == named.dtype
    plain = TargetRecallClassifier(LogisticRegression(), random_state=0).fit(X, y)
    assert model.threshold_ == plain.threshold_
    np.testing.assert_array_equal(model.predict(X), np.array(labels)[plain.predict(X)])


def test_either_string_can_be_the_hit():
    X, y = two_clouds(0)
    named = np.array(["miss", "hit"])[y]  # the hit sorts first
    model = TargetRecallClassifier(LogisticRegression(), pos_label="hit", random_state=0)
    found = model.fit(X, named).predict(X)
    assert model.threshold_ < 0.5
    assert np.mean(found[y == 1] == "hit") >= 0.95
    np.testing.assert_array_equal(found == "hit", model.predict_proba(X)[:, 0] >= model.threshold_)
    with pytest.raises(InputError, match=r"pos_label, of \['hit', 'miss'\]"):
        TargetRecallClassifier(LogisticRegression()).fit(X, named)
    with pytest.raises(InputError, match="pos_label='Hit' is not one of the labels"):
        TargetRecallClassifier(LogisticRegression(), pos_label="Hit").fit(X, named)


def test_frames_in_a_pipeline_in_a_search():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], 60)
    values = rng.poisson(20, (120, 6, 5)).astype(np.uint16)
    values[y == 1] += 2
    model = TargetRecallClassifier(
        make_pipeline(
            FunctionTransformer(np.mean, kw_args={"axis": 1}),
            StandardScaler(),
            LogisticRegression(),
        ),
        recall=0.9,
        cv=3,
        random_state=0,
    )
    frames = open_frames(values)
    fitted = clone(model).fit(frames, y)
    assert fitted.recall_ >= 0.9
    assert fitted.threshold_ == clone(model).fit(values, y).threshold_
    np.testing.assert_array_equal(fitted.predict(frames), fitted.predict(values))
    grid = {"estimator__logisticregression__C": [1e-4, 1.0], "recall": [0.5, 0.9]}
    search = GridSearchCV(model, grid, scoring="recall", cv=2).fit(frames, y)
    assert search.best_params_["recall"] == 0.9


def test_it_is_the_same_in_processes_and_after_a_pickle():
    X, y = two_clouds(0)
    model = TargetRecallClassifier(LogisticRegression(), random_state=0).fit(X, y)
    parallel = clone(model).set_params(n_jobs=2).fit(X, y)
    assert parallel.threshold_ == model.threshold_
    stored = io.BytesIO()
    joblib.dump(model, stored)
    stored.seek(0)
    for copy in (pickle.loads(pickle.dumps(model)), joblib.load(stored)):
        np.testing.assert_array_equal(copy.predict(X), model.predict(X))


def test_rows_without_labels_train_and_do_not_count():
    X, y = two_clouds(0)
    y = y.copy()
    y[::3] = -1
    cv = LabelledStratifiedKFold(4, shuffle=True, random_state=0)
    model = TargetRecallClassifier(SelfTrainingClassifier(LogisticRegression()), cv=cv)
    model.fit(X, y)
    assert model.classes_.tolist() == [0, 1]
    assert set(model.predict(X)) == {0, 1}
    n_hits = np.count_nonzero(y == 1)
    assert model.recall_ * n_hits == pytest.approx(round(model.recall_ * n_hits))
    with pytest.raises(InputError, match=r"learned the classes \[-1, 0, 1\]"):
        TargetRecallClassifier(LogisticRegression(), cv=cv).fit(X, y)
    with pytest.raises(InputError, match="cv=LabelledStratifiedKFold"):
        TargetRecallClassifier(SelfTrainingClassifier(LogisticRegression())).fit(X, y)


def test_a_part_held_back_and_a_list_of_folds():
    X, y = two_clouds(0)
    part = StratifiedShuffleSplit(n_splits=1, test_size=0.5, random_state=0)
    train, test = next(part.split(X, y))
    held_back = TargetRecallClassifier(LogisticRegression(), cv=part).fit(X, y)
    scores = LogisticRegression().fit(X[train], y[train]).predict_proba(X[test])[:, 1]
    assert held_back.threshold_ == np.sort(scores[y[test] == 1])[0]  # 50 hits: none may be lost
    listed = TargetRecallClassifier(LogisticRegression(), cv=[(train, test)]).fit(X, y)
    assert listed.threshold_ == held_back.threshold_


def test_metadata_is_routed():
    X, y = two_clouds(0)
    weight = np.where(y == 1, 5.0, 1.0)
    groups = np.arange(200) % 10
    with pytest.raises(ValueError, match="enable_metadata_routing"):
        TargetRecallClassifier(LogisticRegression()).fit(X, y, groups=groups)
    with sklearn.config_context(enable_metadata_routing=True):
        inner = LogisticRegression().set_fit_request(sample_weight=True)
        model = TargetRecallClassifier(inner, confidence=None, cv=GroupKFold(5))
        model.fit(X, y, sample_weight=weight, groups=groups)
        scores = cross_val_predict(
            inner,
            X,
            y,
            cv=GroupKFold(5),
            method="predict_proba",
            params={"sample_weight": weight, "groups": groups},
        )
    assert model.threshold_ == np.sort(scores[y == 1, 1])[5]
    direct = LogisticRegression().fit(X, y, sample_weight=weight)
    np.testing.assert_array_equal(model.estimator_.coef_, direct.coef_)


@pytest.mark.parametrize(
    ("n_hits", "arguments", "message"),
    [
        (30, {}, "takes 45 labelled hits or more, and there are 30, enough for 0.926"),
        (30, {"recall": 1.0}, "takes more labels than there are: set confidence=None"),
        (3, {}, "Class 1 has 3 labels, fewer than the 5 folds"),
        (60, {"cv": RepeatedStratifiedKFold(n_splits=2)}, "tested once at most"),
        (60, {"cv": [(np.arange(10, 70), np.arange(10))]}, "test rows of one class only, 0"),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_is_fitted(n_hits, arguments, message):
    class Untouchable(FirstColumn):
        def fit(self, X, y):
            raise AssertionError("was fitted")

    X, y = with_scores(np.linspace(0.1, 0.9, n_hits))
    with pytest.raises(InputError, match=message):
        TargetRecallClassifier(Untouchable(), **arguments).fit(X, y)


def test_folds_that_train_on_one_class_are_refused():
    X, y = two_clouds(0)
    folds = [(np.flatnonzero(y == 1)[50:], np.r_[0:50, 100:150])]
    with pytest.raises(InputError, match=r"learned the classes \[1\]"):
        TargetRecallClassifier(DecisionTreeClassifier(), cv=folds).fit(X, y)


def test_probabilities_that_are_no_numbers_are_refused():
    X, y = with_scores(np.full(60, np.nan))
    with pytest.raises(ValueError, match="probability of a hit contains NaN"):
        TargetRecallClassifier(FirstColumn()).fit(X, y)


def test_tags_are_those_of_the_inner_estimator():
    tags = TargetRecallClassifier(FirstColumn()).__sklearn_tags__()
    assert not tags.classifier_tags.multi_class
    assert tags.input_tags == FirstColumn().__sklearn_tags__().input_tags
