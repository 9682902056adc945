"""``sfx watch`` as a process of its own: ended by signals, killed, and gone on with."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import h5py
import joblib
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklearn_sfx import make_sfx_frames, open_frames, train
from sklearn_sfx.cli import main
from sklearn_sfx.streams import ModelFile, Record
from tests.screening.own_estimators import rows_summed

SIDE, N_FRAMES = 96, 40


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with a run, and a model that is quick."""
    folder = tmp_path_factory.mktemp("made")
    frames = make_sfx_frames(N_FRAMES, frame_shape=(SIDE, SIDE), hit_rate=0.5, random_state=1)
    frames = np.asarray(frames.data.as_stored())
    with h5py.File(folder / "run.h5", "w") as file:
        file.create_dataset("data", data=frames, chunks=(1, SIDE, SIDE))
    train(open_frames(frames), method="peaks", crop=SIDE).save(folder / "model.joblib")
    return folder


@pytest.fixture
def start(made, tmp_path):
    """Return what starts the command on the run in an empty folder."""
    started = []

    def begin(*options):
        command = [sys.executable, "-m", "sklearn_sfx.cli", "watch", str(made / "run.h5")]
        command += ["--model", str(made / "model.joblib"), "--no-peaks", *options]
        process = subprocess.Popen(
            command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def wait_for_rows(path, n):
    end = time.monotonic() + 60
    while not path.exists() or path.read_bytes().count(b"\n") <= n:
        assert time.monotonic() < end, "no rows came"
        time.sleep(0.02)


def rows(path):
    return [line.split(",") for line in path.read_text().splitlines()[1:]]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_once_what_came_is_done(start, tmp_path, number):
    process = start("--json")
    wait_for_rows(tmp_path / "run.scores.csv", 1)
    process.send_signal(number)
    said, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    counts = json.loads(said.splitlines()[-1])
    assert counts["received"] == counts["scored"] + counts["skipped"] + counts["unreadable"]
    assert counts["waiting"] == 0
    assert len(rows(tmp_path / "run.scores.csv")) == counts["scored"]
    assert len((tmp_path / "run.hits.lst").read_text().splitlines()) == counts["hits"]


def test_after_a_kill_it_goes_on_and_the_table_is_that_of_a_screening(start, made, tmp_path):
    process = start()
    wait_for_rows(tmp_path / "run.scores.csv", 1)
    process.kill()
    process.wait()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        arguments = [str(made / "run.h5"), "--model", str(made / "model.joblib"), "--no-peaks"]
        assert main(["watch", *arguments, "--end-after", "1"]) == 0
        assert main(["screen", *arguments, "--scores", "all.csv", "--hits", "all.lst"]) == 0
    assert (tmp_path / "run.scores.csv").read_text() == (tmp_path / "all.csv").read_text()
    assert (tmp_path / "run.hits.lst").read_text() == (tmp_path / "all.lst").read_text()


def test_a_table_that_others_write_to_or_made_is_refused(made, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes.csv").write_text("mine\n")
    arguments = [str(made / "run.h5"), "--model", str(made / "model.joblib"), "--end-after", "1"]
    assert main(["watch", *arguments, "--scores", "notes.csv"]) == 2
    assert "no table of scores" in capsys.readouterr().err
    assert main(["watch", *arguments, "--scores", str(made / "run.h5")]) == 2
    assert "is an input" in capsys.readouterr().err
    assert main(["watch", *arguments, "--scores", "one", "--hits", "one"]) == 2
    assert main(["watch", *arguments, "--scores", "none/scores.csv"]) == 2
    assert "does not exist" in capsys.readouterr().err
    assert main(["watch", "none/run.h5"]) == 2
    assert os.listdir(tmp_path) == ["notes.csv"]


@pytest.mark.parametrize("value", ["0", "-1", "inf", "soon"])
def test_times_are_more_than_nothing(made, value, capsys):
    with pytest.raises(SystemExit):
        main(["watch", str(made / "run.h5"), "--every", value])
    assert "--every" in capsys.readouterr().err


@pytest.fixture
def again(made, tmp_path, monkeypatch):
    """Return what watches a run in a folder of this test, by default one that was watched once."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(made / "run.h5", tmp_path / "run.h5")
    shutil.copy(made / "model.joblib", tmp_path / "model.joblib")

    def watched(*options, source="run.h5", model="model.joblib"):
        options = ["--model", model, "--no-peaks", "--end-after", "1", *options]
        return main(["watch", source, *options])

    assert watched() == 0
    return watched


def test_a_list_of_somebody_else_is_not_cut(again, tmp_path, capsys):
    table = (tmp_path / "run.scores.csv").read_bytes()
    several = "1\n2\n3\n4\n5\n"
    for name, text in (("notes.txt", several), ("precious.lst", "/data/a.h5 //1\n" * 100)):
        (tmp_path / name).write_text(text)
        assert again("--hits", name) == 2
        assert "not the list of the hits" in capsys.readouterr().err
        assert (tmp_path / name).read_text() == text
    assert (tmp_path / "run.scores.csv").read_bytes() == table


def test_another_run_model_threshold_or_mask_is_refused(again, made, tmp_path, capsys):
    table = (tmp_path / "run.scores.csv").read_bytes()
    other = train(open_frames(made / "run.h5"), method="peaks", crop=SIDE - 8)
    other.save("other.joblib")
    (tmp_path / "elsewhere").mkdir()
    shutil.copy("run.h5", "elsewhere/run.h5")
    np.save("mask.npy", np.ones((SIDE, SIDE), bool))
    for what, options, changed in (
        ("source", (), {"source": "elsewhere/run.h5"}),
        ("model", (), {"model": "other.joblib"}),
        ("threshold", ("--threshold", "0.9"), {}),
        ("mask", ("--no-mask",), {}),
        ("mask", ("--mask", "mask.npy"), {}),
    ):
        capsys.readouterr()
        assert again(*options, **changed) == 2
        said = capsys.readouterr().err
        assert f"another {what}" in said
        assert "--force" in said
        assert (tmp_path / "run.scores.csv").read_bytes() == table
    assert again() == 0
    assert (tmp_path / "run.scores.csv").read_bytes() == table
    assert again("--threshold", "0.9", "--force") == 0
    assert again("--threshold", "0.9") == 0


def test_a_file_that_was_replaced_meanwhile_is_refused(again, tmp_path, capsys):
    table = (tmp_path / "run.scores.csv").read_bytes()
    with h5py.File("run.h5", "r+") as file:  # the same name, size and inode
        file["data"][:] = file["data"][:][::-1]
    capsys.readouterr()
    assert again() == 2
    assert "another file" in capsys.readouterr().err
    assert (tmp_path / "run.scores.csv").read_bytes() == table
    assert again("--force") == 0


def test_a_folder_that_gets_more_files_is_gone_on_with(made, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shift").mkdir()
    arguments = ["watch", "shift", "--model", str(made / "model.joblib"), "--no-peaks"]
    for n, name in enumerate(("a.h5", "b.h5"), 1):
        shutil.copy(made / "run.h5", tmp_path / "shift" / name)
        assert main([*arguments, "--end-after", "1"]) == 0
        assert len(rows(tmp_path / "shift.scores.csv")) == n * N_FRAMES
    shutil.rmtree(tmp_path / ".sfx")
    capsys.readouterr()
    assert main([*arguments, "--end-after", "1"]) == 0
    assert "not known what wrote them" in capsys.readouterr().err


def test_any_estimator_watches_and_its_class_of_hits_is_named(made, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with h5py.File(made / "run.h5") as file:
        frames = file["data"][()]
    names = np.array(["blank", "diffraction"])[np.arange(N_FRAMES) % 2]
    pipeline = make_pipeline(FunctionTransformer(rows_summed), LogisticRegression(max_iter=5000))
    joblib.dump(pipeline.fit(frames, names), "own.joblib")
    watch = ["watch", str(made / "run.h5"), "--model", "own.joblib", "--no-peaks"]
    assert main([*watch, "--end-after", "1"]) == 2
    assert "--hit-label" in capsys.readouterr().err
    assert os.listdir(tmp_path) == ["own.joblib"]
    assert main([*watch, "--end-after", "1", "--hit-label", "diffraction"]) == 0
    decided = np.array([row[5] for row in rows(tmp_path / "run.scores.csv")])
    np.testing.assert_array_equal(decided == "hit", pipeline.predict(frames) == "diffraction")
    assert main([*watch, "--end-after", "1", "--hit-label", "blank"]) == 2
    assert "another hit label" in capsys.readouterr().err


def test_frames_of_another_shape_end_it_with_one_sentence(made, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with h5py.File("other.h5", "w") as file:
        file["data"] = np.random.default_rng(0).poisson(3, (4, SIDE, SIDE + 8)).astype(np.uint16)
    watch = ["watch", "other.h5", "--model", str(made / "model.joblib"), "--no-peaks"]
    assert main([*watch, "--end-after", "20"]) == 2
    (line,) = [one for one in capsys.readouterr().err.splitlines() if "trained" in one]
    assert f"({SIDE}, {SIDE + 8}): open it as that one was opened" in line
    assert rows(tmp_path / "other.scores.csv") == []
    np.save("mask.npy", np.ones((SIDE, SIDE), bool))
    monkeypatch.setattr("sklearn_sfx.streams._growing.SETTLED_S", 0.2)
    assert main(["watch", "other.h5", "--mask", "mask.npy", "--end-after", "20"]) == 2
    assert "The mask has the shape (96, 96)" in capsys.readouterr().err


def test_a_later_watch_knows_that_the_model_was_replaced(again, made, tmp_path, capsys):
    other = train(open_frames(made / "run.h5"), method="peaks", crop=SIDE - 8)
    record = Record("run.scores.csv", "run.hits.lst")
    other.save("model.joblib")
    record.note({"model": ModelFile("model.joblib").digest})
    record.close()
    capsys.readouterr()
    assert again() == 0
    assert f"another model decided from its frame {N_FRAMES + 1} on" in capsys.readouterr().err


def test_after_kills_each_hit_of_the_table_is_in_one_file(start, made, tmp_path, monkeypatch):
    saving = ["--save-hits", "hits.cxi", "--hits-per-file", "7", "--threshold", "0"]
    for n_rows in (1, 9):
        process = start(*saving)
        wait_for_rows(tmp_path / "run.scores.csv", n_rows)
        process.kill()
        process.wait()
    monkeypatch.chdir(tmp_path)
    arguments = ["watch", str(made / "run.h5"), "--model", str(made / "model.joblib")]
    assert main([*arguments, "--no-peaks", *saving, "--end-after", "1"]) == 0
    hits = [row[2] for row in rows(tmp_path / "run.scores.csv") if row[5] == "hit"]
    assert sorted(hits) == sorted(f"//{n}" for n in range(N_FRAMES))
    saved = []
    for path in sorted(tmp_path.glob("hits-*.cxi")):
        with h5py.File(path) as file:
            saved += file["entry_1/result_1/sourceEvent"].asstr()[()].tolist()
    assert sorted(saved) == sorted(hits)
    assert not (tmp_path / ".sfx" / "hits").exists()
