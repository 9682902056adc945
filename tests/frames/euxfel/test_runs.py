"""Runs of European XFEL, written by extra_data's own writers, and equal to what it reads."""

import os
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import h5py
import numpy as np
import pytest

import sklearn_sfx
from sklearn_sfx import InputError, read_mask
from sklearn_sfx.frames import Window
from sklearn_sfx.frames.euxfel._layout import Layout

extra_data = pytest.importorskip("extra_data", reason="needs the extra [euxfel]")
from extra_data import components  # noqa: E402

from tests.frames.euxfel.writers import DETECTORS, N_PULSES, by_extra_data, jungfrau, write_run  # noqa: E402

# The numbers as they are; masks have tests of their own.
open_frames = partial(sklearn_sfx.open_frames, mask=False)


def test_a_folder_is_a_run(agipd, expected):
    run = open_frames(agipd)
    assert (run.shape, run.dtype) == ((8, 8192, 128), np.float32)
    np.testing.assert_array_equal(np.asarray(run), expected)
    assert run.facts.format == "EuXFEL"
    assert run.facts.dataset == "SPB_DET_AGIPD1M-1"
    assert run.facts.modules == (16, 512)
    assert run.facts.note == ""
    assert sorted(os.listdir(agipd))[0].startswith("CORR")  # nothing was written there
    assert len(os.listdir(agipd)) == 32


def test_its_files_are_the_same_run(agipd, expected):
    files = sorted(agipd.glob("*.h5"))
    for source in (str(agipd / "*.h5"), files, files[::-1], [agipd, *files[:3]]):
        run = open_frames(source)
        assert run.shape == expected.shape
        np.testing.assert_array_equal(run[5], expected[5])


def test_a_frame_is_a_pulse_with_a_name(agipd):
    run = open_frames(agipd)
    assert run.metadata["trainId"].tolist() == np.repeat([10000, 10001, 10002, 10003], 2).tolist()
    assert run.metadata["pulseId"].tolist() == [0, 1] * 4
    assert run.metadata["cellId"].tolist() == [0, 1] * 4
    assert run.metadata["identifier"].tolist()[:3] == ["10000:0", "10000:1", "10001:0"]
    assert run.sources[3] == (str(agipd), 3, "10001/1//", "10001:1")


def test_a_list_of_events_leads_back(agipd, tmp_path):
    run = open_frames(agipd)
    lines = [f"{source.path} {source.event}" for source in run[[6, 1]].sources]
    (tmp_path / "hits.lst").write_text("\n".join(lines))
    hits = open_frames(tmp_path / "hits.lst")
    np.testing.assert_array_equal(np.asarray(hits), np.asarray(run[[6, 1]]))


def test_the_mask_of_the_correction(agipd, tmp_path):
    bits = by_extra_data(agipd, components.AGIPD1M, "image.mask")
    np.testing.assert_array_equal(np.asarray(read_mask(agipd)), bits == 0)
    files = sorted(agipd.glob("*.h5"))
    np.testing.assert_array_equal(np.asarray(read_mask(files, bad_bits=2)), bits & 2 == 0)
    frames = open_frames(agipd, mask=read_mask(agipd))
    assert frames.mask.shape == frames.shape


@pytest.mark.parametrize(
    "window",
    [
        Window(0, 0, 8192, 128),
        Window(500, 7, 30, 9),
        Window(511, 0, 1, 1),
        Window(3000, 3, 2000, 100),
    ],
)
def test_only_the_modules_of_the_window_are_read(agipd, expected, window):
    source = open_frames(agipd)._source
    out = np.empty((window.height, window.width), source.dtype)
    source.read(6, window, out)
    np.testing.assert_array_equal(out, expected[6][window.slices])


def test_threads_and_processes(agipd, expected):
    run = open_frames(agipd)
    with ThreadPoolExecutor(4) as pool:
        read = list(pool.map(run.__getitem__, [0, 7, 3, 3, 5]))
    np.testing.assert_array_equal(np.stack(read), expected[[0, 7, 3, 3, 5]])
    view = run[[7, 2, 2]]
    text = pickle.dumps(view)
    assert len(text) < 20_000  # what is known of 16 files
    code = "import pickle, sys, numpy as np; f = pickle.load(sys.stdin.buffer); "
    code += "sys.stdout.buffer.write(np.asarray(f).tobytes())"
    done = subprocess.run([sys.executable, "-c", code], input=text, capture_output=True, check=True)
    np.testing.assert_array_equal(
        np.frombuffer(done.stdout, np.float32).reshape(view.shape), expected[[7, 2, 2]]
    )


def test_a_narrowed_layout_has_the_same_frames():
    part = np.array([[0, 1], [2, -1], [2, 3]])
    start = np.array([0, 2, 3, 6])
    numbers = np.arange(6)
    names = [numbers] * 4
    layout = Layout(tuple("abcd"), part, 10 * part, start, tuple("xyz"), start[:-1], *names, 1)
    for index in ([5], [0, 5, 1], [2, 2], [3, 0], list(range(6))):
        narrow, moved = layout.narrowed(np.array(index))
        for position, new in zip(index, moved, strict=True):
            train, number = layout.locate(position)
            new_train, new_number = narrow.locate(int(new))
            assert number == new_number
            assert narrow.train[new] == layout.train[position]
            assert narrow.folder[new_train] == layout.folder[train]
            for module in range(2):
                old, found = layout.part[train, module], narrow.part[new_train, module]
                assert (found < 0) == (old < 0)
                assert old < 0 or narrow.parts[found] == layout.parts[old]
                assert narrow.first[new_train, module] == layout.first[train, module]


