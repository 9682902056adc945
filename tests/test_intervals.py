"""Intervals of a proportion: published values, scipy's, and nothing tried."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from sklearn_sfx._intervals import clopper_pearson, clopper_pearson_lower, wilson

counts = st.integers(1, 3000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def test_wilson_is_as_published_and_goes_over_arrays():
    # Newcombe, Statistics in Medicine 17, 857 (1998), table I.
    low, high = wilson([81, 15, 0, 1], [263, 148, 20, 29])
    np.testing.assert_allclose(low, [0.2553, 0.0624, 0.0, 0.0061], atol=6e-5)
    np.testing.assert_allclose(high, [0.3662, 0.1605, 0.1611, 0.1718], atol=6e-5)


def test_clopper_pearson_is_as_published_and_goes_over_arrays():
    # The same table; and R's binom.test(682, 925), after Conover.
    low, high = clopper_pearson([81, 15, 0, 1, 682], [263, 148, 20, 29, 925])
    np.testing.assert_allclose(low[:4], [0.2527, 0.0578, 0.0, 0.0009], atol=6e-5)
    np.testing.assert_allclose(high[:4], [0.3676, 0.1617, 0.1684, 0.1776], atol=6e-5)
    assert (low[4], high[4]) == pytest.approx((0.7076683, 0.7654066), abs=5e-8)


def test_the_lower_bound_of_all_is_the_rule_of_three():
    bound = clopper_pearson_lower([0, 20], 20, confidence=0.95)
    np.testing.assert_allclose(bound, [0, 0.05 ** (1 / 20)])


@settings(deadline=None, max_examples=50)
@given(counts, st.floats(0.3, 0.99))
def test_they_are_those_of_scipy(count, confidence):
    test = binomtest(*count, p=count[0] / count[1])
    for interval, method in ((wilson, "wilson"), (clopper_pearson, "exact")):
        expected = test.proportion_ci(method=method)
        assert interval(*count) == pytest.approx((expected.low, expected.high), abs=1e-11)
    one_sided = binomtest(*count, alternative="greater").proportion_ci(confidence)
    assert clopper_pearson_lower(*count, confidence) == pytest.approx(one_sided.low, abs=1e-11)


@given(st.lists(counts, min_size=1, max_size=20))
def test_the_proportion_lies_in_it_and_none_or_all_reach_the_end(pairs):
    k, n = np.transpose(pairs)
    for interval in (wilson, clopper_pearson):
        low, high = interval(k, n)
        assert ((low <= k / n) & (k / n <= high)).all()
        np.testing.assert_array_equal(low == 0, k == 0)
        np.testing.assert_array_equal(high == 1, k == n)
        np.testing.assert_array_equal((low[0], high[0]), interval(*pairs[0]))


def test_nothing_tried_has_no_interval():
    assert np.isnan(wilson(0, 0)).all()
    assert np.isnan(clopper_pearson(0, 0)).all()
    assert np.isnan(clopper_pearson_lower(0, 0, 0.9))
    np.testing.assert_array_equal(np.isnan(clopper_pearson([0, 1], [0, 1])), [[True, False]] * 2)
