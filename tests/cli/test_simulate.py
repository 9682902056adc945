"""``sfx simulate``: the files it writes, and what it says of them."""

import h5py
import numpy as np
import pytest

from sklearn_sfx import load_cxidb76
from sklearn_sfx.cli import main
from sklearn_sfx.datasets import read_annotation


def test_simulated_run_loads_as_a_real_one(run_folder):
    run = load_cxidb76(run_folder / "run.h5", "LN84", mask=run_folder / "run.mask.h5")
    assert run.data.shape == (90, 160, 160)
    assert run.data.as_stored().dtype == np.uint16
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


def test_simulate_says_the_labels_it_wrote(tmp_path, capsys):
    options = ["--n-frames", "12", "--frame-shape", "96", "96", "--domain", "LO19", "--seed", "5"]
    assert main(["simulate", str(tmp_path / "a.h5"), *options]) == 0
    labels = read_annotation(tmp_path / "a.labels.txt").labels
    out = capsys.readouterr().out
    assert "SIMULATED" in out
    for name in ("HIT", "MAYBE", "MISS"):
        assert f"{(labels == name).sum()} {name}" in out
