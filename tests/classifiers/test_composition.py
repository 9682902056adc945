"""Our classifiers inside scikit-learn's searches, thresholds, calibration and ensembles.

Frames, (n, height, width), and lazy `Frames` go into pipelines, searches, cross-validation,
learning curves, calibration, thresholds, votes and stacks. scikit-learn's bagging, self-training,
permutation importance and ``StackingClassifier(passthrough=True)`` read tables only: they take the
vectors of `RowWiseDecomposition`, and stand behind it in a pipeline that reads frames.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import h5py
import numpy as np
import pytest
from sklearn import config_context
from sklearn.base import BaseEstimator, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.frozen import FrozenEstimator
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (
    balanced_accuracy_score,
    brier_score_loss,
    fbeta_score,
    log_loss,
    make_scorer,
    precision_score,
    recall_score,
)
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    HalvingGridSearchCV,
    StratifiedKFold,
    TunedThresholdClassifierCV,
    cross_val_predict,
    cross_validate,
    learning_curve,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.semi_supervised import SelfTrainingClassifier

from sklearn_sfx.classifiers import CNN1D, CNN2D, DANN, FineTuned
from sklearn_sfx.exceptions import NoTargetWarning
from sklearn_sfx.frames import Frames, open_frames
from sklearn_sfx.model_selection import LabelledStratifiedKFold, TargetRecallClassifier
from sklearn_sfx.preprocessing import GCN, LCN, CentralCrop, RowWiseDecomposition

LENGTH, SHAPE = (60,), (12, 12)
TINY = {
    "channels": (4, 8),
    "n_hidden": 8,
    "max_epochs": 8,
    "batch_size": 16,
    "lr": 0.02,
    "dropout": 0.0,
    "augment": False,
    "random_state": 0,
}
# From a net that shuns false hits to one that keeps what might be a hit.
CAUTIOUS, EVEN, KEEN = {0: 8, 1: 1}, {0: 1, 1: 1}, {0: 1, 1: 8}


# -- Inputs, and the classifiers that read them --------------------------------------------------


@functools.cache
def faint(frame_shape, n, seed):
    """Return noise, with spots in half of the rows, some too faint to be told from it; and y."""
    rng = np.random.default_rng(seed)
    X = rng.gumbel(5.0, 0.5, (n, *frame_shape)).astype(np.float32)
    y = rng.permutation(np.arange(n) % 2)
    n_spots, height = ((3, 9), (1.5, 4.0)) if len(frame_shape) == 1 else ((4, 12), (2.0, 8.0))
    pixels = X.reshape(n, -1)
    for row in np.flatnonzero(y):
        spots = rng.choice(pixels.shape[1], rng.integers(*n_spots), replace=False)
        pixels[row, spots] += rng.uniform(*height, len(spots))
    X.setflags(write=False)
    return X, y


def make_cnn1d(**changes):
    return CNN1D(**{**TINY, **changes})


def make_cnn2d(**changes):
    return CNN2D(**{**TINY, "channels": (8,), "first_kernel_size": 3, **changes})


@functools.cache
def base_of_another_run(make, frame_shape):
    return make().fit(*faint(frame_shape, 200, seed=50))


def make_fine_tuned(base, frame_shape, **changes):
    settings = {name: TINY[name] for name in ("max_epochs", "batch_size", "lr", "random_state")}
    settings |= {"augment": False, "head_max_epochs": 4, "head_lr": 0.02, **changes}
    return FineTuned(base_of_another_run(base, frame_shape), **settings)


class Case(NamedTuple):
    make: Callable[..., BaseEstimator]
    frame_shape: tuple[int, ...]


CASES = {
    "CNN1D": Case(make_cnn1d, LENGTH),
    "CNN2D": Case(make_cnn2d, SHAPE),
    "FineTuned-CNN1D": Case(functools.partial(make_fine_tuned, make_cnn1d, LENGTH), LENGTH),
    "FineTuned-CNN2D": Case(functools.partial(make_fine_tuned, make_cnn2d, SHAPE), SHAPE),
}
# A net that is fine-tuned is composed as any other: one kind of input is enough, where it is slow.
MOST = ["CNN1D", "CNN2D", "FineTuned-CNN1D"]
ON_VECTORS = [name for name, case in CASES.items() if case.frame_shape == LENGTH]


def cases(names=MOST):
    return pytest.mark.parametrize("case", [pytest.param(CASES[name], id=name) for name in names])


def train_of(case, n=120):
    return faint(case.frame_shape, n, seed=0)


def test_of(case):
    return faint(case.frame_shape, 300, seed=99)


test_of.__test__ = False


def linear(case):
    """Return a companion from scikit-learn that reads the same input."""
    model = make_pipeline(StandardScaler(), LogisticRegression())
    return model if case.frame_shape == LENGTH else make_pipeline(RowWiseDecomposition(), model)


def lazy(X):
    """Return Frames that read as X, the vectors by row-wise decomposition."""
    if X.ndim == 3:
        return open_frames(X)
    frames = open_frames(np.stack([X, np.zeros_like(X)], axis=2))
    return RowWiseDecomposition().fit_transform(frames)


def make_whole(**changes):
    network = make_cnn1d(**{"batch_size": 8, "max_epochs": 12, **changes})
    return make_pipeline(CentralCrop(90), GCN(), LCN(5), RowWiseDecomposition(), network)


@pytest.fixture(scope="module")
def run(spotted, tmp_path_factory):
    """Return the frames with spots as a lazy run in a file, and labels."""
    path = tmp_path_factory.mktemp("run") / "run.h5"
    with h5py.File(path, "w") as file:
        file["entry/data"] = spotted[0]
    return open_frames(path), spotted[2]


def same(a, b):
    np.testing.assert_array_equal(a, b, strict=True)


def close(a, b):
    """Steps that are fused on lazy frames round the last bits in another way."""
    np.testing.assert_allclose(a, b, rtol=0, atol=1e-3)


def check_probabilities(probability, n):
    assert probability.shape == (n, 2)
    assert (probability >= 0).all()
    np.testing.assert_allclose(probability.sum(axis=1), 1.0, rtol=0, atol=1e-9)


# -- Pipelines -----------------------------------------------------------------------------------


def test_the_whole_pipeline_finds_the_hits_of_a_lazy_run(run, spotted, other_spotted):
    frames, y = run
    model = make_whole().fit(frames, y)
    predicted = model.predict(open_frames(other_spotted[0]))
    assert recall_score(other_spotted[1], predicted) > 0.95
    assert precision_score(other_spotted[1], predicted) > 0.95
    in_memory = make_whole().fit(spotted[0], y)
    close(model.predict_proba(frames), in_memory.predict_proba(spotted[0]))


def test_a_search_reaches_the_preprocessing(run):
    """A crop of 20 pixels shows four of the 49 places where spots are; one of 90 shows them all."""
    grid = {"centralcrop__size": [20, 90], "lcn__kernel_size": [5]}
    search = GridSearchCV(make_whole(), grid, scoring="recall", cv=2).fit(*run)
    assert search.best_params_["centralcrop__size"] == 90
    assert search.best_score_ > 0.9
    assert search.cv_results_["mean_test_score"][0] < 0.9
    assert search.best_estimator_[0].size == 90


def test_a_search_chooses_among_classifiers(run):
    never = DummyClassifier(strategy="constant", constant=0)
    grid = {"cnn1d": [never, make_whole()[-1]]}
    search = GridSearchCV(make_whole(), grid, scoring="recall", cv=2).fit(*run)
    assert isinstance(search.best_params_["cnn1d"], CNN1D)
    assert search.cv_results_["mean_test_score"][0] == 0
    assert search.best_score_ > 0.9


def test_a_pipeline_that_caches_its_steps_gives_the_same(run, tmp_path):
    expected = make_whole().fit(*run).predict_proba(run[0])
    cached = make_whole().set_params(memory=str(tmp_path))
    for _ in range(2):
        same(clone(cached).fit(*run).predict_proba(run[0]), expected)
    assert list(tmp_path.rglob("output.pkl"))


def test_rows_and_columns_side_by_side(run, spotted):
    profiles = FeatureUnion(
        [("rows", RowWiseDecomposition()), ("columns", RowWiseDecomposition(axis="column"))]
    )
    model = make_pipeline(GCN(), LCN(5), profiles, make_cnn1d(max_epochs=25))
    model.fit(*run)
    assert model[-1].frame_shape_in_ == (92 + 92,)
    assert model.score(*run) > 0.95
    close(model.predict_proba(run[0]), model.predict_proba(spotted[0]))


# -- Searches and cross-validation ---------------------------------------------------------------


@cases()
def test_grid_search_finds_what_has_the_highest_recall(case):
    X, y = train_of(case)
    grid = {"class_weight": [CAUTIOUS, EVEN, KEEN]}
    scoring = {name: name for name in ("recall", "accuracy")}
    model = case.make(max_epochs=12)
    search = GridSearchCV(model, grid, scoring=scoring, refit="recall", cv=2).fit(X, y)
    assert search.best_params_ == {"class_weight": KEEN}
    assert search.best_score_ == search.cv_results_["mean_test_recall"].max()
    # By accuracy another one is the best, so it was the recall that decided.
    assert np.argmax(search.cv_results_["mean_test_accuracy"]) != search.best_index_
    X_test, y_test = test_of(case)
    expected = case.make(max_epochs=12, class_weight=KEEN).fit(X, y)
    same(search.predict_proba(X_test), expected.predict_proba(X_test))
    assert search.score(X_test, y_test) == recall_score(y_test, expected.predict(X_test)) > 0.95


@pytest.mark.parametrize(
    ("name", "resource"),
    [("CNN1D", "n_samples"), ("CNN2D", "max_epochs"), ("FineTuned-CNN1D", "max_epochs")],
)
def test_halving_search_gives_more_to_the_candidates_with_recall(name, resource):
    case = CASES[name]
    X, y = train_of(case)
    budget = {"n_samples": (60, 120), "max_epochs": (6, 12)}[resource]
    search = HalvingGridSearchCV(
        case.make(max_epochs=12),
        {"class_weight": [CAUTIOUS, {0: 3, 1: 1}, {0: 2, 1: 1}, KEEN]},
        scoring="recall",
        resource=resource,
        min_resources=budget[0],
        max_resources=budget[1],
        factor=2,
        cv=2,
        random_state=0,
    ).fit(X, y)
    assert search.n_resources_ == list(budget)
    assert search.n_candidates_ == [4, 2]
    results = search.cv_results_
    last = [p for p, i in zip(results["params"], results["iter"], strict=True) if i == 1]
    assert {"class_weight": CAUTIOUS} not in last
    assert search.best_params_["class_weight"] == KEEN
    X_test, y_test = test_of(case)
    assert recall_score(y_test, search.predict(X_test)) > 0.95


@cases()
def test_each_row_is_predicted_by_a_net_that_has_not_seen_it(case):
    X, y = train_of(case)
    cv = StratifiedKFold(3, shuffle=True, random_state=0)
    seen = case.make().fit(X, y)  # what it has learned stays out of it
    probability = cross_val_predict(seen, X, y, cv=cv, method="predict_proba")
    check_probabilities(probability, len(y))
    for train, test in cv.split(X, y):
        same(probability[test], case.make().fit(X[train], y[train]).predict_proba(X[test]))
    assert recall_score(y, probability[:, 1] > 0.5) > 0.8


@cases(["CNN1D", "CNN2D"])
def test_recall_rises_with_labels(case):
    X, y = faint(case.frame_shape, 240, seed=10)
    cv = StratifiedKFold(3, shuffle=True, random_state=0)
    # As long as a net has learned little it calls all frames alike: with these weights, misses.
    model = case.make(batch_size=8, class_weight=CAUTIOUS)
    sizes, train, test = learning_curve(
        model, X, y, train_sizes=[36, 160], cv=cv, scoring="recall", shuffle=True, random_state=0
    )
    assert sizes.tolist() == [36, 160]
    assert train.shape == test.shape == (2, 3)
    few, many = test.mean(axis=1)
    assert few < 0.5
    assert many > few + 0.1


@pytest.mark.parametrize("name", ["CNN1D", "CNN2D"])
def test_a_fine_tuned_net_learns_from_labels_too_few_for_a_fresh_one(name):
    """The clones that a learning curve makes keep what the base has learned."""
    fresh, tuned = CASES[name], CASES[f"FineTuned-{name}"]
    X, y = faint(fresh.frame_shape, 240, seed=7)
    settings = {
        "train_sizes": [36],
        "cv": StratifiedKFold(3, shuffle=True, random_state=0),
        "shuffle": True,
        "random_state": 0,
        "scoring": "balanced_accuracy",
    }
    from_base = learning_curve(tuned.make(), X, y, **settings)[2].mean()
    from_scratch = learning_curve(fresh.make(), X, y, **settings)[2].mean()
    assert from_base > 0.85
    assert from_scratch < 0.75


# -- Probabilities and thresholds ----------------------------------------------------------------


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


# -- Ensembles -----------------------------------------------------------------------------------


@cases(ON_VECTORS)
def test_bagged_nets_differ_and_are_not_worse_together(case):
    X, y = train_of(case)
    X_test, y_test = test_of(case)
    bag = BaggingClassifier(case.make(), n_estimators=3, random_state=0).fit(X, y)
    each = [net.predict_proba(X_test) for net in bag.estimators_]
    together = bag.predict_proba(X_test)
    np.testing.assert_allclose(together, np.mean(each, axis=0), rtol=0, atol=1e-12)
    assert len({net.random_state for net in bag.estimators_}) == 3
    assert np.abs(each[0] - each[1]).max() > 0.1
    assert np.abs(each[1] - each[2]).max() > 0.1
    # No mean is worse than the mean of what each one loses; and 120 rows make a good net alone.
    assert log_loss(y_test, together) < np.mean([log_loss(y_test, one) for one in each])
    assert bag.score(X_test, y_test) >= case.make().fit(X, y).score(X_test, y_test) - 0.01


@cases()
def test_a_vote_is_the_mean_of_its_members(case):
    X, y = train_of(case)
    X_test, y_test = test_of(case)
    names = np.array(["MISS", "HIT"])
    members = [("net", case.make()), ("linear", linear(case))]
    vote = VotingClassifier(members, voting="soft", weights=[3, 1]).fit(X, names[y])
    assert vote.classes_.tolist() == ["HIT", "MISS"]
    net, other = (clone(member).fit(X, names[y]) for _, member in members)
    expected = (3 * net.predict_proba(X_test) + other.predict_proba(X_test)) / 4
    np.testing.assert_allclose(vote.predict_proba(X_test), expected, rtol=0, atol=1e-12)
    assert vote.score(X_test, names[y_test]) > 0.85


@cases()
def test_a_stack_listens_to_the_net_and_not_to_chance(case):
    X, y = train_of(case)
    X_test, y_test = test_of(case)
    chance = DummyClassifier(strategy="stratified", random_state=0)
    stack = StackingClassifier([("net", case.make()), ("chance", chance)], cv=3).fit(X, y)
    weight = dict(
        zip(stack.named_estimators_, np.abs(stack.final_estimator_.coef_[0]), strict=True)
    )
    assert weight["net"] > 4 * weight["chance"]
    check_probabilities(stack.predict_proba(X_test), len(y_test))
    net = case.make().fit(X, y)
    same(stack.named_estimators_["net"].predict_proba(X_test), net.predict_proba(X_test))
    assert stack.score(X_test, y_test) > net.score(X_test, y_test) - 0.03


@cases(ON_VECTORS)
def test_self_training_labels_more_rows_and_rightly(case):
    X, y = faint(case.frame_shape, 200, seed=12)
    known = np.arange(len(y)) < 60
    model = SelfTrainingClassifier(case.make(), threshold=0.9, max_iter=3)
    model.fit(X, np.where(known, y, -1))
    added = model.labeled_iter_ > 0
    assert not (added & known).any()
    assert added.sum() > 60
    assert np.mean(model.transduction_[added] == y[added]) > 0.9
    X_test, y_test = test_of(case)
    alone = case.make().fit(X[known], y[known])
    assert model.score(X_test, y_test) >= alone.score(X_test, y_test) - 0.01


# -- Inspection ----------------------------------------------------------------------------------


@cases(ON_VECTORS)
def test_shuffling_the_rows_with_spikes_costs_recall(case):
    """Each hit has its spike in one of three rows of the frame; no other row tells anything."""
    spiked = [7, 30, 51]
    X, y = faint(case.frame_shape, 120, seed=20)
    X = np.random.default_rng(21).gumbel(5.0, 0.5, X.shape).astype(np.float32)
    hits = np.flatnonzero(y)
    X[hits, np.resize(spiked, len(hits))] += 12.0
    model = case.make().fit(X, y)
    assert model.score(X, y) > 0.95
    found = permutation_importance(model, X, y, scoring="recall", n_repeats=1, random_state=0)
    assert sorted(np.argsort(found.importances_mean)[-3:].tolist()) == spiked
    assert found.importances_mean[spiked].min() > 0.1
    assert np.delete(found.importances_mean, spiked).max() < 0.05


# -- Lazy input ----------------------------------------------------------------------------------

ANY_INPUT = {
    "grid": lambda net, other: GridSearchCV(net, {"lr": [0.02]}, scoring="recall", cv=2),
    "halving": lambda net, other: HalvingGridSearchCV(
        net, {"lr": [0.01, 0.02]}, scoring="recall", cv=2, factor=2, random_state=0
    ),
    "calibrated": lambda net, other: CalibratedClassifierCV(net, cv=2),
    "tuned": lambda net, other: TunedThresholdClassifierCV(
        net, scoring="recall", cv=2, thresholds=5
    ),
    "wanted": lambda net, other: TargetRecallClassifier(net, recall=0.8, cv=2, random_state=0),
    "vote": lambda net, other: VotingClassifier([("a", net), ("b", other)], voting="soft"),
    "stack": lambda net, other: StackingClassifier([("a", net), ("b", other)], GaussianNB(), cv=2),
}
TABLES_ONLY = {
    "bagging": lambda net, other: BaggingClassifier(net, n_estimators=2, random_state=0),
    "self-training": lambda net, other: SelfTrainingClassifier(net, max_iter=1),
    "stack with X": lambda net, other: StackingClassifier(
        [("a", net), ("b", other)], DummyClassifier(), cv=2, passthrough=True
    ),
}


def compositions():
    """Yield each composition with the cases that it reads."""
    for name in ("CNN1D", "CNN2D", "FineTuned-CNN2D"):
        case = CASES[name]
        reads = {**ANY_INPUT, **TABLES_ONLY} if case.frame_shape == LENGTH else ANY_INPUT
        yield from (pytest.param(case, make, id=f"{name}-{one}") for one, make in reads.items())


@pytest.mark.parametrize(("case", "compose"), list(compositions()))
def test_lazy_input_gives_what_arrays_give(case, compose):
    X, y = train_of(case)
    other = GaussianNB()
    if case.frame_shape == SHAPE:
        other = make_pipeline(RowWiseDecomposition(), other)
    model = compose(case.make(max_epochs=1), other)
    if isinstance(model, SelfTrainingClassifier):
        y = np.where(np.arange(len(y)) < 60, y, -1)
    from_array, from_frames = clone(model).fit(X, y), clone(model).fit(lazy(X), y)
    same(from_frames.predict_proba(lazy(X)), from_array.predict_proba(X))
    same(from_frames.predict(lazy(X)[::-1]), from_array.predict(X[::-1]))


@pytest.mark.parametrize("name", TABLES_ONLY)
@pytest.mark.parametrize("lazily", [False, True], ids=["array", "lazy"])
def test_frames_are_refused_by_what_reads_tables_only(name, lazily):
    """The limit is scikit-learn's: these check X as a table, or put it beside one."""
    case = CASES["CNN2D"]
    X, y = train_of(case)
    model = TABLES_ONLY[name](case.make(max_epochs=1), linear(case))
    message = "dim 3, while dim <= 2 is required|must have same number of dimensions"
    with pytest.raises(ValueError, match=message):
        model.fit(lazy(X) if lazily else X, y)


