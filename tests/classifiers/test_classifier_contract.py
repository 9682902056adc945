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

from sklearn_sfx.classifiers import (
    CNN1D,
    CNN2D,
    DANN,
    FineTuned,
    NetworkClassifier,
    PeakCountClassifier,
    PeakHeightClassifier,
)
from sklearn_sfx.exceptions import FewLabelsWarning, InputError
from sklearn_sfx.frames import open_frames
from sklearn_sfx.preprocessing import GCN, RowWiseDecomposition
from tests.classifiers.own_designs import WideDesign

TINY = {"channels": (4, 8), "n_hidden": 8, "max_epochs": 12, "lr": 0.02, "random_state": 0}
TINY_2D = {**TINY, "batch_size": 8, "lr": 0.01, "dropout": 0.0}
TUNED = {"head_max_epochs": 6, "max_epochs": 6, "head_lr": 0.02, "lr": 0.01, "random_state": 0}
ADAPTED = {"max_epochs": 12, "lr": 0.02, "batch_size": 32, "random_state": 0}
NETWORKS = (CNN1D, CNN2D, DANN, FineTuned, NetworkClassifier)
PEAKS = {"PeakCountClassifier": PeakCountClassifier, "PeakHeightClassifier": PeakHeightClassifier}
NAMES = ["CNN1D", "CNN2D", "own-1D", "FineTuned-1D", "FineTuned-2D", "DANN-1D", "DANN-2D"]


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


def unfitted(name, vectors, spotted, base=None):
    frames, _, is_hit = spotted
    X, y = vectors if name.endswith("1D") else (frames, is_hit)
    if name.startswith("FineTuned"):
        return FineTuned(base, **TUNED), X, y
    base = CNN1D(**TINY) if name.endswith("1D") else CNN2D(**TINY_2D)
    if name == "DANN-1D":
        return DANN(base, **ADAPTED), X, y
    if name == "DANN-2D":
        return DANN(base, **{**ADAPTED, "lr": 0.01, "batch_size": 16}), X, y
    if name in PEAKS:
        return PEAKS[name](), X, y
    if name == "own-1D":
        return NetworkClassifier(WideDesign(), max_epochs=12, lr=0.02, random_state=0), X, y
    return base, X, y


@pytest.fixture(params=[*NAMES, *PEAKS])
def case(request, make_classifier):
    """Return an unfitted classifier with the X and y that suit it."""
    return make_classifier(request.param)


@pytest.fixture(params=["ndarray", "Frames"])
def given(request):
    """Return what turns an array into the kind of input that is tested."""
    return np.asarray if request.param == "ndarray" else lazy


def lazy(X):
    """Return `Frames` that read as X; vectors, of positive numbers, by row-wise decomposition."""
    if X.ndim == 3:
        return open_frames(X)
    return RowWiseDecomposition().fit_transform(open_frames(np.stack([X, 0 * X], axis=2)))


def training(model, X, y):
    """Return X, y and what goes with them: DANN gets the frames again as an unlabelled target."""
    if not isinstance(model, DANN):
        return X, y, {}
    rows = np.repeat(np.arange(len(y)), 2)
    return X[rows], np.asarray(y)[rows], {"sample_domain": np.tile([0, -1], len(y))}


def fit(model, X, y):
    X, y, more = training(model, X, y)
    return model.fit(X, y, **more)


def brief(model):
    """Return a classifier that trains for two epochs, where nothing has to be learned."""
    names = {"max_epochs", "head_max_epochs"} & set(model.get_params(deep=False))
    return model.set_params(**dict.fromkeys(names, 2))


@pytest.fixture(scope="module", params=[*NAMES, *PEAKS])
def fitted_once(request, make_classifier):
    model, X, y = make_classifier(request.param)
    return fit(model, X, y), X, y


@pytest.fixture
def fitted(fitted_once):
    """Return a fitted classifier, a copy of the test's own, with the X and y of its training."""
    model, X, y = fitted_once
    return copy.deepcopy(model), X, y


def legacy_state():
    return np.random.get_state()[1].copy()  # noqa: NPY002  (the global generator is the point)


def same(a, b):
    np.testing.assert_array_equal(a, b, strict=True)


@pytest.mark.parametrize(
    ("names", "given"),
    [
        pytest.param(("MISS", "HIT"), np.asarray, id="text"),
        pytest.param(("MISS", "HIT"), lazy, id="text-Frames"),
        pytest.param((-1, 1), np.asarray, id="signs"),
        pytest.param((False, True), np.asarray, id="bool"),
        pytest.param((3, 7), np.asarray, id="any"),
    ],
)
def test_labels_come_back_as_given(case, given, names):
    model, X, y = case
    X, labels = given(X), np.array(names)[y]
    if isinstance(model, DANN):
        model.set_params(unlabelled=None)
    fit(model, X, labels)
    predicted = model.predict(X)
    assert predicted.dtype == labels.dtype
    assert np.mean(predicted == labels) > 0.95
    assert model.classes_.tolist() == sorted(names)
    probability = model.predict_proba(X)
    same(model.classes_[probability.argmax(axis=1)], predicted)
    assert model.score(X, labels) > 0.95


