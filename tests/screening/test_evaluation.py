"""Recall, precision and their intervals, against known answers."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta
from sklearn.metrics import precision_score, recall_score

from sklearn_sfx import InputError, evaluate
from sklearn_sfx.screening import evaluation_table


def test_known_counts():
    target = np.r_[np.ones(10), np.zeros(20)]
    decision = np.r_[np.ones(8), np.zeros(2), np.ones(1), np.zeros(19)]
    result = evaluate(target, decision)
    assert result.recall == 0.8
    assert result.precision == pytest.approx(8 / 9)
    assert result.accuracy == 0.9
    assert result.confusion.tolist() == [[19, 1], [2, 8]]
    # Clopper-Pearson for 8 of 10, from published tables.
    assert result.recall_interval == pytest.approx((0.4439, 0.9748), abs=1e-4)


def test_all_found_has_the_rule_of_three_as_lower_end():
    low, high = evaluate(np.ones(100), np.ones(100)).recall_interval
    assert low == pytest.approx(0.025 ** (1 / 100))
    assert high == 1


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60))
def test_agrees_with_scikit_learn_and_lies_in_its_interval(pairs):
    target, decision = np.array(pairs).T
    result = evaluate(target, decision)
    if target.any():
        assert result.recall == pytest.approx(recall_score(target, decision))
        assert result.recall_interval[0] <= result.recall <= result.recall_interval[1]
    else:
        assert math.isnan(result.recall)
    if decision.any():
        assert result.precision == pytest.approx(precision_score(target, decision))
    else:
        assert math.isnan(result.precision)


@pytest.mark.parametrize(
    ("target", "decision"),
    [([], []), ([1, 0], [1]), ([0, 2], [0, 1]), (["hit"], ["hit"]), ([[1]], [[1]])],
)
def test_unfit_input_is_refused(target, decision):
    with pytest.raises(InputError, match="evaluate needs"):
        evaluate(target, decision)


def test_known_weights():
    """Two frames found of weight 1, one lost of weight 2; one miss kept of weight 0.5."""
    result = evaluate([1, 1, 1, 0, 0], [1, 1, 0, 1, 0], [1, 1, 2, 0.5, 3])
    assert result.recall == pytest.approx(2 / 4)
    assert result.precision == pytest.approx(2 / 2.5)
    assert result.accuracy == pytest.approx(5 / 7.5)
    assert result.confusion.tolist() == [[1, 1], [1, 2]]  # frames
    # 4**2 / (1 + 1 + 4) frames by Kish, as by the variance: 0.5 * 0.5 / (6 * 0.5**2 / 4**2).
    exact = beta.ppf([0.025, 0.975], [4 / 3, 4 / 3 + 1], [4 / 3 + 1, 4 / 3])
    assert result.recall_interval == pytest.approx(tuple(exact))


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=40))
def test_equal_weights_are_none(pairs):
    target, decision = np.array(pairs).T
    for weight in (0.3, 1e-300, 1e300):
        weighted = evaluate(target, decision, np.full(len(target), weight))
        assert str(weighted) == str(evaluate(target, decision))


@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(1, 9)), min_size=1))
def test_weighted_shares_are_those_of_scikit_learn_within_a_wider_interval(rows):
    target, decision, weight = (np.array(column) for column in zip(*rows, strict=True))
    result, counted = evaluate(target, decision, weight), evaluate(target, decision)
    if target.any():
        weighted = recall_score(target, decision, sample_weight=weight)
        assert result.recall == pytest.approx(weighted)
        low, high = result.recall_interval
        assert low <= result.recall <= high
        if counted.recall in (0, 1):  # as many frames, of which not all count fully
            assert high - low >= np.subtract(*counted.recall_interval[::-1]) - 1e-9
    assert result.confusion.tolist() == counted.confusion.tolist()


def test_one_frame_that_weighs_all_is_as_one_frame():
    target, decision = [1, 1, 1, 0, 0], [1, 1, 0, 1, 0]
    for huge in (1e200, 1e308):
        result = evaluate(target, decision, [1, 1, huge, 1, 1])
        assert (result.recall, result.accuracy) == pytest.approx((0, 0), abs=1e-50)
        assert result.recall_interval == pytest.approx((0, 0.975))
        assert result.precision == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    "weight", [[1, 0], [1, -1], [1, np.nan], [1, np.inf], [1], [[1, 1]], ["1", "2"], 1]
)
def test_weights_that_are_none_are_refused(weight):
    with pytest.raises(InputError, match=r"evaluate needs (one weight|weights that are finite)"):
        evaluate([1, 0], [1, 0], weight)
    with pytest.raises(InputError, match="evaluate needs"):
        evaluation_table([1, 0], {"one": [1, 0]}, weight)


def test_table_has_a_line_for_each_method():
    table = evaluation_table([1, 1, 0], {"one": [1, 0, 0], "a longer name": [1, 1, 1]})
    assert len({len(line) for line in table.splitlines()}) == 1
    assert table.splitlines()[1].split()[:2] == ["one", "50.0%"]
    assert table.splitlines()[2].split()[-4:] == ["2", "0", "1", "0"]
