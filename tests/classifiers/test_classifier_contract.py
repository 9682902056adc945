"""What a user relies on whatever the classifier: labels, inputs, copies, files, seeds."""

import copy
import pickle
import random
import subprocess
import sys
import tracemalloc

import joblib
import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score

from sklearn_sfx.classifiers import CNN1D, CNN2D, PeakCountClassifier
from sklearn_sfx.exceptions import FewLabelsWarning, InputError
from sklearn_sfx.frames import open_frames

TINY = {"channels": (4, 8), "n_hidden": 8, "max_epochs": 12, "lr": 0.02, "random_state": 0}
TINY_2D = {**TINY, "batch_size": 8, "lr": 0.01, "dropout": 0.0}
NETWORKS = (CNN1D, CNN2D)


@pytest.fixture(params=["CNN1D", "CNN2D", "PeakCountClassifier"])
def case(request, vectors, spotted):
    """Return an unfitted classifier with the X and y that suit it."""
    if request.param == "CNN1D":
        return CNN1D(**TINY), *vectors
    frames, _, is_hit = spotted
    if request.param == "CNN2D":
        return CNN2D(**TINY_2D), frames, is_hit
    return PeakCountClassifier(), frames, is_hit


@pytest.fixture
def fitted(case):
    model, X, y = case
    return model.fit(X, y), X, y


def legacy_state():
    return np.random.get_state()[1].copy()  # noqa: NPY002  (the global generator is the point)


def same(a, b):
    np.testing.assert_array_equal(a, b, strict=True)


@pytest.mark.parametrize(
    "names", [("MISS", "HIT"), (-1, 1), (False, True), (3, 7)], ids=["text", "signs", "bool", "any"]
)
def test_labels_come_back_as_given(case, names):
    model, X, y = case
    labels = np.array(names)[y]
    model.fit(X, labels)
    predicted = model.predict(X)
    assert predicted.dtype == labels.dtype
    assert np.mean(predicted == labels) > 0.95
    assert model.classes_.tolist() == sorted(names)
    probability = model.predict_proba(X)
    same(model.classes_[probability.argmax(axis=1)], predicted)
    assert model.score(X, labels) > 0.95


def test_probabilities_are_probabilities(fitted):
    model, X, _ = fitted
    probability = model.predict_proba(X)
    assert probability.dtype == np.float64
    assert probability.shape == (len(X), 2)
    assert (probability >= 0).all()
    np.testing.assert_allclose(probability.sum(axis=1), 1.0, rtol=0, atol=1e-12)


def test_nan_and_read_only_memory_maps_are_read_and_left_alone(case, tmp_path):
    model, X, y = case
    X = X.astype(np.float32)
    X[:, 3] = np.nan
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    model.fit(mapped, y)
    assert np.isfinite(model.predict_proba(mapped)).all()
    assert model.score(mapped, y) > 0.9
    same(np.load(tmp_path / "X.npy"), X)


@pytest.mark.parametrize("dtype", [np.uint16, np.int16, np.int32, np.float64, ">f4"])
def test_the_dtype_does_not_matter(case, dtype):
    model, X, y = case
    whole = np.rint(X).astype(np.uint16)
    expected = clone(model).fit(whole.astype(np.float32), y).predict_proba(whole)
    same(model.fit(whole.astype(dtype), y).predict_proba(whole.astype(dtype)), expected)


def test_one_label_of_a_class_trains_with_a_warning_where_that_is_too_few(case):
    model, X, y = case
    rows = np.concatenate([np.flatnonzero(y == 0), np.flatnonzero(y == 1)[:1]])
    if isinstance(model, NETWORKS):
        with pytest.warns(FewLabelsWarning, match="class 1 has 1 labels"):
            model.fit(X[rows], y[rows])
    else:
        model.fit(X[rows], y[rows])
    assert model.predict(X).shape == y.shape


def test_one_class_is_refused(case):
    model, X, y = case
    with pytest.raises(InputError, match=r"two classes at least.*one class only: 'hit'"):
        model.fit(X, np.full(len(y), "hit"))


def test_wrong_shapes_are_refused(fitted):
    model, X, _ = fitted
    with pytest.raises(ValueError, match=r"was fitted on|is expecting"):
        model.predict(X[:, :-1])
    with pytest.raises(InputError, match="needs"):
        model.predict(X[..., np.newaxis])
    with pytest.raises(InputError, match="infinity"):
        model.predict(np.where(X.max() == X, np.inf, X))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        clone(model).fit(X, [0, 1])


def test_unfitted_says_so(case):
    model, X, _ = case
    for method in ("predict", "predict_proba", "features", "count_peaks"):
        if hasattr(model, method):
            with pytest.raises(NotFittedError):
                getattr(model, method)(X)


def test_clone_forgets_and_set_params_reaches_the_next_fit(fitted):
    model, X, y = fitted
    fresh = clone(model)
    assert not any(name.endswith("_") and not name.startswith("_") for name in vars(fresh))
    assert fresh.get_params() == model.get_params()
    name, value = ("channels", (2,)) if isinstance(model, NETWORKS) else ("min_snr", 50.0)
    before = model.predict_proba(X)
    after = model.set_params(**{name: value}).fit(X, y).predict_proba(X)
    assert not np.array_equal(after, before)