@pytest.mark.parametrize("kind", list(DETECTORS))
@pytest.mark.parametrize("raw", [True, False])
def test_every_detector(tmp_path, kind, raw):
    _, cls, detector, modules = DETECTORS[kind]
    whole = kind == "AGIPD"
    present = range(16) if whole else [0, 1, 15]
    folder = write_run(tmp_path / "run", kind, present, [0], raw=raw, n_trains=1)
    run = open_frames(folder)
    assert run.facts.modules == modules[:2]
    assert run.facts.dataset == detector
    assert run.dtype == (np.uint16 if raw and whole else np.float32)
    assert ("raw values, not calibrated" in run.facts.note) == raw
    assert ("gain" in run.facts.note) == (raw and kind == "AGIPD")
    values = by_extra_data(folder, cls, "image.data", raw)
    read = np.asarray(run)
    if not whole and raw:  # of which extra_data makes zeros
        assert np.isnan(read).reshape(N_PULSES, 16, -1).all(axis=(0, 2)).sum() == 13
        read = np.nan_to_num(read)
    np.testing.assert_array_equal(read, values)
    if raw:
        with pytest.raises(InputError, match="holds no mask"):
            read_mask(folder)


def test_corrected_data_of_their_newer_name(tmp_path):
    folder = write_run(tmp_path / "run", "AGIPD", modules=range(3), sequences=[0], modern=True)
    values = by_extra_data(folder, components.AGIPD1M, "image.data")
    np.testing.assert_array_equal(np.asarray(open_frames(folder)), values)


def test_missing_modules_are_no_numbers(tmp_path):
    folder = write_run(tmp_path / "run", "AGIPD", modules=[0, 1, 3, 15], raw=True)
    os.unlink(folder / "RAW-R0001-AGIPD03-S00001.h5")
    run = open_frames(folder)
    assert run.dtype == np.float32  # which can say it
    missing = np.isnan(np.asarray(run)).reshape(8, 16, -1)
    assert (missing.all(axis=2) == missing.any(axis=2)).all()
    assert np.flatnonzero(~missing[0, :, 0]).tolist() == [0, 1, 3, 15]
    assert np.flatnonzero(~missing[7, :, 0]).tolist() == [0, 1, 15]
    assert "no data of module 2, 4, 5" in run.facts.note
    assert "modules are missing in 2 of 4 trains" in run.facts.note


def test_missing_modules_are_masked(tmp_path):
    folder = write_run(tmp_path / "run", "AGIPD", modules=[0, 15], sequences=[0])
    usable = np.asarray(read_mask(folder)).reshape(4, 16, -1)
    assert not usable[:, 1:15].any()
    assert usable[:, [0, 15]].any(axis=(0, 2)).all()


def test_trains_that_a_module_missed(tmp_path):
    folder = write_run(tmp_path / "run", "AGIPD", modules=[0, 1], sequences=[0])
    with h5py.File(folder / "CORR-R0001-AGIPD01-S00000.h5", "r+") as file:
        file["INDEX/trainId"][:2] = [10001, 10005]
    run = open_frames(folder)
    assert run.metadata["trainId"].tolist() == [10000, 10000, 10001, 10001, 10005, 10005]
    there = ~np.isnan(np.asarray(run).reshape(6, 16, -1)[:, :2, 0])
    assert there.tolist() == [[True, False]] * 2 + [[True, True]] * 2 + [[False, True]] * 2


@pytest.mark.parametrize("raw", [True, False])
def test_jungfrau_has_a_frame_for_each_cell(tmp_path, raw):
    folder = jungfrau(tmp_path / "run", [1, 2], "FXE_XAD_JF1M", raw=raw)
    run = open_frames(folder)
    assert run.shape == (2, 1024, 1024)
    assert run.facts.modules == (2, 512)
    values = by_extra_data(folder, components.JUNGFRAU, "data.adc", raw)
    np.testing.assert_array_equal(np.asarray(run), values)
    assert run.metadata["cellId"].tolist() == [7, 3]
    assert run.sources[1][2:] == ("10000/3//", "10000:3")
    if not raw:
        bits = by_extra_data(folder, components.JUNGFRAU, "data.mask")
        np.testing.assert_array_equal(read_mask(folder)[1], bits[1] == 0)


def test_jungfrau_modules_keep_their_places(tmp_path):
    run = open_frames(jungfrau(tmp_path / "run", [1, 4], cells=False))
    assert run.facts.modules == (8, 512)
    there = ~np.isnan(run[0].reshape(8, -1)[:, 0])
    assert np.flatnonzero(there).tolist() == [0, 3]
    assert run.metadata["identifier"].tolist()[:2] == ["10000:0", "10000:1"]  # cells have no names
    single = open_frames(jungfrau(tmp_path / "single", [3], "FXE_XAD_JF500K"))
    assert single.facts.modules == (1, 512)
    assert not np.isnan(single[0]).any()
