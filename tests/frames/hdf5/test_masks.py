"""The mask in an HDF5 file is found, and each layout's is read as its frames are."""

import h5py
import numpy as np
import pytest

from sklearn_sfx import Frames, InputError, open_frames, read_mask
from sklearn_sfx.exceptions import UnreadableFrame


def test_which_dataset(mask_file):
    one, two = np.ones((2, 3), bool), np.zeros((2, 3), bool)
    np.testing.assert_array_equal(read_mask(mask_file(a=two, mask=one)), one)
    np.testing.assert_array_equal(read_mask(mask_file(a=two, mask=one), dataset="a"), two)
    with pytest.raises(InputError, match=r"mask\.h5 has no dataset called .*-dataset"):
        read_mask(mask_file(a=two, b=one))
    with pytest.raises(InputError, match=r"several masks: /entry/mask, /mask; .*-dataset"):
        read_mask(mask_file(mask=one, **{"entry/mask": two}))
    with pytest.raises(InputError, match=r"no dataset c; it has /a \(2, 3\), /b"):
        read_mask(mask_file(a=two, b=one), dataset="c")
    with pytest.raises(InputError, match=r"shape \(6,\)"):
        read_mask(mask_file(mask=np.ones(6, bool)))
    with pytest.raises(InputError, match="no dataset called"):  # frames are not a mask
        read_mask(mask_file(images=np.ones((3, 4, 5), int)), bad_bits="any")
    with pytest.raises(InputError, match="no number"):
        read_mask(mask_file(mask=np.full((2, 2), b"x")))


@pytest.mark.parametrize("layout", ["cheetah-closed", "cheetah-unclosed"])
def test_masks_per_frame_of_cheetah(write, pixels, layout):
    path = write(layout)
    mask = read_mask(path, bad_bits=0b1001)
    assert isinstance(mask, Frames)
    assert (mask.shape, mask.dtype) == (pixels.shape, bool)
    usable = np.ones(pixels.shape, bool)
    usable[:, 0, 0] = usable[1, 2, 1] = False
    np.testing.assert_array_equal(np.asarray(mask), usable)
    frames = open_frames(path, mask=mask)
    np.testing.assert_array_equal(frames[[1, 0]].mask, usable[[1, 0]])
    shared = read_mask(path, dataset="/entry_1/data_1/mask_shared", bad_bits="any")
    assert shared.shape == pixels.shape[1:]


def test_masks_of_modules_are_stacked(write, pixels, tmp_path):
    path = write("extra-data-modules")
    mask = read_mask(path, bad_bits="any")
    usable = np.ones(pixels.shape, bool)
    usable[1, 3, 0] = False
    np.testing.assert_array_equal(np.asarray(mask), usable)
    open_frames(path, mask=mask)
    arrays = read_mask(usable.reshape(7, 2, 3, 5))
    np.testing.assert_array_equal(np.asarray(arrays), usable)
    with h5py.File(path, "r+") as file:
        del file["entry_1/instrument_1/detector_1/mask"]
        file["entry_1/instrument_1/detector_1/mask"] = usable[1].reshape(2, 3, 5)
    np.testing.assert_array_equal(read_mask(path), usable[1])


def test_psocake_masks_are_floats(write):
    mask = read_mask(write("psocake"), bad_bits="any")
    assert mask.shape == (6, 5)
    assert mask.all()


def test_real_masks(shared_data):
    path = shared_data / "real" / "thaumatin_grid.cxi"
    mask = read_mask(path, bad_bits="any")
    frames = open_frames(path, mask=mask)
    gaps = frames[0] < 0
    assert not mask[gaps].any()
    assert 0.9 < mask.mean() < 1
    rayonix = read_mask(shared_data / "real" / "rayonix_mfx_mask.h5")
    run = open_frames(shared_data / "real" / "rayonix_mfx.h5", mask=rayonix)
    assert run.mask.shape == (1920, 1920)
    with pytest.raises(InputError, match="shape"):
        open_frames(path, mask=rayonix)


def test_masks_of_nxmx(facility):
    path = facility("nxmx-links")
    mask = read_mask(path)  # by the rule of NeXus: the upper bits say nothing bad
    assert np.flatnonzero(~mask).tolist() == [7, 13]
    assert not read_mask(path, bad_bits="any")[3, 3]
    with h5py.File(path, "r+") as file:
        del file["entry/instrument/detector/pixel_mask"]
    np.testing.assert_array_equal(read_mask(path), mask)  # where older masters have it
    with h5py.File(path, "r+") as file:
        del file["entry/instrument/detector/detectorSpecific/pixel_mask"]
    with pytest.raises(InputError, match="holds no mask"):
        read_mask(path)
    with h5py.File(path, "r+") as file:
        file["entry/instrument/detector/pixel_mask"] = np.zeros((0, 0), np.uint32)
    with pytest.raises(InputError, match="holds no mask"):
        read_mask(path)


