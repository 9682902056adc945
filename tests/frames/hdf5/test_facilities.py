"""What the facilities write is what is read, with its names, and what it says of itself."""

import pickle
from functools import partial

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sklearn_sfx
from sklearn_sfx import Frames, InputError, read_mask
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


# -- What files say of all frames ------------------------------------------------------------------


@pytest.mark.parametrize("name", ["nxmx-virtual", "nxmx-links", "dectris-2012"])
def test_facts_of_nxmx(facility, name, pixels):
    frames = open_frames(facility(name, pixels.astype(np.uint16)))
    facts = frames.facts
    assert facts.beam_center == (2.5, 2.0)  # from the centre of the first pixel: row, column
    assert facts.pixel_size == pytest.approx(0.075)
    assert facts.distance == pytest.approx(150.0)
    assert facts.wavelength == pytest.approx(0.976)
    assert facts.saturation == 9000
    assert facts.no_data == (65535.0, 65534.0)
    np.testing.assert_allclose(frames.metadata["distance"], 150.0)
    np.testing.assert_allclose(frames[3:].metadata["wavelength"], 0.976)


def test_the_bit_depth_of_the_image_says_what_is_no_data(facility, pixels):
    path = facility("nxmx-virtual", pixels.astype(np.uint32))
    assert open_frames(path).facts.no_data == (65535.0, 65534.0)
    with h5py.File(path, "r+") as file:
        del file["entry/instrument/detector/bit_depth_image"]  # the readout's is another
    known = (2.0**32 - 1, 2.0**32 - 2, 2.0**31 - 1, 2.0**31 - 2)
    assert open_frames(path).facts.no_data == known


def test_beam_centres_in_mm(facility):
    path = facility("nxmx-virtual")
    with h5py.File(path, "r+") as file:
        detector = file["entry/instrument/detector"]
        for axis, value in (("x", 0.15), ("y", 0.225)):
            detector[f"beam_center_{axis}"][...] = value
            detector[f"beam_center_{axis}"].attrs["units"] = "mm"
    assert open_frames(path).facts.beam_center == pytest.approx((2.5, 1.5))
    with h5py.File(path, "r+") as file:
        file["entry/instrument/detector/beam_center_x"].attrs["units"] = "cubits"
    assert open_frames(path).facts.beam_center is None


def test_values_of_each_frame_are_those_of_the_frame(facility):
    path = facility("nxmx-links")
    with h5py.File(path, "r+") as file:
        del file["entry/instrument/beam/incident_wavelength"]
        file["entry/instrument/beam/incident_wavelength"] = np.arange(7) / 10 + 1
    frames = open_frames(path)
    assert frames.facts.wavelength is None
    np.testing.assert_allclose(frames[[5, 1]].metadata["wavelength"], [1.5, 1.1])


def test_units_may_be_arrays_and_have_to_be_known(facility):
    path = facility("nxmx-virtual")
    with h5py.File(path, "r+") as file:
        wavelength = file["entry/instrument/beam/incident_wavelength"]
        wavelength[...] = 0.0976
        wavelength.attrs["units"] = np.array([b"nm"])
    assert open_frames(path).facts.wavelength == pytest.approx(0.976)
    with h5py.File(path, "r+") as file:
        file["entry/instrument/beam/incident_wavelength"].attrs["units"] = "furlong"
    frames = open_frames(path)
    assert (frames.facts.wavelength, "wavelength" in frames.metadata) == (None, False)
    assert "incident_wavelength is left out" in frames.facts.note
    assert "furlong" in frames.facts.note


def test_of_several_channels_the_first_is_read_and_that_is_said(facility):
    assert "first" in open_frames(facility("filewriter-2")).facts.note


def test_facts_of_sacla(facility, pixels):
    path = facility("sacla")
    frames = open_frames(path)
    assert (frames.facts.distance, frames.facts.pixel_size) == (51.5, 0.05)
    assert frames.facts.saturation == 32767
    np.testing.assert_allclose(
        frames[[6, 0]].metadata["wavelength"], 12398.419843320026 / np.array([10006.0, 10000.0])
    )
    mask = read_mask(path)
    assert not mask[0, 1]
    assert mask.sum() == mask.size - 1
    stacked = open_frames(facility("sacla", np.zeros((2, 8192, 512), np.int16)))
    assert stacked.facts.modules == (8, 1024)


def test_facts_of_pal(facility, pixels):
    facts = open_frames(facility("pal", pixels.astype(np.uint16))).facts
    assert (facts.distance, facts.no_data) == (110.0, (65535.0,))


def test_facts_of_swissfel(facility, pixels):
    path = facility("swissfel", pixels.astype(np.uint16))
    frames = open_frames(path)
    assert "not calibrated" in frames.facts.note
    assert frames[3:].sources[0].identifier == "1003"
    with pytest.raises(InputError, match="no mask"):
        read_mask(path)
    path.unlink()
    path = facility("swissfel-corrected")
    assert open_frames(path).facts.note == ""
    path.unlink()
    path = facility("swissfel", np.ones((2, 6, 5), np.float32))  # corrected by others
    assert open_frames(path).facts.note == ""
    path.unlink()
    path = facility("swissfel-corrected")
    assert (read_mask(path).sum(), read_mask(path)[4, 4]) == (29, False)


def test_modules_of_jungfrau(facility):
    path = facility("swissfel", np.zeros((1, 1024, 1024), np.uint16))
    assert open_frames(path).facts.modules == (2, 512)


