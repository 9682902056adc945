"""The choice of a method, its threshold, and what is expected of both."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta, binomtest
from sklearn.metrics import fbeta_score, roc_auc_score
from sklearn.model_selection import StratifiedKFold

from sklearn_sfx._weights import weighted_median
from sklearn_sfx.screening import Expectation
from sklearn_sfx.screening._choice import (
    _places,
    best_method,
    best_threshold,
    expected_of_choice,
)

scored = st.lists(
    st.tuples(st.sampled_from([0.1, 0.3, 0.5, 0.8]), st.booleans()), min_size=4
).filter(lambda rows: 2 <= sum(hit for _, hit in rows) <= len(rows) - 2)


def split(rows):
    probability, is_hit = zip(*rows, strict=True)
    return np.array(probability), np.array(is_hit)


@given(scored)
def test_both_means_of_the_places_are_the_area(rows):
    probability, is_hit = split(rows)
    hits, misses = _places(probability, is_hit, np.ones(len(is_hit)))
    area = roc_auc_score(is_hit, probability)
    assert hits.mean() == pytest.approx(area)
    assert misses.mean() == pytest.approx(area)


@given(scored)
def test_the_threshold_has_the_best_f2_of_all(rows):
    probability, is_hit = split(rows)
    chosen = fbeta_score(is_hit, probability >= best_threshold(probability, is_hit), beta=2)
    for threshold in (0, 0.2, 0.4, 0.6):
        assert chosen >= fbeta_score(is_hit, probability >= threshold, beta=2) - 1e-12


@given(scored, st.sampled_from([0.01, 0.5, 0.9, 1.0]))
def test_a_recall_is_reached_by_the_highest_threshold(rows, recall):
    probability, is_hit = split(rows)
    threshold = best_threshold(probability, is_hit, recall)
    assert (probability[is_hit] >= threshold).mean() >= recall - 1e-12
    higher = probability[probability >= threshold]
    assert (probability[is_hit] > higher.min()).mean() < recall


@given(scored, st.data())
def test_a_weight_is_so_many_frames(rows, data):
    """The choice is that of frames that come as often as they weigh."""
    probability, is_hit = split(rows)
    times = data.draw(st.lists(st.integers(1, 4), min_size=len(rows), max_size=len(rows)))
    often, weight = np.repeat(np.arange(len(rows)), times), np.array(times, float)
    hits, _ = _places(probability, is_hit, weight)
    area = roc_auc_score(is_hit[often], probability[often])
    assert np.average(hits, weights=weight[is_hit]) == pytest.approx(area)
    for recall in (None, 0.5, 0.9, 1.0):
        expected = best_threshold(probability[often], is_hit[often], recall)
        assert best_threshold(probability, is_hit, recall, weight) == expected
    median = np.median(probability[often])
    assert weighted_median(probability, weight) == pytest.approx(median)


def test_frames_that_a_method_is_in_doubt_about_do_not_speak_against_it():
    """Half of the labels are where one method errs; in the run they are one frame in twenty."""
    rng = np.random.default_rng(0)
    is_hit = np.arange(400) % 2 == 0
    is_doubtful = np.arange(400) < 200
    weight = np.where(is_doubtful, 0.1, 1.9)
    sharp = is_hit + rng.normal(0, np.where(is_doubtful, 1, 0.05))
    dull = is_hit + rng.normal(0, 0.6, 400)
    probabilities = {"dull": dull, "sharp": sharp}
    assert best_method(probabilities, is_hit, weight) == "sharp"
    assert roc_auc_score(is_hit[is_doubtful], sharp[is_doubtful]) < roc_auc_score(is_hit, dull)


def test_what_is_expected_is_weighted():
    is_hit = np.arange(40) % 2 == 0
    folds = list(StratifiedKFold(5).split(is_hit, is_hit))
    probability = np.where(is_hit, 0.8, 0.2)
    probability[:8] = 0.3  # hits and misses alike, too few to set the threshold
    weight = np.where(np.arange(40) < 8, 0.25, 1.1875)
    expected = expected_of_choice({"one": probability}, is_hit, folds, 0.8, weight)
    weights = {True: weight[is_hit], False: weight[~is_hit]}
    assert expected.hit_rate.value == pytest.approx(0.5)
    assert expected.recall.value == pytest.approx(1 - 4 * 0.25 / weights[True].sum())
    assert expected.precision.value == 1
    assert expected.n_labels == 40
    kish = weights[True].sum() ** 2 / (weights[True] ** 2).sum()
    assert expected.recall.of <= kish + 1e-9
    assert expected.hit_rate.of == pytest.approx(weight.sum() ** 2 / (weight**2).sum())
    assert "nan" not in expected.more_labels()
    all_found = expected_of_choice({"one": is_hit * 0.9}, is_hit, folds, None, weight)
    low = beta.ppf(0.05, 2 * kish, 1)
    assert all_found.more_labels().endswith(f"to within {100 * low:.0f} to 100 %")
    alike = expected_of_choice({"one": probability}, is_hit, folds, 0.8, np.ones(40))
    counted = expected_of_choice({"one": probability}, is_hit, folds, 0.8)
    assert str(alike) == str(counted)


def test_a_threshold_lies_in_the_middle_of_a_gap():
    probability = np.array([0.1, 0.2, 0.8, 0.9])
    assert best_threshold(probability, np.array([False, False, True, True])) == 0.5


def test_the_better_method_is_taken_only_where_it_is_surely_better():
    rng = np.random.default_rng(0)
    is_hit = np.arange(100) < 40
    poor, good = is_hit + rng.normal(0, 2, 100), is_hit + rng.normal(0, 0.3, 100)
    assert best_method({"poor": poor, "good": good}, is_hit) == "good"
    right = np.concatenate([np.linspace(2, 3, 40), np.linspace(0, 1, 60)])
    one_wrong = np.where(right == 2, 0.99, right)  # a hit below a miss: that may be chance
    assert best_method({"first": one_wrong, "right": right}, is_hit) == "first"
    assert best_method({"good": good, "the same": good}, is_hit) == "good"


def test_what_is_expected_is_said_of_frames_that_did_not_choose():
    """A method that knows nothing, whose threshold fits each label that it has seen."""
    rng = np.random.default_rng(1)
    is_hit = np.arange(200) < 100
    folds = list(StratifiedKFold(5, shuffle=True, random_state=0).split(is_hit, is_hit))
    noise = {f"noise {i}": rng.random(200) for i in range(20)}
    expected = expected_of_choice(noise, is_hit, folds)
    assert expected.found + expected.lost == 100
    assert expected.precision.value == pytest.approx(0.5, abs=0.1)
    sure = expected_of_choice({"sure": is_hit.astype(float)}, is_hit, folds)
    assert (sure.found, sure.lost, sure.kept, sure.left) == (100, 0, 0, 100)


def test_shares_have_exact_intervals():
    expected = Expectation(found=18, lost=2, kept=6, left=174)
    for share, count, of in (
        (expected.recall, 18, 20),
        (expected.precision, 18, 24),
        (expected.hit_rate, 20, 200),
    ):
        exact = binomtest(count, of).proportion_ci(0.9)
        assert share.value == count / of
        np.testing.assert_allclose(share.interval, exact)
    assert str(Expectation(0, 5, 0, 5).precision) == "unknown"
