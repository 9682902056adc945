"""Files that are made to run code, or to be taken for what they are not."""

import io
import json
import os
import pickle
import shutil
import zipfile
from pathlib import Path

import joblib
import numpy as np
import pytest
import skops.io
import torch
from sklearn.pipeline import make_pipeline

from sklearn_sfx import CNN1D, GCN, InputError, PeakCountClassifier, load_model, save_model
from sklearn_sfx._names import OLD_NAMES
from sklearn_sfx.persistence._trusted import nodes


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


@pytest.fixture
def plant(rewrite):
    """Return what changes the state of the model in a file."""

    def change(path, make):
        """Change it by `make`, which is given the content of the state."""
        schema = schema_of(path)
        state = schema["content"]
        before = len(state["content"])
        make(state["content"])
        added = len(state["content"]) - before
        kinds = state["key_types"]["content"]
        kinds.extend([node("TypeNode", "builtins.str")] * added)
        rewrite(path, schema=schema)

    return change


def schema_of(path):
    with zipfile.ZipFile(path) as archive:
        return json.loads(archive.read("schema.json"))


class Evil:
    """Runs a command when it is unpickled."""

    def __init__(self, sentinel):
        self.command = f"touch '{sentinel}'"

    def __reduce__(self):
        return os.system, (self.command,)


@pytest.fixture(scope="module")
def stored_network(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("networks") / "network.skops"
    model = CNN1D(channels=(4, 8), n_hidden=8, max_epochs=4, lr=0.02, random_state=0)
    save_model(model.fit(data.vectors, data.y), path)
    return path


@pytest.fixture
def network(stored_network, tmp_path):
    return Path(shutil.copy(stored_network, tmp_path))


CNN = "sklearn_sfx.classifiers.CNN1D"
MASK = "sklearn_sfx.preprocessing.PackedMask"
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
            "ObjectNode", "sklearn_sfx.frames.Frames", content=mapping({})
        ),
        "what loads pickles": node(
            "ConstructorFromReduceNode", "sklearn_sfx.persistence.load_pickle", content=run
        ),
        "a function of this package": function("sklearn_sfx.screening.train"),
        "the command": node(
            "ConstructorFromReduceNode", "sklearn_sfx.cli.main", content=items("TupleNode")
        ),
        "the command's module": function("sklearn_sfx.cli.__main__.main"),
        "a trusted class by another path": node(
            "ObjectNode", "sklearn_sfx.CNN1D", content=mapping({})
        ),
        "a class behind a face": node(
            "ObjectNode", "sklearn_sfx.classifiers._base.TorchClassifier", content=mapping({})
        ),
        "the base of what is trusted": node(
            "ObjectNode", "sklearn_sfx._stored.Stored", content=mapping({})
        ),
        "a trusted tuple as an object": node("ObjectNode", MASK, content=mapping({})),
        "a trusted tuple called": node("ConstructorFromReduceNode", MASK, content=run),
        "another tuple of this package": node("TupleNode", "sklearn_sfx.frames.Window", content=[]),
    }


@pytest.mark.parametrize("where", ["new", "_make_net", "whole"])
@pytest.mark.parametrize("attack", list(attacks("")))
def test_no_node_runs_code(attack, where, network, tmp_path, rewrite, plant):
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


@pytest.mark.parametrize("attack", list(attacks("")))
def test_nor_does_one_of_an_older_format(attack, network, tmp_path, rewrite, plant):
    """Old names are replaced first; whatever else is refused as in a file of today."""
    plant(network, lambda state: state.update(new=attacks(f"touch '{tmp_path}/ran'")[attack]))
    old_names = {new: old for old, new in OLD_NAMES.items()}
    schema = schema_of(network)
    for each in nodes(schema):
        name = f"{each['__module__']}.{each['__class__']}"
        each["__module__"], _, each["__class__"] = old_names.get(name, name).rpartition(".")
    rewrite(network, schema=schema, sklearn_sfx={"format": 1})
    with pytest.raises(InputError, match="not safe to load, since it holds"):
        load_model(network)
    assert not (tmp_path / "ran").exists()


