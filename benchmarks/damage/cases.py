"""One file of each format, and what another library reads from it."""

import bz2
import contextlib
import gzip
import io
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

__all__ = ["CASES", "Case"]


class Case(NamedTuple):
    """A file to be damaged: its suffix, how it is written, and how others read it."""

    suffix: str
    write: Callable
    read: Callable


def pixels(dtype="i4", side=64, most=40):
    """Return an image of counts with a few high ones."""
    rng = np.random.default_rng(1)
    values = rng.poisson(10, (side, side)).astype(dtype)
    values[3, 4], values[20, 21] = most, 100
    return values


def _by_fabio(codec, values, **header):
    def write(path):
        from fabio.fabioformats import factory

        image = factory(codec)
        image.data = values
        image.header.update(header)
        if codec == "mar345image":
            image.byteorder = "<"  # of which this class is not sure itself
        image.write(str(path))
        return values[np.newaxis]

    def read(path):
        from fabio.fabioformats import factory

        with open(path, "rb") as file:
            data = file.read()
        for magic, unpack in ((b"\x1f\x8b", gzip.decompress), (b"BZh", bz2.decompress)):
            if data.startswith(magic):
                data = unpack(data)
        from fabio.fabioutils import BytesIO

        return factory(codec).read(BytesIO(data, "image", "rb")).data

    return write, read


def _write_bruker(path):
    """Write version 86 by hand, with a list of two pixels that did not fit into a byte."""
    values = pixels("u4", most=90000)
    fields = {"FORMAT": "86", "VERSION": "9", "HDRBLKS": "5", "NOVERFL": "2", "NROWS": "64"}
    fields |= {"NCOLS": "64", "NPIXELB": "1", "LINEAR": "1.0 0.0", "WAVELEN": "0.71 0.70 0.71"}
    values[5, 6] = 255
    lines = "".join(f"{name:7}:{value:72}" for name, value in fields.items())
    high = np.flatnonzero(values >= 255)
    table = "".join(f"{values.flat[place]:9}{place:7}" for place in high)
    small = np.minimum(values, 255).astype("u1").tobytes()
    path.write_bytes(lines.ljust(2560).encode() + small + table.encode())
    return values[np.newaxis]


def _packed(case, module):
    def write(path):
        values = case.write(path)
        path.write_bytes(module.compress(path.read_bytes()))
        return values

    return write, case.read


def _edf_of_three(path):
    from fabio.edfimage import EdfImage

    values = np.stack([pixels("u2"), pixels("u2") + 1, pixels("u2") + 2])
    image = EdfImage(values[0])
    for value in values[1:]:
        image.append_frame(data=value)
    image.write(str(path))
    return values


def _read_edf(path):
    import fabio

    with fabio.open(path) as image:
        return _those_that_can_be(lambda i: image.get_frame(i).data, image.nframes)


def _those_that_can_be(read, n_images):
    """Return all images, of NaN where one cannot be read."""
    images = []
    for number in range(n_images):
        with contextlib.suppress(Exception):
            images.append((number, np.asarray(read(number))))
    if len(images) == n_images:
        return np.stack([image for _, image in images])
    whole = np.full((n_images, *images[0][1].shape), np.nan)
    for number, image in images:
        whole[number] = image
    return whole


def _write_tiff(compression, values):
    def write(path):
        from PIL import Image

        first, *others = [Image.fromarray(value) for value in values]
        options = {} if compression is None else {"compression": compression}
        first.save(path, "TIFF", save_all=True, append_images=others, **options)
        return values

    return write


def _read_tiff(path):
    from PIL import Image

    def page(number):
        image.seek(number)
        return np.array(image)

    with Image.open(path) as image:
        return _those_that_can_be(page, image.n_frames)


def _write_npz(save):
    def write(path):
        values = np.stack([pixels(), pixels() + 1])
        buffer = io.BytesIO()
        save(buffer, frames=values)
        path.write_bytes(buffer.getvalue())
        return values

    return write


def _write_npy(path):
    values = np.stack([pixels(), pixels() + 1])
    buffer = io.BytesIO()
    np.save(buffer, values)
    path.write_bytes(buffer.getvalue())
    return values


def _read_npz(path):
    with np.load(path) as archive:
        (name,) = archive.files
        return archive[name]


def _write_module(path):
    """Write one of the sixteen modules of an AGIPD; the others are missing."""
    import h5py
    from extra_data.tests.mockdata import write_file
    from extra_data.tests.mockdata.detectors import AGIPDModule

    source = "SPB_DET_AGIPD1M-1/DET/3CH0"
    module = AGIPDModule(source, raw=False, frames_per_train=2)
    write_file(str(path), [module], ntrains=2, chunksize=2, format_version="1.0")
    with h5py.File(path, "r+") as file:
        data = file[f"INSTRUMENT/{source}:xtdf/image/data"]
        data[:] = np.random.default_rng(0).random(data.shape, np.float32)
        values = np.full((4, 16, 512, 128), np.nan, np.float32)
        values[:, 3] = data[:]
    return values.reshape(4, 8192, 128)


def _read_module(path):
    from extra_data import H5File
    from extra_data.components import AGIPD1M

    values = AGIPD1M(H5File(path), raw=False)["image.data"].ndarray(module_gaps=True)
    return values.transpose(1, 0, 2, 3).reshape(-1, 8192, 128)


DECTRIS = "\r\n".join(
    [
        "# Detector: PILATUS 100K",
        "# 2016-03-05T09:01:45.613",
        "# Pixel_size 172e-6 m x 172e-6 m",
        "# Count_cutoff 388705 counts",
        "# Wavelength 0.68890 A",
        "# Detector_distance 0.16000 m",
        "# Beam_xy (30.00, 31.00) pixels",
    ]
)
MINICBF = {
    "_array_data.header_convention": "PILATUS_1.2",
    "_array_data.header_contents": DECTRIS,
}
pages = np.stack([pixels("u2"), pixels("u2") + 1])
CASES = {
    "cbf": Case(".cbf", *_by_fabio("cbfimage", pixels(), **MINICBF)),
    "smv": Case(".img", *_by_fabio("dtrekimage", pixels("u2"))),
    "edf": Case(".edf", _edf_of_three, _read_edf),
    "mar345": Case(".mar2300", *_by_fabio("mar345image", pixels("u4", most=90000))),
    "bruker86": Case(".1", _write_bruker, _by_fabio("brukerimage", None)[1]),
    "bruker100": Case(".sfrm", *_by_fabio("bruker100image", pixels(most=90000))),
    "crysalis": Case(".img", *_by_fabio("oxdimage", pixels(most=90000))),
    "tiff": Case(".tif", _write_tiff(None, pages), _read_tiff),
    "tiff-zlib": Case(".tif", _write_tiff("tiff_adobe_deflate", pages), _read_tiff),
    "tiff-lzw": Case(".tif", _write_tiff("tiff_lzw", pages), _read_tiff),
    "npy": Case(".npy", _write_npy, np.load),
    "npz": Case(".npz", _write_npz(np.savez), _read_npz),
    "euxfel": Case("-R0001-AGIPD03-S00000.h5", _write_module, _read_module),
    "npz-compressed": Case(".npz", _write_npz(np.savez_compressed), _read_npz),
}
CASES["cbf-gzip"] = Case(".cbf.gz", *_packed(CASES["cbf"], gzip))
CASES["smv-bzip2"] = Case(".img.bz2", *_packed(CASES["smv"], bz2))
