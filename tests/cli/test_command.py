"""The command as a user types it: how it refuses, warns, and works once it is installed."""

import csv
import os
import shutil
import subprocess
import sys
from pathlib import Path

import joblib
import pytest

from sklearn_sfx import open_frames, read_mask, screen
from sklearn_sfx.cli import main
from sklearn_sfx.screening import load_screening_model

# -- Refusals: one sentence on standard error, exit code 2, nothing written


def refusals(folder):
    run, model, labels = (
        folder / "run.h5",
        folder / "model.joblib",
        folder / "run.labels.txt",
    )
    with_model = ["--model", str(model)]
    return {
        "no run": (["screen", "none.h5", *with_model], "none.h5"),
        "not HDF5": (["screen", str(labels), *with_model], "run.labels.txt"),
        "no model": (["screen", str(run), "--model", "none.joblib"], "no such model file"),
        "not a model": (
            ["screen", str(run), "--model", str(labels)],
            "not a model that 'sfx train'",
        ),
        "threshold": (["screen", str(run), *with_model, "--threshold", "2"], "between 0 and 1"),
        "no folder": (["screen", str(run), *with_model, "--hits", "none/h.lst"], "does not exist"),
        "a folder": (["screen", str(run), *with_model, "--scores", str(folder)], "is a folder"),
        "crop": (
            ["train", str(run), "--labels", str(labels), "--model", "m", "--crop", "500"],
            "A crop of 500 pixels (--crop) needs frames of at least 500",
        ),
        "labels": (["train", str(run), "--labels", "none.txt", "--model", "m"], "none.txt"),
        "no labels": (
            ["train", str(run), "--model", "m", "--method", "rows"],
            "'--method peaks' or '--method spots' or '--method count' can do without",
        ),
        "few labels": (
            ["train", str(run), "--labels", str(labels), "--model", "m", "--n-labels", "91"],
            "there are 90",
        ),
    }


@pytest.mark.parametrize("case", list(refusals(Path())))
def test_a_mistake_is_one_sentence_and_exit_code_2(run_folder, tmp_path, monkeypatch, capsys, case):
    monkeypatch.chdir(tmp_path)
    arguments, message = refusals(run_folder)[case]
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert message in captured.err
    assert captured.err.count("\n") == 1
    assert "Traceback" not in captured.err
    assert list(tmp_path.iterdir()) == []


def test_frames_of_another_shape_are_refused(run_folder, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["simulate", "b.h5", "--n-frames", "2", "--frame-shape", "100", "90"]) == 0
    assert main(["screen", "b.h5", "--model", str(run_folder / "model.joblib")]) == 2
    assert "trained on frames of shape (160, 160)" in capsys.readouterr().err


def test_a_fault_of_ours_shows_its_traceback(run_folder, monkeypatch):
    def broken(*args, **kwargs):
        raise RuntimeError("ours")

    monkeypatch.setattr("sklearn_sfx.screening.Screening", broken)
    with pytest.raises(RuntimeError, match="ours"):
        main(["screen", str(run_folder / "run.h5"), "--model", str(run_folder / "model.joblib")])


def test_another_pickle_is_refused(tmp_path, run_folder, capsys):
    joblib.dump({"a": 1}, tmp_path / "other.joblib")
    assert (
        main(["screen", str(run_folder / "run.h5"), "--model", str(tmp_path / "other.joblib")]) == 2
    )
    assert "holds a dict" in capsys.readouterr().err


def no_jinja2(monkeypatch):
    monkeypatch.setitem(sys.modules, "jinja2", None)


def no_permission(monkeypatch):
    monkeypatch.setattr("os.access", lambda path, mode: not mode & os.W_OK)


@pytest.mark.parametrize("verb", ["screen", "evaluate"])
@pytest.mark.parametrize(
    ("report", "hinder", "message"),
    [
        ("none/r.html", None, "does not exist"),
        (".", None, "is a folder"),
        ("r.html", no_permission, "no permission"),
        ("r.html", no_jinja2, "pip install 'sklearn_sfx[plot]'"),
    ],
)
def test_a_report_that_cannot_be_written_is_refused_first(
    sfx, run_folder, tmp_path, monkeypatch, capsys, verb, report, hinder, message
):
    def screen(*args, **kwargs):
        raise AssertionError("the run was read before the report was refused")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sklearn_sfx.screening.screen", screen)
    if hinder:
        hinder(monkeypatch)
    files = ["--model", run_folder / "model.joblib"]
    files += ["--labels", run_folder / "run.labels.txt"] if verb == "evaluate" else []
    assert sfx(verb, *files, "--report", report) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert message in captured.err
    assert captured.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


# -- The installed command


def installed(*arguments, **options):
    command = Path(sys.executable).with_name("sfx")
    return subprocess.run([command, *arguments], capture_output=True, text=True, **options)


def test_installed_command_screens_in_its_own_process(run_folder, tmp_path):
    shutil.copy(run_folder / "run.h5", tmp_path / "run.h5")
    mask = ["--mask", str(run_folder / "run.mask.h5")]
    done = installed(
        "screen", "run.h5", "--model", str(run_folder / "model.joblib"), *mask, cwd=tmp_path
    )
    assert (done.returncode, done.stderr) == (0, "")
    model = load_screening_model(run_folder / "model.joblib")
    frames = open_frames(tmp_path / "run.h5", mask=read_mask(run_folder / "run.mask.h5"))
    with open(tmp_path / "run.scores.csv", newline="") as file:
        written = [row["probability"] for row in csv.DictReader(file)]
    assert written == [f"{p:.6f}" for p in screen(model, frames).probability]


def test_installed_command_names_its_version_and_verbs():
    assert installed("--version").stdout.startswith("sklearn_sfx ")
    helped = installed("--help")
    for verb in ("simulate", "train", "screen", "evaluate", "demo"):
        assert verb in helped.stdout
    assert installed().returncode == 2
    assert installed("screen").returncode == 2


def test_a_warning_is_said_once(run_folder, tmp_path):
    labels = (run_folder / "run.labels.txt").read_text().splitlines()
    hits = [line for line in labels if not line.endswith("MISS")][:8]
    misses = [line for line in labels if line.endswith("MISS")][:20]
    (tmp_path / "few.txt").write_text("\n".join(hits + misses))
    run, few = str(run_folder / "run.h5"), str(tmp_path / "few.txt")
    done = installed(
        *("train", run, "--labels", few, "--model", str(tmp_path / "m.joblib")),
        *("--method", "rows", "--crop", "160", "--epochs", "20"),
    )
    assert done.returncode == 0
    lines = done.stderr.splitlines()
    assert any(line.startswith("sfx train: CNN1D: class 1 has 8 labels") for line in lines)
    assert len(lines) == len(set(lines))
    assert "FewLabelsWarning" not in done.stderr
