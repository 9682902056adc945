"""Runs that have a dataset for each frame."""

import pickle
from functools import partial

import h5py
import numpy as np
import pytest

import sklearn_sfx
from sklearn_sfx import InputError

# The numbers as they are; masks have tests of their own.
open_frames = partial(sklearn_sfx.open_frames, mask=False)


def test_shots_of_another_shape_are_refused(facility, refused):
    path = facility("sacla")
    with h5py.File(path, "r+") as file:
        file["tag-300/data"] = np.ones((6, 6), np.int16)
    refused(path, "one shape", "tag-300")


def test_a_shot_without_an_image_is_a_frame_that_cannot_be_read(facility, refused, pixels):
    path = facility("sacla")
    with h5py.File(path, "r+") as file:
        del file["tag-101/data"]
    refused(path, "1 of 7 frames", "not there", "--strict")
    frames = open_frames(path, missing="nan")
    assert [(gone.start, gone.stop) for gone in frames.unreadable] == [(2, 3)]
    assert np.isnan(frames[2]).all()
    np.testing.assert_array_equal(frames[3], pixels[3])
    part = pickle.loads(pickle.dumps(frames[[6, 2, 3]]))
    assert np.isnan(part[1]).all()
    assert part.sources[0].position == 6


def test_the_file_of_a_shot_that_is_gone_is_named(facility, refused):
    path = facility("sacla")
    with h5py.File(path, "r+") as file:
        del file["tag-101"]
        file["tag-101"] = h5py.ExternalLink("moved_away.h5", "/tag-101")
    refused(path, "1 of 7 frames", "/tag-101", "moved_away.h5, which is not there")


def test_thousands_of_shots_open_in_one_go(tmp_path):
    """Each is looked at past h5py's objects; the others are not read."""
    path = tmp_path / "run.h5"
    with h5py.File(path, "w") as file:
        for i in range(2000):
            file[f"tag-{i}/data"] = np.full((5, 6), i, np.int16)
    frames = open_frames(path)
    assert len(frames) == 2000
    assert len(pickle.dumps(frames[5:7])) < 2000
    np.testing.assert_array_equal(frames[[1999, 3]][0], np.full((5, 6), 1999))


def test_a_name_that_cannot_be_read_is_told_of(facility, monkeypatch, sentence):
    frames = open_frames(facility("cxi-events"))

    def damaged(*_):
        raise OSError("bad heap index")

    monkeypatch.setattr("sklearn_sfx.frames.hdf5._shots.read_field", damaged)
    with pytest.raises(InputError) as error:
        _ = frames.metadata
    sentence(error, "run.h5", "entry_", "bad heap index")
