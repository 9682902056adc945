"""Grid and halving searches, cross-validation and learning curves."""

import numpy as np
import pytest
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.metrics import get_scorer, make_scorer, recall_score
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    StratifiedKFold,
    cross_val_predict,
    learning_curve,
)

from tests.classifiers.composition.cases import (
    CASES,
    CAUTIOUS,
    EVEN,
    KEEN,
    cases,
    check_probabilities,
    faint,
    same,
    test_of,
    train_of,
)


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


@pytest.mark.filterwarnings("ignore::sklearn_sfx.exceptions.NotLearnedWarning")  # some do not
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


def test_labels_that_are_words_take_a_scorer_that_names_the_hits():
    X, y = train_of(CASES["CNN1D"])
    words = np.array(["MISS", "HIT"])[y]
    recall = make_scorer(recall_score, pos_label="HIT")
    search = GridSearchCV(CASES["CNN1D"].make(), {"lr": [0.01, 0.02]}, scoring=recall, cv=2)
    by_words = search.fit(X, words)
    with pytest.raises(ValueError, match="pos_label=1 is not a valid label"):
        get_scorer("recall")(by_words, X, words)
    by_numbers = GridSearchCV(CASES["CNN1D"].make(), {"lr": [0.01, 0.02]}, scoring="recall", cv=2)
    assert by_words.best_score_ == by_numbers.fit(X, y).best_score_