def test_permutation_importance_refuses_frames():
    case = CASES["CNN2D"]
    X, y = train_of(case)
    model = case.make(max_epochs=1).fit(X, y)
    with pytest.raises(ValueError, match="dim 3, while dim <= 2 is required"):
        permutation_importance(model, X, y)


def test_boosting_says_that_it_would_need_weights_of_samples():
    case = CASES["CNN1D"]
    with pytest.raises(ValueError, match="CNN1D doesn't support sample_weight"):
        AdaBoostClassifier(case.make()).fit(*train_of(case))


@pytest.mark.parametrize("name", ["bagging", "self-training"])
def test_a_run_reaches_what_reads_tables_only_through_its_vectors(run, other_spotted, name):
    frames, y = run
    if name == "self-training":
        y = np.where(np.arange(len(y)) < 24, y, -1)
    last = TABLES_ONLY[name](make_cnn1d(batch_size=4), None)
    model = make_pipeline(*make_whole()[:-1], last).fit(frames, y)
    assert isinstance(model[:-1].transform(frames), Frames)
    assert recall_score(other_spotted[1], model.predict(other_spotted[0])) > 0.9
    assert precision_score(other_spotted[1], model.predict(other_spotted[0])) > 0.9


# -- Frames of another detector, without labels --------------------------------------------------

