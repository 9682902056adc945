"""Images in files, one of every format that another library can write."""

import gzip

import numpy as np
import pytest

from benchmarks.damage.cases import CASES
from tests.frames.images.cases import IMAGES

pytest.importorskip("fabio", reason="needs the extra [images]")


@pytest.fixture(scope="session")
def files(tmp_path_factory):
    """Return a function that writes a format once, and returns path, frames and reader."""
    folder, written = tmp_path_factory.mktemp("images"), {}

    def write(name):
        if name not in written:
            case = CASES[name]
            path = folder / f"{name}{case.suffix}"
            written[name] = path, case.write(path), case.read
        return written[name]

    return write


@pytest.fixture(params=IMAGES)
def image(request, files):
    """Path, frames and reader of one file of each format."""
    return files(request.param)


@pytest.fixture
def cbf_with(tmp_path):
    """Return a function that writes a CBF file whose header has some lines, or no pixels at all."""

    def write(*lines, values=None, name="image.cbf"):
        from fabio.cbfimage import CbfImage

        values = np.arange(12, dtype=np.int32).reshape(3, 4) if values is None else values
        image = CbfImage(values)
        if lines:
            image.header["_array_data.header_convention"] = "PILATUS_1.2"
            image.header["_array_data.header_contents"] = "\r\n".join(f"# {x}" for x in lines)
        image.write(str(tmp_path / name))
        return tmp_path / name

    return write


@pytest.fixture
def packed(tmp_path):
    """Return a function that packs a file with gzip under a name that says nothing."""

    def pack(path):
        target = tmp_path / "packed"
        target.write_bytes(gzip.compress(path.read_bytes()))
        return target

    return pack
