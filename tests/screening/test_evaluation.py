"""Recall, precision and their intervals, against known answers."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
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


def test_table_has_a_line_for_each_method():
    table = evaluation_table([1, 1, 0], {"one": [1, 0, 0], "a longer name": [1, 1, 1]})
    assert len({len(line) for line in table.splitlines()}) == 1
    assert table.splitlines()[1].split()[:2] == ["one", "50.0%"]
    assert table.splitlines()[2].split()[-4:] == ["2", "0", "1", "0"]
