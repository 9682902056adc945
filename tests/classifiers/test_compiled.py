"""Networks that `torch.compile` makes: what they learn, what they leave, what they lack."""

import numpy as np
import pytest
import torch
import torch._inductor.config
from sklearn.base import clone

from sklearn_sfx.classifiers import CNN1D
from sklearn_sfx.exceptions import InputError
from tests.conftest import needs_compiler

TINY = {"channels": (4, 8), "n_hidden": 8, "max_epochs": 6, "lr": 0.02, "random_state": 0}


@needs_compiler
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore:Guards may run slower on Python 3.13.0:RuntimeWarning")
def test_compiled_learns_the_same(vectors):
    X, y = vectors
    # Batches of one size, and no processes that compile: each would take seconds to start.
    settings = {**TINY, "max_epochs": 2, "batch_size": 40, "augment": False}
    compiled = torch._dynamo.utils.counters["stats"]
    n_before = compiled["unique_graphs"]
    with torch._inductor.config.patch(compile_threads=1):
        model = CNN1D(**settings, compile=True).fit(X, y)
    assert compiled["unique_graphs"] > n_before
    assert (np.array([2.3e-308]) / 4)[0] > 0  # no number has become 0 in all of the process
    plain = CNN1D(**settings).fit(X, y)
    np.testing.assert_allclose(model.predict_proba(X), plain.predict_proba(X), atol=2e-2)
    assert set(model.net_.module_.state_dict()) == set(plain.net_.module_.state_dict())
    assert clone(model).compile


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_compiler_that_is_missing_is_named(vectors):
    model = CNN1D(**{**TINY, "channels": (3, 5)}, compile=True)  # of a kind that is in no cache
    settings = {"compile_threads": 1, "cpp.cxx": ("no-such-compiler",)}
    with (
        torch._inductor.config.patch(settings),
        pytest.raises(InputError, match=r"such as g\+\+, or set compile=False"),
    ):
        model.fit(*vectors)
    assert not hasattr(model, "net_")
