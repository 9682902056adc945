"""The frames of a file, and not another dataset that has their shape."""

import h5py
import numpy as np
import pytest

from sklearn_sfx import InputError, open_frames

FRAMES = np.arange(3 * 8 * 9, dtype=np.uint16).reshape(3, 8, 9)
OTHERS = np.ones((3, 8, 9), np.uint16)


@pytest.fixture
def file(tmp_path):
    with h5py.File(tmp_path / "run.h5", "w") as file:
        yield file


@pytest.fixture
def read(file, tmp_path):
    def finish(**options):
        file.close()
        return open_frames(tmp_path / "run.h5", **options)

    return finish


@pytest.mark.parametrize(
    "name",
    [
        *("flatfield", "flat_field", "dark", "dark_current", "pixel_mask", "gain_map", "pedestal"),
        *("entry/pedestals/data", "exchange/data_white", "exchange/data_dark", "offset", "noise"),
        *("sample/orientation_matrix", "powderSum", "rms", "calibration", "meanImage"),
    ],
)
def test_what_is_never_frames(file, read, name, tmp_path, refused):
    file["some/where"] = FRAMES
    file[name] = OTHERS.astype(np.float32)
    np.testing.assert_array_equal(read(), FRAMES)
    with h5py.File(tmp_path / "run.h5", "r+") as again:
        del again["some/where"]
    refused(tmp_path / "run.h5", "no images", name, "--dataset")
    assert len(open_frames(tmp_path / "run.h5", dataset=name)) == 3  # whoever names it has it


def test_what_is_too_small_for_frames(file, read):
    file["ub"] = np.zeros((100, 3, 3))
    file["transformations"] = np.zeros((100, 4, 4))
    file["peaks"] = np.zeros((100, 4, 1024))
    file["some/where"] = FRAMES
    np.testing.assert_array_equal(read(), FRAMES)


def test_the_signal_of_nexus_comes_first(file, read):
    for name in ("one", "two"):
        data = file.create_group(f"entry/{name}")
        data.attrs["NX_class"] = "NXdata"
        data["image"] = FRAMES if name == "two" else OTHERS
        data.attrs["signal"] = "image"
    file.attrs["default"] = "entry"
    file["entry"].attrs.update({"NX_class": "NXentry", "default": "two"})
    np.testing.assert_array_equal(read(), FRAMES)


@pytest.mark.parametrize("mark", ["group", "dataset", "array"])
def test_the_signal_of_one_group_beside_others(file, read, mark):
    data = file.create_group("entry/data")
    data.attrs["NX_class"] = np.bytes_("NXdata")
    data["frames"], file["entry/raw"] = FRAMES, OTHERS
    if mark == "group":
        data.attrs["signal"] = np.bytes_("frames")
    else:
        data["frames"].attrs["signal"] = 1 if mark == "dataset" else np.array([b"1"])
    np.testing.assert_array_equal(read(), FRAMES)


def test_a_curve_that_is_to_be_plotted_is_no_frame(file, read):
    data = file.create_group("entry/data")
    data.attrs.update({"NX_class": "NXdata", "signal": "intensity"})
    data["intensity"] = np.ones(100)
    file.attrs["default"], file["entry"].attrs["default"] = "entry", "data"
    file["entry/raw"] = FRAMES
    np.testing.assert_array_equal(read(), FRAMES)


def test_the_data_of_a_detector_come_before_others(file, read):
    for path, name in (("entry", "NXentry"), ("entry/instrument", "NXinstrument")):
        file.create_group(path).attrs["NX_class"] = name
    detector = file.create_group("entry/instrument/pilatus")
    detector.attrs["NX_class"] = "NXdetector"
    detector["data"], file["entry/processed"] = FRAMES, OTHERS
    np.testing.assert_array_equal(read(), FRAMES)


def test_the_parts_of_a_virtual_dataset_are_not_the_run(file, read):
    layout = h5py.VirtualLayout((6, 8, 9), "u2")
    for i in range(2):
        file[f"part{i}"] = FRAMES
        layout[3 * i : 3 * i + 3] = h5py.VirtualSource(".", f"part{i}", (3, 8, 9))
    file.create_virtual_dataset("all", layout)
    np.testing.assert_array_equal(read(), np.concatenate([FRAMES, FRAMES]))


def test_stacks_of_modules_where_there_is_nothing_else(file, read):
    file["raw"] = np.arange(3 * 2 * 8 * 9).reshape(3, 2, 8, 9)
    frames = read()
    assert frames.shape == (3, 16, 9)
    assert frames.facts.modules == (2, 8)


@pytest.mark.parametrize("n_channels", [1, 3, 4])
def test_channels_are_not_taken_for_pixels_of_many_modules(file, read, n_channels):
    file["raw"] = np.zeros((3, 8, 9, n_channels), np.uint8)
    with pytest.raises(InputError, match=r"last axis is one of channels.*\(n, height, width\)"):
        read(dataset="raw")


