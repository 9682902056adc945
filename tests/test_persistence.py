"""Safe model files: what comes back is what was saved, and what is hostile stays outside."""

import inspect
import io
import json
import os
import pickle
import re
import shutil
import subprocess
import sys
import zipfile
from importlib import import_module
from pathlib import Path

import joblib
import numpy as np
import pytest
import skops.io
import torch
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import VotingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import fbeta_score, make_scorer
from sklearn.model_selection import GridSearchCV, StratifiedKFold, TunedThresholdClassifierCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

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
from sklearn_sfx.persistence import FORMAT, TRUSTED

TINY = {"channels": (4, 8), "n_hidden": 8, "max_epochs": 4, "lr": 0.02, "random_state": 0}
TINY_STEPS = {"head_max_epochs": 2, "max_epochs": 2, "random_state": 0}
FOLDS = StratifiedKFold(2, shuffle=True, random_state=0)


def make_frames(n=48, side=40, seed=0):
    """Return noise, every second frame with nine spots, and whether it has them."""
    rng = np.random.default_rng(seed)
    frames, y = rng.poisson(4.0, (n, side, side)).astype(np.uint16), np.arange(n) % 2
    frames[y == 1, 8::12, 8::12] += 60
    frames[y == 1, 9::12, 8::12] += 60
    return frames, y


FRAMES, Y = make_frames()
VECTORS = RowWiseDecomposition().fit_transform(FRAMES)


def make_model(**changed):
    steps = [PixelMask(detect=True), CentralCrop(36), GCN(), LCN(5), RowWiseDecomposition()]
    return make_pipeline(*steps, CNN1D(**{**TINY, **changed}))


@pytest.fixture(scope="module")
def fitted():
    return make_model().fit(FRAMES, Y)


