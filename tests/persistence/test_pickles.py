"""Pickles of models: which version wrote them, and one sentence where they cannot be loaded."""

import copy
import os
import pickle
import warnings
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.pipeline import make_pipeline

import sklearn_sfx
from sklearn_sfx import (
    CNN1D,
    GCN,
    FineTuned,
    InputError,
    LabelledStratifiedKFold,
    NewerVersionWarning,
    PeakCountClassifier,
    PixelMask,
    ScreeningModel,
    SourceScorer,
    TargetRecallClassifier,
    load_model,
    save_model,
)
from sklearn_sfx._stored import WRITTEN_BY
from sklearn_sfx.persistence import load_pickle
from sklearn_sfx.screening import load_screening_model

PARTS = [
    CNN1D(),
    FineTuned(CNN1D()),
    GCN(),
    LabelledStratifiedKFold(),
    PeakCountClassifier(),
    PixelMask(np.ones((4, 4), bool)),
    SourceScorer(),
    TargetRecallClassifier(CNN1D()),
    ScreeningModel(make_pipeline(GCN()), make_pipeline(CNN1D()), None, 0.5, (), (4, 4)),
]
of_each = pytest.mark.parametrize("part", PARTS, ids=lambda part: type(part).__name__)

# -- Which version wrote it


@pytest.fixture
def newer(monkeypatch):
    """Return what runs a function as if a newer version of the package ran it."""

    def run(function, *args, version="99.1"):
        with monkeypatch.context() as later:
            later.setattr("sklearn_sfx._stored.__version__", version)
            return function(*args)

    return run


@of_each
def test_the_state_says_which_version_wrote_it_and_the_object_does_not(part):
    assert part.__getstate__()[WRITTEN_BY] == sklearn_sfx.__version__
    assert not hasattr(pickle.loads(pickle.dumps(part)), WRITTEN_BY)
    assert not hasattr(copy.deepcopy(part), WRITTEN_BY)
    assert not hasattr(part, WRITTEN_BY)


@of_each
def test_a_newer_version_is_named_once(part, newer):
    content = newer(pickle.dumps, part)
    with pytest.warns(NewerVersionWarning) as caught:
        pickle.loads(content)
    assert len({str(warning.message) for warning in caught}) == 1
    message = str(caught[0].message)
    assert "written by sklearn_sfx 99.1, which is newer" in message
    assert sklearn_sfx.__version__ in message


@pytest.mark.parametrize(
    "version", ["0.0.9", sklearn_sfx.__version__, "", "new", None, 99, "99\n", "9" * 5000]
)
def test_others_are_not(version, newer):
    content = newer(pickle.dumps, GCN(), version=version)
    assert type(pickle.loads(content)) is GCN  # a warning would be an error


def test_a_state_without_a_version_loads():
    part = GCN()
    state = {name: value for name, value in part.__getstate__().items() if name != WRITTEN_BY}
    again = GCN.__new__(GCN)
    again.__setstate__(state)
    assert vars(again) == vars(part)


