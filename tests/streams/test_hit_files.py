"""Hits that are kept are read by plain h5py, by CrystFEL's rules and by this package."""

import errno
import gc
import os
import shutil
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from sklearn_sfx import open_frames
from sklearn_sfx.exceptions import InputError, UnreadableFrame, UnreadableFramesWarning
from sklearn_sfx.frames import FrameOrigin
from sklearn_sfx.streams import HitFiles, Record
from sklearn_sfx.streams._cxi_hits import CxiHits
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


def identifiers(*paths):
    return [name for path in paths for name in open_frames(path).metadata["identifier"].tolist()]


def test_a_full_disk_at_the_end_loses_nothing(tmp_path, monkeypatch):
    files = HitFiles(tmp_path / "hits.cxi")
    for number in range(3):
        files.add(scored([number]))

    def full(*args, **options):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(CxiHits, "append_file", full)
        with pytest.raises(OSError, match="No space left"):
            files.close()
    assert os.listdir(tmp_path) == [".sfx"]
    again = HitFiles(tmp_path / "hits.cxi")
    assert identifiers(*again.written) == ["7:0", "7:1", "7:2"]
    assert os.listdir(tmp_path) == ["hits-00001.cxi"]


def test_one_frame_that_is_gone_loses_no_other(tmp_path, monkeypatch):
    block = scored(range(4))
    whole = type(block.frames).__getitem__

    def damaged(frames, rows):
        if isinstance(rows, int) and rows == 1:
            raise UnreadableFrame("Frame 1 is gone.")
        return whole(frames, rows)

    files = HitFiles(tmp_path / "hits.cxi")
    with monkeypatch.context() as patch:
        patch.setattr(type(block.frames), "__getitem__", damaged)
        with pytest.raises(InputError, match="is gone"):
            files.add(block)
    files.close()
    assert identifiers(*files.written) == ["7:0", "7:2", "7:3"]


# -- After a kill: who is killed has left its folder, whose lock is free ---------------------------


def of_file(numbers, path="/data/run.h5"):
    """Return hits of frames of a file, and their names."""
    block = scored(numbers)
    sources = [FrameOrigin(path, number, f"//{number}") for number in numbers]
    return replace(block, scores=replace(block.scores, sources=sources))


def events(*paths):
    found = []
    for path in paths:
        with h5py.File(path) as file:
            found += file["entry_1/result_1/sourceEvent"].asstr()[()].tolist()
    return found


@pytest.fixture(autouse=True, scope="module")
def few_to_look_through():
    """Let `release_locks` look through what these tests made, not through all that was before."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


class Killed(BaseException):
    """Nothing may be done after it."""


@pytest.mark.parametrize("at", range(1, 26))
def test_wherever_a_kill_comes_each_hit_of_the_table_is_in_one_file(tmp_path, monkeypatch, at):
    """The process ends at the `at`th thing that it does to the disk."""
    n_left = at

    def ending(function):
        def do(*args, **options):
            nonlocal n_left
            n_left -= 1
            if n_left <= 0:
                raise Killed
            return function(*args, **options)

        return do

    def watch():
        record = Record(tmp_path / "scores.csv", tmp_path / "hits.lst")
        files = HitFiles(tmp_path / "hits.cxi", n_frames=3, record=record)
        for start in range(0, 6, 2):
            block = of_file([start, start + 1])
            new = record.seen.new_rows(block.scores.sources)
            if new:
                files.add(block)
                record.add(block)
                files.gather()
        record.close()
        files.close()

    with monkeypatch.context() as patch:
        for owner, name in ((Path, "rename"), (Path, "unlink"), (os, "link"), (os, "write")):
            patch.setattr(owner, name, ending(getattr(owner, name)))
        patch.setattr(shutil, "copyfile", ending(shutil.copyfile))
        with suppress(Killed):
            watch()
    release_locks()
    watch()
    saved = events(*sorted(tmp_path.glob("hits-*.cxi")))
    assert sorted(saved, key=lambda name: int(name[2:])) == [f"//{n}" for n in range(6)]
    assert not (tmp_path / ".sfx" / "hits").exists()


def release_locks():
    """Close what a process that is killed has open: its locks, and files of HDF5."""
    gc.collect()
    for name in os.listdir("/proc/self/fd"):
        with suppress(OSError):
            target = os.readlink(f"/proc/self/fd/{name}")
            if target.endswith(("/lock", "scores.csv", "hits.lst")):
                os.close(int(name))


def test_hits_of_a_stream_are_kept_whether_they_have_rows_or_not(tmp_path):
    record = Record(tmp_path / "scores.csv")
    files = HitFiles(tmp_path / "hits.cxi", record=record)
    files.add(scored([1, 2]))
    record.close()
    release_locks()
    record = Record(tmp_path / "scores.csv")
    again = HitFiles(tmp_path / "hits.cxi", record=record)
    assert identifiers(*again.written) == ["7:1", "7:2"]
    record.close()


def test_what_is_damaged_is_said_and_loses_no_other(tmp_path):
    files = HitFiles(tmp_path / "hits.cxi")
    for number in range(3):
        files.add(scored([number]))
    del files
    release_locks()
    second = sorted(tmp_path.glob(".sfx/hits/*/*.cxi"))[1]
    second.write_bytes(second.read_bytes()[:999])
    with pytest.warns(UnreadableFramesWarning, match="are lost"):
        again = HitFiles(tmp_path / "hits.cxi")
    assert identifiers(*again.written) == ["7:0", "7:2"]


def test_what_another_table_has_left_is_left_to_it(tmp_path):
    first = Record(tmp_path / "one.csv")
    HitFiles(tmp_path / "hits.cxi", record=first).add(of_file([1]))
    first.add(of_file([1]))
    first.close()
    release_locks()
    other = Record(tmp_path / "two.csv")
    assert HitFiles(tmp_path / "hits.cxi", record=other).written == []
    assert HitFiles(tmp_path / "hits.cxi").written == []
    again = Record(tmp_path / "one.csv")
    assert events(*HitFiles(tmp_path / "hits.cxi", record=again).written) == ["//1"]
    again.close()
    other.close()


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
        with pytest.raises(OSError, match=r"No space left.*hits of this block that are lost: 1"):
            files.add(scored([3]))
    files.add(scored([4]))
    files.close()
    assert identifiers(*files.written) == ["7:1", "7:2", "7:4"]
    assert os.listdir(tmp_path) == ["hits-00001.cxi"]


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        HitFiles(tmp_path / "none" / "hits.cxi")