def test_a_mask_behind_a_dead_link_is_told_of(facility, tmp_path):
    path = facility("nxmx-virtual")
    with h5py.File(path, "r+") as file:
        for name in ("pixel_mask", "detectorSpecific/pixel_mask"):
            del file[f"entry/instrument/detector/{name}"]
        file["entry/instrument/detector/pixel_mask"] = h5py.ExternalLink("meta.h5", "/mask")
    with pytest.raises(InputError, match=r"pixel_mask of .*meta\.h5, which is not there"):
        read_mask(path)


def test_one_layer_is_a_mask_for_all_frames(facility):
    mask = read_mask(facility("lambda"))
    assert mask.shape == (6, 5)
    assert np.flatnonzero(~mask).tolist() == [29]


def test_masks_of_cheetah_have_bits_that_say_nothing_bad(write):
    mask = read_mask(write("cheetah-closed"), dataset="/entry_1/data_1/mask_shared")
    assert mask.all()
    per_frame = read_mask(write("cheetah-closed"))
    assert isinstance(per_frame, Frames)
    assert not per_frame[1][2, 1]


def test_a_frame_whose_mask_was_never_written_is_not_read_without(tmp_path, pixels, refused):
    """As a writer leaves it that was killed; the other frames keep their masks."""
    path, shape = tmp_path / "run.cxi", pixels.shape
    with h5py.File(path, "w") as file:
        file["entry_1/data_1/data"] = pixels
        chunks = (1, *shape[1:])
        mask = file.create_dataset("entry_1/data_1/mask", shape, "u2", chunks=chunks)
        mask[:5], mask[2, 1, 1] = 0, 1
    refused(path, "2 of 7 frames", "first frame [6]", "mask /entry_1/data_1/mask", "never written")
    frames = open_frames(path, missing="on_read")
    np.testing.assert_array_equal(np.argwhere(np.isnan(frames[:5])), [[2, 1, 1]])
    with pytest.raises(UnreadableFrame, match=r"Frame \[6\] .*/mask.* never written"):
        frames[5]
    filled = np.asarray(open_frames(path, missing="nan"))
    assert np.isnan(filled[5:]).all()
    np.testing.assert_array_equal(np.isnan(filled[:5]), np.isnan(frames[:5]))
    with h5py.File(path, "r+") as file:
        del file["entry_1/data_1/mask"]
        file.create_dataset("entry_1/data_1/mask", shape, "u2", chunks=chunks)
    refused(path, "mask", "never written", "--no-mask", missing="nan")


# -- Several detectors --------------------------------------------------------------------------


def a_bad_row(row):
    bad = np.zeros((40, 40), np.uint16)
    bad[row] = 1
    return bad


def detector_of_cxi(file, number):
    """Write frames of this value and a mask; return their group."""
    detector = f"entry_1/instrument_1/detector_{number}"
    file[f"{detector}/data"] = np.full((3, 40, 40), number, np.uint16)
    file[f"{detector}/mask"] = a_bad_row(number)
    return detector


def cxi_of_two(file):
    for number in (1, 2):
        detector = detector_of_cxi(file, number)
        file[f"entry_1/data_{number}/data"] = h5py.SoftLink(f"/{detector}/data")
    return [f"entry_1/data_{number}/data" for number in (1, 2)]


def cxi_of_two_linked_as_a_whole(file):
    detectors = [detector_of_cxi(file, number) for number in (1, 2)]
    for number, detector in enumerate(detectors, 1):
        file[f"entry_1/data_{number}"] = h5py.SoftLink(f"/{detector}")
    return [f"{detector}/data" for detector in detectors]


def cxi_whose_masks_are_called_otherwise(file):
    for number, name in ((1, "mask"), (2, "mask_shared")):
        file[f"entry_1/image_{number}/data"] = np.full((3, 40, 40), number, np.uint16)
        file[f"entry_1/image_{number}/{name}"] = a_bad_row(number)
    return [f"entry_1/image_{number}/data" for number in (1, 2)]


