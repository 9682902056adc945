"""What was saved comes back and predicts the same, and the file says what it holds."""

import inspect
import re
import subprocess
import sys
from importlib import import_module
from pkgutil import iter_modules

import numpy as np
import pytest
import torch
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import VotingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import fbeta_score, make_scorer
from sklearn.model_selection import GridSearchCV, StratifiedKFold, TunedThresholdClassifierCV
from sklearn.pipeline import make_pipeline

import sklearn_sfx
from sklearn_sfx import (
    CNN1D,
    CNN2D,
    DANN,
    GCN,
    LCN,
    CentralCrop,
    FineTuned,
    InputError,
    LabelledStratifiedKFold,
    PeakCountClassifier,
    PeakHeightClassifier,
    PixelMask,
    RowWiseDecomposition,
    SourceScorer,
    TargetRecallClassifier,
    load_model,
    save_model,
)
from sklearn_sfx.persistence._formats import FORMAT
from sklearn_sfx.persistence._trusted import loader_of

TINY = {"channels": (4, 8), "n_hidden": 8, "max_epochs": 4, "lr": 0.02, "random_state": 0}
TINY_STEPS = {"head_max_epochs": 2, "max_epochs": 2, "random_state": 0}
FOLDS = StratifiedKFold(2, shuffle=True, random_state=0)


def pipeline():
    steps = [PixelMask(detect=True), CentralCrop(36), GCN(), LCN(5), RowWiseDecomposition()]
    return make_pipeline(*steps, CNN1D(**TINY))


def same(a, b):
    np.testing.assert_array_equal(a, b, strict=True)


def in_words(model):
    """Return its repr, without where in memory a RandomState is."""
    return re.sub(" at 0x[0-9A-F]+", "", repr(model))


def decide_by(network):
    scoring = make_scorer(fbeta_score, beta=2, zero_division=0)
    return TunedThresholdClassifierCV(network, scoring=scoring, cv=FOLDS)


def search(model, grid, **arguments):
    return GridSearchCV(model, grid, cv=arguments.pop("cv", FOLDS), **arguments)


MODELS = {
    "CNN1D": lambda d: (CNN1D(**TINY), d.vectors, d.y),
    "random state": lambda d: (
        CNN1D(**{**TINY, "random_state": np.random.RandomState(3)}),
        d.vectors,
        d.y,
    ),
    "early stopping": lambda d: (CNN1D(**TINY, early_stopping=True), d.vectors, d.y),
    "CNN2D": lambda d: (CNN2D(**TINY), d.frames, d.y),
    "PeakCountClassifier": lambda d: (PeakCountClassifier(), d.frames, d.y),
    "PeakHeightClassifier": lambda d: (PeakHeightClassifier(), d.frames, d.y),
    "DANN": lambda d: (
        DANN(CNN1D(channels=(4, 8)), max_epochs=2, random_state=0),
        d.vectors,
        np.where(np.arange(len(d.y)) < 32, d.y, -1),
    ),
    "FineTuned": lambda d: (
        FineTuned(CNN1D(**TINY).fit(d.vectors, d.y), **TINY_STEPS),
        d.vectors,
        d.y,
    ),
    "FineTuned pipeline": lambda d: (
        FineTuned(pipeline().fit(d.frames, d.y), **TINY_STEPS),
        d.frames,
        d.y,
    ),
    "TargetRecallClassifier": lambda d: (
        TargetRecallClassifier(CNN1D(**TINY), confidence=None, cv=FOLDS),
        d.vectors,
        d.y,
    ),
    "pipeline": lambda d: (pipeline(), d.frames, d.y),
    "mask": lambda d: (
        make_pipeline(PixelMask(np.arange(1600).reshape(40, 40) > 90), CNN2D(**TINY)),
        d.frames,
        d.y,
    ),
    "frozen": lambda d: (FrozenEstimator(pipeline().fit(d.frames, d.y)), d.frames, d.y),
    "search": lambda d: (
        search(pipeline(), {"cnn1d__dropout": [0.0, 0.2]}, scoring="recall"),
        d.frames,
        d.y,
    ),
    "search of a shape": lambda d: (
        search(
            CNN1D(**TINY), {"channels": [(2,), (4, 8)]}, cv=LabelledStratifiedKFold(2, shuffle=True)
        ),
        d.vectors,
        d.y,
    ),
    "search by source": lambda d: (
        search(
            CNN1D(**TINY),
            {"dropout": [0.1]},
            scoring={"source": SourceScorer(), "f1": "f1"},
            refit="source",
        ),
        d.vectors,
        d.y,
    ),
    "threshold": lambda d: (decide_by(CNN1D(**TINY)), d.vectors, d.y),
    "calibrated": lambda d: (CalibratedClassifierCV(CNN1D(**TINY), cv=2), d.vectors, d.y),
    "vote": lambda d: (
        VotingClassifier([("a", CNN1D(**TINY)), ("b", CNN1D(**TINY))], voting="soft"),
        d.vectors,
        d.y,
    ),
}


