"""``sfx screen``: the hit list, the table and the report."""

import csv
import re

import numpy as np
import pytest

from sklearn_sfx import open_frames, read_mask, screen
from sklearn_sfx.cli import main
from sklearn_sfx.screening import load_screening_model, read_hits


@pytest.fixture
def screened(sfx, run_folder, tmp_path):
    """Return what screens with some options, and gives the rows of the table."""

    def call(*options):
        files = ["--hits", tmp_path / "hits.lst", "--scores", tmp_path / "scores.csv"]
        assert sfx("screen", "--model", run_folder / "model.joblib", *files, *options) == 0
        with open(tmp_path / "scores.csv", newline="") as file:
            return list(csv.DictReader(file))

    return call


def test_screen_writes_every_frame_and_lists_the_hits(screened, run_folder, tmp_path, capsys):
    rows = screened()
    assert [int(row["position"]) for row in rows] == list(range(90))
    listed = [f"{path} {event}" for path, event in read_hits(tmp_path / "hits.lst")]
    assert listed == [f"{r['file']} {r['event']}" for r in rows if r["decision"] == "hit"]
    model = load_screening_model(run_folder / "model.joblib")
    for row in rows:
        assert (float(row["probability"]) >= model.threshold - 1e-6) == (row["decision"] == "hit")
    assert f"{len(listed)} of 90 frames are hits" in capsys.readouterr().out

    frames = open_frames(run_folder / "run.h5", mask=read_mask(run_folder / "run.mask.h5"))
    again = screen(model, frames)
    np.testing.assert_allclose(
        [float(r["probability"]) for r in rows], again.probability, atol=1e-6
    )
    assert [int(row["peak_count"]) for row in rows] == again.peak_count.tolist()


def test_screen_without_peaks_decides_the_same(screened):
    with_peaks, without = screened(), screened("--no-peaks")
    assert all(row.pop("peak_count") == "" for row in without)
    assert all(row.pop("peak_count") != "" for row in with_peaks)
    assert without == with_peaks


def test_threshold_decides_what_is_listed(screened, tmp_path):
    counts = []
    for threshold in ("0", "0.5", "1"):
        screened("--threshold", threshold)
        counts.append(len(read_hits(tmp_path / "hits.lst")))
    assert counts[0] == 90
    assert counts[0] > counts[1] >= counts[2]


def test_screen_reports_what_it_prints(sfx, run_folder, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert sfx("screen", "--model", run_folder / "model.joblib", "--report", "out.html") == 0
    page = (tmp_path / "out.html").read_text()
    n_hits = re.search("<dt>called hits</dt><dd>(.*?)</dd>", page)[1]
    assert f"{n_hits} of 90 frames are hits" in capsys.readouterr().out
    assert "SIMULATED" in page
    assert "--report out.html</code>" in page
    assert "LCN(floor=1.0, kernel_size=5)" in page
    assert f"{(~read_mask(run_folder / 'run.mask.h5')).sum():,} of 25,600 pixels" in page


def test_no_model_is_needed(sfx, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert sfx("screen") == 0
    out = capsys.readouterr().out
    n_hits = int(re.search("([0-9]+) of 90 frames are hits", out)[1])
    assert 0 < n_hits < 90
    assert "a hit is what shows 6 Bragg spots or more" in out
    assert len(read_hits(tmp_path / "run.hits.lst")) == n_hits


def test_one_frame_of_any_shape_is_enough(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    frame = np.random.default_rng(0).poisson(5.0, (1, 64, 90)).astype(np.uint16)
    frame[0, 10::15, 10::15] += 80
    frame[0, 11::15, 10::15] += 80
    np.save("frame.npy", frame)
    assert main(["screen", "frame.npy"]) == 0
    assert "1 of 1 frames are hits" in capsys.readouterr().out


@pytest.mark.filterwarnings("always::sklearn_sfx.exceptions.ScaledFramesWarning")
def test_frames_scaled_to_fractions_are_told_without_a_model(tmp_path, capsys):
    frames = np.random.default_rng(0).poisson(10.0, (12, 80, 80)).astype(np.float32)
    np.save(tmp_path / "run.npy", frames / frames.max())
    lists = ("--hits", str(tmp_path / "hits.lst"), "--scores", str(tmp_path / "scores.csv"))
    assert main(["screen", str(tmp_path / "run.npy"), *lists]) == 0
    said = capsys.readouterr()
    assert "take them as the detector counted them" in said.err
    assert "0 of 12 frames are hits" in said.out
