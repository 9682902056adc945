"""EDF: several images a file, kinds of numbers, compressed blocks, a general block."""

import zlib

import numpy as np
import pytest

from sklearn_sfx import open_frames


def block(values, *, keys="", kind=None, data=None, order="LowByteFirst"):
    """Return one image with its header."""
    kind = (
        kind
        or {"u2": "UnsignedShort", "i4": "SignedInteger", "f4": "FloatValue"}[values.dtype.str[1:]]
    )
    data = values.tobytes() if data is None else data
    text = f"HeaderID = EH:000001:000000:000000 ;\nByteOrder = {order} ;\nDataType = {kind} ;\n"
    text += (
        f"Dim_1 = {values.shape[1]} ;\nDim_2 = {values.shape[0]} ;\nSize = {len(data)} ;\n{keys}"
    )
    header = ("{\n" + text).encode()
    return header.ljust(-(-(len(header) + 2) // 512) * 512 - 2) + b"}\n" + data


@pytest.fixture
def edf(tmp_path):
    def write(*blocks):
        path = tmp_path / "image.edf"
        path.write_bytes(b"".join(blocks))
        return path

    return write


@pytest.fixture
def values():
    return np.random.default_rng(0).poisson(9, (3, 7, 5)).astype("<u2")


def test_several_images_are_a_run(edf, values):
    frames = open_frames(edf(*map(block, values)))
    assert (frames.shape, frames.dtype) == ((3, 7, 5), np.uint16)
    np.testing.assert_array_equal(np.asarray(frames[[2, 0]]), values[[2, 0]])
    assert [source.event for source in frames.sources] == ["//0", "//1", "//2"]


def test_what_follows_the_last_image_may_be_blank(edf, values):
    np.testing.assert_array_equal(open_frames(edf(block(values[0]), b"\0" * 300))[0], values[0])


def test_byte_order(edf, values):
    frames = open_frames(edf(block(values[0].astype(">u2"), order="HighByteFirst")))
    np.testing.assert_array_equal(frames[0], values[0])


def test_compressed_pixels(edf, values):
    data = zlib.compress(values[1].tobytes())
    frames = open_frames(edf(block(values[1], data=data, keys="Compression = ZCompression ;\n")))
    np.testing.assert_array_equal(frames[0], values[1])


def test_a_general_block_holds_for_all_images(edf, values):
    text = b"{\nEDF_DataFormatVersion = 2.40 ;\nEDF_HeaderSize = 512 ;\nEDF_BinarySize = 0 ;\n"
    text += b"SampleDistance = 0.2 ;\nPSize_1 = 5e-05 ;\n"
    general = text.ljust(510) + b"}\n"
    frames = open_frames(edf(general, *map(block, values)))
    np.testing.assert_array_equal(np.asarray(frames), values)
    assert (frames.facts.distance, frames.facts.pixel_size) == (200.0, 0.05)


def test_the_words_of_the_beamlines(edf, values):
    keys = (
        "PSize_1 = 0.0001 ;\nPSize_2 = 0.0001 ;\nSampleDistance = 0.25 ;\nWaveLength = 1.0e-10 ;\n"
    )
    keys += "Center_1 = 12.5 ;\nCenter_2 = 7.5 ;\nTime_of_day = 2011-02-03 ;\n"
    frames = open_frames(edf(*(block(value, keys=keys) for value in values)))
    facts = frames.facts
    assert facts.beam_center == (7.0, 12.0)
    assert facts.pixel_size == pytest.approx(0.1)
    assert (facts.distance, facts.wavelength) == (250.0, pytest.approx(1.0))
    assert frames.metadata["timestamp"].tolist() == ["2011-02-03"] * 3
    other = keys.replace("0.25", "250")  # in mm, perhaps, or 250 m
    assert (
        open_frames(edf(block(values[0], keys=keys), block(values[1], keys=other))).facts.distance
        is None
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda parts: [parts[0], parts[1][:-1]], "truncated"),
        (lambda parts: [parts[0][:-10], parts[1]], "no header"),
        (lambda parts: [parts[0], parts[1].replace(b"Dim_1 = 5", b"Dim_1 = 1")], "one kind"),
        (lambda parts: [parts[0].replace(b"Dim_1 = 5", b"Dim_1 = 9")], "70 of 126 bytes"),
        (lambda parts: [parts[0].replace(b"UnsignedShort", b"UnsignedThing")], "unsignedthing"),
        (lambda parts: [parts[0].replace(b"Dim_2", b"Dim_7")], "dim_2"),
        (lambda parts: [parts[0].replace(b"HeaderID", b"EDF_BinaryFileName")], "another file"),
        (lambda parts: [*parts, b"and something else"], "no header"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(edf, values, change, said, refused):
    path = edf(*change([block(value) for value in values[:2]]))
    refused(path, path, "EDF", said)