def test_three_classes(case):
    model, X, y = case
    kinds = np.array(["MISS", "HIT", "MAYBE"])
    labels = kinds[np.where(np.arange(len(y)) % 4 == 3, 2, y)]
    if isinstance(model, tuple(PEAKS.values())):
        with pytest.raises(ValueError, match="binary"):
            model.fit(X, labels)
        return
    fit(model, X, labels)
    assert model.classes_.tolist() == ["HIT", "MAYBE", "MISS"]
    probability = model.predict_proba(X)
    assert probability.shape == (len(X), 3)
    np.testing.assert_allclose(probability.sum(axis=1), 1.0, rtol=0, atol=1e-12)
    # MAYBE are every fourth frame and look like any; the other two are told apart.
    sure = labels != "MAYBE"
    says_hit = probability[:, 0] > probability[:, 2]
    # Half the frames have no label for DANN, and the third class takes from the second.
    least = 0.8 if isinstance(model, DANN) else 0.9
    assert np.mean(says_hit[sure] == (labels[sure] == "HIT")) > least


def test_probabilities_are_probabilities(fitted):
    model, X, _ = fitted
    probability = model.predict_proba(X)
    assert probability.dtype == np.float64
    assert probability.shape == (len(X), 2)
    assert (probability >= 0).all()
    np.testing.assert_allclose(probability.sum(axis=1), 1.0, rtol=0, atol=1e-12)


def test_nan_and_read_only_memory_maps_are_read_and_left_alone(case, given, tmp_path):
    model, X, y = case
    X = X.astype(np.float32)
    X[:, 3] = np.nan
    np.save(tmp_path / "X.npy", X)
    mapped = given(np.load(tmp_path / "X.npy", mmap_mode="r"))
    fit(model, mapped, y)
    assert np.isfinite(model.predict_proba(mapped)).all()
    assert model.score(mapped, y) > 0.9
    same(np.load(tmp_path / "X.npy"), X)


@pytest.mark.parametrize("dtype", [np.uint16, np.int16, np.int32, np.float64, ">f4"])
def test_the_dtype_does_not_matter(case, given, dtype):
    model, X, y = case
    model = brief(model)
    whole = np.rint(X).astype(np.uint16)
    expected = fit(clone(model), whole.astype(np.float32), y).predict_proba(whole)
    X = given(whole.astype(dtype))
    same(fit(model, X, y).predict_proba(X), expected)


def test_one_label_of_a_class_trains_with_a_warning_where_that_is_too_few(case):
    model, X, y = case
    rows = np.concatenate([np.flatnonzero(y == 0), np.flatnonzero(y == 1)[:1]])
    if isinstance(model, NETWORKS):
        with pytest.warns(FewLabelsWarning, match="class 1 has 1 labels"):
            fit(model, X[rows], y[rows])
    else:
        fit(model, X[rows], y[rows])
    assert model.predict(X).shape == y.shape


def test_one_class_is_refused(case):
    model, X, y = case
    with pytest.raises(InputError, match=r"two classes at least.*one class only: 'hit'"):
        fit(model, X, np.full(len(y), "hit"))


def test_a_batch_larger_than_the_data_trains(case):
    model, X, y = case
    if isinstance(model, NETWORKS):
        model.set_params(batch_size=10_000, max_epochs=40)
        assert fit(model, X, y).score(X, y) > 0.9


def test_wrong_shapes_are_refused(fitted):
    model, X, y = fitted
    with pytest.raises(ValueError, match=r"was fitted on|is expecting"):
        model.predict(X[:, :-1])
    with pytest.raises(InputError, match=r"needs|was fitted on"):
        model.predict(X[..., np.newaxis])
    with pytest.raises(InputError, match="infinity"):
        model.predict(np.where(X.max() == X, np.inf, X))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        clone(model).fit(X, [0, 1])
    if isinstance(model, FineTuned):
        with pytest.raises(InputError, match=r"base was fitted on frames of shape"):
            clone(model).fit(X[:, :-1], y)


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
    same(results[0], results[1])


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
    search = GridSearchCV(model, grid, scoring="recall", cv=2).fit(X, y, **more)
    assert search.best_score_ > 0.9
    if isinstance(model, PeakCountClassifier):
        assert search.best_params_ == {"min_snr": 5.0}
    how = {"scoring": "precision", "cv": 2, "params": more}
    assert cross_val_score(search.best_estimator_, X, y, **how).min() > 0.9


def test_bad_parameters_are_refused_by_name(case):
    model, X, y = case
    names = {PeakCountClassifier: "min_snr", PeakHeightClassifier: "C"}
    name = names.get(type(model), "lr")
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


@pytest.mark.parametrize("name", NAMES)
def test_lazy_frames_train_and_predict_as_arrays_do(make_classifier, name):
    model, X, y = make_classifier(name)
    model = brief(model)
    run = lazy(X)
    from_array, from_run = fit(clone(model), X, y), fit(clone(model), run, y)
    same(from_run.predict_proba(run), from_array.predict_proba(X))
    same(from_run.features(run), from_array.features(X))


def test_frames_prepared_in_another_way_are_refused(spotted):
    frames, _, is_hit = spotted
    run = open_frames(frames)
    rows = RowWiseDecomposition().fit_transform(run)
    contrast = RowWiseDecomposition().fit_transform(GCN().fit_transform(run))
    model = CNN1D(**TINY).fit(rows, is_hit)
    for refuse in (model.predict, lambda X: FineTuned(model, **TUNED).fit(X, is_hit)):
        with pytest.raises(InputError, match=r"prepared by \[RowWise.*by \[GCN, RowWise"):
            refuse(contrast)
    assert model.predict(np.asarray(contrast)).shape == (40,)  # an array does not know


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