@pytest.mark.parametrize("case", list(MODELS))
def test_it_comes_back_and_predicts_the_same_bit_by_bit(case, data, tmp_path):
    model, X, y = MODELS[case](data)
    model.fit(X, y)
    save_model(model, tmp_path / "model.skops")
    again = load_model(tmp_path / "model.skops")
    assert type(again) is type(model)
    same(again.predict_proba(X), model.predict_proba(X))
    same(again.predict(X), model.predict(X))
    same(again.classes_, model.classes_)
    assert in_words(again) == in_words(model)
    save_model(again, tmp_path / "again.skops")
    assert (tmp_path / "again.skops").read_bytes() == (tmp_path / "model.skops").read_bytes()
    if hasattr(model, "history_"):
        kept = [{k: v for k, v in epoch.items() if k != "dur"} for epoch in model.history_]
        assert list(again.history_) == kept  # what a training took is no part of what it gave
    if hasattr(model, "cv_results_") and isinstance(model, GridSearchCV):
        assert again.best_params_ == model.best_params_
        assert again.cv_results_["params"] == model.cv_results_["params"]
        score = next(name for name in model.cv_results_ if name.startswith("mean_test"))
        same(again.cv_results_[score], model.cv_results_[score])
        same(again.score(X, y), model.score(X, y))


@pytest.mark.parametrize("step", [PixelMask(detect=True), CentralCrop(30), GCN(), LCN(5, "mean")])
def test_transformers_come_back(step, tmp_path, data):
    save_model(step.fit(data.frames), tmp_path / "step.skops")
    again = load_model(tmp_path / "step.skops")
    assert repr(again) == repr(step)
    same(again.transform(data.frames), step.transform(data.frames))


@pytest.mark.parametrize("names", [("miss", "hit"), (False, True), (-1, 1)])
def test_labels_and_their_weights_come_back(names, tmp_path, data, about):
    labels = np.array(names)[data.y]
    weights = dict(zip(names, (1.0, 5.0), strict=True))
    model = CNN1D(**TINY, class_weight=weights).fit(data.vectors, labels)
    save_model(model, tmp_path / "model.skops")
    again = load_model(tmp_path / "model.skops")
    same(again.predict(data.vectors), model.predict(data.vectors))
    assert again.class_weight == weights
    assert list(map(type, again.class_weight)) == list(map(type, weights))
    assert about(tmp_path / "model.skops")["classes"] == sorted(names)
    same(
        again.fit(data.vectors, labels).predict_proba(data.vectors),
        model.predict_proba(data.vectors),
    )


def test_a_base_named_by_its_path_comes_back(stored, tmp_path, data):
    model = FineTuned(stored, **TINY_STEPS).fit(data.frames, data.y)
    save_model(model, tmp_path / "tuned.skops")
    again = load_model(tmp_path / "tuned.skops")
    assert again.base == stored
    same(again.predict_proba(data.frames), model.predict_proba(data.frames))


def test_it_comes_back_in_another_process(fitted, stored, tmp_path, data):
    np.save(tmp_path / "frames.npy", data.frames)
    code = (
        "import sys, numpy as np; from sklearn_sfx import load_model, save_model; "
        "path, folder = sys.argv[1:]; model = load_model(path); "
        "np.save(folder + '/p.npy', model.predict_proba(np.load(folder + '/frames.npy'))); "
        "save_model(model, folder + '/again.skops')"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code, stored, tmp_path], check=True)
    same(np.load(tmp_path / "p.npy"), fitted.predict_proba(data.frames))
    assert (tmp_path / "again.skops").read_bytes() == stored.read_bytes()


