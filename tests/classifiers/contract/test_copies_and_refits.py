"""What a user relies on whatever the classifier: copies, files, other processes, seeds, refits."""

import copy
import pickle
import random
import subprocess
import sys

import joblib
import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_predict

from sklearn_sfx.classifiers import (
    FineTuned,
    PeakCountClassifier,
    PeakHeightClassifier,
)
from sklearn_sfx.exceptions import InputError
from tests.classifiers.contract.every_classifier import (
    NAMES,
    PEAKS,
    brief,
    fit,
    legacy_state,
    same,
    training,
)

# Their runs are small: a DANN on frames says so.
pytestmark = pytest.mark.filterwarnings("ignore:DANN. the levels of pixels")


def test_clone_forgets_and_set_params_reaches_the_next_fit(fitted):
    model, X, y = fitted
    fresh = clone(model)
    assert not any(name.endswith("_") and not name.startswith("_") for name in vars(fresh))
    assert str(fresh.get_params()) == str(model.get_params())
    changes = {PeakCountClassifier: ("min_snr", 50.0), PeakHeightClassifier: ("C", 1e-3)}
    name, value = changes.get(type(model), ("max_epochs", 2))
    before = model.predict_proba(X)
    after = fit(model.set_params(**{name: value}), X, y).predict_proba(X)
    assert not np.array_equal(after, before)


def test_copies_predict_the_same(fitted, given, tmp_path):
    model, X, _ = fitted
    X = given(X)
    expected = model.predict_proba(X)
    joblib.dump(model, tmp_path / "model.joblib")
    stored = joblib.load(tmp_path / "model.joblib")
    for other in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model), stored):
        same(other.predict_proba(X), expected)
        assert joblib.hash(other) == joblib.hash(model)


def test_saved_models_predict_the_same_in_another_process(make_classifier, tmp_path):
    cases = [make_classifier(name) for name in (*NAMES, *PEAKS)]
    models = [fit(brief(model), X, y) for model, X, y in cases]
    inputs = [X for _, X, _ in cases]
    joblib.dump((models, inputs), tmp_path / "models.joblib")
    code = (
        "import joblib, sys; models, inputs = joblib.load(sys.argv[1]); "
        "joblib.dump([m.predict_proba(X) for m, X in zip(models, inputs)], sys.argv[2])"
    )
    paths = str(tmp_path / "models.joblib"), str(tmp_path / "probabilities.joblib")
    subprocess.run([sys.executable, "-c", code, *paths], check=True)
    for model, X, there in zip(models, inputs, joblib.load(paths[1]), strict=True):
        same(there, model.predict_proba(X))


def test_refit_on_another_shape(fitted, given):
    model, X, y = fitted
    smaller = X[:, 10:-7] if X.ndim == 2 else X[:, 4:, :-9]
    if isinstance(model, FineTuned):  # it takes a base for frames of this shape
        model.set_params(base=clone(model.base).fit(smaller, y))
    fit(model, given(smaller), y)
    assert model.frame_shape_in_ == smaller.shape[1:]
    assert model.n_features_in_ == smaller.shape[1]
    assert model.score(smaller, y) > 0.9


def test_two_fits_are_bit_identical_and_global_generators_untouched(case, given):
    model, X, y = case
    model = brief(model)
    X = given(X)
    torch.rand(1)
    states = torch.get_rng_state(), legacy_state(), random.getstate()
    n_threads = torch.get_num_threads()
    one = fit(clone(model), X, y)
    two = pickle.loads(pickle.dumps(fit(clone(model), X, y)))
    same(one.predict_proba(X), two.predict_proba(X))
    assert torch.equal(torch.get_rng_state(), states[0])
    same(legacy_state(), states[1])
    assert random.getstate() == states[2]
    assert torch.get_num_threads() == n_threads


def test_two_jobs_give_what_one_gives(case, given):
    model, X, y = case
    model = brief(model)
    X, y, more = training(model, given(X), y)
    how = {"cv": 2, "method": "predict_proba", "params": more}
    results = [cross_val_predict(model, X, y, n_jobs=n_jobs, **how) for n_jobs in (1, 2)]
    # A process of several sums with fewer threads, which older BLAS does in another order.
    np.testing.assert_allclose(results[0], results[1], rtol=1e-12)


def test_threads_give_what_one_gives(case):
    model, X, y = case
    model = brief(model)
    X, y, more = training(model, X, y)
    how = {"cv": 2, "method": "predict_proba", "params": more}
    alone = cross_val_predict(model, X, y, **how)
    with joblib.parallel_config(backend="threading", n_jobs=2):
        threaded = cross_val_predict(model, X, y, **how)
    same(threaded, alone)


def test_grid_search_by_recall(case):
    model, X, y = case
    X, y, more = training(model, X, y)
    grids = {PeakCountClassifier: {"min_snr": [5.0, 1000.0]}, PeakHeightClassifier: {"C": [0.1, 1]}}
    grid = grids.get(type(model), {"max_epochs": [11, 12]})
    scores = ["recall", "precision"]
    search = GridSearchCV(model, grid, scoring=scores, refit="recall", cv=2).fit(X, y, **more)
    assert search.best_score_ > 0.9
    if isinstance(model, PeakCountClassifier):
        assert search.best_params_ == {"min_snr": 5.0}
    precision = [search.cv_results_[f"split{fold}_test_precision"] for fold in range(2)]
    assert np.min(precision, axis=0)[search.best_index_] > 0.9


@pytest.mark.parametrize("name", NAMES)
def test_a_warm_start_goes_on_and_a_cold_one_starts_anew(make_classifier, name):
    model, X, y = make_classifier(name)
    model.set_params(max_epochs=4)
    cold = fit(model, X, y).predict_proba(X)
    features = model.features(X)
    n_epochs = len(model.history_)
    same(fit(model, X, y).predict_proba(X), cold)
    assert len(model.history_) == n_epochs
    rate = {"head_lr": 1e-12} if name.startswith("FineTuned") else {}
    fit(model.set_params(warm_start=True, lr=1e-12, weight_decay=0.0, **rate), X, y)
    assert model.history_[:, "epoch"] == list(range(1, 2 * n_epochs + 1))
    # Nothing could be learned, so what is there is what was there; only batch norms have moved.
    now = model.features(X)
    assert np.corrcoef(now.ravel(), features.ravel())[0, 1] > 0.9
    again = pickle.loads(pickle.dumps(model))
    fit(again, X, y)
    assert len(again.history_) == 3 * n_epochs
    with pytest.raises(InputError, match=r"warm_start=True\) goes on with the labels"):
        fit(model, X, y + 5)
    if not name.startswith("FineTuned"):
        before = {"DANN": "base__", "own": "design__"}.get(name.partition("-")[0], "")
        shape = {"width": 2} if name == "own-1D" else {"channels": (2,)}
        net = model.set_params(**{before + key: value for key, value in shape.items()})
        with pytest.raises(InputError, match="another architecture"):
            fit(net, X, y)
