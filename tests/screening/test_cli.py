"""The command as a user types it: what it writes, what it says, how it refuses."""

import csv
import shutil
import subprocess
import sys
from pathlib import Path

import h5py
import joblib
import numpy as np
import pytest

from sklearn_sfx import load_cxidb76, open_frames, screen
from sklearn_sfx.cli import main
from sklearn_sfx.datasets import read_annotation
from sklearn_sfx.screening import load_screening_model, read_hits


def sfx(folder, verb, *options):
    return main([verb, str(folder / "run.h5"), "--mask", str(folder / "mask.h5"), *options])


def test_simulated_run_loads_as_a_real_one(run_folder):
    run = load_cxidb76(run_folder / "run.h5", "LN84", mask=run_folder / "mask.h5")
    assert run.data.shape == (90, 160, 160)
    assert run.data.dtype == np.uint16
    assert run.target.tolist() == (run.labels != "MISS").astype(int).tolist()
    assert 20 < run.target.sum() < 70
    metadata = run.data.metadata
    assert metadata["timestamp"][[0, 12]].tolist() == [
        "2000-01-01T00:00Z00.000",
        "2000-01-01T00:00Z00.100",
    ]
    assert np.all((metadata["wavelength"] > 1) & (metadata["wavelength"] < 2))
    assert np.all((metadata["distance"] > 50) & (metadata["distance"] < 500))
    with h5py.File(run_folder / "run.h5") as file:
        scalars = {name: file["metadata"][name][()] for name in file["metadata"]}
    assert scalars["idh5_version"] == b"idh5_v1.0"
    assert (scalars["SIZE1"], scalars["SIZE2"]) == (160, 160)
    assert scalars["PIXEL_SIZE"] == pytest.approx(0.1771, abs=1e-4)
    # the beam goes through the beam stop, in the middle of the simulated part
    assert scalars["BEAM_CENTER_X"] == pytest.approx(80 * 0.1771, abs=1)
    assert scalars["BEAM_CENTER_Y"] == pytest.approx(80 * 0.1771, abs=1)


def test_screen_writes_every_frame_and_lists_the_hits(run_folder, tmp_path, capsys):
    model, hits, table = run_folder / "model.joblib", tmp_path / "hits.lst", tmp_path / "scores.csv"
    assert (
        sfx(
            run_folder, "screen", "--model", str(model), "--hits", str(hits), "--scores", str(table)
        )
        == 0
    )
    with open(table, newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["position"]) for row in rows] == list(range(90))
    listed = [f"{path} {event}" for path, event in read_hits(hits)]
    assert listed == [f"{r['file']} {r['event']}" for r in rows if r["decision"] == "hit"]
    threshold = load_screening_model(model).threshold
    for row in rows:
        assert (float(row["probability"]) >= threshold - 1e-6) == (row["decision"] == "hit")
    assert f"{len(listed)} of 90 frames are hits" in capsys.readouterr().out

    frames = open_frames(run_folder / "run.h5", mask=load_mask(run_folder))
    again = screen(load_screening_model(model), frames)
    np.testing.assert_allclose(
        [float(r["probability"]) for r in rows], again.probability, atol=1e-6
    )
    assert [int(row["peak_count"]) for row in rows] == again.peak_count.tolist()


def test_screen_without_peaks_decides_the_same(run_folder, tmp_path):
    tables = []
    for options in ([], ["--no-peaks"]):
        hits, table = tmp_path / "hits.lst", tmp_path / "scores.csv"
        paths = ["--hits", str(hits), "--scores", str(table)]
        model = ["--model", str(run_folder / "model.joblib")]
        assert sfx(run_folder, "screen", *model, *paths, *options) == 0
        with open(table, newline="") as file:
            tables.append(list(csv.DictReader(file)))
    with_peaks, without = tables
    assert all(row.pop("peak_count") == "" for row in without)
    assert all(row.pop("peak_count") != "" for row in with_peaks)
    assert without == with_peaks


def load_mask(folder):
    from sklearn_sfx import read_mask

    return read_mask(folder / "mask.h5")