def test_the_loaded_model_can_be_fitted_again(fitted, stored, data):
    again = load_model(stored).fit(data.frames, data.y)
    same(again.predict_proba(data.frames), fitted.predict_proba(data.frames))


def test_frames_of_another_shape_are_refused(stored, data):
    model = load_model(stored)
    with pytest.raises(InputError, match=r"fitted on frames of shape \(40, 40\)"):
        model.predict(data.frames[:, :-1])


def test_a_model_of_a_gpu_loads_where_there_is_none(tmp_path, monkeypatch, data):
    model = CNN1D(**TINY).fit(data.vectors, data.y)
    save_model(model.set_params(device="cuda"), tmp_path / "model.skops")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    again = load_model(tmp_path / "model.skops")
    assert next(again.net_.module_.parameters()).device.type == "cpu"
    same(again.predict_proba(data.vectors), model.predict_proba(data.vectors))


def test_it_is_small_and_the_same_each_time(fitted, stored, tmp_path):
    save_model(fitted, str(tmp_path / "model.any"))
    assert (tmp_path / "model.any").read_bytes() == stored.read_bytes()
    weights = sum(w.numel() * 4 for w in fitted[-1].net_.module_.state_dict().values())
    assert stored.stat().st_size < weights + 10_000


# -- What the file says of itself


def test_it_says_what_it_holds(stored, about):
    said = about(stored)
    assert said["format"] == FORMAT == 2
    assert said["sklearn_sfx"] == sklearn_sfx.__version__
    assert said["versions"]["numpy"] == np.__version__
    assert said["versions"].keys() == {"scikit-learn", "torch", "numpy", "skops"}
    assert said["class"] == "sklearn.pipeline.Pipeline"
    assert said["preprocessing"][1:] == [
        "CentralCrop(center='frame', size=36)",
        "GCN()",
        "LCN(floor=1.0, kernel_size=5)",
        "RowWiseDecomposition(axis='row')",
    ]
    assert said["preprocessing"][0].startswith("PixelMask(detect=True")
    assert said["frame_shape"] == [40, 40]
    assert said["classes"] == [0, 1]


@pytest.mark.parametrize(
    ("model", "shape", "n_steps"),
    [
        (lambda: FrozenEstimator(pipeline()), [40, 40], 5),
        (lambda: search(pipeline(), {"lcn__kernel_size": [3]}), [40, 40], 5),
        (lambda: CalibratedClassifierCV(pipeline(), cv=2), None, 5),
        (lambda: PeakCountClassifier(), [40, 40], 0),
        (lambda: GCN(), [40, 40], 0),
        (lambda: make_pipeline("passthrough", PeakCountClassifier()), [40, 40], 0),
        (lambda: make_pipeline("passthrough"), None, 0),
    ],
    ids=["frozen", "search", "calibrated", "alone", "transformer", "passed through", "nothing"],
)
def test_it_says_so_of_what_is_wrapped(model, shape, n_steps, data, tmp_path, about):
    model = model()
    inside = model.estimator if isinstance(model, FrozenEstimator) else model
    inside.fit(data.frames, data.y)
    save_model(model, tmp_path / "model.skops")
    said = about(tmp_path / "model.skops")
    assert said["frame_shape"] == shape
    assert len(said["preprocessing"]) == n_steps
    load_model(tmp_path / "model.skops")


def test_every_public_class_that_a_model_is_made_of_may_be_in_a_file():
    rooms = [module.name for module in iter_modules(sklearn_sfx.__path__) if module.ispkg]
    faces = [import_module(f"sklearn_sfx.{room}") for room in rooms]
    public = {getattr(face, name) for face in faces for name in face.__all__}
    made_of = {
        "fit",
        "split",
        "save",
        "uses",
    }  # estimators, splitters, the command's model, scorers
    classes = [each for each in public if inspect.isclass(each) and made_of & set(dir(each))]
    assert len(classes) >= 18
    for each in classes:
        assert loader_of(f"{each.__module__}.{each.__name__}") == "ObjectNode", each