@pytest.mark.parametrize("suffix", ["skops", "joblib"])
def test_a_file_of_a_newer_version_loads_with_a_warning(suffix, fitted, data, newer, tmp_path):
    path = tmp_path / f"model.{suffix}"
    newer(save_model if suffix == "skops" else joblib.dump, fitted, path)
    with pytest.warns(NewerVersionWarning, match=r"sklearn_sfx 99\.1.* this one, "):
        again = (load_model if suffix == "skops" else joblib.load)(path)
    expected = fitted.predict_proba(data.frames)
    np.testing.assert_array_equal(again.predict_proba(data.frames), expected, strict=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(NewerVersionWarning):
            (load_model if suffix == "skops" else load_pickle)(path)


def test_copies_and_hashes_are_what_they_were(fitted, data):
    again = pickle.loads(pickle.dumps(fitted))
    assert joblib.hash(again) == joblib.hash(fitted)
    assert joblib.hash(clone(fitted)) == joblib.hash(clone(again))
    assert vars(clone(fitted[-1])) == vars(CNN1D(**fitted[-1].get_params()))


# -- What cannot be loaded


@pytest.fixture(scope="module")
def pickled(tmp_path_factory, fitted):
    """Return the path of a model of the command, as joblib writes it."""
    peaks = PeakCountClassifier()
    model = ScreeningModel(fitted[:2], fitted[2:], peaks, 0.5, (("run.h5", 3),), (40, 40))
    path = tmp_path_factory.mktemp("pickles") / "model.joblib"
    model.save(path)
    return path


def test_a_whole_one_loads(pickled):
    assert load_pickle(pickled).trained_on == load_screening_model(pickled).trained_on


@pytest.mark.parametrize("compressed", [True, False])
def test_damaged_ones_are_one_sentence_or_load(compressed, pickled, tmp_path):
    """Others than zlib and pickle complain too: numpy, and whatever class is called."""
    path = tmp_path / "damaged.joblib"
    joblib.dump(joblib.load(pickled), path, compress=3 if compressed else 0)
    content, rng, said = path.read_bytes(), np.random.default_rng(0), []
    for place in rng.integers(0, len(content), 150):
        damaged = bytearray(content)
        damaged[place : place + 4] = rng.bytes(4)
        path.write_bytes(damaged)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of versions, where the damage is in one
                load_screening_model(path)
        except InputError as error:
            said.append(str(error))
    assert len(said) > (140 if compressed else 20)
    assert all(message.startswith(f"{path}: ") and message.isprintable() for message in said)


@pytest.mark.parametrize("share", [0, 0.01, 0.5, 0.99])
def test_truncated_ones_are_one_sentence(share, pickled, tmp_path):
    content = pickled.read_bytes()
    (tmp_path / "half.joblib").write_bytes(content[: int(share * len(content))])
    with pytest.raises(InputError, match=r"not a model .*, or it is damaged"):
        load_screening_model(tmp_path / "half.joblib")


class Gone:
    """Stands for a class that this version does not have."""


@pytest.mark.parametrize(
    ("module", "name"), [("sklearn_sfx.preprocessing", "OldStep"), ("sklearn_sfx.old", "OldStep")]
)
def test_a_class_that_is_gone_is_named(module, name, tmp_path):
    content = pickle.dumps(Gone(), protocol=0)
    content = content.replace(f"{__name__}\nGone".encode(), f"{module}\n{name}".encode())
    (tmp_path / "old.joblib").write_bytes(content)
    with pytest.raises(InputError, match=r"needs what sklearn_sfx .* do not have .*train it again"):
        load_screening_model(tmp_path / "old.joblib")
    with pytest.raises(InputError, match=name if module.endswith("preprocessing") else module):
        load_pickle(tmp_path / "old.joblib")


def raises(error):
    raise error


class Bomb:
    def __init__(self, error):
        self.error = error

    def __reduce__(self):
        return raises, (self.error,)


def test_what_the_pickle_calls_may_raise_anything(tmp_path, monkeypatch):
    for error in (MemoryError(), RecursionError("deep"), OSError("odd"), ZeroDivisionError()):
        joblib.dump(Bomb(error), tmp_path / "bomb.joblib")
        with pytest.raises(InputError, match="or it is damaged"):
            load_pickle(tmp_path / "bomb.joblib")
    joblib.dump(Bomb(KeyboardInterrupt()), tmp_path / "bomb.joblib")
    with pytest.raises(KeyboardInterrupt):
        load_pickle(tmp_path / "bomb.joblib")
    joblib.dump(Bomb(InputError("Say so.")), tmp_path / "bomb.joblib")
    with pytest.raises(InputError, match=r"^Say so\.$"):
        load_pickle(tmp_path / "bomb.joblib")


@pytest.mark.parametrize("load", [load_pickle, load_model, load_screening_model])
@pytest.mark.parametrize("suffix", ["joblib", "skops"])
def test_what_is_no_file_is_refused(load, suffix, tmp_path):
    (tmp_path / f"folder.{suffix}").mkdir()
    os.mkfifo(tmp_path / f"pipe.{suffix}")  # opening it would wait for ever
    with pytest.raises(InputError, match="there is no such model file"):
        load(tmp_path / f"none.{suffix}")
    with pytest.raises(InputError, match="this is a folder"):
        load(tmp_path / f"folder.{suffix}")
    with pytest.raises(InputError, match="not a file but a pipe or a device"):
        load(tmp_path / f"pipe.{suffix}")
    if load is not load_screening_model:
        with pytest.raises(InputError, match="not a file but a pipe or a device"):
            load(Path("/dev/zero"))
