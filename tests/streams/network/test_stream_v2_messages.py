"""Messages of DECTRIS Stream V2 are read as an independent decoder reads them, or are refused."""

import random
import struct
import tracemalloc

import numpy as np
import pytest

from sklearn_sfx.frames import decoded_bytes
from tests.streams.network import stream_v2

cbor2 = pytest.importorskip("cbor2")

from sklearn_sfx.streams.network._dectris_message import (  # noqa: E402
    End,
    Image,
    Start,
    decode_message,
)
from sklearn_sfx.streams.network._malformed import Malformed  # noqa: E402

DTYPES = ["uint8", "uint16", "uint32"]
ALGORITHMS = [None, "lz4", "bslz4"]


def some_pixels(dtype, shape=(37, 53)):
    rng = np.random.default_rng(0)
    pixels = rng.poisson(3, shape)
    pixels[5:8, 10:13] = 200
    pixels[0, 0] = np.iinfo(dtype).max
    return pixels.astype(dtype)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_pixels_come_back(dtype, algorithm):
    pixels = some_pixels(dtype)
    message = stream_v2.image(pixels, 12, algorithm=algorithm)
    read, channel, compression = decode_message(message).pixels(None)
    assert read.dtype == pixels.dtype
    np.testing.assert_array_equal(read, pixels)
    assert (channel, compression) == ("threshold_1", algorithm or "")
    independent = stream_v2.item(message)[0]["data"]["threshold_1"]
    np.testing.assert_array_equal(stream_v2.pixels_of(independent), pixels)


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (3, 5), (256, 256), (512, 1030)])
@pytest.mark.parametrize("algorithm", ["lz4", "bslz4"])
def test_frames_of_any_size_come_back(shape, algorithm):
    pixels = np.random.default_rng(1).integers(0, 2**16, shape).astype(np.uint16)
    read, _, _ = decode_message(stream_v2.image(pixels, 0, algorithm=algorithm)).pixels(None)
    np.testing.assert_array_equal(read, pixels)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_vendors_library_reads_the_same(dtype):
    vendor = pytest.importorskip("dectris.compression", reason="dectris-compression is not here")
    pixels = some_pixels(dtype)
    for algorithm, size in (("lz4", 0), ("bslz4", pixels.dtype.itemsize)):
        coded = stream_v2.compressed(pixels, algorithm)
        theirs = vendor.decompress(coded, algorithm, elem_size=size)
        assert theirs == decoded_bytes(coded, algorithm, size, pixels.nbytes).tobytes()
        for mutant in mutants(coded, 300, seed=size):
            try:
                read = decoded_bytes(mutant, algorithm, size, pixels.nbytes)
            except (OSError, EOFError):
                continue
            assert read.tobytes() == vendor.decompress(mutant, algorithm, elem_size=size)


def test_bytes_may_be_shuffled_in_other_sizes():
    pixels = some_pixels("uint16", (8, 16))
    coded = stream_v2.compressed(pixels.view(np.uint8), "bslz4")
    message = stream_v2.image(pixels, 0)
    held = cbor2.CBORTag(56500, ["bslz4", 1, coded])
    tag = cbor2.CBORTag(40, [[8, 16], cbor2.CBORTag(69, held)])
    message = cbor2.dumps(cbor2.loads(message) | {"data": {"one": tag}})
    np.testing.assert_array_equal(decode_message(message).pixels("one")[0], pixels)


def test_a_start_says_what_is_known():
    pixels = some_pixels("uint16")
    mask = np.zeros(pixels.shape, np.uint32)
    mask[3, 4] = 2
    said = decode_message(stream_v2.start(pixels, mask=mask))
    assert isinstance(said, Start)
    assert (said.series, said.shape, said.dtype) == (7, (37, 53), np.dtype("uint16"))
    assert (said.beam_center, said.wavelength, said.distance) == ((30.5, 20.5), 1.25, 0.125)
    assert (said.n_images, said.pixel_size, said.saturation) == (10, 7.5e-5, 50000)
    np.testing.assert_array_equal(said.mask("threshold_1"), mask == 0)
    assert said.mask("another") is None
    assert decode_message(stream_v2.end(9)) == End(9, "unique 9")


def test_a_start_may_say_little():
    little = {"type": "start", "series_id": 1, "image_dtype": "uint8"}
    little |= {"image_size_x": 3, "image_size_y": 2, "beam_center_x": float("nan")}
    said = decode_message(cbor2.dumps(little))
    assert (said.shape, said.beam_center, said.wavelength, said.n_images) == (
        (2, 3),
        None,
        None,
        None,
    )


