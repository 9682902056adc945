"""Bruker, CrysAlis, Nonius and the formats that are left to fabio altogether."""

import struct

import numpy as np
import pytest

from benchmarks.damage.cases import CASES, pixels
from sklearn_sfx import open_frames
from sklearn_sfx.exceptions import UnreadableFrame


@pytest.fixture
def written(tmp_path):
    def write(name):
        path = tmp_path / f"{name}{CASES[name].suffix}"
        return path, CASES[name].write(path)[0]

    return write


def test_bruker_86(written, refused):
    path, values = written("bruker86")
    frames = open_frames(path)
    assert (frames.dtype, frames.facts.format, frames.facts.wavelength) == (
        np.uint32,
        "Bruker",
        0.71,
    )
    np.testing.assert_array_equal(frames[0], values)
    data = path.read_bytes()
    path.write_bytes(data.replace(b"1.0 0.0", b"0.5 2.0"))
    scaled = open_frames(path)
    assert scaled.dtype == np.float32
    np.testing.assert_array_equal(scaled[0], (values * 0.5 + 2).astype(np.float32))
    path.write_bytes(data.replace(b"NOVERFL:2", b"NOVERFL:9"))
    refused(path, path, "truncated")
    path.write_bytes(data.replace(b"FORMAT :86", b"FORMAT :99"))
    refused(path, path, "Bruker", "99")
    at = data.index(b"    90000") + 9
    path.write_bytes(data[:at] + b"9999999" + data[at + 7 :])
    with pytest.raises(UnreadableFrame, match="out of bounds"):
        open_frames(path)[0]


@pytest.mark.parametrize("shape", [(31, 33), (64, 64), (7, 5)])
def test_bruker_100_of_odd_sizes(tmp_path, shape):
    from fabio.bruker100image import Bruker100Image

    values = np.random.default_rng(0).poisson(100, shape).astype(np.int32)
    values[1, 1], values[2, 2], values[3, 3] = 300, 70000, 0
    path = tmp_path / "image.sfrm"
    Bruker100Image(values).write(str(path))
    np.testing.assert_array_equal(open_frames(path)[0], values)


def test_crysalis_of_an_unknown_detector(written):
    path, values = written("crysalis")
    data = bytearray(path.read_bytes())
    struct.pack_into("<i", data, 256 + 512 + 548, 99)
    struct.pack_into("<3d", data, 256 + 512 + 768 + 568, 0.7093, 0.7136, 0.7107)
    struct.pack_into("<d", data, 256 + 512 + 768 + 712, 54.5)
    path.write_bytes(data)
    frames = open_frames(path)
    np.testing.assert_array_equal(frames[0], values)
    facts = frames.facts
    assert (facts.format, facts.compression) == ("CrysAlis", "TY1")
    assert (facts.wavelength, facts.distance) == (0.7107, 54.5)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (b"COMPRESSION=TY1", b"COMPRESSION=TY6", "TY6"),
        (b"NX=  64", b"NX= 640", "truncated"),
        (b"NHEADER=", b"NHEEDER=", "sections"),
    ],
)
def test_crysalis_headers_that_are_wrong(written, old, new, said, refused):
    path, _ = written("crysalis")
    path.write_bytes(path.read_bytes().replace(old, new))
    refused(path, path, "CrysAlis", said)


def write_nonius(path, readouts, *, keys=""):
    height, width = readouts[0].shape
    lines = [
        "No                       = 002",
        "Date                     = Tue Jun 26 09:43:09 2007",
    ]
    lines += ["Data type                = u16", f"X dimension              = {width}"]
    lines += [f"Y dimension              = {height}", f"Number of readouts       = {len(readouts)}"]
    text = "\n".join([*lines, "Binned mode", keys]) + "\n"
    path.write_bytes(text.encode() + b"\x80\xff" * 20 + b"".join(r.tobytes() for r in readouts))


def test_nonius_adds_its_readouts(tmp_path, refused):
    path = tmp_path / "image.kccd"
    first, second = pixels("<u2"), pixels("<u2") * 3
    write_nonius(path, [first, second])
    frames = open_frames(path)
    assert (frames.dtype, frames.facts.format) == (np.int32, "Nonius KCCD")
    np.testing.assert_array_equal(frames[0], first.astype(int) + second)
    assert frames.metadata["timestamp"].tolist() == ["Tue Jun 26 09:43:09 2007"]
    data = path.read_bytes()
    path.write_bytes(data[:-9000])
    refused(path, path, "truncated")
    path.write_bytes(data.replace(b"= u16", b"= u99"))
    refused(path, path, "u99")


def test_esperanto(tmp_path):
    from fabio.esperantoimage import EsperantoImage

    values = pixels("i4", side=256)
    path = tmp_path / "image"
    EsperantoImage(values).write(str(path))
    frames = open_frames(path)
    assert frames.facts.format == "Esperanto"
    np.testing.assert_array_equal(frames[0], values)
