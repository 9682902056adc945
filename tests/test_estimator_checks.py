"""scikit-learn's own checks, each of them, on every public estimator."""

import inspect

import pytest
from sklearn.base import ClassifierMixin
from sklearn.utils.estimator_checks import estimator_checks_generator

from sklearn_sfx.classifiers import PeakCountClassifier, PeakHeightClassifier
from tests.estimators import EXPECTED_FAILURES, instances, public_estimators

INSTANCES = instances()


def all_checks():
    for number, estimator in enumerate(INSTANCES):
        reasons = EXPECTED_FAILURES.get(type(estimator), {})
        for each, check in estimator_checks_generator(estimator):
            name = getattr(check, "func", check).__name__
            marks = [pytest.mark.xfail(reason=reasons[name])] if name in reasons else []
            yield pytest.param(each, check, id=f"{type(each).__name__}{number}-{name}", marks=marks)


CHECKS = list(all_checks())


@pytest.mark.filterwarnings("ignore::sklearn_sfx.exceptions.FewLabelsWarning")
@pytest.mark.filterwarnings("ignore::sklearn_sfx.exceptions.NotLearnedWarning")
@pytest.mark.filterwarnings("ignore::sklearn_sfx.exceptions.NoTargetWarning")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@pytest.mark.parametrize(("estimator", "check"), CHECKS)
def test_scikit_learn_check(estimator, check):
    check(estimator)


@pytest.mark.parametrize("estimator", INSTANCES, ids=lambda e: type(e).__name__)
def test_no_estimator_is_let_off(estimator):
    """A wrong tag would leave one check of these."""
    mine = [p for p in CHECKS if type(p.values[0]) is type(estimator)]
    assert len(mine) > 40
    assert len(EXPECTED_FAILURES.get(type(estimator), ())) <= 2


def test_no_public_estimator_is_forgotten():
    public = public_estimators()
    assert len(public) >= 14
    for kind in public:
        assert any(isinstance(estimator, kind) for estimator in INSTANCES), kind


CLASSIFIERS = [kind for kind in public_estimators() if issubclass(kind, ClassifierMixin)]


@pytest.mark.parametrize("kind", CLASSIFIERS)
def test_every_classifier_takes_weights(kind):
    assert "sample_weight" in inspect.signature(kind.fit).parameters


@pytest.mark.parametrize("kind", [PeakCountClassifier, PeakHeightClassifier])
def test_those_that_find_peaks_say_that_they_read_frames(kind):
    tags = kind().__sklearn_tags__().input_tags
    assert tags.three_d_array
    assert not tags.two_d_array
    assert tags.allow_nan