def test_an_image_tells_its_time():
    said = decode_message(stream_v2.image(some_pixels("uint8"), 50000))
    assert isinstance(said, Image)
    assert said.timestamp == 1767323045 + 1.0


HUGE = struct.pack(">Q", 2**40)
REFUSED = {
    "nothing": b"",
    "a number": cbor2.dumps(3),
    "another type": cbor2.dumps({"type": "other"}),
    "no series": cbor2.dumps({"type": "end"}),
    "a string of 2^40 bytes": b"\x5b" + HUGE + b"abc",
    "an array of 2^40 items": b"\x9b" + HUGE + b"\x01",
    "a map of 2^40 items": b"\xbb" + HUGE + b"\x01",
    "100000 levels": b"\x81" * 100000 + b"\x01",
    "an end alone": b"\xff",
    "a list within itself": b"\xd8\x1c\x81\xd8\x1d\x00",
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_message_is_refused(name):
    with pytest.raises(Malformed):
        decode_message(REFUSED[name])


def claims(side, itemsize, length):
    coded = struct.pack(">QI", length, 8192) + bytes(40)
    held = cbor2.CBORTag(56500, ["bslz4", itemsize, coded])
    return cbor2.CBORTag(40, [[side, side], cbor2.CBORTag(70, held)])


@pytest.mark.parametrize(
    "tag",
    [
        claims(2**20, 4, 2**42),
        claims(2**19, 4, 2**40),
        claims(2**62, 4, 2**63),
        claims(0, 4, 0),
        claims(-1, 4, 4),
        claims(10**5000, 4, 4),
        claims(8, 3, 256),
        claims(8, 2**40, 256),
        cbor2.CBORTag(40, [[2**20, 2**20], cbor2.CBORTag(70, b"abcd")]),
        cbor2.CBORTag(40, [[2, 2], cbor2.CBORTag(85, bytes(16))]),
        cbor2.CBORTag(40, [[4], cbor2.CBORTag(64, bytes(4))]),
        cbor2.CBORTag(40, 3),
        cbor2.CBORTag(41, [[2, 2], cbor2.CBORTag(64, bytes(4))]),
        "pixels",
    ],
)
def test_arrays_that_cannot_be_are_refused_without_memory(tag):
    whole = cbor2.loads(stream_v2.image(some_pixels("uint8", (8, 8)), 0))
    message = cbor2.dumps(whole | {"data": {"threshold_1": tag}})
    tracemalloc.start()
    with pytest.raises(Malformed):
        decode_message(message).pixels(None)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**20


def mutants(message, n, seed):
    """Yield a message changed here and there: bytes, bits, pieces cut out or put twice."""
    rng = random.Random(seed)
    for _ in range(n):
        data = bytearray(message)
        for _ in range(rng.choice((1, 1, 1, 2, 5))):
            where = rng.randrange(min(len(data), rng.choice((60, 400, len(data)))))
            kind = rng.randrange(5)
            if kind == 0:
                data[where] ^= 1 << rng.randrange(8)
            elif kind == 1:
                data[where] = rng.choice((0, 0x1B, 0x5B, 0x7F, 0x9B, 0xBB, 0xD8, 0xFB, 0xFF))
            elif kind == 2:
                del data[where:]
            elif kind == 3:
                del data[where : where + rng.randrange(1, 9)]
            else:
                data[where:where] = data[where : where + rng.randrange(1, 40)]
            if not data:
                break
        yield bytes(data)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_mutants_are_refused_or_read_as_the_independent_decoder_reads_them(algorithm):
    """1500 in all; what is refused may be any, what is read has to be just what the bytes say."""
    message = stream_v2.image(some_pixels("uint16", (24, 40)), 3, algorithm=algorithm)
    n_read = 0
    for mutant in mutants(message, 500, seed=len(message)):
        try:
            said = decode_message(mutant)
            pixels = said.pixels(None)[0] if isinstance(said, Image) else None
        except Malformed:
            continue
        n_read += 1
        independent, _ = stream_v2.item(mutant)
        assert (said.series, said.unique) == (
            independent["series_id"],
            independent.get("series_unique_id", ""),
        )
        if isinstance(said, Image):
            assert said.number == independent["image_id"]
            first = next(iter(independent["data"].values()))
            np.testing.assert_array_equal(pixels, stream_v2.pixels_of(first))
    assert 20 < n_read < 400
