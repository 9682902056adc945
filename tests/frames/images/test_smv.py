"""SMV of ADSC, and d*TREK: byte orders, types, and which beam centres are believed."""

import numpy as np
import pytest

from sklearn_sfx import open_frames

VALUES = np.arange(12).reshape(3, 4)


@pytest.fixture
def smv(tmp_path):
    """Return a function that writes a file with some lines in its header."""

    def write(values, *lines, header_bytes=512, tail=b""):
        height, width = values.shape
        lines = [
            f"HEADER_BYTES={header_bytes:5d}",
            "DIM=2",
            f"SIZE1={width}",
            f"SIZE2={height}",
            *lines,
        ]
        header = "{\n" + "".join(f"{line};\n" for line in lines) + "}\n\f\n"
        path = tmp_path / "image.img"
        path.write_bytes(header.encode().ljust(header_bytes) + values.tobytes() + tail)
        return path

    return write


@pytest.mark.parametrize(
    ("kind", "dtype"),
    [
        ("TYPE=unsigned_short", "u2"),
        ("TYPE=unsigned_long", "u4"),
        ("TYPE=signed_long", "i4"),
        ("TYPE=float", "f4"),
        ("Data_type=unsigned short int", "u2"),
        ("Data_type=long int", "i4"),
        ("Data_type=float IEEE", "f4"),
        ("Data_type=unsigned char", "u1"),
    ],
)
@pytest.mark.parametrize("order", ["little_endian", "big_endian"])
def test_types_and_byte_orders(smv, kind, dtype, order):
    values = VALUES.astype({"little_endian": "<", "big_endian": ">"}[order] + dtype)
    frames = open_frames(smv(values, kind, f"BYTE_ORDER={order}", header_bytes=1024))
    assert frames.dtype == dtype
    np.testing.assert_array_equal(frames[0], VALUES)


def test_the_header_of_adsc_is_read(smv):
    lines = ["TYPE=unsigned_short", "PIXEL_SIZE=0.1024", "DISTANCE=250.0", "WAVELENGTH=0.9795"]
    lines += ["CCD_IMAGE_SATURATION=65535", "DATE=Tue Jun 26 09:43:09 2007", "TIME=0.5"]
    frames = open_frames(
        smv(VALUES.astype("<u2"), *lines, "BEAM_CENTER_X=1.0", "BEAM_CENTER_Y=2.0")
    )
    facts = frames.facts
    assert (facts.format, facts.pixel_size, facts.distance) == ("SMV", 0.1024, 250.0)
    assert (facts.wavelength, facts.saturation) == (0.9795, 65535.0)
    assert facts.beam_center is None  # beamlines differ in what these mean
    assert frames.metadata["timestamp"].tolist() == ["Tue Jun 26 09:43:09 2007"]


def test_the_header_of_dtrek_is_read(smv):
    lines = ["Data_type=unsigned short int", "DETECTOR_NAMES=CCD_", "SATURATED_VALUE=60000"]
    lines += ["CCD_SPATIAL_DISTORTION_INFO=511.5 498.25 0.0684 0.0684"]
    facts = open_frames(smv(VALUES.astype("<u2"), *lines)).facts
    assert facts.beam_center == (498.25, 511.5)
    assert (facts.pixel_size, facts.saturation) == (0.0684, 60000.0)


def test_more_or_fewer_pixels_than_the_header_says_are_refused(smv, refused):
    path = smv(VALUES.astype("<u2"), "TYPE=unsigned_short", tail=b"more")
    refused(path, path, "540 bytes", "536")
    path = smv(VALUES.astype("<u2")[:2], "TYPE=unsigned_short", "SIZE2=3")
    refused(path, path, "bytes")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("TYPE=complex", "complex"),
        ("COMPRESSION=RAXIS", "RAXIS"),
        ("SIZE1=-4", "bytes"),
        ("SIZE1=four", "four"),
        ("DIM=3", "3 dimensions"),
    ],
)
def test_what_cannot_be_read_is_said(smv, line, said, refused):
    path = smv(VALUES.astype("<u2"), line)
    refused(path, path, "SMV", said)


def test_a_real_file(shared_data):
    import fabio

    path = shared_data / "real" / "native" / "timepix.img"
    frames = open_frames(path)
    np.testing.assert_array_equal(frames[0], fabio.open(str(path)).data)
    facts = frames.facts
    assert (facts.pixel_size, facts.distance, facts.wavelength) == (0.055, 531.85, 0.0251)
    assert facts.beam_center is None  # 246.14 x 240.35, in pixels here
