"""From what a user writes to files: patterns, their order, odd names, and what is no file."""

import os
import shutil
import socket

import numpy as np
import pytest

from sklearn_sfx import open_frames
from sklearn_sfx.frames._paths import expand_paths


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return a function that makes empty files in a folder, which it enters."""

    def make(*names, inside="."):
        target = tmp_path / inside
        target.mkdir(exist_ok=True)
        for name in names:
            np.save(target / name, np.zeros((2, 3)))
            os.rename(target / f"{name}.npy", target / name)
        monkeypatch.chdir(target)
        return target

    return make


def names(source):
    return [os.path.basename(path) for path in expand_paths(source)]


def test_numbers_in_names_count_as_numbers(folder):
    folder("run_10.x", "run_9.x", "run_1.x", "run_02.x", "other_3.x")
    assert names("*.x") == ["other_3.x", "run_1.x", "run_02.x", "run_9.x", "run_10.x"]
    assert names(["run_9.x", "run_1*.x"]) == ["run_9.x", "run_1.x", "run_10.x"]


@pytest.mark.parametrize("inside", ["run[1]", "run[a-z]", "what?", "all*"])
def test_a_folder_that_looks_like_a_pattern_is_a_folder(folder, inside):
    target = folder("a.x", "b.x", inside=inside)
    folder("c.x", inside="run1")
    os.chdir(target)
    expected = [str(target / "a.x"), str(target / "b.x")]
    assert expand_paths("*.x") == expected
    assert expand_paths(target / "*.x") == expected
    assert expand_paths(str(target.parent / inside / "?.x")) == expected
    assert expand_paths("a.x") == expected[:1]


def test_patterns_may_name_folders_too(folder):
    for number in (1, 2, 10):
        folder("a.x", inside=f"run{number}")
    parent = folder()
    found = expand_paths("run*/a.x")
    assert found == [str(parent / f"run{number}" / "a.x") for number in (1, 2, 10)]


def test_a_file_whose_name_is_a_pattern_is_meant_itself(folder):
    folder("frame[1].x", "frame1.x")
    assert names("frame[1].x") == ["frame[1].x"]


def test_names_that_are_not_utf8(folder):
    target = folder("a.x")
    name = os.fsdecode(b"l\xf6sung.x")
    shutil.copy(target / "a.x", target / name)
    assert open_frames(target / name).shape == (1, 2, 3)
    assert open_frames("l*.x").sources[0].path == str(target / name)
    assert open_frames(os.fsdecode(b"l\xf6*")).shape == (1, 2, 3)


@pytest.mark.parametrize("kind", ["pipe", "socket", "device", "zero"])
def test_what_is_no_file_is_refused_before_it_is_opened(tmp_path, kind, refused):
    path = tmp_path / "run.h5"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as bound:
            os.chdir(tmp_path)  # its name may not be long
            bound.bind("run.h5")
    else:
        path.symlink_to({"device": "/dev/null", "zero": "/dev/zero"}[kind])
    refused(path, path, {"pipe": "a pipe", "socket": "a socket"}.get(kind, "a device"))


def test_links_that_lead_nowhere(tmp_path, refused):
    (tmp_path / "run[1].h5").symlink_to(tmp_path / "gone")
    refused(tmp_path / "run[1].h5", "no file")
    (tmp_path / "round").symlink_to(tmp_path / "round")
    refused(tmp_path / "round", "round cannot be read")
    refused("a\0b", "cannot be read")


def test_a_folder_of_images_is_given_by_their_suffix(tmp_path, refused):
    for name in ("1.cbf", "2.cbf", "log.txt", "noend"):
        (tmp_path / name).write_text("x")
    refused(tmp_path, "is a folder", "a pattern like *.cbf")