def test_model_learned_something_and_counts_agree_with_labels(run_folder):
    run = load_cxidb76(run_folder / "run.h5", "LN84", mask=run_folder / "mask.h5")
    model = load_screening_model(run_folder / "model.joblib")
    seen = [position for _, position in model.trained_on]
    rest = np.setdiff1d(np.arange(90), seen)
    assert len(seen) == len(set(seen)) == 60
    scores = screen(model, run.data[rest])
    hit, miss = run.target[rest] == 1, run.target[rest] == 0
    assert scores.probability[hit].mean() > scores.probability[miss].mean() + 0.3
    assert scores.peak_count[hit].min() > scores.peak_count[miss].mean()


def test_threshold_decides_what_is_listed(run_folder, tmp_path):
    model = str(run_folder / "model.joblib")
    counts = []
    for threshold in ("0", "0.5", "1"):
        hits, table = tmp_path / "hits.lst", tmp_path / "scores.csv"
        options = ["--threshold", threshold, "--hits", str(hits), "--scores", str(table)]
        assert sfx(run_folder, "screen", "--model", model, *options) == 0
        counts.append(len(read_hits(hits)))
    assert counts[0] == 90
    assert counts[0] > counts[1] >= counts[2]


def test_evaluate_leaves_the_training_frames_out(run_folder, capsys):
    labels = str(run_folder / "expert_annotation.txt")
    model = str(run_folder / "model.joblib")
    assert sfx(run_folder, "evaluate", "--model", model, "--labels", labels) == 0
    out = capsys.readouterr().out
    assert out.startswith(
        "30 labelled frames that the model was not trained on, MAYBE counted as hit"
    )
    for line in out.splitlines()[2:]:
        assert sum(int(number) for number in line.split()[-4:]) == 30


def test_evaluate_on_training_frames_alone_is_refused(run_folder, tmp_path, capsys):
    model = load_screening_model(run_folder / "model.joblib")
    seen = {position + 1 for _, position in model.trained_on}
    lines = (run_folder / "expert_annotation.txt").read_text().splitlines()
    kept = [line for line in lines if int(line.split("[")[1].split("]")[0]) in seen]
    (tmp_path / "labels.txt").write_text("\n".join(kept))
    options = [
        "--model",
        str(run_folder / "model.joblib"),
        "--labels",
        str(tmp_path / "labels.txt"),
    ]
    assert sfx(run_folder, "evaluate", *options) == 2
    assert "trained on every frame that is labelled here" in capsys.readouterr().err


@pytest.mark.parametrize(("maybe", "said"), [("miss", "as miss"), ("drop", "left out")])
def test_maybe_policy_is_said(run_folder, tmp_path, capsys, maybe, said):
    labels = str(run_folder / "expert_annotation.txt")
    model = str(run_folder / "model.joblib")
    assert sfx(run_folder, "evaluate", "--model", model, "--labels", labels, "--maybe", maybe) == 0
    assert said in capsys.readouterr().out


def test_simulate_says_the_labels_it_wrote(tmp_path, capsys):
    options = ["--n-frames", "12", "--frame-shape", "96", "96", "--domain", "LO19", "--seed", "5"]
    assert main(["simulate", str(tmp_path / "a.h5"), *options]) == 0
    labels = read_annotation(tmp_path / "expert_annotation.txt").labels
    out = capsys.readouterr().out
    assert "SIMULATED" in out
    for name in ("HIT", "MAYBE", "MISS"):
        assert f"{(labels == name).sum()} {name}" in out


@pytest.mark.parametrize(
    ("options", "said", "n_trained_on"),
    [
        ([], "simulated frames that come with the package, with no label; a hit from", 0),
        (["--labels", "L", "--n-labels", "12"], "package and 12 labelled frames, ", 12),
    ],
)
def test_peaks_train_with_few_labels_or_none(
    run_folder, tmp_path, capsys, options, said, n_trained_on
):
    options = [str(run_folder / "expert_annotation.txt") if o == "L" else o for o in options]
    model = tmp_path / "peaks.joblib"
    options += ["--method", "peaks", "--crop", "160", "--model", str(model)]
    assert main(["train", str(run_folder / "run.h5"), *options]) == 0
    assert said in capsys.readouterr().out
    assert len(joblib.load(model).trained_on) == n_trained_on
    hits, scores = str(tmp_path / "h.lst"), str(tmp_path / "s.csv")
    screening = ["screen", str(run_folder / "run.h5"), "--model", str(model)]
    assert main([*screening, "--hits", hits, "--scores", scores]) == 0
    assert "of 90 frames are hits at threshold 0.500" in capsys.readouterr().out


