"""Of what a facility's file holds, what is opened as its run, and what is refused."""

from functools import partial

import h5py
import numpy as np
import pytest

import sklearn_sfx

# The numbers as they are; masks have tests of their own.
open_frames = partial(sklearn_sfx.open_frames, mask=False)


def test_two_detectors_of_swissfel_are_told_apart(facility, refused):
    path = facility("swissfel")
    with h5py.File(path, "r+") as file:
        file["data/JF06T32V02/data"] = np.ones((3, 6, 5), np.uint16)
    refused(path, "JF06T32V02/data", "JF07T32V01/data", "--dataset")
    assert len(open_frames(path, dataset="/data/JF06T32V02/data")) == 3


def test_several_acquisitions_of_lima_are_told_apart(facility, refused):
    path = facility("lima")
    with h5py.File(path, "r+") as file:
        file["entry_0001/measurement/data"] = np.ones((3, 6, 5), np.uint16)
    refused(path, "entry_0000/measurement/data", "entry_0001/measurement/data", "--dataset")


def test_images_of_colours_are_refused(facility, refused):
    path = facility("area-detector")
    with h5py.File(path, "r+") as file:
        file["entry/data/data"].attrs["NDArrayNumDims"] = 3
    refused(path, "3 axes", "colours")


def test_one_named_part_of_a_run_keeps_its_numbers(facility, pixels):
    path = facility("nxmx-links")
    part = open_frames(path, dataset="entry/data/data_000002")
    np.testing.assert_array_equal(part, pixels[3:6])
    assert part.sources[0].position == 3


def test_frames_of_a_detector_that_lost_packets_are_not_whole(facility, refused, pixels):
    path = facility("swissfel")
    with h5py.File(path, "r+") as file:
        file["data/JF07T32V01/is_good_frame"][2:4] = 0
    refused(path, "2 of 7 frames", "is_good_frame", "first frame [3]")
    frames = open_frames(path, missing="nan")
    assert np.isnan(np.asarray(frames)).any(axis=(1, 2)).tolist() == [
        *(False, False, True, True),
        *(False, False, False),
    ]


def test_a_gap_in_the_numbers_of_a_master_is_a_part_that_is_not_there(facility, refused, pixels):
    path = facility("nxmx-links")
    with h5py.File(path, "r+") as file:
        del file["entry/data/data_000002"]
    refused(path, "3 of 7 frames", "data_000002", "nan")
    read = np.asarray(open_frames(path, missing="nan"))
    assert np.isnan(read[3:6]).all()
    np.testing.assert_array_equal(read[[0, 1, 2, 6]], pixels[[0, 1, 2, 6]])
    with h5py.File(path, "r+") as file:
        del file["entry/instrument/detector/detectorSpecific/nimages"]
    refused(path, "1 of 3 datasets", "data_000002", missing="nan")


@pytest.mark.parametrize(
    ("lost", "n_images", "expected"),
    [
        ([1], 7, [(0, 3)]),
        ([1, 2], 7, [(0, 3), (3, 6)]),
        ([2, 3], 7, [(3, 6), (6, 7)]),
        ([2], 14, [(3, 6)]),  # stopped early: the last part is the short one
        ([3], 14, [(6, 9)]),
    ],
)
def test_how_many_frames_a_part_had_that_is_not_there(facility, gone, lost, n_images, expected):
    path = facility("nxmx-links")
    with h5py.File(path, "r+") as file:
        file["entry/instrument/detector/detectorSpecific/nimages"][...] = n_images
    for number in lost:
        path.with_name(f"run_data_{number:06d}.h5").unlink()
    assert gone(open_frames(path, missing="nan")) == expected
