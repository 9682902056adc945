"""NumPy's own files: orders, byte orders, several arrays, and what is never read."""

import os
import pickle

import numpy as np
import pytest

from sklearn_sfx import InputError, open_frames, read_mask
from sklearn_sfx.exceptions import UnreadableFrame


@pytest.fixture
def values():
    return np.random.default_rng(0).poisson(9, (4, 5, 6))


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["<u2", ">u2", "<i4", ">f4", "f8", "?", "f2"])
def test_npy(tmp_path, values, order, dtype):
    values = np.asarray(values % 2 if dtype == "?" else values, dtype, order=order)
    np.save(tmp_path / "run.npy", values)
    frames = open_frames(tmp_path / "run.npy")
    assert frames.dtype == values.dtype.newbyteorder("=")
    np.testing.assert_array_equal(np.asarray(frames[[3, 0]]), values[[3, 0]])
    assert frames.sources[3] == (str(tmp_path / "run.npy"), 3, "//3", "")
    assert frames.facts.format == "NumPy's .npy"


def test_one_frame(tmp_path, values):
    np.save(tmp_path / "a.npy", values[0])
    np.save(tmp_path / "b.npy", values)
    run = open_frames(str(tmp_path / "?.npy"))
    np.testing.assert_array_equal(np.asarray(run), np.concatenate([values[:1], values]))
    assert run.sources[0].event == "//"


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_npz(tmp_path, values, save):
    path = tmp_path / "run.npz"
    mask = values[0] > 5
    save(path, data=values.astype(">i2"), mask=mask, wavelength=np.float64(1.0))
    frames = open_frames(path, mask=False)
    assert (frames.dtype, frames.facts.dataset) == (np.int16, "data")
    np.testing.assert_array_equal(np.asarray(pickle.loads(pickle.dumps(frames))), values)
    np.testing.assert_array_equal(read_mask(path), mask)


def test_several_arrays(tmp_path, values, refused):
    path = tmp_path / "run.npz"
    np.savez(path, a=values, b=values + 1, c=values[0])
    refused(path, path, "a (4, 5, 6), b (4, 5, 6)", "dataset=")
    np.testing.assert_array_equal(np.asarray(open_frames(path, dataset="b")), values + 1)
    np.testing.assert_array_equal(np.asarray(open_frames(path, dataset="c")), values[:1])
    refused(path, path, "no array d", "a (4, 5, 6)", dataset="d")


@pytest.mark.parametrize("name", ["dark", "flatfield", "mean_of_all", "matrices"])
def test_what_lies_beside_the_frames_is_not_taken_for_them(tmp_path, values, name):
    beside = values[:, :3, :3] if name == "matrices" else values[:3]
    np.savez(tmp_path / "run.npz", images=values, **{name: beside})
    np.testing.assert_array_equal(open_frames(tmp_path / "run.npz"), values)
    np.savez(tmp_path / "run.npz", image=values[0], **{name: beside})  # one frame
    np.testing.assert_array_equal(open_frames(tmp_path / "run.npz"), values[:1])
    np.testing.assert_array_equal(open_frames(tmp_path / "run.npz", dataset=name), beside)


@pytest.mark.parametrize(
    "values",
    [
        np.array([[1, "a"]], dtype=object),
        np.zeros((3, 4), "i4,f4"),
        np.zeros((2, 3, 4), complex),
        np.zeros((0, 4, 4)),
        np.zeros(5),
        np.zeros((2, 3, 4, 5)),
        np.array([["a"]]),
    ],
)
def test_what_are_no_frames_is_refused(tmp_path, values, refused):
    np.save(tmp_path / "run.npy", values, allow_pickle=True)
    refused(tmp_path / "run.npy", "run.npy")
    np.savez(tmp_path / "run.npz", values)
    refused(tmp_path / "run.npz", "run.npz")


def test_objects_are_not_unpickled(tmp_path, refused):
    class Trap:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "trap"),)

    np.save(tmp_path / "run.npy", np.array([[Trap()]]), allow_pickle=True)
    np.savez(tmp_path / "run.npz", np.array([[Trap()]]))
    refused(tmp_path / "run.npy", "objects")
    refused(tmp_path / "run.npz", "run.npz")
    assert not (tmp_path / "trap").exists()


@pytest.mark.parametrize("name", ["run.npy", "run.npz"])
def test_a_file_that_is_cut_off(tmp_path, values, name, refused):
    path = tmp_path / name
    (np.save if name.endswith("npy") else np.savez)(path, values)
    path.write_bytes(path.read_bytes()[:-30])
    refused(path, path, "damaged")
    if name.endswith("npy"):
        refused(path, "it ends too early")


def test_a_flipped_bit_in_an_archive_is_found(tmp_path, values):
    path = tmp_path / "run.npz"
    np.savez(path, values)
    data = bytearray(path.read_bytes())
    data[data.index(values.tobytes()[:16]) + 40] ^= 1
    path.write_bytes(data)
    with pytest.raises(InputError, match="CRC"):
        np.asarray(open_frames(path))


@pytest.mark.parametrize("name", ["run.npy", "run.npz"])
def test_a_file_that_changes_is_not_read_on(tmp_path, values, name):
    path = tmp_path / name
    save = np.save if name.endswith("npy") else np.savez
    save(path, values)
    frames = open_frames(path)
    save(path, values[:, :3])
    with pytest.raises(UnreadableFrame, match="changed"):
        frames[0]
    path.unlink()
    with pytest.raises(UnreadableFrame, match="no file"):
        frames[0]


def test_an_array_that_claims_too_much_is_refused(tmp_path, values, refused):
    path = tmp_path / "run.npy"
    np.save(path, values)
    path.write_bytes(path.read_bytes().replace(b"(4, 5, 6)", b"(4, 5, 9)"))
    refused(path, path, "damaged")


def test_masks(tmp_path, values):
    np.save(tmp_path / "one.npy", values[0] > 5)
    np.testing.assert_array_equal(read_mask(tmp_path / "one.npy"), values[0] > 5)
    np.save(tmp_path / "each.npy", values > 5)
    np.testing.assert_array_equal(np.asarray(read_mask(tmp_path / "each.npy")), values > 5)
    np.save(tmp_path / "bits.npy", values[0])
    np.testing.assert_array_equal(read_mask(tmp_path / "bits.npy", bad_bits="any"), values[0] == 0)
    with pytest.raises(InputError, match="good_bits"):
        read_mask(tmp_path / "bits.npy")
