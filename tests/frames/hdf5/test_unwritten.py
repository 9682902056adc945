"""Nothing passes for a frame that nobody wrote, or that is damaged."""

import os
import pickle
import resource
import signal
import struct
import subprocess
import sys

import h5py
import hdf5plugin
import numpy as np
import pytest

from sklearn_sfx import CentralCrop, InputError, open_frames
from sklearn_sfx.exceptions import UnreadableFrame

SHAPE = (8, 9)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.h5"


def create(path, n_frames, chunks=(1, *SHAPE), **options):
    """Create a dataset of frames; the file stays open for writing."""
    file = h5py.File(path, "w")
    data = file.create_dataset("frames", (n_frames, *SHAPE), "u2", chunks=chunks, **options)
    return file, data


# -- Never written --------------------------------------------------------------------------------


@pytest.mark.parametrize("filters", [{}, {"compression": 1}, hdf5plugin.Bitshuffle()])
def test_frames_that_a_killed_writer_did_not_reach(path, filters, refused, gone):
    file, data = create(path, 10, **filters)
    data[:6], data[7] = 3, 0  # zeros that were written are frames
    file.close()
    refused(path, path, "3 of 10 frames", "first frame [7]", "never written", "--strict")
    frames = open_frames(path, missing="nan")
    assert gone(frames) == [(6, 7), (8, 10)]
    assert np.isnan(np.asarray(frames)[[6, 8, 9]]).all()
    assert np.asarray(frames)[[0, 7], 0, 0].tolist() == [3, 0]
    assert gone(frames[::-1]) == [(0, 2), (3, 4)]
    assert gone(pickle.loads(pickle.dumps(frames))) == gone(frames)


@pytest.mark.parametrize(
    ("chunks", "written", "expected"),
    [
        ((1, 4, 9), [(0, 0), (0, 4), (1, 0)], [(1, 3)]),  # half of frame 1
        ((2, 8, 9), [(2, 0)], [(0, 2)]),
        ((1, 8, 3), [(0, 0), (1, 0), (2, 0)], [(0, 3)]),
    ],
)
def test_a_frame_is_all_its_chunks(path, chunks, written, expected, gone):
    file, data = create(path, 3, chunks)
    for frame, row in written:
        data[frame : frame + chunks[0], row : row + chunks[1], : chunks[2]] = 1
    file.close()
    if expected == [(0, 3)]:
        with pytest.raises(InputError, match="3 of 3 frames"):
            open_frames(path, missing="nan")
    else:
        assert gone(open_frames(path, missing="nan")) == expected


def test_a_dataset_that_was_never_begun(path, refused):
    with h5py.File(path, "w") as file:
        file.create_dataset("frames", (4, *SHAPE), "u2")
    refused(path, "4 of 4 frames", "never written")
    refused(path, "4 of 4 frames", missing="nan")


def test_single_images_and_scans(path, refused, gone):
    with h5py.File(path, "w") as file:
        file.create_dataset("image", SHAPE, "u2", chunks=(4, 9))[:4] = 1
    refused(path, "1 of 1 frames", "never written")
    with h5py.File(path, "w") as file:
        data = file.create_dataset("entry/data/data", (2, 3, *SHAPE), "u2", chunks=(1, 2, *SHAPE))
        data.attrs["NDArrayNumDims"] = 2
        data[0], data[1, :2] = 1, 2
    assert gone(open_frames(path, missing="nan")) == [(5, 6)]


def test_bytes_in_other_files(path, tmp_path, monkeypatch, refused):
    monkeypatch.chdir(tmp_path)  # where HDF5 looks for them
    with h5py.File(path, "w") as file:
        external = [("a.bin", 0, 144), ("b.bin", 16, h5py.h5f.UNLIMITED)]
        data = file.create_dataset("frames", (3, *SHAPE), "u2", external=external)
        data[:] = np.arange(3)[:, None, None]
    assert np.asarray(open_frames(path))[:, 0, 0].tolist() == [0, 1, 2]
    os.truncate("b.bin", 200)
    refused(path, "3 of 3 frames", "b.bin", "shorter")
    os.remove("b.bin")
    refused(path, "3 of 3 frames", "b.bin", "not there")


