"""Models that older versions wrote load, and say what they said then."""

import json
import pickle
import sys
import zipfile
from importlib import import_module
from pathlib import Path
from types import ModuleType

import joblib
import numpy as np
import pytest
import sklearn

from sklearn_sfx import RowWiseDecomposition, ScreeningModel, load_model, save_model
from sklearn_sfx._names import OLD_NAMES, carry_the_face
from sklearn_sfx.persistence._formats import FORMAT
from sklearn_sfx.preprocessing import GCN
from sklearn_sfx.screening import load_screening_model

DATA = Path(__file__).parent / "data"
FILES = sorted(path for path in DATA.rglob("*") if path.suffix in (".joblib", ".skops"))
SAFE = [path for path in FILES if path.suffix == ".skops"]
ON_VECTORS = {"cnn1d", "dann", "fine_tuned", "scorers", "target_recall"}

# scikit-learn warns where another version of it wrote the file.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.InconsistentVersionWarning")


def names(paths):
    return [f"{path.parent.name}-{path.name}" for path in paths]


def load(path):
    # Pickles are for the version of scikit-learn that wrote them, and so is what a search holds.
    if path.suffix == ".joblib" or path.stem in ("scorers", "search"):
        with zipfile.ZipFile(path.with_suffix(".skops")) as archive:
            wrote = json.loads(archive.read("sklearn_sfx.json"))["versions"]["scikit-learn"]
        if wrote.split(".")[:2] != sklearn.__version__.split(".")[:2]:
            pytest.skip(f"needs scikit-learn {wrote}, which wrote this file")
    if path.name.startswith("screening"):
        return load_screening_model(path)
    return joblib.load(path) if path.suffix == ".joblib" else load_model(path)


def answers(model, name, frames):
    if isinstance(model, ScreeningModel):
        return model.classifier.predict_proba(model.prepare.transform(frames))
    X = RowWiseDecomposition().fit_transform(frames) if name in ON_VECTORS else frames
    return model.predict_proba(X) if hasattr(model, "predict_proba") else model.transform(X)


@pytest.mark.parametrize("path", FILES, ids=names(FILES))
def test_it_loads_and_says_what_it_said(path):
    with np.load(path.with_name("expected.npz")) as expected:
        frames, wanted = expected["frames"], expected[path.stem]
    found = answers(load(path), path.stem, frames)
    # Networks differ in their last bits from one processor to another.
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-6)


@pytest.mark.parametrize("path", SAFE, ids=names(SAFE))
def test_a_pickle_of_it_says_the_same_bit_by_bit(path):
    with np.load(path.with_name("expected.npz")) as expected:
        frames = expected["frames"]
    safe, pickled = (load(each) for each in (path, path.with_suffix(".joblib")))
    found = [answers(model, path.stem, frames) for model in (safe, pickled)]
    np.testing.assert_array_equal(*found, strict=True)


@pytest.mark.parametrize("path", SAFE, ids=names(SAFE))
def test_it_is_saved_in_the_newest_format(path, about, tmp_path):
    model = load(path)
    save_model(model, tmp_path / "again.skops")
    said, before = about(tmp_path / "again.skops"), about(path)
    assert said["format"] == FORMAT > before["format"]
    assert said["class"] == OLD_NAMES.get(before["class"], before["class"])
    assert (said["frame_shape"], said["classes"]) == (before["frame_shape"], before["classes"])
    steps = [[step.partition("(")[0] for step in each["preprocessing"]] for each in (said, before)]
    assert steps[0] == steps[1]
    load_model(tmp_path / "again.skops")


def test_every_old_name_is_in_a_file_here():
    content = b"".join(
        archive.read("schema.json") for archive in map(zipfile.ZipFile, sorted(SAFE))
    ).decode()
    for name in OLD_NAMES:
        module, _, last = name.rpartition(".")
        assert f'"__class__": "{last}", "__module__": "{module}"' in content, name


def test_every_new_name_is_there():
    for name in OLD_NAMES.values():
        face, _, last = name.rpartition(".")
        assert getattr(import_module(face), last).__module__ == face


class OldStep:
    """Stands for a class that was written in another module, under another name."""


@pytest.mark.parametrize("left", [None, ModuleType("sklearn_sfx.preprocessing._gone")])
def test_a_pickle_with_the_name_of_a_module_that_is_gone_loads(left, monkeypatch):
    old = "sklearn_sfx.preprocessing._gone"
    monkeypatch.setitem(sys.modules, old, left)
    if left is None:
        del sys.modules[old]
    monkeypatch.setitem(OLD_NAMES, f"{old}.OldStep", "sklearn_sfx.preprocessing.GCN")
    carry_the_face("sklearn_sfx.preprocessing")
    content = pickle.dumps(GCN(), protocol=0).replace(
        b"sklearn_sfx.preprocessing\nGCN", f"{old}\nOldStep".encode()
    )
    assert f"{old}\nOldStep".encode() in content
    assert type(pickle.loads(content)) is GCN
