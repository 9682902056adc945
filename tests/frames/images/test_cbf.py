"""CBF: the header that DECTRIS detectors write, checksums, and pixels that are not there."""

import re

import numpy as np
import pytest

from benchmarks.damage.cases import DECTRIS
from sklearn_sfx import InputError, open_frames
from sklearn_sfx.exceptions import UnreadableFrame


def test_the_header_is_read(cbf_with):
    frames = open_frames(cbf_with(*DECTRIS.replace("# ", "").split("\r\n")))
    facts = frames.facts
    assert (facts.format, facts.compression) == ("CBF", "byte offset")
    assert facts.beam_center == (31.0, 30.0)
    assert facts.pixel_size == 0.172
    assert facts.distance == 160.0
    assert facts.wavelength == 0.6889
    assert facts.saturation == 388705.0
    assert facts.no_data == (-1.0, -2.0)
    assert facts.lowest == 0.0
    assert facts.note == ""
    assert frames.metadata["timestamp"].tolist() == ["2016-03-05T09:01:45.613"]
    assert frames.metadata["distance"].tolist() == [160.0]


def test_the_beam_of_a_detector_that_is_turned_is_not_said(cbf_with):
    lines = ["Beam_xy (30.00, 31.00) pixels", "Detector_2theta 30.0000 deg."]
    facts = open_frames(cbf_with(*lines)).facts
    assert facts.beam_center is None
    assert "turned by 30.0000 degrees" in facts.note
    lines[1] = "Detector_2theta 0.0000 deg."
    assert open_frames(cbf_with(*lines)).facts.beam_center == (31.0, 30.0)


@pytest.mark.parametrize(
    ("line", "name", "value"),
    [
        ("Detector_distance 160.0 mm", "distance", 160.0),
        ("Detector_distance 160.0 inch", "distance", None),
        ("Detector_distance 0.0 m", "distance", None),
        ("Wavelength 0.0 A", "wavelength", None),
        ("Wavelength 1.1 nm", "wavelength", None),
        ("Pixel_size 75e-6 m x 75e-6 m", "pixel_size", 0.075),
        ("Beam_xy (0.0, 0.0) pixels", "beam_center", None),
        ("Beam_xy = (12.5, -3.5) pixels", "beam_center", (-3.5, 12.5)),
        ("Count_cutoff not set", "saturation", None),
    ],
)
def test_units_are_taken_or_nothing_is_said(cbf_with, line, name, value):
    assert getattr(open_frames(cbf_with("Detector: EIGER 1M", line)).facts, name) == value


def test_without_that_header_nothing_is_said_of_values_below_zero(cbf_with):
    facts = open_frames(cbf_with(values=np.full((3, 4), -5, np.int32))).facts
    assert facts.no_data == ()
    assert facts.lowest is None


@pytest.mark.parametrize("dtype", ["i1", "i2", "i4", "i8", "u1", "u2", "u4"])
def test_integers_of_all_sizes(cbf_with, dtype):
    bounds = np.iinfo(dtype)
    values = np.array([[0, 1, 100], [bounds.max, 3, max(bounds.min, -100)]], dtype)
    frames = open_frames(cbf_with(values=values))
    assert frames.dtype == dtype
    np.testing.assert_array_equal(frames[0], values)


def test_a_flipped_bit_of_the_pixels_is_found(cbf_with):
    values = np.random.default_rng(0).poisson(20, (40, 50)).astype(np.int32)
    path = cbf_with(values=values)
    data = bytearray(path.read_bytes())
    data[-500] ^= 4
    path.write_bytes(data)
    with pytest.raises(UnreadableFrame, match="MD5"):
        open_frames(path)[0]


def test_an_empty_field_of_the_header_takes_nothing_from_the_next(cbf_with):
    values = np.random.default_rng(0).poisson(20, (40, 50)).astype(np.int32)
    path = cbf_with(values=values)
    data = re.sub(rb"Content-MD5: \S+", b"Content-MD5: ", path.read_bytes())
    path.write_bytes(data.replace(b"X-Binary-Size-Second", b"X-Nothing:\r\nX-Binary-Size-Second"))
    np.testing.assert_array_equal(open_frames(path)[0], values)


def test_pixels_that_end_early_are_found_without_a_checksum(cbf_with):
    values = np.random.default_rng(0).poisson(20, (40, 50)).astype(np.int32)
    path = cbf_with(values=values)
    data = path.read_bytes().replace(b"Content-MD5", b"Content-XXX")
    path.write_bytes(data)
    np.testing.assert_array_equal(open_frames(path)[0], values)
    path.write_bytes(data[: len(data) - 100])
    with pytest.raises(UnreadableFrame, match="ends after"):
        open_frames(path)[0]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            b"x-CBF_BYTE_OFFSET",
            b"x-CBF_PACKED",
            "x-CBF_PACKED, which fabio cannot read: rewrite it",
        ),
        (b"Fastest-Dimension: 4", b"Fastest-Dimension: 400000", "cannot lie in"),
        (b"Second-Dimension: 3", b"Second-Dimension: 0", "and 12 pixels"),
        (b"Fastest-Dimension: 4", b"Fastest-Dimension: 2", "3 x 2 and 12 pixels"),
        (b"X-Binary-Size-Second", b"X-Nothing-Size-Second", "X-Binary-Size-Second-Dimension"),
        (b"\x0c\x1a\x04\xd5", b"\x0c\x1a\x04\xd6", "no pixels"),
    ],
)
def test_what_the_header_says_wrongly_is_said(cbf_with, old, new, said, refused):
    path = cbf_with()
    data = path.read_bytes()
    assert old in data
    path.write_bytes(data.replace(old, new))
    refused(path, path, "CBF", said)


@pytest.mark.parametrize("side", [30, 300])
def test_several_images_in_a_file_are_not_taken_for_one(cbf_with, refused, side):
    values = np.random.default_rng(0).integers(0, 100, (side, side)).astype(np.int32)
    path = cbf_with(values=values)
    path.write_bytes(path.read_bytes() + bytes(100_000))  # which is no other image
    np.testing.assert_array_equal(open_frames(path)[0], values)
    path.write_bytes(path.read_bytes() * 2)
    refused(path, path, "more than one image", "write one a file")


@pytest.mark.parametrize(
    ("name", "shape"), [("pilatus2m", (1679, 1475)), ("pilatus300k", (619, 487))]
)
def test_real_files(shared_data, name, shape):
    import fabio

    path = shared_data / "real" / "native" / f"{name}.cbf"
    frames = open_frames(path)
    assert frames.shape == (1, *shape)
    np.testing.assert_array_equal(frames[0], fabio.open(str(path)).data)
    assert frames.facts.pixel_size == 0.172
    assert frames.facts.beam_center is None  # turned by 30 and by 20 degrees


def test_no_file_is_no_run(tmp_path):
    path = tmp_path / "gone.cbf"
    with pytest.raises(InputError, match="no file"):
        open_frames(path)
