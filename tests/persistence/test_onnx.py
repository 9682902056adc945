"""Networks as ONNX files: onnxruntime gives the probabilities that the classifier gives."""

import json
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import FixedThresholdClassifier, GridSearchCV
from sklearn.pipeline import make_pipeline

import sklearn_sfx
from sklearn_sfx import (
    CNN1D,
    CNN2D,
    DANN,
    GCN,
    CentralCrop,
    FineTuned,
    InputError,
    PeakCountClassifier,
    RowWiseDecomposition,
    ScreeningModel,
    TargetRecallClassifier,
    open_frames,
    to_onnx,
)

TINY = {"channels": (4, 8), "n_hidden": 8, "max_epochs": 3, "lr": 0.02, "random_state": 0}
TINY_STEPS = {"head_max_epochs": 2, "max_epochs": 2, "random_state": 0}


def make_frames(n=60, side=40, seed=0):
    """Return frames of which a third has no spots, a third a few and a third many, and names."""
    rng = np.random.default_rng(seed)
    frames, y = rng.poisson(4.0, (n, side, side)).astype(np.float32), np.arange(n) % 3
    frames[y > 0, 8::12, 8::12] += 60
    frames[y > 1, 4::12, 4::12] += 60
    return frames, np.array(["miss", "maybe", "hit"])[y]


FRAMES, NAMES = make_frames()
VECTORS = RowWiseDecomposition().fit_transform(FRAMES)
HITS = (NAMES != "miss").astype(int)


def with_gaps(X):
    """Return X with NaN in it, some rows without any, one with nothing else."""
    X = X.copy()
    X[1::2, 3:7] = np.nan
    X[5] = np.nan
    return X


def check(path):
    """Return a session of the file, once it is what the standard asks for."""
    onnx.checker.check_model(onnx.load(path), full_check=True)
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


def run(session, X):
    return session.run(["probability"], {"X": np.asarray(X, np.float32)})[0]


def agree(session, model, X):
    found = run(session, X)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, model.predict_proba(X), rtol=0, atol=1e-5)


MODELS = {
    "CNN1D": lambda: (CNN1D(**TINY).fit(VECTORS, NAMES), VECTORS),
    "CNN1D of two classes": lambda: (CNN1D(**TINY).fit(VECTORS, HITS), VECTORS),
    "CNN1D by default": lambda: (CNN1D(max_epochs=1, random_state=0).fit(VECTORS, HITS), VECTORS),
    "CNN1D fitted on NaN": lambda: (CNN1D(**TINY).fit(with_gaps(VECTORS), NAMES), VECTORS),
    "CNN2D": lambda: (CNN2D(**TINY).fit(FRAMES, NAMES), FRAMES),
    "CNN2D by default": lambda: (CNN2D(max_epochs=1, random_state=0).fit(FRAMES, HITS), FRAMES),
    "CNN2D of another head": lambda: (CNN2D(**{**TINY, "n_hidden": ()}).fit(FRAMES, HITS), FRAMES),
    "DANN": lambda: (
        DANN(CNN1D(**TINY), unlabelled="none", max_epochs=2, random_state=0).fit(
            VECTORS, np.where(np.arange(len(NAMES)) < 33, NAMES, "none")
        ),
        VECTORS,
    ),
    "DANN on frames": lambda: (
        DANN(CNN2D(**TINY), max_epochs=2, random_state=0).fit(
            np.concatenate([FRAMES, FRAMES]), np.r_[HITS, np.full(len(HITS), -1)]
        ),
        FRAMES,
    ),
    "FineTuned": lambda: (
        FineTuned(CNN1D(**TINY).fit(VECTORS, NAMES), **TINY_STEPS).fit(2 * VECTORS + 5, HITS),
        VECTORS,
    ),
    "FineTuned DANN on frames": lambda: (
        FineTuned(MODELS["DANN on frames"]()[0], **TINY_STEPS).fit(FRAMES, NAMES),
        FRAMES,
    ),
}


@pytest.fixture(scope="module", params=MODELS)
def fitted(request):
    return MODELS[request.param]()


@pytest.fixture(scope="module")
def vectors_model():
    return CNN1D(**TINY).fit(VECTORS, HITS)


# -- The same probabilities


@pytest.mark.parametrize("n", [1, 7, 32])
def test_it_gives_what_the_classifier_gives(fitted, n, tmp_path):
    model, X = fitted
    to_onnx(model, tmp_path / "model.onnx")
    session = check(tmp_path / "model.onnx")
    agree(session, model, X[:n])
    agree(session, model, with_gaps(X)[-n:])
    agree(session, model, with_gaps(X)[1 : n + 1])
    np.testing.assert_allclose(run(session, X[:n]).sum(axis=1), 1, atol=1e-6)


def test_nan_reads_as_0(fitted, tmp_path):
    model, X = fitted
    to_onnx(model, tmp_path / "model.onnx")
    session, X = check(tmp_path / "model.onnx"), with_gaps(X)
    np.testing.assert_array_equal(run(session, X), run(session, np.nan_to_num(X)))


