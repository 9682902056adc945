"""TIFF of one page and several, compressed and not, and what detectors write into it."""

import io
import struct

import numpy as np
import pytest
from PIL import Image

from benchmarks.damage.cases import DECTRIS
from sklearn_sfx import open_frames
from sklearn_sfx.exceptions import UnreadableFrame

ENTRY = {"<": "<HHI4s", ">": ">HHI4s"}


def write_tiff(path, values, *, order="<", strips=1, tile=None, big=False, tags=()):
    """Write one page by hand, so that every kind of number and of block can be had."""
    values = np.asarray(values).astype(values.dtype.newbyteorder(order))
    height, width = values.shape
    rows = -(-height // strips)
    if tile is None:
        blocks = [values[top : top + rows] for top in range(0, height, rows)]
    else:
        tops, lefts = range(0, height, tile[0]), range(0, width, tile[1])
        whole = np.zeros((len(tops) * tile[0], len(lefts) * tile[1]), values.dtype)
        whole[:height, :width] = values
        blocks = [whole[t : t + tile[0], left : left + tile[1]] for t in tops for left in lefts]
    data = [np.ascontiguousarray(block).tobytes() for block in blocks]
    start = 16
    offsets = [start + sum(map(len, data[:i])) for i in range(len(data))]
    kind = {"u": 1, "i": 2, "f": 3}[values.dtype.kind]
    numbers = {256: [width], 257: [height], 258: [8 * values.dtype.itemsize], 259: [1], 262: [1]}
    numbers |= {277: [1], 339: [kind]}
    lengths = [len(part) for part in data]
    if tile is None:
        numbers |= {273: offsets, 278: [rows], 279: lengths}
    else:
        numbers |= {322: [tile[1]], 323: [tile[0]], 324: offsets, 325: lengths}
    numbers |= dict(tags)
    body = b"".join(data)
    long, wide = (order + "Q", 8) if big else (order + "I", 4)
    entries, places = [], start + len(body)
    for tag, value in sorted(numbers.items()):
        payload = (
            value if isinstance(value, bytes) else struct.pack(f"{order}{len(value)}I", *value)
        )
        count = len(value)
        if len(payload) > wide:
            body += payload
            payload, places = struct.pack(long, places), places + len(payload)
        header = struct.pack(
            order + ("HHQ" if big else "HHI"), tag, 2 if isinstance(value, bytes) else 4, count
        )
        entries.append(header + payload.ljust(wide, b"\0"))
    directory = (
        struct.pack(order + ("Q" if big else "H"), len(entries))
        + b"".join(entries)
        + struct.pack(long, 0)
    )
    mark = b"II" if order == "<" else b"MM"
    head = mark + (
        struct.pack(order + "HHHQ", 43, 8, 0, places)
        if big
        else struct.pack(order + "HI", 42, places)
    )
    path.write_bytes(head.ljust(start, b"\0") + body + directory)
    return path


@pytest.fixture
def path(tmp_path):
    return tmp_path / "image.tif"


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8"])
def test_every_kind_of_number(path, dtype, order):
    values = (np.arange(35).reshape(7, 5) * 7 - (dtype[0] != "u") * 100).astype(dtype)
    frames = open_frames(write_tiff(path, values, order=order))
    assert frames.dtype == dtype
    np.testing.assert_array_equal(frames[0], values)


@pytest.mark.parametrize(
    "options", [{"strips": 3}, {"tile": (4, 3)}, {"tile": (16, 16)}, {"big": True}]
)
def test_strips_tiles_and_large_files(path, options):
    values = np.arange(70, dtype=np.int32).reshape(10, 7)
    np.testing.assert_array_equal(open_frames(write_tiff(path, values, **options))[0], values)


def writes_zstd():
    """Tell whether the libtiff that Pillow came with has zstd, by the plainest image there is."""
    try:
        Image.new("L", (8, 8)).save(io.BytesIO(), "TIFF", compression="zstd")
    except OSError:
        return False
    return True


@pytest.mark.parametrize(
    "compression", [None, "tiff_lzw", "tiff_adobe_deflate", "packbits", "zstd"]
)
@pytest.mark.parametrize("dtype", ["u1", "u2", "i4", "f4"])
def test_compressed_pages(path, compression, dtype):
    values = np.random.default_rng(0).poisson(9, (3, 20, 30)).astype(dtype)
    first, *others = map(Image.fromarray, values)
    options = {} if compression is None else {"compression": compression}
    if compression == "zstd" and not writes_zstd():
        pytest.skip("needs a Pillow that writes zstd")
    first.save(path, "TIFF", save_all=True, append_images=others, **options)
    frames = open_frames(path)
    assert (frames.shape, frames.dtype) == (values.shape, dtype)
    np.testing.assert_array_equal(np.asarray(frames[[2, 0, 1]]), values[[2, 0, 1]])
    assert bool(frames.facts.compression) == (compression is not None)


def test_differences_that_are_compressed(path):
    values = np.random.default_rng(0).integers(0, 65535, (20, 30)).astype(np.uint16)
    options = {"compression": "tiff_adobe_deflate", "tiffinfo": {317: 2}}
    Image.fromarray(values).save(path, "TIFF", **options)
    np.testing.assert_array_equal(open_frames(path)[0], values)


def test_damage_behind_zlib_is_found(path):
    values = np.random.default_rng(0).poisson(9, (50, 60)).astype("u2")
    Image.fromarray(values).save(path, "TIFF", compression="tiff_adobe_deflate")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 16
    path.write_bytes(data)
    with pytest.raises(UnreadableFrame, match=str(path)):
        open_frames(path)[0]


def test_a_page_of_one_row_is_not_spread_over_the_frame(path, refused):
    values = np.arange(35, dtype=np.uint16).reshape(7, 5)
    write_tiff(path, values)
    data = bytearray(path.read_bytes())
    del data[16 + 10 :]  # one row is left, and the tags are gone
    path.write_bytes(data)
    refused(path, path, "TIFF")


@pytest.mark.parametrize(
    ("tags", "said"),
    [
        ({277: [3]}, "colour"),
        ({262: [3]}, "colour"),
        ({259: [7]}, "JPEG"),
        ({258: [12]}, "12 bits"),
        ({278: [2]}, "1 of 4 blocks"),
        ({273: [10**6]}, "truncated"),
        ({256: [10**6]}, "truncated"),
        ({266: [2]}, "reverse"),
    ],
)
def test_what_cannot_be_read_is_said(path, tags, said, refused):
    write_tiff(path, np.ones((7, 5), np.uint16), tags=tags)
    refused(path, path, said)


def test_pages_in_a_circle_end(path, refused):
    write_tiff(path, np.ones((7, 5), np.uint16))
    data = bytearray(path.read_bytes())
    data[-4:] = data[4:8]
    path.write_bytes(data)
    refused(path, path, "circle")


def test_the_header_of_dectris_is_read(path):
    write_tiff(path, np.ones((7, 5), np.int32), tags={270: DECTRIS.encode() + b"\0"})
    facts = open_frames(path).facts
    assert (facts.format, facts.beam_center, facts.distance) == ("TIFF", (31.0, 30.0), 160.0)
    assert (facts.lowest, facts.saturation) == (0.0, 388705.0)


def write_marccd(path, *, order="<", beam=(960.0, 970.0), pixel_nm=177000):
    write_tiff(path, np.arange(4_000_000, dtype=np.uint16).reshape(2000, 2000), order=order)
    fields = bytearray(3072)
    fields[4:7] = b"MMX"
    for place, value in {
        28: {"<": 1234, ">": 4321}[order],
        104: 65535,
        640: 250_000,
        644: int(1000 * beam[0]),
        648: int(1000 * beam[1]),
        772: pixel_nm,
        908: 97950,
    }.items():
        struct.pack_into(order + "i", fields, place, value)
    fields[1344:1359] = b"062610132007.30"
    # The header is where pixels would be, so they are moved behind it.
    data = bytearray(path.read_bytes())
    moved = data[:16] + bytes(1008) + fields + data[16:]
    shift = 1008 + 3072
    at = struct.unpack_from(order + "I", moved, 4)[0] + shift
    struct.pack_into(order + "I", moved, 4, at)
    (count,) = struct.unpack_from(order + "H", moved, at)
    for i in range(count):
        tag, _, n, value = struct.unpack_from(order + "HHII", moved, at + 2 + 12 * i)
        if tag == 273 or n > 1:
            struct.pack_into(order + "I", moved, at + 10 + 12 * i, value + shift)
    path.write_bytes(moved)
    return path


@pytest.mark.parametrize("order", ["<", ">"])
def test_marccd(path, order):
    frames = open_frames(write_marccd(path, order=order))
    np.testing.assert_array_equal(
        frames[0], np.arange(4_000_000, dtype=np.uint16).reshape(2000, 2000)
    )
    facts = frames.facts
    assert facts.format == "MarCCD"
    assert facts.beam_center == (970.0, 960.0)
    assert facts.pixel_size == pytest.approx(0.177)
    assert (facts.distance, facts.saturation) == (250.0, 65535.0)
    assert facts.wavelength == pytest.approx(0.9795)
    assert frames.metadata["timestamp"].tolist() == ["062610132007.30"]


@pytest.mark.parametrize("beam", [(170.0, 171.0), (0.0, 0.0), (5000.0, 960.0)])
def test_a_beam_of_unknown_unit_is_not_said(path, beam):
    assert open_frames(write_marccd(path, beam=beam)).facts.beam_center is None


def test_a_real_file(shared_data):
    import fabio

    path = shared_data / "real" / "native" / "ceo2_pilatus1m.tif"
    frames = open_frames(path)
    np.testing.assert_array_equal(frames[0], fabio.open(str(path)).data)
    facts = frames.facts
    assert facts.beam_center == (515.77, 498.18)
    assert (facts.pixel_size, facts.distance, facts.saturation) == (0.172, 211.43, 1097223.0)
    assert frames.metadata["timestamp"].tolist() == ["2014:10:24 16:33:09"]