def test_copies_predict_the_same(fitted):
    model, X, _ = fitted
    expected = model.predict_proba(X)
    for other in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        same(other.predict_proba(X), expected)
        assert joblib.hash(other) == joblib.hash(model)


def test_saved_models_predict_the_same_in_another_process(vectors, spotted, tmp_path):
    frames, _, is_hit = spotted
    models = [
        CNN1D(**TINY).fit(*vectors),
        CNN2D(**TINY_2D).fit(frames, is_hit),
        PeakCountClassifier().fit(frames, is_hit),
    ]
    inputs = [vectors[0], frames, frames]
    joblib.dump((models, inputs), tmp_path / "models.joblib")
    code = (
        "import joblib, sys; models, inputs = joblib.load(sys.argv[1]); "
        "joblib.dump([m.predict_proba(X) for m, X in zip(models, inputs)], sys.argv[2])"
    )
    paths = str(tmp_path / "models.joblib"), str(tmp_path / "probabilities.joblib")
    subprocess.run([sys.executable, "-c", code, *paths], check=True)
    for model, X, there in zip(models, inputs, joblib.load(paths[1]), strict=True):
        same(there, model.predict_proba(X))


def test_refit_on_another_shape(case):
    model, X, y = case
    model.fit(X, y)
    smaller = X[:, 10:-7] if X.ndim == 2 else X[:, 4:, :-9]
    model.fit(smaller, y)
    assert model.frame_shape_in_ == smaller.shape[1:]
    assert model.n_features_in_ == smaller.shape[1]
    assert model.score(smaller, y) > 0.9


def test_two_fits_are_bit_identical_and_global_generators_untouched(case):
    model, X, y = case
    torch.rand(1)
    states = torch.get_rng_state(), legacy_state(), random.getstate()
    n_threads = torch.get_num_threads()
    one = clone(model).fit(X, y)
    two = pickle.loads(pickle.dumps(clone(model).fit(X, y)))
    same(one.predict_proba(X), two.predict_proba(X))
    assert torch.equal(torch.get_rng_state(), states[0])
    same(legacy_state(), states[1])
    assert random.getstate() == states[2]
    assert torch.get_num_threads() == n_threads


def test_two_jobs_give_what_one_gives(case):
    model, X, y = case
    results = [
        cross_val_predict(model, X, y, cv=2, method="predict_proba", n_jobs=n_jobs)
        for n_jobs in (1, 2)
    ]
    same(results[0], results[1])


def test_threads_give_what_one_gives(case):
    model, X, y = case
    alone = cross_val_predict(model, X, y, cv=2, method="predict_proba")
    with joblib.parallel_config(backend="threading", n_jobs=2):
        threaded = cross_val_predict(model, X, y, cv=2, method="predict_proba")
    same(threaded, alone)


def test_grid_search_by_recall(case):
    model, X, y = case
    grid = {"dropout": [0.0, 0.3]} if isinstance(model, NETWORKS) else {"min_snr": [5.0, 1000.0]}
    search = GridSearchCV(model, grid, scoring="recall", cv=2).fit(X, y)
    assert search.best_score_ > 0.9
    if isinstance(model, PeakCountClassifier):
        assert search.best_params_ == {"min_snr": 5.0}
    assert cross_val_score(search.best_estimator_, X, y, scoring="precision", cv=2).min() > 0.9


def test_bad_parameters_are_refused_by_name(case):
    model, X, y = case
    name = "lr" if isinstance(model, NETWORKS) else "min_snr"
    with pytest.raises(ValueError, match=f"The '{name}' parameter"):
        model.set_params(**{name: -1.0}).fit(X, y)


def test_lazy_frames_give_what_arrays_give(spotted):
    frames, _, is_hit = spotted
    run = open_frames(frames)
    in_memory = PeakCountClassifier().fit(frames, is_hit)
    lazy = PeakCountClassifier().fit(run[:30], is_hit[:30])
    assert lazy.threshold_ == PeakCountClassifier().fit(frames[:30], is_hit[:30]).threshold_
    same(in_memory.count_peaks(run), in_memory.count_peaks(frames))
    same(lazy.count_peaks(run[::-1]), in_memory.count_peaks(frames)[::-1])


def test_lazy_vectors_give_what_arrays_give(spotted):
    from sklearn_sfx.preprocessing import RowWiseDecomposition

    frames, _, is_hit = spotted
    X = RowWiseDecomposition().fit_transform(frames)
    run = RowWiseDecomposition().fit_transform(open_frames(frames))
    from_array, lazy = CNN1D(**TINY).fit(X, is_hit), CNN1D(**TINY).fit(run, is_hit)
    same(lazy.predict_proba(run), from_array.predict_proba(X))
    same(lazy.features(run), from_array.features(X))


def test_screening_lazy_frames_needs_no_more_memory_for_more_frames(spotted):
    frames, _, is_hit = spotted
    model = PeakCountClassifier().fit(frames, is_hit)
    run = open_frames(frames)
    peaks = []
    for repeats in (1, 8):
        many = run[np.tile(np.arange(len(run)), repeats)]
        tracemalloc.start()
        model.predict(many)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + frames.nbytes