def test_a_pickled_model_gives_the_same_file(fitted, tmp_path):
    model, X = fitted
    to_onnx(model, tmp_path / "model.onnx")
    again = pickle.loads(pickle.dumps(model))
    to_onnx(again, str(tmp_path / "again.onnx"))
    assert (tmp_path / "again.onnx").read_bytes() == (tmp_path / "model.onnx").read_bytes()
    agree(check(tmp_path / "again.onnx"), again, X)


@pytest.mark.parametrize("length", [1, 2, 3, 5, 8, 37, 720])
def test_vectors_of_any_length(length, tmp_path):
    X = np.random.default_rng(0).normal(5, 2, (36, length)).astype(np.float32)
    model = CNN1D(**{**TINY, "channels": (4, 4, 4), "kernel_size": 5}).fit(X, HITS[:36])
    to_onnx(model, tmp_path / "model.onnx")
    agree(check(tmp_path / "model.onnx"), model, X)


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (7, 9), (24, 64), (65, 33)])
def test_frames_of_any_shape(shape, tmp_path):
    X = np.random.default_rng(0).normal(5, 2, (36, *shape)).astype(np.float32)
    model = CNN2D(**{**TINY, "channels": (4, 4, 4)}).fit(X, HITS[:36])
    to_onnx(model, tmp_path / "model.onnx")
    agree(check(tmp_path / "model.onnx"), model, X)


def test_counts_far_from_0_lose_nothing(tmp_path):
    X = VECTORS + 30_000
    model = CNN1D(**TINY).fit(X, HITS)
    to_onnx(model, tmp_path / "model.onnx")
    agree(check(tmp_path / "model.onnx"), model, X)


def test_the_model_stays_as_it_is(fitted, tmp_path):
    model, X = fitted
    before, expected = pickle.dumps(model), model.predict_proba(X)
    to_onnx(model, tmp_path / "model.onnx")
    assert pickle.dumps(model) == before
    np.testing.assert_array_equal(model.predict_proba(X), expected)


# -- What the file says


def metadata(path):
    found = onnxruntime.InferenceSession(path).get_modelmeta().custom_metadata_map
    return {name: json.loads(value) for name, value in found.items()}


def test_input_and_output_are_named_and_n_is_free(fitted, tmp_path):
    model, X = fitted
    to_onnx(model, tmp_path / "model.onnx")
    session = check(tmp_path / "model.onnx")
    (given,), (got,) = session.get_inputs(), session.get_outputs()
    assert (given.name, given.type, given.shape) == ("X", "tensor(float)", ["n", *X.shape[1:]])
    assert (got.name, got.type) == ("probability", "tensor(float)")
    assert got.shape == ["n", len(model.classes_)]
    said = metadata(tmp_path / "model.onnx")
    assert said == {
        "sklearn_sfx": sklearn_sfx.__version__,
        "classes": model.classes_.tolist(),
        "frame_shape": list(X.shape[1:]),
        "preprocessing": None,
        "steps": [],
    }


def test_the_batch_norm_is_folded_and_nothing_of_training_is_left(fitted, tmp_path):
    to_onnx(fitted[0], tmp_path / "model.onnx")
    used = {node.op_type for node in onnx.load(tmp_path / "model.onnx").graph.node}
    assert used.isdisjoint({"BatchNormalization", "Dropout", "If", "Loop", "RandomUniform"})
    assert "Softmax" in used


def test_it_says_how_a_run_was_prepared(tmp_path):
    run = CentralCrop(36).fit_transform(open_frames(FRAMES))
    vectors = RowWiseDecomposition().fit_transform(run)
    model = CNN1D(**TINY).fit(vectors, NAMES)
    to_onnx(model, tmp_path / "model.onnx")
    said = metadata(tmp_path / "model.onnx")
    assert said["preprocessing"] == model.preprocessing_ == vectors.preprocessing
    assert said["frame_shape"] == [36]
    assert said["classes"] == ["hit", "maybe", "miss"]
    agree(check(tmp_path / "model.onnx"), model, np.asarray(vectors))


# -- What is around a network


def make_model():
    return make_pipeline(CentralCrop(36), GCN(), RowWiseDecomposition(), CNN1D(**TINY))


STEPS = ["CentralCrop(center='frame', size=36)", "GCN()", "RowWiseDecomposition(axis='row')"]


@pytest.mark.parametrize(
    "model",
    [
        make_model,
        lambda: make_pipeline("passthrough", make_model()),
        lambda: FrozenEstimator(make_model().fit(FRAMES, HITS)),
        lambda: GridSearchCV(make_model(), {"cnn1d__dropout": [0.0, 0.2]}, cv=2),
        lambda: FixedThresholdClassifier(make_model(), threshold=0.3),
        lambda: TargetRecallClassifier(make_model(), confidence=None, cv=2),
        lambda: make_pipeline(CentralCrop(36), FixedThresholdClassifier(make_model()[1:])),
        lambda: FineTuned(make_model().fit(FRAMES, NAMES), **TINY_STEPS),
    ],
    ids=["pipeline", "nested", "frozen", "search", "threshold", "recall", "inside", "FineTuned"],
)
def test_the_network_inside_is_written_without_its_steps(model, tmp_path):
    model = model().fit(FRAMES, HITS)
    to_onnx(model, tmp_path / "model.onnx")
    said = metadata(tmp_path / "model.onnx")
    assert said["steps"] == STEPS
    assert said["frame_shape"] == [36]
    prepared = make_model()[:-1].fit_transform(FRAMES)
    found = run(check(tmp_path / "model.onnx"), prepared)
    np.testing.assert_allclose(found, model.predict_proba(FRAMES), rtol=0, atol=1e-5)


