"""scikit-learn's own checks, each of them, on the meta-estimator."""

import pytest
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.estimator_checks import estimator_checks_generator

from sklearn_sfx.model_selection import TargetRecallClassifier

# A tree gives probabilities of 0 and 1, on which every threshold decides alike: one of the checks
# asks that predict is where the probability is highest, which a threshold is there to change.
CHECKED = TargetRecallClassifier(
    DecisionTreeClassifier(random_state=0), confidence=None, cv=3, random_state=0
)
EXPECTED_FAILURES = {
    "check_classifiers_classes": "fits strings, of which the one that counts has to be named"
}


def all_checks():
    for estimator, check in estimator_checks_generator(CHECKED):
        name = getattr(check, "func", check).__name__
        reason = EXPECTED_FAILURES.get(name)
        marks = [pytest.mark.xfail(reason=reason, strict=True)] if reason else []
        yield pytest.param(estimator, check, id=name, marks=marks)


CHECKS = list(all_checks())


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@pytest.mark.parametrize(("estimator", "check"), CHECKS)
def test_scikit_learn_check(estimator, check):
    check(estimator)


def test_none_is_let_off():
    assert len(CHECKS) > 40
    assert len(EXPECTED_FAILURES) <= 1
