"""``sfx simulate``: the files it writes, and what it says of them."""

import h5py
import numpy as np
import pytest

from sklearn_sfx import load_cxidb76, make_spi_frames, open_frames, read_mask
from sklearn_sfx.cli import main
from sklearn_sfx.cli.verbs.simulate import PARTICLES
from sklearn_sfx.datasets import read_annotation, write_run
from sklearn_sfx.exceptions import InputError


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


def test_single_particles_are_simulated_by_their_own_task(tmp_path, capsys):
    path = tmp_path / "spi.h5"
    options = ["--task", "single-particle", "--n-frames", "30", "--seed", "1"]
    assert main(["simulate", str(path), *options]) == 0
    out = capsys.readouterr().out
    assert "30 SIMULATED frames like virus, " in out
    labels = read_annotation(tmp_path / "spi.labels.txt").labels
    assert set(labels) <= {"empty", "single", "multiple", "other"}
    assert f"{(labels == 'empty').sum()} empty" in out
    with h5py.File(path) as file:
        assert file.attrs["simulated"]
    expected = make_spi_frames(30, random_state=1)
    assert (expected.labels == labels).all()
    frames = open_frames(path, mask=read_mask(tmp_path / "spi.mask.h5"))
    np.testing.assert_array_equal(frames[3], expected.data[3])


@pytest.mark.parametrize("domain", PARTICLES)
def test_each_domain_of_single_particles_can_be_written(domain, tmp_path):
    path = tmp_path / "spi.h5"
    options = ["--task", "single-particle", "--domain", domain, "--n-frames", "2"]
    assert main(["simulate", str(path), *options]) == 0
    assert len(open_frames(path)) == 2


def test_frames_of_floats_are_refused_as_a_run(tmp_path):
    with pytest.raises(InputError, match=r"holds integers .* not float32"):
        write_run(tmp_path / "gold.h5", make_spi_frames(2, domain="gold", random_state=0))
    assert not list(tmp_path.glob("gold*"))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--domain", "virus"], "none of that name for the task crystallography: use one of LN84"),
        (["--task", "single-particle", "--domain", "LN84"], "single-particle: use one of virus"),
        (["--task", "single-particle", "--hit-rate", "0.1"], "--hit-rate is for crystals"),
        (["--task", "single-particle", "--frame-shape", "9", "9"], "--frame-shape is for crystals"),
    ],
)
def test_options_of_another_task_are_refused(options, said, tmp_path, capsys):
    assert main(["simulate", str(tmp_path / "a.h5"), *options]) == 2
    assert said in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