@pytest.fixture(scope="module")
def stored(fitted, tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "model.skops"
    save_model(fitted, path)
    return path


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


# -- What was saved comes back


MODELS = {
    "CNN1D": lambda: (CNN1D(**TINY), VECTORS, Y),
    "random state": lambda: (
        CNN1D(**{**TINY, "random_state": np.random.RandomState(3)}),
        VECTORS,
        Y,
    ),
    "early stopping": lambda: (CNN1D(**TINY, early_stopping=True), VECTORS, Y),
    "CNN2D": lambda: (CNN2D(**TINY), FRAMES, Y),
    "PeakCountClassifier": lambda: (PeakCountClassifier(), FRAMES, Y),
    "PeakHeightClassifier": lambda: (PeakHeightClassifier(), FRAMES, Y),
    "DANN": lambda: (
        DANN(CNN1D(channels=(4, 8)), max_epochs=2, random_state=0),
        VECTORS,
        np.where(np.arange(len(Y)) < 32, Y, -1),
    ),
    "FineTuned": lambda: (FineTuned(CNN1D(**TINY).fit(VECTORS, Y), **TINY_STEPS), VECTORS, Y),
    "FineTuned pipeline": lambda: (FineTuned(make_model().fit(FRAMES, Y), **TINY_STEPS), FRAMES, Y),
    "TargetRecallClassifier": lambda: (
        TargetRecallClassifier(CNN1D(**TINY), confidence=None, cv=FOLDS),
        VECTORS,
        Y,
    ),
    "pipeline": lambda: (make_model(), FRAMES, Y),
    "mask": lambda: (
        make_pipeline(PixelMask(np.arange(1600).reshape(40, 40) > 90), CNN2D(**TINY)),
        FRAMES,
        Y,
    ),
    "frozen": lambda: (FrozenEstimator(make_model().fit(FRAMES, Y)), FRAMES, Y),
    "search": lambda: (
        search(make_model(), {"cnn1d__dropout": [0.0, 0.2]}, scoring="recall"),
        FRAMES,
        Y,
    ),
    "search of a shape": lambda: (
        search(
            CNN1D(**TINY), {"channels": [(2,), (4, 8)]}, cv=LabelledStratifiedKFold(2, shuffle=True)
        ),
        VECTORS,
        Y,
    ),
    "search by source": lambda: (
        search(
            CNN1D(**TINY),
            {"dropout": [0.1]},
            scoring={"source": SourceScorer(), "f1": "f1"},
            refit="source",
        ),
        VECTORS,
        Y,
    ),
    "threshold": lambda: (decide_by(CNN1D(**TINY)), VECTORS, Y),
    "calibrated": lambda: (CalibratedClassifierCV(CNN1D(**TINY), cv=2), VECTORS, Y),
    "vote": lambda: (
        VotingClassifier([("a", CNN1D(**TINY)), ("b", CNN1D(**TINY))], voting="soft"),
        VECTORS,
        Y,
    ),
}


@pytest.mark.parametrize("case", list(MODELS))
def test_it_comes_back_and_predicts_the_same_bit_by_bit(case, tmp_path):
    model, X, y = MODELS[case]()
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
        assert list(again.history_) == list(model.history_)
    if hasattr(model, "cv_results_") and isinstance(model, GridSearchCV):
        assert again.best_params_ == model.best_params_
        assert again.cv_results_["params"] == model.cv_results_["params"]
        score = next(name for name in model.cv_results_ if name.startswith("mean_test"))
        same(again.cv_results_[score], model.cv_results_[score])
        same(again.score(X, y), model.score(X, y))


@pytest.mark.parametrize("step", [PixelMask(detect=True), CentralCrop(30), GCN(), LCN(5, "mean")])
def test_transformers_come_back(step, tmp_path):
    save_model(step.fit(FRAMES), tmp_path / "step.skops")
    again = load_model(tmp_path / "step.skops")
    assert repr(again) == repr(step)
    same(again.transform(FRAMES), step.transform(FRAMES))


@pytest.mark.parametrize("names", [("miss", "hit"), (False, True), (-1, 1)])
def test_labels_and_their_weights_come_back(names, tmp_path):
    labels = np.array(names)[Y]
    weights = dict(zip(names, (1.0, 5.0), strict=True))
    model = CNN1D(**TINY, class_weight=weights).fit(VECTORS, labels)
    save_model(model, tmp_path / "model.skops")
    again = load_model(tmp_path / "model.skops")
    same(again.predict(VECTORS), model.predict(VECTORS))
    assert again.class_weight == weights
    assert list(map(type, again.class_weight)) == list(map(type, weights))
    assert about(tmp_path / "model.skops")["classes"] == sorted(names)
    same(again.fit(VECTORS, labels).predict_proba(VECTORS), model.predict_proba(VECTORS))


def test_a_base_named_by_its_path_comes_back(stored, tmp_path):
    model = FineTuned(stored, **TINY_STEPS).fit(FRAMES, Y)
    save_model(model, tmp_path / "tuned.skops")
    again = load_model(tmp_path / "tuned.skops")
    assert again.base == stored
    same(again.predict_proba(FRAMES), model.predict_proba(FRAMES))


def test_it_comes_back_in_another_process(fitted, stored, tmp_path):
    np.save(tmp_path / "frames.npy", FRAMES)
    code = (
        "import sys, numpy as np; from sklearn_sfx import load_model, save_model; "
        "path, folder = sys.argv[1:]; model = load_model(path); "
        "np.save(folder + '/p.npy', model.predict_proba(np.load(folder + '/frames.npy'))); "
        "save_model(model, folder + '/again.skops')"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code, stored, tmp_path], check=True)
    same(np.load(tmp_path / "p.npy"), fitted.predict_proba(FRAMES))
    assert (tmp_path / "again.skops").read_bytes() == stored.read_bytes()


def test_the_loaded_model_can_be_fitted_again(fitted, stored):
    again = load_model(stored).fit(FRAMES, Y)
    same(again.predict_proba(FRAMES), fitted.predict_proba(FRAMES))


def test_frames_of_another_shape_are_refused(stored):
    model = load_model(stored)
    with pytest.raises(InputError, match=r"fitted on frames of shape \(40, 40\)"):
        model.predict(FRAMES[:, :-1])


def test_a_model_of_a_gpu_loads_where_there_is_none(tmp_path, monkeypatch):
    model = CNN1D(**TINY).fit(VECTORS, Y)
    save_model(model.set_params(device="cuda"), tmp_path / "model.skops")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    again = load_model(tmp_path / "model.skops")
    assert next(again.net_.module_.parameters()).device.type == "cpu"
    same(again.predict_proba(VECTORS), model.predict_proba(VECTORS))


