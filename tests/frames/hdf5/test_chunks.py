"""Rows that are read past HDF5 are the rows that HDF5 reads."""

import warnings
from contextlib import suppress

import h5py
import hdf5plugin
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joblib import Parallel, delayed, parallel_config

from sklearn_sfx import CentralCrop, open_frames
from sklearn_sfx.exceptions import InputError, SlowFileWarning
from sklearn_sfx.frames import Window
from sklearn_sfx.frames.hdf5._chunks import ChunkReader

FILTERS = {
    "stored": {},
    "gzip": {"compression": 4},
    "bitshuffle-lz4": hdf5plugin.Bitshuffle(),
    "bitshuffle-zstd": hdf5plugin.Bitshuffle(cname="zstd"),
    "small blocks": hdf5plugin.Bitshuffle(nelems=64),
}
DTYPES = ["uint8", "uint16", "int16", "int32", "float32", "float64"]


def pixels(shape, dtype, seed=0):
    return np.random.default_rng(seed).poisson(90, shape).astype(dtype)


def written(file, values, **options):
    return file.create_dataset("frames", data=values, **options)


@pytest.fixture
def file(tmp_path):
    with h5py.File(tmp_path / "run.h5", "w") as file:
        yield file


@st.composite
def windows(draw):
    height, width = draw(st.integers(1, 40)), draw(st.integers(1, 40))
    top, left = draw(st.integers(0, height - 1)), draw(st.integers(0, width - 1))
    rows, columns = draw(st.integers(1, height - top)), draw(st.integers(1, width - left))
    return (height, width), Window(top, left, rows, columns)


@settings(deadline=None)  # the first one compiles
@given(windows(), st.sampled_from(sorted(FILTERS)), st.sampled_from(DTYPES), st.integers(1, 40))
def test_every_window_is_what_hdf5_reads(tmp_path_factory, window, filters, dtype, chunk_rows):
    (height, width), window = window
    values = pixels((2, height, width), dtype)
    chunks = (1, min(chunk_rows, height), width)
    path = tmp_path_factory.mktemp("run") / "run.h5"
    with h5py.File(path, "w") as file:
        dataset = written(file, values, chunks=chunks, **FILTERS[filters])
        file.flush()
        reader = ChunkReader.of(dataset)
        out = np.zeros((window.height, window.width), dtype)
        reader.read(reader.locate(1, window), window, out)
    np.testing.assert_array_equal(out, values[1][window.slices])


@pytest.mark.parametrize("chunks", [None, (1, 1, 6, 7), (1, 4, 6, 7)])
def test_modules_are_stacked(file, chunks):
    values = pixels((3, 4, 6, 7), "uint16")
    options = {} if chunks is None else FILTERS["bitshuffle-lz4"]
    dataset = written(file, values, chunks=chunks, **options)
    file.flush()
    reader, window = ChunkReader.of(dataset), Window(5, 1, 14, 5)
    out = np.zeros((14, 5), "uint16")
    reader.read(reader.locate(2, window), window, out)
    np.testing.assert_array_equal(out, values[2].reshape(24, 7)[window.slices])


@pytest.mark.parametrize(
    "options",
    [
        {"chunks": (3, 8, 9)},
        {"chunks": (1, 8, 4)},
        {"compression": 4, "shuffle": True},
        {"compression": "lzf"},
        {"chunks": (1, 8, 9), "dtype": ">u2"},
    ],
    ids=["several frames", "part of the columns", "two filters", "other filter", "byte order"],
)
def test_what_is_not_known_is_left_to_hdf5(file, tmp_path, options):
    values = pixels((6, 8, 9), "uint16")
    assert ChunkReader.of(written(file, values, **options)) is None
    file.close()
    np.testing.assert_array_equal(open_frames(tmp_path / "run.h5")[4], values[4])


