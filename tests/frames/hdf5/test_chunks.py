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
from sklearn_sfx.frames.hdf5._handles import RawFile
from sklearn_sfx.frames.hdf5._readers import Hdf5Reader, reader_of
from sklearn_sfx.frames.hdf5._rows import RowReader
from sklearn_sfx.frames.hdf5._unread import Unread
from sklearn_sfx.frames.hdf5._whole_chunks import WholeChunkReader

FILTERS = {
    "stored": {},
    "gzip": {"compression": 4},
    "bitshuffle-lz4": hdf5plugin.Bitshuffle(),
    "bitshuffle-zstd": hdf5plugin.Bitshuffle(cname="zstd"),
    "small blocks": hdf5plugin.Bitshuffle(nelems=64),
}
OTHERS = {
    "bitshuffle alone": hdf5plugin.Bitshuffle(cname="none"),
    "bitshuffle of 16 pixels alone": hdf5plugin.Bitshuffle(nelems=16, cname="none"),
    "bitshuffle and a checksum": {**hdf5plugin.Bitshuffle(), "fletcher32": True},
    "bytes and bits shuffled": {**hdf5plugin.Bitshuffle(), "shuffle": True},
    "shuffled gzip": {"compression": 4, "shuffle": True},
    "gzip and a checksum": {"compression": 4, "fletcher32": True},
    "a checksum": {"fletcher32": True},
    "lzf": {"compression": "lzf"},
    "lz4": hdf5plugin.LZ4(),
    "zstd": hdf5plugin.Zstd(),
    "blosc": hdf5plugin.Blosc(),
}
DTYPES = ["uint8", "uint16", "int16", "int32", "float32", "float64"]


def pixels(shape, dtype, seed=0):
    return np.random.default_rng(seed).poisson(90, shape).astype(dtype)


def written(file, values, **options):
    return file.create_dataset("frames", data=values, **options)


def reader_for(dataset, n_lead=1):
    dataset.file.flush()
    return reader_of(dataset, n_lead, RawFile(dataset.file.filename))


def read(dataset, index, window, n_lead=1):
    out = np.zeros((window.height, window.width), dataset.dtype.newbyteorder("="))
    reader_for(dataset, n_lead).start(index, window, out)()
    return out


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
@given(
    windows(),
    st.sampled_from(sorted(FILTERS)),
    st.sampled_from(DTYPES),
    st.sampled_from("<>"),
    st.integers(1, 40),
)
def test_every_window_of_rows_is_what_was_written(
    tmp_path_factory, window, filters, dtype, order, chunk_rows
):
    (height, width), window = window
    values = pixels((2, height, width), np.dtype(dtype).newbyteorder(order))
    chunks = (1, min(chunk_rows, height), width)
    path = tmp_path_factory.mktemp("run") / "run.h5"
    with h5py.File(path, "w") as file:
        dataset = written(file, values, chunks=chunks, **FILTERS[filters])
        assert isinstance(reader_for(dataset), RowReader)
        out = read(dataset, (1,), window)
    np.testing.assert_array_equal(out, values[1][window.slices])


@settings(deadline=None, max_examples=150)
@given(
    windows(),
    st.sampled_from(sorted(FILTERS | OTHERS)),
    st.sampled_from(DTYPES),
    st.sampled_from("<>"),
    st.tuples(st.integers(1, 3), st.integers(1, 40), st.integers(1, 40)),
    st.sampled_from([0, 512]),
)
def test_every_window_of_chunks_of_any_shape_is_what_was_written(
    tmp_path_factory, window, filters, dtype, order, chunks, user_block
):
    (height, width), window = window
    values = pixels((3, height, width), np.dtype(dtype).newbyteorder(order))
    chunks = (chunks[0], min(chunks[1], height), min(chunks[2], width))
    path = tmp_path_factory.mktemp("run") / "run.h5"
    with h5py.File(path, "w", userblock_size=user_block) as file:
        dataset = written(file, values, chunks=chunks, **(FILTERS | OTHERS)[filters])
        out = [read(dataset, (number,), window) for number in (2, 1, 0)]
    np.testing.assert_array_equal(out, values[(slice(None, None, -1), *window.slices)])


@pytest.mark.parametrize("chunks", [None, (1, 1, 6, 7), (1, 4, 6, 7), (2, 3, 5, 4), (1, 2, 3, 7)])
@pytest.mark.parametrize("filters", ["bitshuffle-lz4", "bitshuffle alone", "gzip", "lzf"])
def test_modules_are_stacked(file, chunks, filters):
    values = pixels((3, 4, 6, 7), "uint16")
    options = {} if chunks is None else (FILTERS | OTHERS)[filters]
    dataset = written(file, values, chunks=chunks, **options)
    for window in (Window(5, 1, 14, 5), Window(0, 0, 24, 7), Window(7, 2, 3, 1)):
        out = read(dataset, (2,), window)
        np.testing.assert_array_equal(out, values[2].reshape(24, 7)[window.slices])


