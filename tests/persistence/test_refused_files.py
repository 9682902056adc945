"""What is not saved, and files that are not loaded: other files and damaged ones."""

import io
import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import joblib
import numpy as np
import pytest
import skops.io
import torch
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklearn_sfx import (
    CNN1D,
    GCN,
    FineTuned,
    InputError,
    LabelledStratifiedKFold,
    PeakCountClassifier,
    PixelMask,
    SourceScorer,
    load_model,
    save_model,
)
from sklearn_sfx.persistence._formats import FORMAT

# -- What is not saved


@pytest.mark.parametrize(
    "model",
    [
        CNN1D(),
        make_pipeline(GCN(), CNN1D()),
        make_pipeline(GCN().fit(np.ones((2, 8, 8))), CNN1D()),
        FrozenEstimator(CNN1D()),
        GridSearchCV(CNN1D(), {"lr": [0.1]}),
        PixelMask(),
        FineTuned("base.skops"),
    ],
    ids=lambda model: type(model).__name__,
)
def test_unfitted_models_are_refused(model, tmp_path):
    with pytest.raises(InputError, match="is not fitted: fit it before you save it"):
        save_model(model, tmp_path / "model.skops")
    assert list(tmp_path.iterdir()) == []


NO_MODELS = [None, {"a": 1}, CNN1D, np.ones((2, 8, 8)), StratifiedKFold(2)]
NO_MODELS += [LabelledStratifiedKFold(2), SourceScorer()]


@pytest.mark.parametrize("model", NO_MODELS, ids=type)
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
def test_what_could_not_be_loaded_is_not_saved(thing, named, tmp_path, data):
    (tmp_path / "model.skops").write_text("old")
    model = make_pipeline(FunctionTransformer(), PeakCountClassifier()).fit(data.frames, data.y)
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
    with pytest.raises(InputError, match=r"need skops: pip install 'sklearn_sfx\[safe]'"):
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


def other_files(folder, data):
    """Write files of other kinds."""
    model = PeakCountClassifier().fit(data.frames, data.y)
    skops.io.dump(model, folder / "plain skops")
    torch.save({"a": torch.zeros(3)}, folder / "torch")
    np.savez(folder / "numpy.npz", a=data.frames)
    joblib.dump(model, folder / "joblib")
    (folder / "pickle").write_bytes(pickle.dumps(model))
    (folder / "text").write_text("hello")
    (folder / "empty").write_bytes(b"")
    return sorted(folder.iterdir())


def test_other_files_are_refused_in_one_sentence(tmp_path, data):
    paths = other_files(tmp_path, data)
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


def test_flipped_bytes_are_refused_or_do_no_harm(fitted, stored, tmp_path, data):
    content = stored.read_bytes()
    expected = fitted.predict_proba(data.frames[:2])
    n_refused = 0
    for place in np.linspace(0, len(content) - 1, 60).astype(int):
        damaged = bytearray(content)
        damaged[place] ^= 0xFF
        (tmp_path / "damaged.skops").write_bytes(damaged)
        try:
            found = load_model(tmp_path / "damaged.skops").predict_proba(data.frames[:2])
            np.testing.assert_array_equal(found, expected, strict=True)
        except InputError:
            n_refused += 1
    assert n_refused > 40


def test_a_newer_format_is_refused_before_the_rest_is_looked_at(stored, tmp_path, rewrite):
    path = Path(shutil.copy(stored, tmp_path))
    rewrite(path, sklearn_sfx={"format": FORMAT + 1}, schema=None)
    with pytest.raises(InputError, match=r"is of format 3, and .* reads up to format 2: install"):
        load_model(path)