# -- Refusals: one sentence on standard error, exit code 2, nothing written


def refusals(folder):
    run, model, labels = (
        folder / "run.h5",
        folder / "model.joblib",
        folder / "expert_annotation.txt",
    )
    with_model = ["--model", str(model)]
    return {
        "no run": (["screen", "none.h5", *with_model], "none.h5"),
        "not HDF5": (["screen", str(labels), *with_model], "expert_annotation.txt"),
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
            "CentralCrop",
        ),
        "labels": (["train", str(run), "--labels", "none.txt", "--model", "m"], "none.txt"),
        "no labels": (["train", str(run), "--model", "m"], "'--method peaks' can do without"),
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

    monkeypatch.setattr("sklearn_sfx.screening.screen", broken)
    with pytest.raises(RuntimeError, match="ours"):
        main(["screen", str(run_folder / "run.h5"), "--model", str(run_folder / "model.joblib")])


def test_another_pickle_is_refused(tmp_path, run_folder, capsys):
    joblib.dump({"a": 1}, tmp_path / "other.joblib")
    assert (
        main(["screen", str(run_folder / "run.h5"), "--model", str(tmp_path / "other.joblib")]) == 2
    )
    assert "holds a dict" in capsys.readouterr().err


# -- The installed command


def installed(*arguments, **options):
    command = Path(sys.executable).with_name("sfx")
    return subprocess.run([command, *arguments], capture_output=True, text=True, **options)


def test_installed_command_screens_in_its_own_process(run_folder, tmp_path):
    shutil.copy(run_folder / "run.h5", tmp_path / "run.h5")
    mask = ["--mask", str(run_folder / "mask.h5")]
    done = installed(
        "screen", "run.h5", "--model", str(run_folder / "model.joblib"), *mask, cwd=tmp_path
    )
    assert (done.returncode, done.stderr) == (0, "")
    model = load_screening_model(run_folder / "model.joblib")
    frames = open_frames(tmp_path / "run.h5", mask=load_mask(run_folder))
    with open(tmp_path / "scores.csv", newline="") as file:
        written = [row["probability"] for row in csv.DictReader(file)]
    assert written == [f"{p:.6f}" for p in screen(model, frames).probability]


def test_installed_command_names_its_version_and_verbs():
    assert installed("--version").stdout.startswith("sklearn_sfx ")
    helped = installed("--help")
    for verb in ("simulate", "train", "screen", "evaluate", "demo"):
        assert verb in helped.stdout
    assert installed().returncode == 2
    assert installed("screen").returncode == 2


def test_demo_does_the_whole_job(tmp_path, capsys):
    output = tmp_path / "demo"
    assert main(["demo", "--output", str(output), "--n-frames", "230"]) == 0
    written = {path.name for path in output.iterdir()}
    assert {"hits.lst", "scores.csv", "model.joblib", "overview.png", "report.html"} <= written
    out = capsys.readouterr().out
    assert "SIMULATED" in out
    assert "MAYBE counted as hit" in out
    assert "frames/s" in out
    assert len((output / "scores.csv").read_text().splitlines()) == 31
    assert (output / "overview.png").read_bytes().startswith(b"\x89PNG")


def test_a_warning_is_said_once(run_folder, tmp_path):
    labels = (run_folder / "expert_annotation.txt").read_text().splitlines()
    hits = [line for line in labels if not line.endswith("MISS")][:8]
    misses = [line for line in labels if line.endswith("MISS")][:20]
    (tmp_path / "few.txt").write_text("\n".join(hits + misses))
    run, few = str(run_folder / "run.h5"), str(tmp_path / "few.txt")
    done = installed(
        *("train", run, "--labels", few, "--model", str(tmp_path / "m.joblib")),
        *("--crop", "160", "--epochs", "20"),
    )
    assert done.returncode == 0
    lines = done.stderr.splitlines()
    assert any(line.startswith("sfx train: CNN1D: class 1 has 8 labels") for line in lines)
    assert len(lines) == len(set(lines))
    assert "FewLabelsWarning" not in done.stderr
