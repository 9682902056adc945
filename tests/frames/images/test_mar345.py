"""mar345: packed pixels, those of more than 16 bits, byte orders."""

import struct
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.damage.cases import CASES
from sklearn_sfx import open_frames
from sklearn_sfx.exceptions import UnreadableFrame
from sklearn_sfx.frames.images._pck import unpack


@pytest.fixture
def plate(tmp_path):
    path = tmp_path / "plate.mar2300"
    return path, CASES["mar345"].write(path)[0]


def test_the_header_is_read(plate):
    path, values = plate
    data = bytearray(path.read_bytes())
    struct.pack_into("<2i", data, 32, 939500, 120_000)
    path.write_bytes(data)
    frames = open_frames(path)
    assert frames.dtype == np.uint32
    assert frames[0].max() == values.max() == 90000
    facts = frames.facts
    assert (facts.format, facts.compression) == ("mar345", "packed")
    assert facts.wavelength == pytest.approx(0.9395)
    assert facts.distance == 120.0


def test_of_the_other_byte_order(plate):
    path, values = plate
    data = bytearray(path.read_bytes())
    data[:64] = np.frombuffer(data[:64], "<i4").astype(">i4").tobytes()
    (n_high,) = struct.unpack_from(">i", data, 8)
    end = 4096 + 8 * n_high
    data[4096:end] = np.frombuffer(data[4096:end], "<i4").astype(">i4").tobytes()
    path.write_bytes(data)
    np.testing.assert_array_equal(open_frames(path)[0], values)


def test_pixels_of_16_bits_are_packed_with_a_sign():
    from fabio.compression import compPCK

    values = np.arange(4096, dtype=np.int32).reshape(64, 64) * 16
    np.testing.assert_array_equal(unpack(compPCK(values), 0, (64, 64)), values)


@given(st.integers(2, 40), st.integers(2, 40), st.integers(1, 20000), st.integers(0, 2**32 - 1))
def test_what_is_packed_is_unpacked(height, width, most, seed):
    from fabio.compression import compPCK

    values = np.random.default_rng(seed).integers(0, most, (height, width)).astype(np.int32)
    np.testing.assert_array_equal(unpack(compPCK(values), 0, (height, width)), values)


@given(st.binary(max_size=200), st.sampled_from([b"", b" V2"]))
def test_any_bytes_are_unpacked_or_refused(data, version):
    line = b"\nCCP4 packed image" + version + b", X: 0016, Y: 0016\n"
    with suppress(ValueError):
        assert unpack(line + data, 0, (16, 16)).shape == (16, 16)


@pytest.mark.parametrize(
    ("place", "number", "said"),
    [
        (4, 0, "not known"),  # the side, by which the format is told
        (4, 2**30, "not known"),
        (8, -1, "truncated"),
        (8, 2**30, "truncated"),
        (12, 2, "kind 2"),
        (20, 64 * 4097, "no image plate"),
    ],
)
def test_impossible_headers_are_refused(plate, place, number, said, refused):
    path, _ = plate
    data = bytearray(path.read_bytes())
    struct.pack_into("<i", data, place, number)
    path.write_bytes(data)
    refused(path, path, said)


def test_a_list_of_high_pixels_that_moved_is_not_read(plate):
    path, _ = plate
    data = path.read_bytes()
    path.write_bytes(data[:3000] + data[3001:])
    with pytest.raises(UnreadableFrame, match="packed image"):
        open_frames(path)[0]