GAIN = 1.1  # at which a net of the source alone takes noise of the target for hits
ADAPTED = {
    "CNN1D": (CASES["CNN1D"], {"max_epochs": 40, "batch_size": 24}),
    "CNN2D": (CASES["CNN2D"], {"max_epochs": 40, "batch_size": 16, "lr": 0.005}),
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
def adapted(domains):
    return clone(domains.model).fit(domains.X, domains.marked)


@pytest.fixture
def routing():
    with config_context(enable_metadata_routing=True):
        yield


def asks_for_domain(model):
    """Return a copy whose last step is given `sample_domain`."""
    model = clone(model)
    model[-1].set_fit_request(sample_domain=True)
    return model


def test_a_pipeline_adapts_to_frames_without_labels(domains, adapted):
    source = domains.domain >= 0
    plain = domains.case.make(max_epochs=12).fit(domains.X[source], domains.y[source])
    before = balanced_accuracy_score(domains.y_test, plain.predict(domains.X_test))
    assert balanced_accuracy_score(domains.y_test, adapted.predict(domains.X_test)) > before + 0.15
    assert adapted.score(domains.X[source], domains.y[source]) > 0.9
    assert adapted.classes_.tolist() == [0, 1]
    run = lazy(domains.X)
    from_frames = clone(domains.model).fit(run, domains.marked)
    same(from_frames.predict_proba(run), adapted.predict_proba(domains.X))


def test_the_domain_reaches_the_last_step_by_its_name(domains, adapted):
    wrong = np.where(domains.domain < 0, 1 - domains.y, domains.y)  # not looked at in the target
    model = clone(domains.model).fit(domains.X, wrong, dann__sample_domain=domains.domain)
    same(model.predict_proba(domains.X_test), adapted.predict_proba(domains.X_test))


def test_the_domain_reaches_the_last_step_by_routing(domains, adapted, routing):
    wrong = np.where(domains.domain < 0, 1 - domains.y, domains.y)
    model = asks_for_domain(domains.model).fit(domains.X, wrong, sample_domain=domains.domain)
    same(model.predict_proba(domains.X_test), adapted.predict_proba(domains.X_test))


def test_cross_validation_splits_the_domain_with_the_rows(domains, routing):
    X, y, domain = domains.X, domains.y, domains.domain
    short = clone(domains.model).set_params(dann__max_epochs=3)
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


def test_a_search_with_the_domain_routed_finds_that_adapting_helps(domains, routing):
    """Its folds test rows of the target too, with labels that training has not seen."""
    strength = domains.model[-1].max_lambda
    search = GridSearchCV(
        asks_for_domain(domains.model),
        {"dann__max_lambda": [0.0, strength]},
        scoring="balanced_accuracy",
        cv=StratifiedKFold(2, shuffle=True, random_state=0),
    ).fit(domains.X, domains.y, sample_domain=domains.domain)
    assert search.best_params_ == {"dann__max_lambda": strength}
    assert "target_domain_loss" in search.best_estimator_[-1].history_[-1]
    score = search.cv_results_["mean_test_score"]
    assert score[1] > score[0]  # by how much hangs on the last bits of the processor


def test_a_search_by_recall_takes_rows_without_labels(domains):
    grid = {"dann__class_weight": [CAUTIOUS, KEEN], "dann__base__kernel_size": [5]}
    cv = LabelledStratifiedKFold(2, shuffle=True, random_state=0)
    search = GridSearchCV(domains.model, grid, scoring="recall", cv=cv)
    search.fit(domains.X, domains.marked)
    recall = search.cv_results_["mean_test_score"]
    assert np.isfinite(recall).all()
    assert search.best_params_["dann__class_weight"] == KEEN
    assert recall[0] < recall[1] == search.best_score_
    best = search.best_estimator_
    assert best[-1].design_.kernel_size == 5
    assert best.classes_.tolist() == [0, 1]


def test_the_wanted_recall_is_found_from_the_labelled_rows_alone(domains):
    cv = LabelledStratifiedKFold(2, shuffle=True, random_state=0)
    model = TargetRecallClassifier(domains.model, recall=0.9, cv=cv)
    model.fit(domains.X, domains.marked)
    X, y = test_of(domains.case)
    assert model.classes_.tolist() == [0, 1]
    assert recall_score(y, model.predict(X)) >= 0.9


def test_ensembles_hide_the_mark_and_pass_the_domain_on(domains, routing):
    """They number the labels, -1 among them: what is left of the mark is a class like any other."""
    members = [
        (
            f"seed {seed}",
            clone(domains.model).set_params(dann__max_epochs=3, dann__random_state=seed),
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


@pytest.mark.parametrize("name", ["calibrated", "tuned"])
def test_what_knows_no_mark_takes_the_domain_and_folds_of_the_labelled(domains, name, routing):
    """These would take the mark for a third class; the folds show them none of the target."""
    folds = list(LabelledStratifiedKFold(2).split(domains.X, domains.marked))
    short = clone(domains.model).set_params(dann__max_epochs=3)
    model = ANY_INPUT[name](asks_for_domain(short), None).set_params(cv=folds)
    as_miss, as_hit = (
        clone(model).fit(domains.X, filled, sample_domain=domains.domain)
        for filled in (np.maximum(domains.marked, 0), np.abs(domains.marked))
    )
    assert as_miss.classes_.tolist() == as_hit.classes_.tolist() == [0, 1]
    check_probabilities(as_miss.predict_proba(domains.X_test), len(domains.X_test))
    same(as_miss.predict_proba(domains.X_test), as_hit.predict_proba(domains.X_test))
    same(as_miss.predict(domains.X_test), as_hit.predict(domains.X_test))
