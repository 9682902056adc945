"""``sfx info``: what it prints and writes."""

import json
import re
import sys

import h5py
import numpy as np
import pytest

from sklearn_sfx.cli import main


def test_it_says_what_the_run_is(sfx, capsys):
    assert sfx("info", "--crop", 120, "--n-frames", 4) == 0
    said = capsys.readouterr().out
    assert "90 of 160 x 160 pixels" in said
    for name in ("CXIDB-76", "beam centre", "wavelength", "distance", "of 4 frames", "simulated"):
        assert name in said
    assert re.search(r"rows 2\d to 1[34]\d, columns 2\d to 1[34]\d: 56.2% of the frame", said)
    assert "leaves" in said
    assert "none that is known of" in said


def test_json_is_all_that_is_printed(sfx, capsys):
    assert sfx("info", "--json", "--crop", 120) == 0
    read = json.loads(capsys.readouterr().out)
    assert read["n_frames"] == 90
    assert read["simulated"] is True
    assert 0.5 < read["sample"]["usable"] < 1


def test_the_picture_is_written(sfx, tmp_path, capsys):
    path = tmp_path / "out.png"
    assert sfx("info", "--crop", 120, "--picture", path) == 0
    assert path.read_bytes().startswith(b"\x89PNG")
    assert [file for file in tmp_path.iterdir() if file.is_file()] == [path]


def test_without_matplotlib_it_is_said_what_to_install(sfx, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert sfx("info", "--picture", tmp_path / "out.png") == 2
    assert "pip install 'sklearn_sfx[plot]'" in capsys.readouterr().err
    assert sfx("info") == 0  # a table needs none


@pytest.fixture
def half_a_run(tmp_path):
    """A run of two files, of which one is gone."""
    layout = h5py.VirtualLayout((4, 16, 16), np.uint16)
    for i in (0, 1):
        with h5py.File(tmp_path / f"part{i}.h5", "w") as file:
            file["data"] = np.full((2, 16, 16), 7, np.uint16)
        layout[2 * i : 2 * i + 2] = h5py.VirtualSource(f"part{i}.h5", "data", (2, 16, 16))
    with h5py.File(tmp_path / "run.h5", "w") as file:
        file.create_virtual_dataset("entry/data/data", layout)
    (tmp_path / "part1.h5").unlink()
    return tmp_path


def test_what_cannot_be_read_is_listed(half_a_run, capsys):
    assert main(["info", str(half_a_run / "run.h5"), "--crop", "16"]) == 0
    said = capsys.readouterr().out
    assert "4 of 16 x 16 pixels, uint16" in said
    assert "frames [3] to [4]: " in said
    assert "part1.h5" in said


def test_a_frame_whose_mask_is_not_there_is_listed(tmp_path, capsys):
    with h5py.File(tmp_path / "run.cxi", "w") as file:
        file["entry_1/data_1/data"] = np.full((4, 16, 16), 7, np.uint16)
        options = {"chunks": (1, 16, 16), "dtype": np.uint16}
        file.create_dataset("entry_1/data_1/mask", (4, 16, 16), **options)[:3] = 0
    assert main(["info", str(tmp_path / "run.cxi"), "--crop", "16"]) == 0
    said = capsys.readouterr().out
    assert "of 3 frames" in said
    assert re.search(r"unreadable +frame \[4\]: .*/mask.* never written", said)


def test_a_mask_of_each_frame_that_a_geometry_names_is_asked_for(tmp_path, capsys):
    pytest.importorskip("cfelpyutils")
    with h5py.File(tmp_path / "run.h5", "w") as file:
        file["data"], file["mask"] = np.ones((2, 6, 8)), np.zeros((2, 6, 8), np.uint16)
    lines = [
        *("clen = 0.1", "res = 10000", "data = /data", "dim0 = %", "dim1 = ss", "dim2 = fs"),
        *("p0/min_fs = 0", "p0/max_fs = 7", "p0/min_ss = 0", "p0/max_ss = 5", "p0/fs = +x"),
        *("p0/ss = +y", "p0/corner_x = 0", "p0/corner_y = 0"),
        *("p0/mask0_data = /mask", "p0/mask0_badbits = 1"),
    ]
    (tmp_path / "det.geom").write_text("\n".join(lines) + "\n")
    options = ["--geometry", str(tmp_path / "det.geom")]
    assert main(["info", str(tmp_path / "run.h5"), *options]) == 2
    said = capsys.readouterr().err
    assert "with --mask, --mask-dataset, and --good-bits or --bad-bits, or go on" in said
    assert said.endswith("without: --no-mask.\n")


def test_a_run_of_which_nothing_is_there_is_one_sentence(half_a_run, capsys):
    (half_a_run / "part0.h5").unlink()
    assert main(["info", str(half_a_run / "run.h5")]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert "part0.h5" in captured.err
