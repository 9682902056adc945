"""EDF, the ESRF Data Format: a header of text before each image, one image a file or several."""

from __future__ import annotations

import re
from typing import BinaryIO

import numpy as np

from sklearn_sfx.frames._facts import Facts
from sklearn_sfx.frames.images._fabio import decode
from sklearn_sfx.frames.images._files import open_image
from sklearn_sfx.frames.images._format import Header, ImageFormat

__all__ = ["Edf"]

_BLOCK = 512
_LONGEST_HEADER = 2**20
_END = re.compile(rb"\}[ ]{0,2}\r?\n")
_NAMES = {  # that DataType may have, in small letters
    "i1": ("signedbyte", "signed8"),
    "u1": ("unsignedbyte", "unsigned8"),
    "i2": ("signedshort", "signed16"),
    "u2": ("unsignedshort", "unsigned16", "unsignedshortinteger"),
    "i4": ("signedinteger", "signed32", "signedlong"),
    "u4": ("unsignedinteger", "unsigned32", "unsignedlong"),
    "i8": ("signed64",),
    "u8": ("unsigned64",),
    "f4": ("floatvalue", "float", "floatieee32", "float32"),
    "f8": ("doublevalue", "double", "floatieee64", "doubleieee64"),
}
_DTYPES = {name: dtype for dtype, names in _NAMES.items() for name in names}
_OWN = re.compile("edf_|size$|image$|headerid$")  # keys of a block that others do not inherit
_UNPACKED = ("", "none", "no", "nocompression")


class Edf(ImageFormat):
    """EDF files, whose images may be compressed."""

    name = "EDF"

    def begins(self, head: bytes, path: str) -> bool:
        """Told by a brace, behind which lines of ``key = value ;`` follow."""
        text = head.lstrip(b"\r\n")
        return text.startswith(b"{") and re.search(rb"^[^\0]*?\w\s*=[^\0]*?;", text[1:]) is not None

    def read_header(self, file: BinaryIO, length: int) -> Header:
        """Read the headers of all images, and pass over their pixels."""
        places: list[tuple[int, int, int]] = []
        shared: dict[str, str] = {}
        shared_end = 0
        every: list[dict[str, str]] = []
        while (found := _next_header(file)) is not None:
            start, fields = found
            end = file.tell()
            if "edf_dataformatversion" in fields:  # for all images, without one of its own
                shared, shared_end = fields, end
                if int(fields.get("edf_binarysize", 0)):
                    raise ValueError("its general block has pixels")
                continue
            inherited = {name: value for name, value in shared.items() if not _OWN.match(name)}
            fields = inherited | fields
            size = _data_size(fields, len(places))
            if 0 <= length < end + size:
                raise ValueError(f"it is truncated, it has {length} of {end + size} bytes")
            places.append((shared_end, start, end + size))
            every.append(fields)
            file.seek(end + size)
        kinds = {_kind(fields) for fields in every}
        if len(kinds) != 1:
            raise ValueError(f"its images are not of one kind: {sorted(kinds)}")
        ((height, width, dtype),) = kinds
        first = every[0]
        time = first.get("time_of_day") or first.get("date") or first.get("time") or ""
        shape = (len(places), height, width)
        return Header(shape, dtype, _facts(every), time, tuple(places))

    def read_image(self, path: str, header: Header, position: int) -> np.ndarray:
        """Decode one image, cut out of the file."""
        shared_end, start, end = header.places[position]
        with open_image(path) as file:
            shared = file.read(shared_end)
            file.seek(start)
            data = file.read(end - start)
            while file.read(2**20):  # to the end, where a packed file has its checksum
                pass
        if len(data) < end - start:
            raise ValueError(f"image {position} has {len(data)} of {end - start} bytes")
        return decode("edfimage", shared + data)


def _next_header(file: BinaryIO) -> tuple[int, dict[str, str]] | None:
    """Return where the next header begins and what it says; None at the end of the file."""
    start = file.tell()
    data = file.read(_BLOCK)
    if not data.strip(b"\0 \r\n"):
        return None
    missing = f"no header of an image is at {start}"
    if not data.lstrip().startswith(b"{"):
        raise ValueError(missing)
    while (found := _END.search(data)) is None:
        more = file.read(_BLOCK)
        if not more or len(data) > _LONGEST_HEADER:
            raise ValueError(missing)
        data += more
    file.seek(start + found.end())
    text = data[: found.start()].decode("latin-1")
    pairs = re.findall(r"[{;]?\s*([^\s=;{]+)\s*=\s*([^;]*?)\s*;", text)
    return start, {name.lower(): value for name, value in pairs}


def _kind(fields: dict[str, str]) -> tuple[int, int, str]:
    """Return height, width and dtype of an image."""
    if int(fields.get("dim_3", 1)) > 1:
        raise ValueError("an image in it has three dimensions")
    return int(fields["dim_2"]), int(fields["dim_1"]), _DTYPES[fields["datatype"].lower()]


def _data_size(fields: dict[str, str], number: int) -> int:
    """Return how many bytes follow a header."""
    if "edf_binaryfilename" in fields:
        raise ValueError("its pixels are in another file, which is not followed")
    height, width, dtype = _kind(fields)
    expected = height * width * np.dtype(dtype).itemsize
    packed = fields.get("compression", "").lower().replace(" ", "") not in _UNPACKED
    size = int(fields.get("edf_binarysize") or fields.get("size") or expected)
    if size < (0 if packed else expected):
        raise ValueError(f"image {number} has {size} of {expected} bytes")
    return size


def _facts(every: list[dict[str, str]]) -> Facts:
    """Return what the headers say in the words of ESRF's small-angle beamlines, in metres."""

    def number(name: str, least: float, most: float) -> float | None:
        values = {fields.get(name, "") for fields in every}
        found = re.match(r"[-+]?[0-9.]+(?:e[-+]?[0-9]+)?", values.pop().lower())
        value = float(found[0]) if found and not values else 0.0
        return value if least <= value <= most else None

    pixel_size = number("psize_1", 1e-6, 1e-2)
    distance = number("sampledistance", 1e-3, 1e3)
    wavelength = number("wavelength", 1e-12, 1e-8)
    center = number("center_2", -1e5, 1e5), number("center_1", -1e5, 1e5)
    known = center[0] is not None and center[1] is not None and pixel_size and distance
    return Facts(
        format=Edf.name,
        # Counted there from the edge of the first pixel.
        beam_center=(center[0] - 0.5, center[1] - 0.5) if known else None,  # type: ignore
        pixel_size=pixel_size * 1e3 if pixel_size else None,
        distance=distance * 1e3 if distance else None,
        wavelength=wavelength * 1e10 if wavelength else None,
    )
