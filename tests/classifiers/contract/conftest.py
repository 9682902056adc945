"""Every classifier in turn, not fitted and fitted."""

import copy

import numpy as np
import pytest

from tests.classifiers.contract.every_classifier import NAMES, PEAKS, fit, lazy, unfitted


@pytest.fixture(scope="module")
def make_classifier(vectors, spotted):
    """Return what makes an unfitted classifier, with the X and y that suit it."""
    bases = {}

    def make(name):
        if name.startswith("FineTuned") and name not in bases:
            bases[name] = unfitted(name.removeprefix("FineTuned-"), vectors, spotted)[0]
            bases[name].fit(*(vectors if name.endswith("1D") else spotted[::2]))
        return unfitted(name, vectors, spotted, base=copy.deepcopy(bases.get(name)))

    return make


@pytest.fixture(params=[*NAMES, *PEAKS])
def case(request, make_classifier):
    """Return an unfitted classifier with the X and y that suit it."""
    return make_classifier(request.param)


@pytest.fixture(params=["ndarray", "Frames"])
def given(request):
    """Return what turns an array into the kind of input that is tested."""
    return np.asarray if request.param == "ndarray" else lazy


@pytest.fixture(scope="module", params=[*NAMES, *PEAKS])
def fitted_once(request, make_classifier):
    model, X, y = make_classifier(request.param)
    return fit(model, X, y), X, y


@pytest.fixture
def fitted(fitted_once):
    """Return a fitted classifier, a copy of the test's own, with the X and y of its training."""
    model, X, y = fitted_once
    return copy.deepcopy(model), X, y
