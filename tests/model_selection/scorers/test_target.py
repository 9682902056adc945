"""The scores that look at the target: its entropy, or a few of its labels."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import get_scorer, make_scorer, recall_score

from sklearn_sfx.model_selection import SourceScorer, TargetEntropyScorer, TargetLabelScorer
from tests.model_selection.scorers.cases import Says, fitted, two_domains


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


@pytest.mark.parametrize("scoring", ["recall", "f1", "roc_auc", make_scorer(recall_score)])
def test_target_score_is_scikit_learns(scoring):
    X, y, domain = two_domains()
    X, y = X[domain < 0], y[domain < 0]
    by_name = get_scorer(scoring) if isinstance(scoring, str) else scoring
    model = fitted(cut=2.5)
    scorer = TargetLabelScorer(X, y, scoring)
    assert scorer(model, None) == scorer(model, -X, 1 - y) == by_name(model, X, y)
    assert TargetLabelScorer(X, list(y), scoring)(model, None) == by_name(model, X, y)
