"""What a user relies on whatever the classifier: which labels and inputs it takes and refuses."""

import tracemalloc

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from sklearn_sfx.classifiers import (
    CNN1D,
    DANN,
    FineTuned,
    PeakCountClassifier,
    PeakHeightClassifier,
)
from sklearn_sfx.exceptions import FewLabelsWarning, InputError
from sklearn_sfx.frames import open_frames
from sklearn_sfx.preprocessing import GCN, RowWiseDecomposition
from tests.classifiers.contract.every_classifier import (
    NAMES,
    NETWORKS,
    PEAKS,
    TINY,
    TUNED,
    brief,
    fit,
    lazy,
    same,
)

# Their runs are small: a DANN on frames says so.
pytestmark = pytest.mark.filterwarnings("ignore:DANN. the levels of pixels")


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


@pytest.fixture(scope="module", params=[*NAMES, *PEAKS])
def of_float32(request, make_classifier):
    """Return a classifier, whole numbers, y, and what it says if given them as float32."""
    model, X, y = make_classifier(request.param)
    model, whole = brief(model), np.rint(X).astype(np.uint16)
    return model, whole, y, fit(clone(model), whole.astype(np.float32), y).predict_proba(whole)


@pytest.mark.parametrize("dtype", [np.uint16, np.int16, np.int32, np.float64, ">f4"])
def test_the_dtype_does_not_matter(of_float32, given, dtype):
    model, whole, y, expected = of_float32
    X = given(whole.astype(dtype))
    same(fit(clone(model), X, y).predict_proba(X), expected)


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