def test_it_is_small_and_the_same_each_time(fitted, stored, tmp_path):
    save_model(fitted, str(tmp_path / "model.any"))
    assert (tmp_path / "model.any").read_bytes() == stored.read_bytes()
    weights = sum(w.numel() * 4 for w in fitted[-1].net_.module_.state_dict().values())
    assert stored.stat().st_size < weights + 10_000


# -- What the file says of itself


def about(path):
    with zipfile.ZipFile(path) as archive:
        return json.loads(archive.read("sklearn_sfx.json"))


def test_it_says_what_it_holds(stored):
    said = about(stored)
    assert said["format"] == FORMAT == 1
    assert said["sklearn_sfx"] == sklearn_sfx.__version__
    assert said["versions"]["numpy"] == np.__version__
    assert said["versions"].keys() == {"scikit-learn", "torch", "numpy", "skops"}
    assert said["class"] == "sklearn.pipeline.Pipeline"
    assert said["preprocessing"][1:] == [
        "CentralCrop(size=36)",
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
        (lambda: FrozenEstimator(make_model().fit(FRAMES, Y)), [40, 40], 5),
        (lambda: search(make_model(), {"lcn__kernel_size": [3]}).fit(FRAMES, Y), [40, 40], 5),
        (lambda: CNN1D(**TINY).fit(VECTORS, Y), [40], 0),
        (lambda: GCN().fit(FRAMES), [40, 40], 0),
        (lambda: make_pipeline("passthrough", PeakCountClassifier()).fit(FRAMES, Y), [40, 40], 0),
        (lambda: make_pipeline("passthrough").fit(FRAMES, Y), None, 0),
    ],
    ids=["frozen", "search", "network", "transformer", "passed through", "nothing"],
)
def test_it_says_so_of_what_is_wrapped(model, shape, n_steps, tmp_path):
    save_model(model(), tmp_path / "model.skops")
    said = about(tmp_path / "model.skops")
    assert said["frame_shape"] == shape
    assert len(said["preprocessing"]) == n_steps
    load_model(tmp_path / "model.skops")


def test_every_public_class_may_be_in_a_file():
    public = {getattr(sklearn_sfx, name) for name in sklearn_sfx.__all__}
    classes = {
        thing
        for thing in public
        if inspect.isclass(thing)
        and not issubclass(thing, Exception)
        and not thing.__module__.startswith("sklearn_sfx.inspection")  # pictures are not saved
        and thing is not sklearn_sfx.Frames
    }
    names = {f"{thing.__module__}.{thing.__qualname__}" for thing in classes}
    assert len(names) > 10
    assert names <= TRUSTED["ObjectNode"]
    own = [name for name in set().union(*TRUSTED.values()) if name.startswith("sklearn_sfx")]
    for module, _, name in (dotted.rpartition(".") for dotted in own):
        assert inspect.isclass(getattr(import_module(module), name))


# -- What is not saved


@pytest.mark.parametrize(
    "model",
    [
        CNN1D(),
        make_pipeline(GCN(), CNN1D()),
        make_pipeline(GCN().fit(FRAMES), CNN1D()),
        FrozenEstimator(CNN1D()),
        search(CNN1D(), {"lr": [0.1]}),
        PixelMask(),
        FineTuned("base.skops"),
    ],
    ids=lambda model: type(model).__name__,
)
def test_unfitted_models_are_refused(model, tmp_path):
    with pytest.raises(InputError, match="is not fitted: fit it before you save it"):
        save_model(model, tmp_path / "model.skops")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("model", [None, {"a": 1}, CNN1D, FRAMES, FOLDS], ids=type)
def test_what_is_no_model_is_refused(model, tmp_path):
    with pytest.raises(InputError, match="takes a fitted estimator, got") as caught:
        save_model(model, tmp_path / "model.skops")
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


class Evil:
    """Runs a command when it is unpickled."""

    def __init__(self, sentinel):
        self.command = f"touch '{sentinel}'"

    def __reduce__(self):
        return os.system, (self.command,)


def own_function(X):
    return X


