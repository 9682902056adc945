"""What cannot be opened, whatever the format, is told of in one sentence with its name."""

import bz2
import gzip
import lzma
import zipfile

import numpy as np
import pytest

from sklearn_sfx.frames._formats import FORMATS


def test_missing(tmp_path, refused):
    refused(tmp_path / "none.h5", tmp_path / "none.h5", "no file")


def test_folder(tmp_path, refused):
    refused(tmp_path, tmp_path, "is a folder")


def test_pattern_without_a_match(tmp_path, refused):
    refused(str(tmp_path / "*.h5"), "*.h5", "No file matches")


@pytest.mark.parametrize("source", [[], [3], 3, {"a": 1}, [np.zeros((2, 2))]])
def test_not_a_source(source, refused):
    refused(source, "path")


def test_empty(tmp_path, refused):
    path = tmp_path / "run.h5"
    path.touch()
    refused(path, path, "empty")


def test_an_unknown_format(tmp_path, refused):
    path = tmp_path / "run.h5"
    path.write_bytes(b"# not HDF5\n" * 100)
    refused(path, path, "not known", "array", *(known.name for known in FORMATS))


@pytest.mark.parametrize(
    ("module", "name"), [(gzip, "gzip"), (bz2, "bzip2"), (lzma, "xz"), (None, "zip")]
)
def test_what_is_packed(tmp_path, module, name, refused):
    path = tmp_path / "run.h5.packed"
    if module is None:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("run.h5", b"frames")
    else:
        path.write_bytes(module.compress(b"\x89HDF\r\n\x1a\n" + bytes(99)))
    refused(path, path, f"packed with {name}", "unpack")


@pytest.mark.parametrize("values", [np.zeros((4, 5)), np.zeros((2, 2, 2), complex), np.zeros(0)])
def test_arrays_that_are_no_frames(values, refused):
    refused(values, "n_frames, height, width", str(values.shape))


def test_an_array_without_frames(refused):
    refused(np.zeros((0, 4, 5)), "empty")
