"""What the facilities write is what is read, with its names."""

import pickle
from functools import partial

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sklearn_sfx
from sklearn_sfx.frames import Window

# The numbers as they are; masks have tests of their own.
open_frames = partial(sklearn_sfx.open_frames, mask=False)

N_FRAMES = 7
rows = st.lists(st.integers(-N_FRAMES, N_FRAMES - 1), max_size=9)


def test_reads_what_was_written(facility_file, pixels):
    frames = open_frames(facility_file)
    assert frames.shape == pixels.shape
    assert frames.unreadable == ()
    np.testing.assert_array_equal(np.asarray(frames), pixels, strict=True)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(frames[2:]))[1], pixels[3])


@settings(deadline=None, max_examples=20)
@given(rows, st.integers(0, 5), st.integers(0, 4), st.data())
def test_reads_any_window_in_any_order(facility_file, pixels, chosen, top, left, data):
    source = open_frames(facility_file)._source
    height, width = data.draw(st.integers(1, 6 - top)), data.draw(st.integers(1, 5 - left))
    window = Window(top, left, height, width)
    out = np.empty((height, width), source.dtype)
    for row in chosen:
        source.read(row % N_FRAMES, window, out)
        np.testing.assert_array_equal(out, pixels[(row, *window.slices)])


FORMATS = {
    "nxmx-virtual-and-links": ("NXmx", "bitshuffle-LZ4", "//4", 4),
    "nxmx-links": ("NXmx", "bitshuffle-LZ4", "data_000002//1", 4),
    "dectris-2012": ("NXmx", "bitshuffle-LZ4", "data_000002//1", 4),
    "odin": ("NXmx", "", "//4", 4),
    "filewriter-2": ("NXmx", "", "//4", 4),
    "sacla": ("SACLA", "", "tag-103//", 4),
    "pal": ("PAL-XFEL", "", "//4", 4),
    "swissfel": ("SwissFEL JUNGFRAU", "bitshuffle-LZ4", "//4", 4),
    "area-detector": ("areaDetector", "", "//4", 4),
    "area-detector-scan": ("areaDetector", "", "//4", 4),
    "cxi-events": ("CXI", "", "entry_5//", 4),
    "cxi-entries": ("CXI", "", "entry_2//1", 4),
    "lima": ("LImA", "", "//4", 4),
    "lambda": ("NeXus", "", "//4", 4),
    "gda": ("NeXus", "", "//4", 4),
}


@pytest.mark.parametrize("name", FORMATS)
def test_names_of_frames(facility, name):
    known, compression, event, position = FORMATS[name]
    path = facility(name)
    frames = open_frames(path)
    assert (frames.facts.format, frames.facts.compression) == (known, compression)
    origin = frames[4:].sources[0]
    assert (origin.path, origin.event, origin.position) == (str(path), event, position)


def test_of_several_runs_in_a_file_one_has_to_be_named(facility, refused, pixels):
    path = facility("pal")
    with h5py.File(path, "r+") as file:
        file["R0043/scan_dat/raymx_data"] = pixels + 1
        file["R0043/header/detector_0_distance"] = 220.0
    refused(path, "several runs", "/R0042/scan_dat/raymx_data", "/R0043/", "--dataset")
    frames = open_frames(path, dataset="R0043/scan_dat/raymx_data", mask=False)
    np.testing.assert_array_equal(frames, pixels + 1)
    assert frames.facts.distance == 220


def test_flags_that_are_not_as_many_as_the_frames_are_told_of(facility):
    path = facility("swissfel")
    with h5py.File(path, "r+") as file:
        del file["data/JF07T32V01/is_good_frame"]
        file["data/JF07T32V01/is_good_frame"] = np.zeros(6, np.uint8)
    note = open_frames(path).facts.note
    assert note.endswith("is_good_frame is not used, it has 6 values for 7 frames")


def test_scan_axes_are_placeholders(tmp_path, facility, pixels):
    path = facility("area-detector")
    path.unlink()
    both = np.concatenate([pixels, pixels[:1]])
    from_scan = {(2, 4): "1/1", (2, 1, 4): "1/1", (1, 1, 8): "5", (8, 1): "5"}
    for lead, event in from_scan.items():
        with h5py.File(path, "w") as file:
            data = both.reshape(*lead, 6, 5)
            file["entry/data/data"] = data
            file["entry/data/data"].attrs["NDArrayNumDims"] = 2
        frames = open_frames(path)
        np.testing.assert_array_equal(frames, both)
        assert frames[5:].sources[0].event == f"//{event}"
        path.unlink()