def test_a_model_of_the_command_line_is_written_too(tmp_path):
    prepare, classifier = make_model()[:2].fit(FRAMES), make_model()[2:]
    prepared = prepare.transform(FRAMES)
    classifier.fit(prepared, HITS)
    peaks = PeakCountClassifier().fit(FRAMES, HITS)
    to_onnx(ScreeningModel(prepare, classifier, peaks, 0.5, (), (40, 40)), tmp_path / "model.onnx")
    assert metadata(tmp_path / "model.onnx")["steps"] == STEPS
    found = run(check(tmp_path / "model.onnx"), classifier[0].transform(prepared))
    np.testing.assert_allclose(found, classifier.predict_proba(prepared), rtol=0, atol=1e-5)


def around(network):
    return CalibratedClassifierCV(FrozenEstimator(network))


@pytest.mark.parametrize(
    ("model", "named"),
    [
        (lambda _: CNN1D(), "this CNN1D is none"),
        (lambda _: FineTuned("base.skops"), "this FineTuned is none"),
        (lambda _: make_model(), "this CNN1D is none"),
        (lambda _: GridSearchCV(CNN1D(), {}), "this CNN1D is none"),
        (lambda _: PeakCountClassifier().fit(FRAMES, HITS), "this PeakCountClassifier is none"),
        (lambda _: make_pipeline(GCN()).fit(FRAMES), "this GCN is none"),
        (lambda _: None, "this NoneType is none"),
        # Its probabilities are not those of the network.
        (lambda network: around(network).fit(VECTORS, HITS), "this CalibratedClassifierCV is none"),
    ],
)
def test_what_is_no_trained_network_is_refused(model, named, vectors_model, tmp_path):
    with pytest.raises(InputError, match=named):
        to_onnx(model(vectors_model), tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


def test_a_base_of_another_kind_is_refused(tmp_path):
    model = CNN1D(**TINY).fit(VECTORS, HITS)
    model.net_.module_.base = torch.nn.Linear(40, 16)
    with pytest.raises(InputError, match="A network on Linear cannot be written"):
        to_onnx(model, tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


# -- The file, and the package that writes it


def test_folders_are_named_where_they_are_missing(vectors_model, tmp_path):
    with pytest.raises(InputError, match=r"the folder .*none does not exist; make it first"):
        to_onnx(vectors_model, tmp_path / "none" / "model.onnx")
    with pytest.raises(InputError, match="this is a folder; name a file"):
        to_onnx(vectors_model, tmp_path)


def test_a_failed_write_keeps_the_old_file(vectors_model, tmp_path, monkeypatch):
    path = tmp_path / "model.onnx"
    path.write_text("old")
    write = Path.write_bytes

    def write_half(self, content):
        write(self, content[: len(content) // 2])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", write_half)
    with pytest.raises(OSError, match="No space left"):
        to_onnx(vectors_model, path)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


def test_threads_write_the_same(fitted, tmp_path):
    paths = [tmp_path / f"{i}.onnx" for i in range(8)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(to_onnx, [fitted[0]] * len(paths), paths))
    assert len({path.read_bytes() for path in paths}) == 1


def test_it_is_small(vectors_model, tmp_path):
    to_onnx(vectors_model, tmp_path / "model.onnx")
    weights = sum(w.numel() * 4 for w in vectors_model.net_.module_.state_dict().values())
    assert (tmp_path / "model.onnx").stat().st_size < weights + 4_000


def test_a_missing_onnx_is_one_sentence(vectors_model, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(InputError, match=r"need onnx: pip install 'sklearn_sfx\[onnx]'"):
        to_onnx(vectors_model, tmp_path / "model.onnx")


def test_nothing_is_printed_and_onnx_is_imported_on_use_only(vectors_model, tmp_path):
    (tmp_path / "model.pickle").write_bytes(pickle.dumps(vectors_model))
    code = (
        "import pickle, sys, pathlib, sklearn_sfx.persistence as p; "
        "folder = pathlib.Path(sys.argv[1]); "
        "model = pickle.loads((folder / 'model.pickle').read_bytes()); "
        "before = 'onnx' in sys.modules; p.to_onnx(model, folder / 'model.onnx'); "
        "print(before, 'onnx' in sys.modules, 'onnxruntime' in sys.modules)"
    )
    of_torch = "ignore:Implicitly cleaning up:ResourceWarning"  # an older one, when it ends
    command = [sys.executable, "-W", "error", "-W", of_torch, "-c", code, tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (done.stdout.strip(), done.stderr) == ("False True False", "")