@pytest.mark.parametrize("name", ["entry/data/data", "entry/frames"])
@pytest.mark.parametrize("other", ["entry/m", "entry/det/x", "a/b"])
@pytest.mark.parametrize("shape", [(3, 2, 8, 9), (3, 16, 9)])
def test_a_name_of_frames_counts_more_than_a_shape(file, read, name, other, shape):
    pixels = np.arange(3 * 2 * 8 * 9, dtype=np.uint16).reshape(3, 16, 9)
    file[name], file[other] = pixels.reshape(shape), np.ones((2, 8, 9), np.uint16)
    frames = read()
    assert frames.facts.dataset.strip("/") == name
    np.testing.assert_array_equal(frames, pixels)


def test_data_in_data_come_before_other_names(file, read):
    file["entry/data/data"], file["entry/a/frames"] = FRAMES, OTHERS
    np.testing.assert_array_equal(read(), FRAMES)


def test_of_several_versions_of_a_frame_the_one_that_a_link_names_is_read(file, read):
    file["data/correcteddata"], file["data/rawdata"] = FRAMES[0], OTHERS[0]
    file["data/data"] = h5py.SoftLink("/data/correcteddata")
    run = read()
    assert run.facts.dataset == "/data/data"
    np.testing.assert_array_equal(run, FRAMES[:1])


def test_a_link_makes_no_frames_of_what_is_none(file, read):
    file["frames"], file["calib/flatfield"] = FRAMES, np.ones(FRAMES.shape, np.float32)
    file["data/data"] = h5py.SoftLink("/calib/flatfield")
    np.testing.assert_array_equal(read(), FRAMES)


def test_where_data_in_data_leads_nowhere_no_other_frames_are_read(file, tmp_path, refused):
    file["raw"], file["data/data"] = FRAMES, h5py.SoftLink("/gone")
    file.close()
    refused(tmp_path / "run.h5", "the link /data/data leads to /gone", "if /raw (3, 8, 9) holds")


def test_a_stack_that_a_link_names_comes_before_others(file, read):
    file["a/frames"], file["b/frames"] = OTHERS, FRAMES
    file["entry/data/data"] = h5py.SoftLink("/b/frames")
    np.testing.assert_array_equal(read(), FRAMES)


@pytest.mark.parametrize("other", ["a/x", "a/image"])
@pytest.mark.parametrize("shape", [(3, 2, 8, 9), (8, 9)])
def test_what_names_do_not_tell_apart_is_refused(file, tmp_path, refused, other, shape):
    name = "det/image" if len(shape) == 2 or other == "a/image" else "det/y"
    file[name], file[other] = np.ones(shape, np.uint16), FRAMES
    file.close()
    refused(tmp_path / "run.h5", f"/{name} {shape}", f"/{other} (3, 8, 9)", "--dataset")


@pytest.mark.parametrize("name", ["data/data", "image", "some/frame", "rawdata0"])
def test_one_image_a_file(file, read, name):
    file[name] = FRAMES[1]
    file["peaks/fs"] = np.zeros((100, 2048))
    frames = read()
    assert frames.shape == (1, 8, 9)
    np.testing.assert_array_equal(frames[0], FRAMES[1])
    assert frames.sources[0].event == "//"


def test_one_image_without_a_name_has_to_be_alone(file, read, tmp_path, refused):
    file["whatever"] = FRAMES[1]
    assert read().shape == (1, 8, 9)
    with h5py.File(tmp_path / "run.h5", "r+") as again:
        again["peaks"] = np.zeros((100, 2048))
    refused(tmp_path / "run.h5", "no images", "/whatever (8, 9)", "/peaks (100, 2048)")


def test_two_images_in_a_file_are_told_apart(file, read, tmp_path, refused):
    file["a/data"], file["b/data"] = FRAMES[0], FRAMES[1]
    file.close()
    refused(tmp_path / "run.h5", "/a/data (8, 9)", "/b/data (8, 9)", "as dataset (--dataset")


def test_files_of_one_image_are_a_run(tmp_path):
    for i in range(3):
        with h5py.File(tmp_path / f"shot{i}.h5", "w") as file:
            file["data/data"] = FRAMES[i]
    run = open_frames(str(tmp_path / "shot*.h5"))
    np.testing.assert_array_equal(run, FRAMES)
    assert [origin.event for origin in run.sources] == ["//"] * 3


def test_deep_files_and_circles_of_groups_are_looked_through(file, read):
    deep = file
    for _ in range(1500):
        deep = deep.create_group("g")
    deep["data"] = FRAMES
    deep["up"] = h5py.SoftLink("/g")
    deep["top"] = file["g"]
    np.testing.assert_array_equal(read(), FRAMES)