@pytest.mark.parametrize(
    ("thing", "named"),
    [
        (own_function, "own_function"),
        (lambda X: X, "<lambda>"),
        (np.load, "numpy.load"),
        (os.system, "posix.system"),
        (Evil("ran"), "Evil"),
        (io.StringIO("text"), "StringIO"),
        (iter([1]), "list_iterator"),
    ],
)
def test_what_could_not_be_loaded_is_not_saved(thing, named, tmp_path):
    (tmp_path / "model.skops").write_text("old")
    model = make_pipeline(FunctionTransformer(), PeakCountClassifier()).fit(FRAMES, Y)
    model[0].func = thing
    with pytest.raises(InputError, match=named) as caught:
        save_model(model, tmp_path / "model.skops")
    assert "joblib.dump" in str(caught.value)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


def test_folders_are_named_where_they_are_missing(fitted, tmp_path):
    with pytest.raises(InputError, match=r"the folder .*none does not exist; make it first"):
        save_model(fitted, tmp_path / "none" / "model.skops")
    with pytest.raises(InputError, match="this is a folder; name a file"):
        save_model(fitted, tmp_path)


def test_a_failed_write_keeps_the_old_file(fitted, stored, tmp_path, monkeypatch):
    path = Path(shutil.copy(stored, tmp_path))
    write = Path.write_bytes

    def write_half(self, content):
        write(self, content[: len(content) // 2])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", write_half)
    with pytest.raises(OSError, match="No space left"):
        save_model(fitted, path)
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_bytes() == stored.read_bytes()


@pytest.mark.parametrize("call", [lambda p: save_model(None, p), load_model])
def test_a_missing_skops_is_one_sentence(call, stored, monkeypatch):
    monkeypatch.setitem(sys.modules, "skops.io", None)
    with pytest.raises(InputError, match=r"package skops: pip install 'sklearn_sfx\[safe]"):
        call(stored)


def test_skops_is_imported_on_use_only():
    code = "import sklearn_sfx.persistence, sys; print('skops' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


# -- What is no such file


def test_files_that_are_not_there(tmp_path):
    with pytest.raises(InputError, match="there is no such model file"):
        load_model(tmp_path / "none.skops")
    with pytest.raises(InputError, match="this is a folder"):
        load_model(tmp_path)


def other_files(folder):
    """Write files of other kinds and return what each holds."""
    model = PeakCountClassifier().fit(FRAMES, Y)
    skops.io.dump(model, folder / "plain skops")
    torch.save({"a": torch.zeros(3)}, folder / "torch")
    np.savez(folder / "numpy.npz", a=FRAMES)
    joblib.dump(model, folder / "joblib")
    (folder / "pickle").write_bytes(pickle.dumps(model))
    (folder / "text").write_text("hello")
    (folder / "empty").write_bytes(b"")
    return sorted(folder.iterdir())


def test_other_files_are_refused_in_one_sentence(tmp_path):
    paths = other_files(tmp_path)
    assert len(paths) == 7
    for path in paths:
        with pytest.raises(InputError, match="not a model that save_model wrote") as caught:
            load_model(path)
        assert str(caught.value).startswith(f"{path}: ")
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("part", [0.01, 0.3, 0.6, 0.95, 0.999])
def test_a_truncated_file_is_refused(stored, tmp_path, part):
    content = stored.read_bytes()
    (tmp_path / "half.skops").write_bytes(content[: int(part * len(content))])
    with pytest.raises(InputError, match="damaged"):
        load_model(tmp_path / "half.skops")


def test_flipped_bytes_are_refused_or_do_no_harm(fitted, stored, tmp_path):
    content = stored.read_bytes()
    expected = fitted.predict_proba(FRAMES[:2])
    n_refused = 0
    for place in np.linspace(0, len(content) - 1, 60).astype(int):
        damaged = bytearray(content)
        damaged[place] ^= 0xFF
        (tmp_path / "damaged.skops").write_bytes(damaged)
        try:
            same(load_model(tmp_path / "damaged.skops").predict_proba(FRAMES[:2]), expected)
        except InputError:
            n_refused += 1
    assert n_refused > 40


def rewrite(path, **members):
    """Write a model file anew, with some of its members replaced (None: left out)."""
    with zipfile.ZipFile(path) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    content |= {f"{name}.json": value for name, value in members.items()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, value in content.items():
            if value is not None:
                archive.writestr(name, value if isinstance(value, bytes) else json.dumps(value))


def test_a_newer_format_is_refused_before_the_rest_is_looked_at(stored, tmp_path):
    path = Path(shutil.copy(stored, tmp_path))
    rewrite(path, sklearn_sfx={"format": FORMAT + 1}, schema=None)
    with pytest.raises(InputError, match=r"is of format 2, and .* reads up to format 1: install"):
        load_model(path)


# -- What is hostile


def node(loader, name, **rest):
    module, _, cls = name.rpartition(".")
    return {"__class__": cls, "__module__": module, "__loader__": loader, **rest}


def text(value):
    return node("JsonNode", "builtins.str", content=json.dumps(value), is_json=True)


def items(loader, *content):
    kind = "builtins." + loader.removesuffix("Node").lower()
    return node(loader, kind, content=list(content))


def mapping(values, *key_types, name="builtins.dict"):
    kinds = key_types or [node("TypeNode", "builtins.str")] * len(values)
    return node("DictNode", name, content=values, key_types=items("ListNode", *kinds))


def function(name):
    return node("FunctionNode", name)


def plant(path, make):
    """Change the state of the model in a file; `make` is given the content of the state."""
    with zipfile.ZipFile(path) as archive:
        schema = json.loads(archive.read("schema.json"))
    state = schema["content"]
    before = len(state["content"])
    make(state["content"])
    added = len(state["content"]) - before
    kinds = state["key_types"]["content"]
    kinds.extend([node("TypeNode", "builtins.str")] * added)
    rewrite(path, schema=schema)


@pytest.fixture(scope="module")
def stored_network(tmp_path_factory):
    path = tmp_path_factory.mktemp("networks") / "network.skops"
    save_model(CNN1D(**TINY).fit(VECTORS, Y), path)
    return path


@pytest.fixture
def network(stored_network, tmp_path):
    return Path(shutil.copy(stored_network, tmp_path))


CNN = "sklearn_sfx.classifiers._cnn1d.CNN1D"
GENERATOR = {"bit_generator": text("seed"), "state": mapping({})}


def attacks(command):
    """Return nodes that run the command, or would if they were made or called."""
    run = items("TupleNode", text(command))
    system = function("posix.system")
    code = items("TupleNode", text(f"__import__('os').system({command!r})"))
    cnn = node("ObjectNode", CNN, content=mapping({}))
    call = {"func": system, "args": run, "kwds": mapping({}), "namespace": mapping({})}
    score = function("sklearn.metrics._classification.recall_score")
    return {
        "key": mapping({command: text(1)}, system),
        "key of a type": mapping({command: text(1)}, node("TypeNode", "posix.system")),
        "constructor": node("ConstructorFromReduceNode", "posix.system", content=run),
        "eval": node("ConstructorFromReduceNode", "builtins.eval", content=code),
        "exec": node("ConstructorFromReduceNode", "builtins.exec", content=code),
        "process": node(
            "ConstructorFromReduceNode",
            "subprocess.Popen",
            content=items("TupleNode", items("ListNode", *map(text, ("sh", "-c", command)))),
        ),
        "list": node("ListNode", "posix.system", content=[text(command)]),
        "array": node("NdArrayNode", "posix.system", type="numpy", file="1.npy"),
        "function": system,
        "function eval": function("builtins.eval"),
        "function exec": function("builtins.exec"),
        "object eval": node("ObjectNode", "builtins.eval", content=code),
        "object": node("ObjectNode", f"{__name__}.Evil", content=mapping({"command": run})),
        "method": node(
            "MethodNode", "os.system", content={"func": "__call__", "obj": function("os.system")}
        ),
        "method of a trusted class": node(
            "MethodNode", CNN, content={"func": "set_params", "obj": cnn}
        ),
        "partial": node("PartialNode", "functools.partial", content=call),
        "partial in a trusted name": node("PartialNode", CNN, content=call),
        "partial of a trusted function": node("PartialNode", CNN, content={**call, "func": score}),
        "operator": node("OperatorFuncNode", "operator.methodcaller", attrs=run),
        "operator in a trusted name": node("OperatorFuncNode", CNN, attrs=run),
        "default": node(
            "DefaultDictNode",
            "collections.defaultdict",
            content={"main": mapping({}), "default_factory": system},
        ),
        "generator": node(
            "RandomGeneratorNode",
            "numpy.random._generator.Generator",
            content={"bit_generator": mapping(GENERATOR), "seed_seq": mapping({})},
        ),
        "a loss": node(
            "LossNode", "posix.system", content=mapping({}), **{"__reduce__": {"args": run}}
        ),
        "a cached node": node("CachedNode", "posix.system", __id__=1),
        "a loader that is none": node("EvalNode", "posix.system", content=run),
        "a trusted class as a type": node("TypeNode", CNN),
        "a trusted class as a function": function(CNN),
        "a trusted class called": node(
            "ConstructorFromReduceNode", CNN, content=items("TupleNode")
        ),
        "a trusted function as an object": node(
            "ObjectNode", "sklearn.metrics._classification.recall_score", content=mapping({})
        ),
        "another function of a trusted module": function("sklearn.metrics._scorer.get_scorer"),
        "another class of this package": node(
            "ObjectNode", "sklearn_sfx.frames._frames.Frames", content=mapping({})
        ),
    }


@pytest.mark.parametrize("where", ["new", "_make_net", "whole"])
@pytest.mark.parametrize("attack", list(attacks("")))
def test_no_node_runs_code(attack, where, network, tmp_path):
    sentinel = tmp_path / "ran"
    evil = attacks(f"touch '{sentinel}'")[attack]
    if where == "whole":
        rewrite(network, schema={**evil, "protocol": 2, "_skops_version": "0.16.0"})
    else:
        plant(network, lambda state: state.update({where: evil}))
    with pytest.raises(InputError, match="not safe to load, since it holds") as caught:
        load_model(network)
    assert not sentinel.exists()
    message = str(caught.value)
    assert "\n" not in message
    assert f"{evil['__module__']}.{evil['__class__']}" in message or "posix.system" in message


def test_the_attack_is_real(network, tmp_path):
    """Told to trust what the file names, skops does run the command."""
    plant(network, lambda state: state.update(new=attacks(f"touch '{tmp_path}/ran'")["key"]))
    skops.io.load(network, trusted=skops.io.get_untrusted_types(file=network))
    assert (tmp_path / "ran").exists()


def test_an_object_that_reduces_to_a_command_is_refused(tmp_path):
    model = PeakCountClassifier().fit(FRAMES, Y)
    model.evil = Evil(tmp_path / "ran")
    path = tmp_path / "model.skops"
    skops.io.dump(model, path)
    rewrite(path, sklearn_sfx={"format": 1})
    with pytest.raises(InputError, match=r"test_persistence\.Evil"):
        load_model(path)
    assert not (tmp_path / "ran").exists()


def test_a_pickle_is_never_unpickled(stored, tmp_path):
    evil = Evil(tmp_path / "ran")
    (tmp_path / "pickle.skops").write_bytes(pickle.dumps(evil))
    joblib.dump(evil, tmp_path / "joblib.skops")
    joblib.dump(evil, tmp_path / "compressed.skops", compress=3)
    torch.save(evil, tmp_path / "torch.skops")
    with zipfile.ZipFile(tmp_path / "zip.skops", "w") as archive:
        archive.writestr("sklearn_sfx.json", pickle.dumps(evil))
        archive.writestr("schema.json", pickle.dumps(evil))
    for path in sorted(tmp_path.glob("*.skops")):
        with pytest.raises(InputError, match=r"not a model that save_model wrote.*joblib\.load"):
            load_model(path)
    # a zip archive may have anything before it
    (tmp_path / "both.skops").write_bytes(pickle.dumps(evil) + stored.read_bytes())
    load_model(tmp_path / "both.skops")
    assert not (tmp_path / "ran").exists()
    joblib.load(tmp_path / "compressed.skops")
    assert (tmp_path / "ran").exists()


def test_an_array_of_objects_is_not_unpickled(network, tmp_path):
    with zipfile.ZipFile(network) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    array = io.BytesIO()
    np.save(array, np.array([Evil(tmp_path / "ran")], dtype=object), allow_pickle=True)
    with zipfile.ZipFile(network, "w") as archive:
        for name, value in content.items():
            archive.writestr(name, array.getvalue() if name.endswith(".npy") else value)
    with pytest.raises(InputError, match="cannot be put together"):
        load_model(network)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "state",
    [
        {"history_": text(3)},
        {"_weights": mapping({})},
        {"design_": mapping({"nonsense": text(1)})},
        {"design_": node("ObjectNode", CNN, content=mapping({"channels": text([-3])}))},
        {"_make_net": node("TypeNode", "builtins.str")},
        {"_make_net": function("numpy.add")},
        {"__class__": text("os.system"), "classes_": text(1)},
    ],
    ids=lambda state: next(iter(state)),
)
def test_a_state_of_plain_values_that_makes_no_sense_is_one_sentence(state, network):
    plant(network, lambda content: content.update(state))
    with pytest.raises(InputError) as caught:
        load_model(network)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "root",
    [
        mapping({}),
        text(1),
        node("TypeNode", "builtins.str"),
        node("ObjectNode", CNN, content=mapping({})),
        node("ObjectNode", "sklearn.model_selection._split.KFold"),
    ],
    ids=["dict", "number", "class", "unfitted", "splitter"],
)
def test_what_is_no_fitted_model_is_not_loaded(root, network):
    rewrite(network, schema={**root, "protocol": 2})
    with pytest.raises(InputError, match="cannot be put together"):
        load_model(network)


def test_extra_plain_values_do_no_harm(network):
    expected = load_model(network).predict_proba(VECTORS)
    plant(network, lambda content: content.update(extra=text("os.system('true')")))
    model = load_model(network)
    assert model.extra == "os.system('true')"
    same(model.predict_proba(VECTORS), expected)


def test_another_type_in_the_place_of_the_model_is_named(network):
    with zipfile.ZipFile(network) as archive:
        schema = json.loads(archive.read("schema.json"))
    schema |= {"__module__": "sklearn_sfx.classifiers._base", "__class__": "TorchClassifier"}
    rewrite(network, schema=schema)
    with pytest.raises(InputError, match=r"sklearn_sfx\.classifiers\._base\.TorchClassifier"):
        load_model(network)


@pytest.mark.parametrize("attribute", ["memory", "param_grid"])
def test_a_cache_of_pickles_is_refused(attribute, tmp_path):
    """Fitted again, a pipeline with a cache would unpickle what lies there."""
    model = make_pipeline(GCN(), PeakCountClassifier()).fit(FRAMES, Y)
    path = tmp_path / "model.skops"
    grid = {"pipeline__memory": [str(tmp_path)]}
    setattr(model, attribute, str(tmp_path) if attribute == "memory" else grid)
    with pytest.raises(InputError, match="a cache"):
        save_model(model, path)
    skops.io.dump(model, path)
    rewrite(path, sklearn_sfx={"format": 1})
    with pytest.raises(InputError, match="not safe to load, since it holds 'a cache"):
        load_model(path)


def test_a_cache_behind_a_reference_is_refused(stored, tmp_path):
    path = Path(shutil.copy(stored, tmp_path))
    here = {**text(str(tmp_path)), "__id__": 999}

    def hide(state):
        later = {**text(None), "__id__": 999}
        memory = state.pop("memory")
        assert memory["content"] == "null"
        state.update({"aaa": here, "memory": later})

    plant(path, hide)
    with pytest.raises(InputError, match="a cache"):
        load_model(path)


def test_an_older_protocol_is_refused(stored, tmp_path):
    path = Path(shutil.copy(stored, tmp_path))
    with zipfile.ZipFile(path) as archive:
        schema = json.loads(archive.read("schema.json"))
    rewrite(path, schema={**schema, "protocol": 0})
    with pytest.raises(InputError, match="a schema of skops protocol 0"):
        load_model(path)


def test_what_is_nested_without_end_is_one_sentence(stored, tmp_path):
    path = Path(shutil.copy(stored, tmp_path))
    deep = b'{"a":' * 100_000 + b"1" + b"}" * 100_000
    rewrite(path, schema=deep)
    with pytest.raises(InputError, match="cannot be put together"):
        load_model(path)


def test_a_long_list_of_refusals_is_cut_and_printable(network):
    def flood(state):
        for number in range(50):
            state[f"a{number}"] = function(f"evil.\x1b[31m\nname{number:02}")

    plant(network, flood)
    with pytest.raises(InputError) as caught:
        load_model(network)
    message = str(caught.value)
    assert "and 45 more" in message
    assert message.isprintable()