def test_frames_that_were_never_written_read_as_the_fill_value(file, tmp_path):
    dataset = file.create_dataset(
        "frames", (3, 8, 9), "uint16", chunks=(1, 8, 9), fillvalue=7, **FILTERS["bitshuffle-lz4"]
    )
    dataset[1] = 2
    assert ChunkReader.of(dataset).locate(2, Window(0, 0, 8, 9)) is None
    file.close()
    np.testing.assert_array_equal(np.asarray(open_frames(tmp_path / "run.h5"))[:, 3, 3], [7, 2, 7])


def test_a_chunk_that_skipped_the_filter_is_left_to_hdf5(file, tmp_path):
    values = pixels((2, 8, 9), "uint16")
    dataset = written(file, values, chunks=(1, 8, 9), compression=4)
    dataset.id.write_direct_chunk((1, 0, 0), values[0].tobytes(), filter_mask=1)
    file.close()
    np.testing.assert_array_equal(open_frames(tmp_path / "run.h5")[1], values[0])


@pytest.mark.parametrize("filters", ["gzip", "bitshuffle-lz4", "bitshuffle-zstd"])
@settings(deadline=None)
@given(st.data())
def test_damaged_chunks_are_refused_and_harm_nothing(tmp_path_factory, filters, data):
    values = pixels((1, 32, 33), "uint16")
    path = tmp_path_factory.mktemp("run") / "run.h5"
    with h5py.File(path, "w") as file:
        dataset = written(file, values, chunks=(1, 32, 33), **FILTERS[filters])
        chunk = bytearray(dataset.id.read_direct_chunk((0, 0, 0))[1])
        if data.draw(st.booleans()):
            del chunk[data.draw(st.integers(1, len(chunk) - 1)) :]
        else:
            for at in data.draw(st.lists(st.integers(0, len(chunk) - 1), min_size=1, max_size=8)):
                chunk[at] = data.draw(st.integers(0, 255))
        dataset.id.write_direct_chunk((0, 0, 0), bytes(chunk))
    # Damage may go unnoticed, since there is no checksum.
    with suppress(InputError):
        assert open_frames(path)[0].shape == (32, 33)


def test_rows_that_take_more_space_than_the_others(file, tmp_path):
    values = np.zeros((1, 64, 512), "uint16")
    values[0, :32] = np.random.default_rng(0).integers(0, 2**16, (32, 512))
    written(file, values, chunks=(1, 64, 512), **FILTERS["bitshuffle-lz4"])
    file.close()
    crop = CentralCrop(16).fit_transform(open_frames(tmp_path / "run.h5"))
    np.testing.assert_array_equal(np.asarray(crop)[0], values[0, 24:40, 248:264])


@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_workers_read_what_one_reads(file, tmp_path, backend):
    values = pixels((40, 30, 31), "uint16")
    written(file, values, chunks=(1, 30, 31), **FILTERS["bitshuffle-lz4"])
    file.close()
    frames = CentralCrop(20).fit_transform(open_frames(tmp_path / "run.h5"))
    with parallel_config(backend, n_jobs=2):
        np.testing.assert_array_equal(np.asarray(frames), values[:, 5:25, 5:25])


def test_threads_share_a_file(file, tmp_path):
    values = pixels((8, 60, 61), "uint16")
    written(file, values, chunks=(1, 60, 61), **FILTERS["bitshuffle-lz4"])
    file.close()
    frames = open_frames(tmp_path / "run.h5")
    rows = list(range(8)) * 20
    read = Parallel(n_jobs=4, prefer="threads")(delayed(frames.__getitem__)(row) for row in rows)
    np.testing.assert_array_equal(np.array(read), values[rows])


@pytest.mark.parametrize(("side", "warned"), [(1024, True), (1000, False)])
def test_gzip_is_told_once_where_it_costs(file, tmp_path, side, warned):
    written(file, np.zeros((2, side, side), "uint16"), chunks=(1, side, side), compression=1)
    file.close()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for _ in range(3):
            open_frames(tmp_path / "run.h5")
    assert [w.category for w in caught] == [SlowFileWarning] * warned
