"""What cannot be scored, and by what."""

import numpy as np
import pytest
from sklearn.metrics import recall_score
from sklearn.svm import LinearSVC

from sklearn_sfx.exceptions import InputError
from sklearn_sfx.model_selection import SourceScorer, TargetEntropyScorer, TargetLabelScorer
from tests.model_selection.scorers.cases import Says, fitted


@pytest.mark.parametrize(
    ("y", "domain", "message"),
    [
        ([-1, -1], None, "given 2 rows and none of them is a labelled row of the source"),
        ([0, 1], [-1, -2], "none of them is a labelled row"),
        ([-1, 1], [1, -1], "none of them is a labelled row"),
        ([0, 1], [1], "sample_domain has 1 values for 2 rows of X: give one for each"),
        ([0, 1, 1], None, "inconsistent numbers of samples"),
    ],
)
def test_rows_that_cannot_be_scored(y, domain, message):
    with pytest.raises(ValueError, match=message):
        SourceScorer()(fitted(), np.zeros((2, 1)), y, sample_domain=domain)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda X: SourceScorer("recal"), "scoring='recal' is not a scorer.*get_scorer_names"),
        (lambda X: SourceScorer(recall_score), "is not a scorer; make a scorer of a metric"),
        (lambda X: SourceScorer(["recall"]), "has to be the name of one score or a scorer"),
        (lambda X: SourceScorer(None), "scoring is None"),
        (lambda X: TargetLabelScorer(X, [0, 1], 3), "TargetLabelScorer: scoring is 3"),
        (lambda X: TargetLabelScorer(X, [0, 1, 1]), "y has 3 values for 2 rows of X"),
        (lambda X: TargetLabelScorer(X, [1, 1]), "2 labels, all of them 1, and a model that"),
        (lambda X: TargetLabelScorer(X[:0], []), "needs a target frame at least"),
        (lambda X: TargetLabelScorer(X, [0, np.nan]), "y contains NaN"),
        (lambda X: TargetLabelScorer(X, [0.1, 0.2]), "Unknown label type"),
        (lambda X: TargetEntropyScorer(X[:0]), "TargetEntropyScorer needs a target frame at"),
    ],
)
def test_parameters_that_cannot_be_used(make, message):
    with pytest.raises(ValueError, match=message):
        make(np.zeros((2, 1)))


def test_models_without_probabilities_or_with_one_class():
    scorer = TargetEntropyScorer(np.zeros((2, 1)))
    svc = LinearSVC().fit([[0.0], [1.0]], [0, 1])
    with pytest.raises(InputError, match="LinearSVC has no predict_proba: wrap it in Calibrated"):
        scorer(svc, None)
    with pytest.raises(InputError, match="fitted on labels of one"):
        TargetEntropyScorer(np.ones((2, 1)))(Says(), None)
