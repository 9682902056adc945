"""A small simulated run on disk, with its labels, its mask and a model trained on some of it."""

import shutil
import subprocess

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


@pytest.fixture
def open_page(tmp_path):
    """Return what opens HTML in a browser and gives what its scripts made of it."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("needs chromium to open the page, and there is none")
    options = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        f"--user-data-dir={tmp_path / 'user'}",
    ]

    def open_it(text):
        (tmp_path / "opened.html").write_text(f"<!doctype html>{text}")
        command = [chromium, *options, "--dump-dom", f"file://{tmp_path / 'opened.html'}"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
        return done.stdout

    return open_it