def nexus_of_two(file):
    entry = file.create_group("entry")
    entry.attrs["NX_class"] = "NXentry"
    instrument = entry.create_group("instrument")
    instrument.attrs["NX_class"] = "NXinstrument"
    for number in (1, 2):
        detector = instrument.create_group(f"detector_{number}")
        detector.attrs["NX_class"] = "NXdetector"
        detector["data"] = np.full((3, 40, 40), number, np.uint16)
        detector["pixel_mask"] = a_bad_row(number).astype(np.uint32)
    return [f"entry/instrument/detector_{number}/data" for number in (1, 2)]


def nxmx_of_two(file):
    names = nexus_of_two(file)
    file["entry/definition"] = "NXmx"
    file.move("entry/instrument/detector_2/pixel_mask", "moved")
    file.move("moved", "entry/instrument/detector_2/detectorSpecific/pixel_mask")
    return names


def swissfel_of_two(file):
    names = ["JF06T08V01", "JF07T32V01"]
    for number, name in enumerate(names, 1):
        file[f"data/{name}/data"] = np.full((3, 40, 40), number, np.float32)
        file[f"data/{name}/pulse_id"] = file[f"data/{name}/frame_index"] = np.arange(3)
        file[f"data/{name}/meta/pixel_mask"] = a_bad_row(number) == 0
    return [f"data/{name}/data" for name in names]


OF_TWO = [
    cxi_of_two,
    cxi_of_two_linked_as_a_whole,
    cxi_whose_masks_are_called_otherwise,
    nexus_of_two,
    nxmx_of_two,
    swissfel_of_two,
]


@pytest.mark.parametrize("write_two", OF_TWO)
def test_each_of_two_detectors_of_one_shape_has_its_own_mask(write_two, tmp_path):
    path = tmp_path / "two.h5"
    with h5py.File(path, "w") as file:
        names = write_two(file)
    for number, name in enumerate(names, 1):
        expected = np.full((40, 40), number, np.float32)
        expected[number] = np.nan
        np.testing.assert_array_equal(open_frames(path, dataset=name)[1], expected)


def test_the_signal_of_a_nexus_file_has_the_mask_of_its_detector(tmp_path):
    path = tmp_path / "two.nxs"
    with h5py.File(path, "w") as file:
        names = nexus_of_two(file)
        data = file.create_group("entry/data")
        data.attrs["NX_class"], data.attrs["signal"] = "NXdata", "data"
        data["data"] = h5py.SoftLink(f"/{names[1]}")
        file["entry"].attrs["default"], file.attrs["default"] = "data", "entry"
    frame = open_frames(path)[1]
    assert np.flatnonzero(np.isnan(frame).all(axis=1)).tolist() == [2]


@pytest.mark.parametrize("shape", [(40, 40), (50, 60)])
def test_the_mask_of_another_detector_is_not_taken(shape, tmp_path):
    path = tmp_path / "two.cxi"
    with h5py.File(path, "w") as file:
        file["entry_1/image_1/data"] = np.ones((3, 40, 40), np.uint16)
        file["entry_1/image_1/mask"] = a_bad_row(1)
        file["entry_1/image_2/data"] = np.ones((3, *shape), np.uint16)
    if shape == (40, 40):
        with pytest.raises(InputError, match="beside other frames, /entry_1/image_1/mask, and no"):
            open_frames(path, dataset="entry_1/image_2/data")
    frames = open_frames(
        path, dataset="entry_1/image_2/data", mask=False if shape[0] == 40 else "auto"
    )
    assert frames.mask is None
    both = read_mask(path, dataset="/entry_1/image_1/mask", bad_bits="any")
    assert open_frames(path, dataset="entry_1/image_1/data", mask=both).mask is not None


def test_a_raw_version_of_the_frames_has_the_mask_that_lies_beside_the_other_one(tmp_path):
    path = tmp_path / "cheetah.cxi"
    with h5py.File(path, "w") as file:
        detector = file.create_group("entry_1/instrument_1/detector_1")
        detector["mask"], detector["data"] = a_bad_row(1), np.ones((3, 40, 40), np.uint16)
        detector["detector_raw/data"] = np.ones((3, 40, 40), np.uint16)
        file["entry_1/data_1/data"] = np.ones((3, 40, 40), np.uint16)
    for name in ("entry_1/instrument_1/detector_1/detector_raw/data", "entry_1/data_1/data"):
        assert np.isnan(open_frames(path, dataset=name)[0][1]).all()