def test_chunks_behind_the_end_of_the_file(path, refused, gone):
    file, data = create(path, 3, compression=1)
    data[:] = 7
    where = data.id.get_chunk_info_by_coord((2, 0, 0)).byte_offset
    file.close()
    whole = path.read_bytes()
    address = struct.pack("<Q", where)
    assert whole.count(address) == 1
    path.write_bytes(whole.replace(address, struct.pack("<Q", where + 2**40)))
    frames = open_frames(path)
    assert frames[1].max() == 7
    with pytest.raises(UnreadableFrame, match="behind the end of the file"):
        frames[2]
    filled = open_frames(path, missing="nan")
    assert np.isnan(filled[2]).all()
    assert gone(filled) == [(2, 3)]  # met while reading
    assert "behind the end" in filled.unreadable[0].reason


def test_frames_that_no_file_can_hold(path, refused):
    """2 ** 40 frames, and frames of 2 ** 40 pixels: nothing is allocated for them."""
    for shape, chunks in (((2**40, *SHAPE), (1, *SHAPE)), ((1, 2**20, 2**20), (1, 64, 64))):
        with h5py.File(path, "w") as file:
            file.create_dataset("frames", shape, "u2", chunks=chunks)[0, :8, :9] = 1
        refused(path, "claims the shape", "damaged")
    file, data = create(path, 2**31)
    data[5] = 1
    file.close()
    refused(path, f"{2**31 - 1} of {2**31} frames", "never written")


# -- Still being written --------------------------------------------------------------------------

WRITER = """if True:
    import sys, h5py
    file = h5py.File(sys.argv[1], "w", libver="latest")
    data = file.create_dataset(
        "entry/data/data", (5, 8, 9), "u2", maxshape=(None, 8, 9), chunks=(1, 8, 9), compression=1
    )
    data[:3] = 3
    file.swmr_mode = True
    data.flush()
    print("ready", flush=True)
    for _ in sys.stdin:
        data[3] = 4
        data.flush()
        print("more", flush=True)
"""


@pytest.fixture
def writer(path):
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout.readline() == b"ready\n"
    yield process
    process.send_signal(signal.SIGKILL)
    process.communicate()


def test_a_live_run_is_what_is_whole_by_now(path, writer):
    frames = open_frames(path)
    assert np.asarray(frames)[:, 0, 0].tolist() == [3, 3, 3]
    assert frames.unreadable == ()
    with h5py.File(path, "r", swmr=True) as file:  # which ours does not stand in the way of
        assert file["entry/data/data"].shape == (5, 8, 9)
    writer.stdin.write(b"\n")
    writer.stdin.flush()
    assert writer.stdout.readline() == b"more\n"
    assert len(open_frames(path)) == 4
    np.testing.assert_array_equal(frames[2], np.full((8, 9), 3))


def test_what_a_killed_writer_leaves_is_what_was_whole(path, writer):
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    assert np.asarray(open_frames(path))[:, 0, 0].tolist() == [3, 3, 3]


# -- numEvents -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "n_frames"),
    [
        *((3, 3), (np.int32(3), 3), (np.array([3]), 3), (np.array([[3]]), 3), (3.0, 3)),
        *(("3", 3), (b"3", 3), (np.uint64(2**60), 7), (8, 7)),
        *((-1, None), (2.5, None), (np.nan, None), ("three", None), (np.array([3, 4]), None)),
        *((np.array([], int), None), ("", None), (h5py.Empty("i4"), None)),
    ],
)
@pytest.mark.parametrize("where", ["entry_1/data_1/data", "entry_1/data_1"])
def test_how_many_frames_count(path, said, n_frames, where, refused):
    with h5py.File(path, "w") as file:
        file["entry_1/data_1/data"] = np.ones((7, *SHAPE), "u2")
        file[where].attrs["numEvents"] = said
    if n_frames is None:
        refused(path, "numEvents", path)
    else:
        assert len(open_frames(path)) == n_frames


@pytest.mark.parametrize("where", ["numEvents", "entry_1/numEvents"])
@pytest.mark.parametrize(("said", "n_frames"), [(3, 3), (np.array([3]), 3), (9, 7)])
def test_how_many_frames_count_may_be_a_dataset(path, where, said, n_frames):
    with h5py.File(path, "w") as file:
        file["entry_1/data_1/data"] = np.ones((7, *SHAPE), "u2")
        file[where] = said
    frames = open_frames(path)
    assert len(frames) == n_frames
    assert frames.facts.note == ("the file says 9 frames, 7 are there" if n_frames == 7 else "")


