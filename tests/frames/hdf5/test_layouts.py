"""What was written is what is read, whatever wrote it."""

import multiprocessing
from functools import partial

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joblib import Parallel, delayed

import sklearn_sfx
from sklearn_sfx.frames import Window

# The numbers as they are; masks have tests of their own.
open_frames = partial(sklearn_sfx.open_frames, mask=False)

WAVELENGTH = 12398.419843320026 / 9500.0

N_FRAMES = 7
rows = st.integers(-N_FRAMES, N_FRAMES - 1)
indices = st.one_of(
    st.slices(N_FRAMES),
    st.lists(rows, max_size=9),
    st.lists(rows, max_size=9).map(lambda chosen: np.array(chosen, dtype=np.int32)),
    st.lists(st.booleans(), min_size=N_FRAMES, max_size=N_FRAMES).map(np.array),
)


def in_memory(pixels, index):
    return pixels[np.array(index, dtype=int)] if isinstance(index, list) else pixels[index]


def test_reads_what_was_written(run_file, pixels):
    frames = open_frames(run_file)
    assert frames.shape == pixels.shape
    assert frames.dtype == np.int16
    np.testing.assert_array_equal(np.asarray(frames), pixels, strict=True)
    np.testing.assert_array_equal(frames[4], pixels[4], strict=True)
    np.testing.assert_array_equal(np.stack(list(frames)), pixels)


@settings(deadline=None, max_examples=40)
@given(first=indices)
def test_reads_in_any_order(run_file, pixels, first):
    expected = in_memory(pixels, first)
    chosen = open_frames(run_file)[first]
    assert chosen.shape == expected.shape
    np.testing.assert_array_equal(np.asarray(chosen), expected)


def test_reads_a_window(run_file, pixels):
    frames = open_frames(run_file)
    source = frames._source
    for top, height in [(0, 6), (0, 2), (1, 4), (2, 1), (2, 3), (4, 2), (3, 3)]:
        window = Window(top, 1, height, 3)
        out = np.empty((height, 3), frames.dtype)
        source.read(5, window, out)
        np.testing.assert_array_equal(out, pixels[5, top : top + height, 1:4])


def test_reads_in_two_processes_at_once(run_file, pixels):
    frames = open_frames(run_file)
    frames[0]  # a handle is open here, which must not travel
    parts = [frames[::2], frames[[6, 0, 0]]]
    expected = [pixels[::2], pixels[[6, 0, 0]]]
    found = Parallel(n_jobs=2, backend="loky")(delayed(np.asarray)(part) for part in parts)
    for values, wanted in zip(found, expected, strict=True):
        np.testing.assert_array_equal(values, wanted, strict=True)


def test_reads_in_two_spawned_processes(write, pixels):
    frames = open_frames(write("cxidb76-bitshuffle"))
    frames[0]
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        found = pool.map(np.asarray, [frames[3:], frames[::-1]], chunksize=1)
        pool.close()
        pool.join()
    np.testing.assert_array_equal(found[0], pixels[3:])
    np.testing.assert_array_equal(found[1], pixels[::-1])


def test_an_h5py_dataset_gives_its_name_only(write, pixels):
    path = write("om-gzip")
    with h5py.File(path, "r") as file:
        frames = open_frames(file["my/raw"])
        np.testing.assert_array_equal(frames[2], pixels[2])
    np.testing.assert_array_equal(frames[3], pixels[3])


def test_an_unclosed_file_ends_before_its_padding(tmp_path, write, pixels):
    path = write("cheetah-unclosed")
    with h5py.File(path, "r+") as file:
        data = file["entry_1/data_1/data"]
        assert data.shape[0] == 12
        data.attrs["numEvents"] = np.int32(4)  # frame 4 was written last
    np.testing.assert_array_equal(np.asarray(open_frames(path)), pixels[:4])