def test_old_names_are_for_old_files(network, rewrite):
    schema = schema_of(network)
    schema |= {"__module__": "sklearn_sfx.classifiers._cnn1d", "__class__": "CNN1D"}
    rewrite(network, schema=schema)
    with pytest.raises(InputError, match=r"holds 'sklearn_sfx\.classifiers\._cnn1d\.CNN1D'"):
        load_model(network)
    rewrite(network, sklearn_sfx={"format": 1})
    assert type(load_model(network)) is CNN1D


def test_the_attack_is_real(network, tmp_path, plant):
    """Told to trust what the file names, skops does run the command."""
    plant(network, lambda state: state.update(new=attacks(f"touch '{tmp_path}/ran'")["key"]))
    skops.io.load(network, trusted=skops.io.get_untrusted_types(file=network))
    assert (tmp_path / "ran").exists()


def test_an_object_that_reduces_to_a_command_is_refused(tmp_path, data, rewrite):
    model = PeakCountClassifier().fit(data.frames, data.y)
    model.evil = Evil(tmp_path / "ran")
    path = tmp_path / "model.skops"
    skops.io.dump(model, path)
    rewrite(path, sklearn_sfx={"format": 1})
    with pytest.raises(InputError, match=r"test_hostile_files\.Evil"):
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
def test_a_state_of_plain_values_that_makes_no_sense_is_one_sentence(state, network, plant):
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
def test_what_is_no_fitted_model_is_not_loaded(root, network, rewrite):
    rewrite(network, schema={**root, "protocol": 2})
    with pytest.raises(InputError, match="cannot be put together"):
        load_model(network)


def test_extra_plain_values_do_no_harm(network, data, plant):
    expected = load_model(network).predict_proba(data.vectors)
    plant(network, lambda content: content.update(extra=text("os.system('true')")))
    model = load_model(network)
    assert model.extra == "os.system('true')"
    np.testing.assert_array_equal(model.predict_proba(data.vectors), expected, strict=True)


def test_another_type_in_the_place_of_the_model_is_named(network, rewrite):
    schema = schema_of(network)
    schema |= {"__module__": "sklearn_sfx.classifiers._base", "__class__": "TorchClassifier"}
    rewrite(network, schema=schema)
    with pytest.raises(InputError, match=r"sklearn_sfx\.classifiers\._base\.TorchClassifier"):
        load_model(network)


@pytest.mark.parametrize("attribute", ["memory", "param_grid"])
def test_a_cache_of_pickles_is_refused(attribute, tmp_path, data, rewrite):
    """Fitted again, a pipeline with a cache would unpickle what lies there."""
    model = make_pipeline(GCN(), PeakCountClassifier()).fit(data.frames, data.y)
    path = tmp_path / "model.skops"
    grid = {"pipeline__memory": [str(tmp_path)]}
    setattr(model, attribute, str(tmp_path) if attribute == "memory" else grid)
    with pytest.raises(InputError, match="a cache"):
        save_model(model, path)
    skops.io.dump(model, path)
    rewrite(path, sklearn_sfx={"format": 1})
    with pytest.raises(InputError, match="not safe to load, since it holds 'a cache"):
        load_model(path)


def test_a_cache_behind_a_reference_is_refused(stored, tmp_path, plant):
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


def test_an_older_protocol_is_refused(stored, tmp_path, rewrite):
    path = Path(shutil.copy(stored, tmp_path))
    rewrite(path, schema={**schema_of(path), "protocol": 0})
    with pytest.raises(InputError, match="a schema of skops protocol 0"):
        load_model(path)


def test_what_is_nested_without_end_is_one_sentence(stored, tmp_path, rewrite):
    path = Path(shutil.copy(stored, tmp_path))
    deep = b'{"a":' * 100_000 + b"1" + b"}" * 100_000
    rewrite(path, schema=deep)
    with pytest.raises(InputError, match="cannot be put together"):
        load_model(path)


def test_a_long_list_of_refusals_is_cut_and_printable(network, plant):
    def flood(state):
        for number in range(50):
            state[f"a{number}"] = function(f"evil.\x1b[31m\nname{number:02}")

    plant(network, flood)
    with pytest.raises(InputError) as caught:
        load_model(network)
    message = str(caught.value)
    assert "and 45 more" in message
    assert message.isprintable()
