"""Models of the command in files that cannot run code: every path that ends in .skops."""

import os
import sys
import zipfile

import joblib
import numpy as np
import pytest

from sklearn_sfx import InputError, load_model, open_frames, save_model, screen
from sklearn_sfx.cli import main
from sklearn_sfx.preprocessing import GCN
from sklearn_sfx.screening import load_screening_model, read_hits


@pytest.fixture(scope="module")
def safe(run_folder, tmp_path_factory):
    path = tmp_path_factory.mktemp("safe") / "model.skops"
    load_screening_model(run_folder / "model.joblib").save(path)
    return path


def test_a_safe_model_is_the_same_as_a_pickled_one(run_folder, safe):
    pickled, loaded = load_screening_model(run_folder / "model.joblib"), load_screening_model(safe)
    for name in ("threshold", "trained_on", "frame_shape", "version"):
        assert getattr(loaded, name) == getattr(pickled, name)
    frames = open_frames(run_folder / "run.h5")
    a, b = screen(pickled, frames), screen(loaded, frames)
    np.testing.assert_array_equal(a.probability, b.probability, strict=True)
    np.testing.assert_array_equal(a.peak_count, b.peak_count, strict=True)
    assert type(load_model(safe)) is type(loaded)
    with zipfile.ZipFile(safe) as archive:
        said = archive.read("sklearn_sfx.json").decode()
    assert '"class": "sklearn_sfx.screening.ScreeningModel"' in said
    assert "RowWiseDecomposition" in said


def test_the_command_trains_and_screens_with_one(run_folder, tmp_path, capsys):
    run, labels = str(run_folder / "run.h5"), str(run_folder / "expert_annotation.txt")
    model, hits = str(tmp_path / "m.skops"), str(tmp_path / "hits.lst")
    options = ["--n-labels", "40", "--crop", "160", "--epochs", "20", "--model", model]
    assert main(["train", run, "--labels", labels, *options]) == 0
    assert zipfile.is_zipfile(model)
    scores = ["--hits", hits, "--scores", str(tmp_path / "scores.csv")]
    assert main(["screen", run, "--model", model, *scores]) == 0
    assert f"{len(read_hits(hits))} of 90 frames are hits" in capsys.readouterr().out
    assert main(["evaluate", run, "--model", model, "--labels", labels]) == 0
    assert capsys.readouterr().out.startswith("50 labelled frames")


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


def test_a_missing_skops_is_said_before_the_training(run_folder, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "skops.io", None)
    monkeypatch.setattr("sklearn_sfx.screening.train", lambda *args, **options: pytest.fail("late"))
    arguments = ["--labels", str(run_folder / "expert_annotation.txt"), "--crop", "160"]
    model = ["--model", str(tmp_path / "m.skops")]
    assert main(["train", str(run_folder / "run.h5"), *arguments, *model]) == 2
    assert "pip install 'sklearn_sfx[safe]'" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
