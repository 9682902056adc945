"""A run of which a file is gone: frames that are not there are no misses."""

import h5py
import numpy as np
import pytest

from sklearn_sfx.cli import main

pytestmark = [
    pytest.mark.filterwarnings("default::sklearn_sfx.exceptions.UnreadableFramesWarning"),
    pytest.mark.filterwarnings("default::sklearn_sfx.exceptions.OtherMaskWarning"),
]


@pytest.fixture
def run(tmp_path):
    """A run whose second half lies in a file that is gone."""
    layout = h5py.VirtualLayout((8, 160, 160), np.uint16)
    for i in (0, 1):
        with h5py.File(tmp_path / f"part{i}.h5", "w") as file:
            file["data"] = np.full((4, 160, 160), 7, np.uint16)
        layout[4 * i : 4 * i + 4] = h5py.VirtualSource(f"part{i}.h5", "data", (4, 160, 160))
    with h5py.File(tmp_path / "run.h5", "w") as file:
        file.create_virtual_dataset("entry/data/data", layout)
    (tmp_path / "part1.h5").unlink()
    return tmp_path / "run.h5"


@pytest.mark.parametrize("verb", ["screen", "evaluate", "train", "label"])
def test_frames_that_are_not_there_are_no_misses(verb, run, run_folder, monkeypatch, capsys):
    monkeypatch.chdir(run.parent)
    before = sorted(run.parent.iterdir())
    options = {
        "screen": ["--model", run_folder / "model.joblib"],
        "evaluate": ["--model", run_folder / "model.joblib", "--labels", "labels.txt"],
        "train": ["--model", "new.joblib", "--method", "peaks", "--crop", 160],
        "label": ["--crop", 160],
    }[verb]
    if verb == "evaluate":
        (run.parent / "labels.txt").write_text("run.h5 [1] MISS\nrun.h5 [2] HIT\n")
        before = sorted(run.parent.iterdir())
    assert main([verb, str(run), *map(str, options), "--strict"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert "4 of 8 frames cannot be read" in captured.err
    assert "part1.h5" in captured.err
    assert "leave out --strict" in captured.err
    assert sorted(run.parent.iterdir()) == before


def test_without_strict_they_are_rows(run, run_folder, monkeypatch, capsys):
    monkeypatch.chdir(run.parent)
    assert main(["screen", str(run), "--model", str(run_folder / "model.joblib")]) == 0
    captured = capsys.readouterr()
    assert "of 4 frames are hits" in captured.out
    assert "4 more frames cannot be read" in captured.out
    assert "4 of 8 frames cannot be read" in captured.err
    assert "part1.h5" in captured.err
    rows = (run.parent / "run.scores.csv").read_text().splitlines()[1:]
    assert [",unreadable," in row for row in rows] == [False] * 4 + [True] * 4


def test_what_has_to_be_known_of_the_values_is_said(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with h5py.File("run.h5", "w") as file:
        file["data/JF07T32V01/data"] = np.ones((3, 32, 32), np.uint16)
    assert main(["screen", "run.h5"]) == 0
    assert "note: raw values, not calibrated" in capsys.readouterr().err


def test_stacked_modules_are_said_until_a_geometry_puts_them_together(
    tmp_path, monkeypatch, capsys
):
    pytest.importorskip("cfelpyutils")
    monkeypatch.chdir(tmp_path)
    with h5py.File("run.h5", "w") as file:
        file["data"] = np.random.default_rng(0).poisson(5, (2, 2, 20, 32)).astype(np.uint16)
    lines = ["clen = 0.1", "res = 10000", "data = /data", "dim0 = %", "dim2 = ss", "dim3 = fs"]
    for module in (0, 1):
        of_one = (f"dim1 = {module}", "min_fs = 0", "max_fs = 31", "min_ss = 0", "max_ss = 19")
        of_one += ("fs = +x", "ss = +y", "corner_x = 0", f"corner_y = {30 * module}")
        lines += [f"p{module}/{line}" for line in of_one]
    (tmp_path / "det.geom").write_text("\n".join(lines) + "\n")
    assert main(["screen", "run.h5"]) == 0
    assert "note: each frame is 2 modules of 20 rows, stacked" in capsys.readouterr().err
    assert main(["screen", "run.h5", "--geometry", "det.geom", "--force"]) == 0
    assert "stacked" not in capsys.readouterr().err