@pytest.mark.parametrize("chunks", [None, (1, 1, 6, 7), (1, 2, 6, 7), (2, 2, 3, 4)])
def test_several_axes_may_count_frames(file, chunks):
    values = pixels((3, 4, 6, 7), "uint16")
    options = {} if chunks is None else FILTERS["bitshuffle-lz4"]
    dataset = written(file, values, chunks=chunks, **options)
    out = read(dataset, (2, 3), Window(1, 2, 4, 5), n_lead=2)
    np.testing.assert_array_equal(out, values[2, 3, 1:5, 2:7])
    one = file.create_dataset("one", data=values[0, 0], chunks=(4, 7), compression=1)
    out = read(one, (), Window(1, 2, 4, 5), n_lead=0)
    np.testing.assert_array_equal(out, values[0, 0, 1:5, 2:7])


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (Hdf5Reader, {"chunks": (3, 8, 9)}),
        (Hdf5Reader, {"chunks": (1, 8, 4)}),
        (Hdf5Reader, {"compression": 4, "shuffle": True}),
        (Hdf5Reader, {"compression": "lzf"}),
        (WholeChunkReader, {"chunks": (3, 8, 9), **hdf5plugin.Bitshuffle()}),
        (WholeChunkReader, {"chunks": (1, 8, 9), **OTHERS["bitshuffle and a checksum"]}),
        (WholeChunkReader, {"chunks": (1, 8, 9), "shuffle": True, **hdf5plugin.Zstd()}),
        (RowReader, {"chunks": (1, 8, 9), "dtype": ">u2"}),
        (RowReader, {}),
    ],
)
def test_who_reads_what(file, tmp_path, kind, options):
    values = pixels((6, 8, 9), "uint16")
    assert type(reader_for(written(file, values, **options))) is kind
    file.close()
    np.testing.assert_array_equal(open_frames(tmp_path / "run.h5")[4], values[4])


@pytest.mark.parametrize("filters", ["stored", "gzip", "bitshuffle-lz4"])
@pytest.mark.parametrize("order", "<>")
def test_numbers_of_fewer_bits_than_their_bytes_have(file, tmp_path, filters, order):
    """Twelve bits in sixteen, that begin at the third: HDF5 shifts them to their place."""
    kind = h5py.h5t.STD_I16LE if order == "<" else h5py.h5t.STD_I16BE
    kind = kind.copy()
    kind.set_precision(12)
    kind.set_offset(2)
    values = pixels((2, 8, 9), "int16") - 95
    created = file.create_dataset(
        "like", (2, 8, 9), "int16", chunks=(1, 8, 9), **FILTERS[filters]
    ).id.get_create_plist()
    space = h5py.h5s.create_simple((2, 8, 9))
    dataset = h5py.Dataset(h5py.h5d.create(file.id, b"frames", kind, space, created))
    dataset[...] = values
    del file["like"]
    file.close()
    if filters.startswith("bitshuffle"):
        with pytest.raises(InputError, match="not read together"):
            open_frames(tmp_path / "run.h5")[1]
    else:
        np.testing.assert_array_equal(open_frames(tmp_path / "run.h5"), values)


def test_frames_that_were_never_written_are_not_read(file):
    dataset = file.create_dataset(
        "frames", (3, 8, 9), "uint16", chunks=(1, 8, 9), fillvalue=7, **FILTERS["bitshuffle-lz4"]
    )
    dataset[1] = 2
    with pytest.raises(Unread, match="never written"):
        read(dataset, (2,), Window(0, 0, 8, 9))
    np.testing.assert_array_equal(read(dataset, (1,), Window(0, 0, 8, 9)), np.full((8, 9), 2))


def test_a_chunk_that_skipped_the_filter(file, tmp_path):
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


def test_what_zstd_cannot_decode_is_refused(file, tmp_path):
    """HDF5's filter gives what was in memory, and says nothing."""
    values = np.random.default_rng(0).poisson(30, (3, 24, 20)).astype(np.uint16)
    dataset = written(file, values, chunks=(1, 24, 20), **hdf5plugin.Zstd())
    chunk = dataset.id.get_chunk_info_by_coord((1, 0, 0))
    file.close()
    with open(tmp_path / "run.h5", "r+b") as damaged:
        damaged.seek(chunk.byte_offset + 7)  # behind the size that it claims: a kind of block
        damaged.write(b"\xff" * 3)
    frames = open_frames(tmp_path / "run.h5")
    np.testing.assert_array_equal(frames[[0, 2]], values[[0, 2]])
    with pytest.raises(InputError, match=r"Frame \[2\] .* does not decompress"):
        frames[1]
