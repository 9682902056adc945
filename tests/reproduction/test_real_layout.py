"""``sfx reproduce --data`` on files in the layout of CXIDB-76, with its real annotation texts."""

import csv
import os
import shutil

import h5py
import numpy as np
import pytest

from sklearn_sfx import write_cxidb76
from sklearn_sfx.cli import main
from sklearn_sfx.datasets import read_annotation
from sklearn_sfx.reproduction._runs import FILES, find_runs

SIDE = 64


@pytest.fixture(scope="module")
def made(shared_data, tmp_path_factory):
    """Return a folder with runs of the real names and lengths, small frames, and real texts."""
    folder = tmp_path_factory.mktemp("cxidb76")
    rng = np.random.default_rng(0)
    for name, file_name in FILES.items():
        here = folder / name.lower()
        here.mkdir()
        for text in ("expert_annotation.txt", "dials_annotation.txt"):
            shutil.copy(shared_data / "cxidb76" / name / text, here / text)
        labels = read_annotation(here / "expert_annotation.txt").labels
        frames = rng.poisson(30, (len(labels), SIDE, SIDE)).astype(np.uint16)
        for row in np.flatnonzero(labels != "MISS"):
            y, x = rng.integers(8, SIDE - 8, (2, 12 if labels[row] == "HIT" else 6))
            frames[row, y, x] += 400
            frames[row, y, x + 1] += 300
        write_cxidb76(here / file_name, frames)
        with h5py.File(here / "mask.h5", "w") as file:
            file["mask"] = np.hypot(*(np.indices((SIDE, SIDE)) - SIDE // 2)) > 4
    return folder


@pytest.fixture
def data(made, tmp_path):
    """Return a copy whose texts can be changed; the frames are links."""
    for run in made.iterdir():
        shutil.copytree(run, tmp_path / "data" / run.name, copy_function=link_frames)
    return tmp_path / "data"


def link_frames(source, target):
    if source.endswith("_2000.h5"):
        return os.symlink(source, target)
    return shutil.copy(source, target)


def sfx(out, data, *words):
    words = ["--data", str(data), "--quick", "--jobs", "1", *words]
    return main(["reproduce", str(out), *words])


def test_runs_when_labels_match(data, tmp_path, make_tiny, capsys):
    make_tiny(crop=SIDE)
    out = tmp_path / "out"
    assert sfx(out, data) == 0
    assert "the report, on real frames" in capsys.readouterr().out
    page = (out / "report.html").read_text()
    assert "SIMULATED" not in page
    assert page.count("real frames of CXIDB entry 76") >= 8 + 6
    assert "with at least 30 (LN84), 15 (LN83) or 50 (LO19) spots" in page
    with open(out / "tables" / "table_5.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert all(float(row["DIALS recall"]) > 0.4 for row in rows)
    assert all(float(row["DIALS precision"]) > 0.9 for row in rows)
    assert len(list((out / "figures").glob("*.svg"))) == 6
    # Nothing was written to, or taken from, the folder of the runs.
    names = [*FILES.values(), "expert_annotation.txt", "dials_annotation.txt", "mask.h5"]
    assert {path.name for path in data.rglob("*.*")} == set(names)


def swapped(text):
    lines = text.splitlines()
    lines[4], lines[5] = lines[5], lines[4]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda text: text[: text.rindex("r0018")], "1999 labels, but the run has 2000 frames"),
        (lambda text: text + "r0018_2000.h5 [2001] HIT\n", "2001 labels, but the run has 2000"),
        (lambda text: text.replace("r0018", "r0020"), "labels frames of r0020_2000.h5 (label 1)"),
        (swapped, "gives label 5 to frame [6]"),
    ],
    ids=["too few", "too many", "name", "order"],
)
def test_labels_of_other_frames_are_refused(data, tmp_path, capsys, change, why):
    path = data / "ln83" / "expert_annotation.txt"
    path.write_text(change(path.read_text()))
    assert sfx(tmp_path / "out", data) == 2
    said = capsys.readouterr().err
    assert why in said
    assert said.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_missing_files_are_named(data, tmp_path, capsys):
    (data / "lo19" / "expert_annotation.txt").unlink()
    assert sfx(tmp_path / "out", data) == 2
    assert "there is no expert_annotation.txt beside it" in capsys.readouterr().err
    (data / "lo19" / FILES["LO19"]).unlink()
    assert sfx(tmp_path / "out", data) == 2
    assert "there is no lo19/r0020_2000.h5" in capsys.readouterr().err


def test_frames_may_lie_flat_and_texts_in_upper_case_folders(data):
    for name, file_name in FILES.items():
        (data / name.lower() / file_name).rename(data / file_name)
        (data / name.lower()).rename(data / name)
        if name == "LN84":
            (data / name / "mask.h5").rename(data / "mask.h5")
            (data / name / "dials_annotation.txt").rename(data / "dials_annotation.txt")
    runs = {run.name: run for run in find_runs(data)}
    assert runs["LN83"].labels == data / "LN83" / "expert_annotation.txt"
    assert runs["LN83"].spots == data / "LN83" / "dials_annotation.txt"
    assert runs["LN84"].mask == data / "mask.h5"
    assert runs["LN84"].spots is None  # counts beside all three could be those of another run
