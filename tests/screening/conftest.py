"""A small simulated run on disk, with its labels, its mask and a model trained on some of it."""

import pytest

from sklearn_sfx.cli import main

SIDE = 160


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    arguments = ["--n-frames", "90", "--frame-shape", str(SIDE), str(SIDE), "--seed", "3"]
    assert main(["simulate", str(folder / "run.h5"), *arguments]) == 0
    train = ["train", str(folder / "run.h5"), "--labels", str(folder / "expert_annotation.txt")]
    options = ["--n-labels", "60", "--crop", str(SIDE), "--mask", str(folder / "mask.h5")]
    model = ["--model", str(folder / "model.joblib"), "--epochs", "40"]
    assert main([*train, *options, *model]) == 0
    return folder
