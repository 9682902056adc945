"""An HDF5 file that cannot be read is told of in one sentence with its name."""

import contextlib
import os

import h5py
import numpy as np
import pytest

from sklearn_sfx import InputError, open_frames
from sklearn_sfx.frames._joined_source import JoinedSource


@pytest.mark.parametrize("part", [0.3, 0.6, 0.99])
def test_truncated(write, part, refused):
    path = write("cheetah-closed")
    os.truncate(path, int(os.path.getsize(path) * part))
    refused(path, path, "truncated")


def test_random_damage_never_escapes(write):
    """Whatever bytes are overwritten: either the frames or one sentence."""
    path = write("cheetah-closed")
    whole = path.read_bytes()
    random = np.random.default_rng(0)
    for _ in range(60):
        damaged = bytearray(whole)
        start = int(random.integers(8, len(whole) - 64))
        damaged[start : start + 32] = random.bytes(32)
        path.write_bytes(damaged)
        with contextlib.suppress(InputError):
            assert np.asarray(open_frames(path)).ndim == 3


def test_no_images(tmp_path, refused):
    path = tmp_path / "run.h5"
    with h5py.File(path, "w") as file:
        file["powder"] = np.zeros((4, 5))
        file["words"] = np.full((2, 2, 2), b"x")
        file["mask"] = np.zeros((3, 4, 5), np.uint16)
    refused(path, path, "no images", "/powder (4, 5)")


def test_no_datasets(tmp_path, refused):
    path = tmp_path / "run.h5"
    h5py.File(path, "w").close()
    refused(path, path, "no images", "no dataset at all")


def test_several_candidates(tmp_path, refused):
    path = tmp_path / "run.h5"
    with h5py.File(path, "w") as file:
        file["raw"] = np.zeros((3, 6, 5))
        file["proc/a"] = np.ones((3, 6, 5))
    refused(path, path, "/raw", "/proc/a", "as dataset", "--dataset")
    assert open_frames(path, dataset="proc/a")[0].max() == 1
    refused(path, path, "nothing", "/raw", dataset="nothing")
    refused(path, path, "no dataset proc", dataset="proc")


def test_two_detectors(tmp_path, refused):
    path = tmp_path / "run.cxi"
    with h5py.File(path, "w") as file:
        file["entry_1/data_1/data"] = np.zeros((3, 4, 5))
        file["entry_1/data_2/data"] = np.zeros((3, 4, 5))
    refused(path, "/entry_1/data_1/data", "/entry_1/data_2/data")


def test_named_dataset_of_another_kind(tmp_path, refused):
    path = tmp_path / "run.h5"
    with h5py.File(path, "w") as file:
        file["flat"] = np.zeros(4)
        file["five"] = np.zeros((2, 2, 2, 2, 2))
    refused(path, path, "flat", "(4,)", dataset="flat")
    refused(path, path, "five", dataset="five")


def test_no_frame_in_the_dataset(tmp_path, refused):
    path = tmp_path / "run.cxi"
    with h5py.File(path, "w") as file:
        file["entry_1/data_1/data"] = np.zeros((0, 4, 5))
    refused(path, path, "no frames")
    with h5py.File(path, "w") as file:
        file["entry_1/data_1/data"] = np.zeros((8, 4, 5))
        file["entry_1/data_1/data"].attrs["numEvents"] = 0
    refused(path, path, "no frames")


def test_a_chunk_without_images(write, refused):
    path = write("cxidb76-by-hand")
    with h5py.File(path, "r+") as file:
        del file["data/chunk_0000000/images"]
    refused(path, path, "/data/chunk_0000000", "images")


@pytest.mark.parametrize("layout", ["cxidb76-bitshuffle", "om-bitshuffle-zstd", "zstd", "om-gzip"])
def test_a_chunk_that_does_not_decompress(write, layout, pixels, sentence):
    path = write(layout)
    frames = open_frames(path)
    source, row = frames._source, 4
    if isinstance(source, JoinedSource):
        source, row = source._locate(4)
    segment = source._segment
    with h5py.File(path, "r") as file:
        chunk = file[segment.dataset].id.get_chunk_info_by_coord((row, 0, 0))
    with open(path, "r+b") as file:
        file.seek(chunk.byte_offset)
        file.write(b"\xff" * chunk.size)
    with pytest.raises(InputError) as error:
        np.asarray(frames)
    sentence(error, "Frame [5]", path, segment.dataset, "decompress")
    np.testing.assert_array_equal(frames[3], pixels[3])


def test_a_file_that_shrank(write, sentence):
    path = write("om-gzip")
    with h5py.File(path, "w") as file:
        file.create_dataset("my/raw", data=np.zeros((7, 6, 5), "i2"), maxshape=(None, 6, 5))
    frames = open_frames(path)
    frames[6]
    with h5py.File(path, "r+") as file:
        file["my/raw"].resize((3, 6, 5))
    with pytest.raises(InputError) as error:
        frames[1]
    sentence(error, path, "shrunk", "my/raw", "3 frames now", "7")


def test_a_file_cut_after_opening(write, sentence):
    path = write("om-gzip")
    frames = open_frames(path)
    frames[6]
    os.truncate(path, os.path.getsize(path) // 2)
    with pytest.raises(InputError) as error:
        frames[6]
    sentence(error, path, "truncated")


def test_a_file_removed_after_opening(write, sentence):
    path = write("om-gzip")
    frames = open_frames(path)
    frames[6]
    path.unlink()
    with pytest.raises(InputError) as error:
        frames[6]
    sentence(error, path, "no file")


def test_a_file_replaced_by_one_of_another_shape(write, pixels, sentence):
    path = write("om-gzip")
    frames = open_frames(path)
    frames[6]
    write("om-gzip", pixels[:, :4])
    with pytest.raises(InputError) as error:
        frames[0]
    sentence(error, path, "changed", "(7, 4, 5)")
    write("zstd")
    with pytest.raises(InputError) as error:
        frames[0]
    sentence(error, path, "changed", "gone")
    path.write_bytes(b"no HDF5 file any more " * 10)
    with pytest.raises(InputError) as error:
        frames[0]
    sentence(error, path, "changed", "no HDF5 file")
