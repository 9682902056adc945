"""Hits that are kept are read by plain h5py, by CrystFEL's rules and by this package."""

import errno
import os
import subprocess
import sys

import h5py
import numpy as np
import pytest

from sklearn_sfx import open_frames
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.streams import HitFiles
from tests.streams.scored import scored


@pytest.fixture
def written(tmp_path):
    """Return a file of three hits among four frames, and these."""
    block = scored([3, 5, 8, 13], hits=[True, False, True, True])
    files = HitFiles(tmp_path / "hits.cxi")
    files.add(block)
    assert os.listdir(tmp_path) == [".sfx"]
    files.close()
    (path,) = files.written
    return path, block.hits


def test_this_package_reads_them(written):
    path, hits = written
    frames = open_frames(path)
    np.testing.assert_array_equal(
        np.asarray(frames.as_stored()), np.asarray(hits.frames.as_stored())
    )
    np.testing.assert_array_equal(np.isnan(np.asarray(frames)), np.isnan(np.asarray(hits.frames)))
    known = frames.metadata
    np.testing.assert_allclose(known["wavelength"], hits.frames.metadata["wavelength"], rtol=1e-12)
    np.testing.assert_allclose(known["distance"], [125.0] * 3, rtol=1e-12)
    assert known["identifier"].tolist() == ["7:3", "7:8", "7:13"]
    assert frames.dtype == np.float32  # masked
    assert frames.facts.pixel_size == pytest.approx(0.075)
    assert frames.beam_center == pytest.approx((30.5, 41.0))
    assert frames.facts.saturation == 50000


def test_plain_h5py_reads_them_without_plugins(written):
    path, hits = written
    code = f"""
import h5py, numpy, sys
assert 'hdf5plugin' not in sys.modules
with h5py.File({str(path)!r}) as file:
    print(file['entry_1/data_1/data'][1].sum(), file['entry_1/data_1/mask'][1].sum())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    pixels = np.asarray(hits.frames.as_stored())[1]
    assert done.stdout.split() == [str(pixels.sum()), str(10 * 60 + 4)]


def test_crystfel_finds_what_it_looks_for(written):
    """Peaks are (n, most) of which nPeaks hold, x fast and y slow scan; a mask of 0 is good."""
    path, _ = written
    with h5py.File(path) as file:
        assert file["cxi_version"][()] == 140
        data, mask = file["entry_1/data_1/data"], file["entry_1/data_1/mask"]
        assert data.shape == mask.shape == (3, 60, 80)
        assert data.chunks == (1, 60, 80)
        result = file["entry_1/result_1"]
        assert result["nPeaks"][()].tolist() == [1, 1, 1]
        for row, number in enumerate((3, 8, 13)):
            assert result["peakXPosRaw"][row, 0] == pytest.approx(11 + number, abs=0.3)
            assert result["peakYPosRaw"][row, 0] == pytest.approx(21, abs=0.3)
            assert result["peakTotalIntensity"][row, 0] == pytest.approx(810, rel=0.1)
        assert not result["peakXPosRaw"][:, 1:].any()
        energy = file["entry_1/instrument_1/source_1/energy"][()] / 1.602176634e-19
        np.testing.assert_allclose(energy, 12398.419843320026 / np.array([1.28, 1.33, 1.38]))
        assert file["entry_1/instrument_1/detector_1/distance"][0] == pytest.approx(0.125)
        assert file["entry_1/instrument_1/detector_1/data"] == data
        assert result["sourceEvent"].asstr()[()].tolist() == ["//3", "//8", "//13"]


def test_a_new_file_begins_after_so_many_hits_or_with_other_frames(tmp_path):
    files = HitFiles(tmp_path / "hits.cxi", n_frames=4)
    files.add(scored(range(10)))
    assert [path.name for path in files.written] == ["hits-00001.cxi", "hits-00002.cxi"]
    files.add(scored([1], dtype=np.float32))
    files.close()
    files.close()
    assert [len(open_frames(path)) for path in files.written] == [4, 4, 2, 1]
    again = HitFiles(tmp_path / "hits.cxi", n_frames=4)
    again.add(scored([2], known=False))
    again.close()
    assert [path.name for path in again.written] == ["hits-00005.cxi"]
    assert sorted(os.listdir(tmp_path)) == [f"hits-{n:05d}.cxi" for n in range(1, 6)]


def test_two_watches_take_no_file_from_each_other(tmp_path):
    both = [HitFiles(tmp_path / "hits.cxi") for _ in range(2)]
    for number, files in enumerate(both):
        files.add(scored([number]))
    for files in both:
        files.close()
    found = [
        open_frames(path).metadata["identifier"][0] for files in both for path in files.written
    ]
    assert found == ["7:0", "7:1"]


def test_misses_alone_make_no_file(tmp_path):
    files = HitFiles(tmp_path / "hits.cxi")
    files.add(scored([1, 2], hits=[False, False]))
    files.close()
    assert (files.written, os.listdir(tmp_path)) == ([], [])


def test_a_full_disk_is_said_and_the_next_file_is_whole(tmp_path, monkeypatch):
    files = HitFiles(tmp_path / "hits.cxi")
    files.add(scored([1, 2]))

    def full(*args, **options):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(h5py.Dataset, "__setitem__", full)
        with pytest.raises(OSError, match=r"No space left.*2 hits of its last file are lost"):
            files.add(scored([3]))
    assert os.listdir(tmp_path) == []
    files.add(scored([4]))
    files.close()
    assert open_frames(files.written[0]).metadata["identifier"].tolist() == ["7:4"]


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        HitFiles(tmp_path / "none" / "hits.cxi")