@pytest.mark.parametrize(
    ("shape", "modules"),
    [
        ((8192, 128), (16, 512)),
        ((4096, 256), (16, 256)),
        ((2048, 512), (16, 128)),
        ((4096, 128), (8, 512)),
        ((5632, 384), (16, 352)),
        ((8192, 129), None),
    ],
)
@pytest.mark.parametrize("name", ["entry/data/data", "entry_1/data_1/data", "npy"])
def test_known_shapes_are_stacked_modules(tmp_path, shape, modules, name):
    path = tmp_path / "run"
    if name == "npy":
        with open(path, "wb") as file:
            np.save(file, np.zeros((1, *shape), np.uint8))
    else:
        with h5py.File(path, "w") as file:
            file.create_dataset(name, data=np.zeros((1, *shape), np.uint8), compression=1)
    assert open_frames(path).facts.modules == modules


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


@pytest.mark.parametrize("name", ["nxmx-links", "nxmx-virtual"])
def test_a_master_that_says_more_frames_than_there_are(facility, name):
    path = facility(name)
    assert open_frames(path).facts.note == ""
    with h5py.File(path, "r+") as file:
        file["entry/instrument/detector/detectorSpecific/ntrigger"][...] = 2
    assert open_frames(path).facts.note == "the master says 14 frames, 7 are there"


def test_facts_of_single_events(facility):
    frames = open_frames(facility("cxi-events"))
    assert frames[6:].sources[0].identifier == "shot 7"
    known = frames[[0, 6]].metadata
    np.testing.assert_allclose(known["distance"], 100.0)
    np.testing.assert_allclose(known["wavelength"], 12398.419843320026 / np.array([9001, 9007.0]))


def test_facts_of_a_lambda(facility):
    facts = open_frames(facility("lambda")).facts
    assert (facts.saturation, facts.pixel_size) == (4095.0, 0.055)
    assert facts.wavelength == pytest.approx(12398.419843320026 / 12000)


def test_facts_of_lima(facility, pixels):
    assert open_frames(facility("lima", pixels.astype(np.uint16))).facts.no_data[0] == 65535


def test_facts_of_cxi(tmp_path):
    path = tmp_path / "run.cxi"
    with h5py.File(path, "w") as file:
        file["cxi_version"] = 160
        detector = file.create_group("entry_1/instrument_1/detector_1")
        detector["data"] = np.ones((2, 6, 5), np.int32)
        detector["corner_position"] = np.array([-2e-3, -3e-3, 0.1])
        detector["basis_vectors"] = np.array([[0, 1e-3, 0], [1e-3, 0, 0]])
        detector["x_pixel_size"] = detector["y_pixel_size"] = 1e-3
        file["entry_1/instrument_1/source_1/wavelength"] = 1.3e-10
    facts = open_frames(path).facts
    assert facts.beam_center == pytest.approx((2.5, 1.5))
    assert facts.pixel_size == pytest.approx(1.0)
    assert facts.wavelength == pytest.approx(1.3)  # CXI has metres


def test_real_facts(shared_data):
    facts = open_frames(shared_data / "real" / "rayonix_mfx.h5").facts
    assert facts.beam_center == pytest.approx((959.88, 959.17), abs=0.01)
    assert (facts.saturation, facts.lowest) == (65535.0, None)
    cspad = open_frames(shared_data / "real" / "thermolysin_cspad.cxi").facts
    assert cspad.modules == (8, 185)
    ptychography = open_frames(shared_data / "real" / "native" / "p25_ptychography.cxi")
    assert ptychography.shape == (200, 100, 100)
    assert ptychography.facts.wavelength == pytest.approx(0.9795, abs=1e-4)
    parts = shared_data / "real" / "native" / "lambda_blanks_m2_part0000?.nxs"
    run = open_frames(str(parts))
    assert run.shape == (50, 516, 1554)
    assert run[10:].sources[0].path.endswith("part00001.nxs")
    assert run.facts.pixel_size == 0.055
    pilatus = open_frames(shared_data / "real" / "native" / "dls_pilatus100k.nxs")
    assert pilatus.shape == (10, 195, 487)
    assert pilatus.facts.wavelength == pytest.approx(1.0, abs=1e-5)


# -- Masks ----------------------------------------------------------------------------------------


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


# -- Opening --------------------------------------------------------------------------------------


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


def test_frames_of_a_detector_that_lost_packets_are_not_whole(facility, refused, pixels):
    path = facility("swissfel")
    with h5py.File(path, "r+") as file:
        file["data/JF07T32V01/is_good_frame"][2:4] = 0
    refused(path, "2 of 7 frames", "is_good_frame", "number 2")
    frames = open_frames(path, missing="nan")
    assert np.isnan(np.asarray(frames)).any(axis=(1, 2)).tolist() == [
        *(False, False, True, True),
        *(False, False, False),
    ]


def test_a_name_that_cannot_be_read_is_told_of(facility, monkeypatch, sentence):
    frames = open_frames(facility("cxi-events"))

    def damaged(*_):
        raise OSError("bad heap index")

    monkeypatch.setattr("sklearn_sfx.frames.hdf5._shots.read_field", damaged)
    with pytest.raises(InputError) as error:
        _ = frames.metadata
    sentence(error, "run.h5", "entry_", "bad heap index")