# -- Damage --------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{"compression": 4}, {"compression": 4, "shuffle": True}])
@pytest.mark.parametrize("chunk_rows", [8, 3])
def test_no_bit_flips_unseen_in_a_whole_gzip_frame(path, options, chunk_rows):
    values = np.random.default_rng(0).poisson(9, (1, *SHAPE)).astype("u2")
    with h5py.File(path, "w") as file:
        data = file.create_dataset("frames", data=values, chunks=(1, chunk_rows, 9), **options)
        chunk = data.id.get_chunk_info_by_coord((0, 0, 0))
    whole = path.read_bytes()
    # The first two bytes are not checked by zlib itself. Of each other byte two or three bits.
    for bit in range(16, 8 * chunk.size, 3):
        damaged = bytearray(whole)
        damaged[chunk.byte_offset + bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        try:
            frame = open_frames(path)[0]
        except UnreadableFrame:
            continue
        np.testing.assert_array_equal(frame, values[0])  # a bit that is not used


@pytest.mark.parametrize("options", [hdf5plugin.Bitshuffle(), {}, {"compression": 1}])
def test_a_checksum_is_looked_at_for_every_window(path, options):
    values = np.random.default_rng(0).poisson(9, (1, 40, 40)).astype("u2")
    with h5py.File(path, "w") as file:
        data = file.create_dataset(
            "frames", data=values, chunks=(1, 40, 40), fletcher32=True, **options
        )
        chunk = data.id.get_chunk_info_by_coord((0, 0, 0))
    np.testing.assert_array_equal(open_frames(path)[0], values[0])
    damaged = bytearray(path.read_bytes())
    damaged[chunk.byte_offset + chunk.size - 9] ^= 4
    path.write_bytes(damaged)
    with pytest.raises(UnreadableFrame, match="checksum"):
        np.asarray(CentralCrop(8).fit_transform(open_frames(path)))


@pytest.mark.parametrize("name", ["Bitshuffle", "LZ4", "Zstd", "Blosc"])
@pytest.mark.parametrize("user_block", [0, 512])
def test_a_chunk_that_claims_gigabytes(path, name, user_block):
    """In a process that has not so much memory, of the filters that believe it."""
    with h5py.File(path, "w", userblock_size=user_block) as file:
        options = getattr(hdf5plugin, name)()
        data = file.create_dataset("frames", (1, 64, 64), "u2", chunks=(1, 64, 64), **options)
        data[:] = 5
        mask, chunk = data.id.read_direct_chunk((0, 0, 0))
        chunk = bytearray(chunk)
        claim = {"Bitshuffle": (0, ">Q"), "LZ4": (0, ">Q"), "Zstd": (5, "<H"), "Blosc": (4, "<i")}
        at, kind = claim[name]
        struct.pack_into(kind, chunk, at, 2**31 - 1 if kind != "<H" else 2**16 - 1)
        data.id.write_direct_chunk((0, 0, 0), bytes(chunk), filter_mask=mask)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # the most so far, KiB
    with pytest.raises(UnreadableFrame, match=r"Frame \[1\] of .*: its chunk"):
        open_frames(path)[0]
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < before + 2**20


def test_a_filter_that_is_not_installed(path, refused):
    created = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    created.set_chunk((1, *SHAPE))
    created.set_filter(32100, h5py.h5z.FLAG_OPTIONAL, ())
    with h5py.File(path, "w") as file:
        space = h5py.h5s.create_simple((2, *SHAPE))
        h5py.h5d.create(file.id, b"frames", h5py.h5t.STD_U16LE, space, created)
    refused(path, path, "/frames", "filter that is not installed", "32100")


def test_one_damaged_frame_is_one_frame_of_nan(path, gone):
    values = np.random.default_rng(0).poisson(9, (4, *SHAPE)).astype("u2")
    with h5py.File(path, "w") as file:
        data = file.create_dataset(
            "frames", data=values, chunks=(1, *SHAPE), **hdf5plugin.Bitshuffle()
        )
        data.id.write_direct_chunk((2, 0, 0), b"no chunk of any filter")
    frames = open_frames(path, missing="nan")
    assert gone(frames) == []
    read = np.asarray(CentralCrop(4).fit_transform(frames))
    assert np.isnan(read).all(axis=(1, 2)).tolist() == [False, False, True, False]
    np.testing.assert_array_equal(read[3], values[3, 2:6, 2:6])
    assert gone(frames) == [(2, 3)]
    assert "Frame [3]" in frames.unreadable[0].reason
