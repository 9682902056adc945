"""Models of the command in files that cannot run code: every path that ends in .skops."""

import os
import zipfile

import joblib
import numpy as np
import pytest

from sklearn_sfx import InputError, load_model, open_frames, read_mask, save_model, screen
from sklearn_sfx.cli import main
from sklearn_sfx.preprocessing import GCN
from sklearn_sfx.screening import load_screening_model


@pytest.fixture(scope="module")
def safe(run_folder, tmp_path_factory):
    path = tmp_path_factory.mktemp("safe") / "model.skops"
    load_screening_model(run_folder / "model.joblib").save(path)
    return path


def test_a_safe_model_is_the_same_as_a_pickled_one(run_folder, safe):
    pickled, loaded = load_screening_model(run_folder / "model.joblib"), load_screening_model(safe)
    for name in ("threshold", "trained_on", "frame_shape", "version", "masked"):
        assert getattr(loaded, name) == getattr(pickled, name)
    frames = open_frames(run_folder / "run.h5", mask=read_mask(run_folder / "run.mask.h5"))
    a, b = screen(pickled, frames), screen(loaded, frames)
    np.testing.assert_array_equal(a.probability, b.probability, strict=True)
    np.testing.assert_array_equal(a.peak_count, b.peak_count, strict=True)
    assert type(load_model(safe)) is type(loaded)
    with zipfile.ZipFile(safe) as archive:
        said = archive.read("sklearn_sfx.json").decode()
    assert '"class": "sklearn_sfx.screening.ScreeningModel"' in said
    assert "RowWiseDecomposition" in said


class Evil:
    def __init__(self, sentinel):
        self.command = f"touch '{sentinel}'"

    def __reduce__(self):
        return os.system, (self.command,)


def test_a_pickle_with_that_name_is_not_unpickled(run_folder, tmp_path, capsys):
    path = tmp_path / "model.skops"
    joblib.dump(Evil(tmp_path / "ran"), path)
    assert main(["screen", str(run_folder / "run.h5"), "--model", str(path)]) == 2
    assert "not a model that save_model wrote" in capsys.readouterr().err
    assert not (tmp_path / "ran").exists()


def test_another_safe_file_is_refused(tmp_path):
    save_model(GCN().fit(np.ones((2, 4, 4))), tmp_path / "gcn.skops")
    with pytest.raises(InputError, match="holds a GCN, not a model that 'sfx train' wrote"):
        load_screening_model(tmp_path / "gcn.skops")
    with pytest.raises(InputError, match="there is no such model file"):
        load_screening_model(tmp_path / "none.skops")
