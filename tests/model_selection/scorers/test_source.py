"""The score by the labels of the source."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import get_scorer, make_scorer, recall_score

from sklearn_sfx.model_selection import SourceScorer, TargetLabelScorer
from tests.model_selection.scorers.cases import Cut, fitted, two_domains


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
