"""What files say of all their frames and of each: beam, detector, values."""

from functools import partial

import h5py
import numpy as np
import pytest

import sklearn_sfx
from sklearn_sfx import InputError, read_mask

# The numbers as they are; masks have tests of their own.
open_frames = partial(sklearn_sfx.open_frames, mask=False)


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


@pytest.mark.parametrize(
    ("description", "lowest"),
    [("Dectris PILATUS3 2M", 0.0), ("Eiger 16M", 0.0), ("JUNGFRAU 4M", None), (None, None)],
)
def test_numbers_below_0_are_no_counts_of_a_detector_that_counts(
    facility, pixels, description, lowest
):
    """Those of an integrating detector are, once its pedestal is taken off."""
    path = facility("nxmx-virtual", pixels.astype(np.int32))
    if description is not None:
        with h5py.File(path, "r+") as file:
            file["entry/instrument/detector/description"] = description
    assert open_frames(path).facts.lowest == lowest
    counts = facility("nxmx-links", pixels.astype(np.uint32))
    with h5py.File(counts, "r+") as file:
        file["entry/instrument/detector/description"] = "Eiger 16M"
    assert open_frames(counts).facts.lowest is None  # no number of that type is below 0


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


def test_what_another_detector_says_is_not_taken(facility):
    path = facility("lambda")
    with h5py.File(path, "r+") as file:
        file["entry/instrument/detector/distance"] = 0.1
        other = file.create_group("entry/instrument/detector_2")
        other.attrs["NX_class"] = "NXdetector"
        other["detector_distance"] = 0.7
    assert open_frames(path).facts.distance == pytest.approx(100.0)


def test_every_note_is_said(write):
    path = write("psocake")
    with h5py.File(path, "r+") as file:
        file["entry_1/data_1/data"].attrs["numEvents"] = 9
        file["entry_1/instrument_1/detector_1/distance"].attrs["units"] = "furlong"
    note = open_frames(path).facts.note
    assert "distance is left out" in note
    assert note.endswith("; the file says 9 frames, 7 are there")


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