def test_numbers_of_frames_run_over_chunks_and_events_do_not(write):
    origins = open_frames(write("cxidb76-by-hand")).sources
    assert [origin.position for origin in origins] == list(range(7))
    assert origins[2].event == "chunk_0000000//2"
    assert origins[3].event == "chunk_0000001//0"


def test_a_named_chunk_keeps_its_numbers(write, pixels):
    frames = open_frames(write("cxidb76-by-hand"), dataset="data/chunk_0000001/images")
    np.testing.assert_array_equal(np.asarray(frames), pixels[3:])
    assert frames.sources[0].position == 3
    np.testing.assert_array_equal(frames.metadata["distance"], [150.0] * 4)


def test_metadata_of_cxidb76(write):
    known = open_frames(write("cxidb76-by-hand"))[[3, 0]].metadata
    np.testing.assert_array_equal(known["wavelength"], [np.nan, 1.3])
    np.testing.assert_array_equal(known["distance"], [150.0, 150.0])  # mm in this format
    assert known["timestamp"].tolist() == ["2018-12-13T15:51Z34.902"] * 2
    assert "identifier" not in known


@pytest.mark.parametrize("layout", ["cheetah-closed", "cheetah-unclosed"])
def test_metadata_of_cheetah(write, layout):
    known = open_frames(write(layout))[[5, 1]].metadata
    np.testing.assert_allclose(known["wavelength"], WAVELENGTH)
    assert known["identifier"].tolist() == ["LCLS_5", "LCLS_1"]
    assert "distance" not in known  # an encoder's value is not a distance


def test_metadata_of_om(write):
    known = open_frames(write("om-bitshuffle-zstd"))[[5, 1]].metadata
    np.testing.assert_allclose(known["wavelength"], WAVELENGTH)
    np.testing.assert_array_equal(known["distance"], [81.0, 81.0])  # mm in this format
    np.testing.assert_array_equal(known["timestamp"], [5.5, 1.5])
    assert known["identifier"].tolist() == ["id-5", "id-1"]


def test_metadata_of_psocake(write):
    known = open_frames(write("psocake")).metadata
    np.testing.assert_allclose(known["wavelength"], WAVELENGTH)
    np.testing.assert_allclose(known["distance"], 120.0)  # m in this format


def test_units_in_the_file_win(write):
    path = write("psocake")
    with h5py.File(path, "r+") as file:
        file["entry_1/instrument_1/detector_1/distance"].attrs["units"] = "mm"
        file["LCLS/photon_energy_eV"].attrs["units"] = "keV"
    known = open_frames(path).metadata
    np.testing.assert_allclose(known["distance"], 0.12)
    np.testing.assert_allclose(known["wavelength"], WAVELENGTH / 1000)


def test_real_rayonix(shared_data):
    frames = open_frames(shared_data / "real" / "rayonix_mfx.h5")
    assert frames.shape == (1, 1920, 1920)
    assert frames.dtype == np.uint16
    assert 900 < frames[0].mean() < 950
    assert frames.metadata["wavelength"][0] == pytest.approx(1.3003, abs=1e-4)
    assert frames.metadata["distance"][0] == pytest.approx(123.5, abs=0.1)
    assert frames.sources[0].event == "chunk_0000000//0"


def test_real_thaumatin(shared_data):
    frames = open_frames(shared_data / "real" / "thaumatin_grid.cxi")
    assert frames.shape == (9, 2527, 2463)
    assert frames.dtype == np.int32
    assert (frames[-1] == -1).mean() > 0.05  # the gaps between the modules
    assert frames.sources[8].identifier == "thau_3_2_0019"


def test_real_thermolysin(shared_data):
    frames = open_frames(shared_data / "real" / "thermolysin_cspad.cxi")
    assert frames.shape == (2, 1480, 1552)
    assert frames.dtype == np.int16
    np.testing.assert_array_equal(np.asarray(frames[[1, 0]])[1], frames[0])
