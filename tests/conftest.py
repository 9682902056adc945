"""Fixtures that every test folder shares."""

from pathlib import Path

import pytest

from sklearn_sfx import open_frames, train
from sklearn_sfx.cli import main
from tests.damaged_runs import SIDE, write_runs

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data():
    """Return the folder with real frames, labels and masks, which lies beside the checkout."""
    if not SHARED_DATA.is_dir():
        pytest.skip("needs the real frames and labels in ../shared/data, which are not here")
    return SHARED_DATA


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory):
    """Return a folder with a small simulated run, its labels, its mask and a model of it."""
    folder, side = tmp_path_factory.mktemp("run"), "160"
    arguments = ["--n-frames", "90", "--frame-shape", side, side, "--seed", "3"]
    assert main(["simulate", str(folder / "run.h5"), *arguments]) == 0
    train = ["train", str(folder / "run.h5"), "--labels", str(folder / "run.labels.txt")]
    train += ["--method", "rows"]  # so that there is a network in what is screened
    options = ["--n-labels", "60", "--crop", side, "--mask", str(folder / "run.mask.h5")]
    model = ["--model", str(folder / "model.joblib"), "--epochs", "40"]
    assert main([*train, *options, *model]) == 0
    return folder


@pytest.fixture(scope="session")
def damaged_folder(tmp_path_factory):
    """Return a folder with run.h5, of which three frames are damaged, whole.h5, and a model."""
    folder = tmp_path_factory.mktemp("damaged")
    write_runs(folder, 80, gone=(3, 33, 70))
    model = train(open_frames(folder / "whole.h5")[:20], method="peaks", crop=SIDE)
    model.save(folder / "model.joblib")
    return folder
