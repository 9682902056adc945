"""Permutation importance, which reads tables."""

import numpy as np
import pytest
from sklearn.inspection import permutation_importance

from tests.classifiers.composition.cases import CASES, ON_VECTORS, cases, faint, train_of


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


def test_permutation_importance_refuses_frames():
    case = CASES["CNN2D"]
    X, y = train_of(case)
    model = case.make(max_epochs=1).fit(X, y)
    with pytest.raises(ValueError, match="dim 3, while dim <= 2 is required"):
        permutation_importance(model, X, y)
