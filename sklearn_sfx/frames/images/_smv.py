"""SMV, the .img files of ADSC detectors, and d*TREK, which is SMV with more in its header.

A header of lines ``KEY=value;`` and then the pixels as they are. Where the beam meets the detector
is not taken from BEAM_CENTER_X and Y, since beamlines differ in what they write there: mm or
pixels, x along rows or columns, counted from either end.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import BinaryIO

import numpy as np

from sklearn_sfx.frames._facts import Facts
from sklearn_sfx.frames.images._fabio import decode
from sklearn_sfx.frames.images._files import open_image
from sklearn_sfx.frames.images._format import Header, ImageFormat

__all__ = ["Smv"]

_MAGIC = re.compile(rb"\{\s*HEADER_BYTES\s*=\s*(\d+)")
_DTYPES = {
    "signed char": "i1",
    "unsigned char": "u1",
    "short int": "i2",
    "unsigned short int": "u2",
    "long int": "i4",
    "unsigned long int": "u4",
    "float IEEE": "f4",
}
# What ADSC's TYPE may be, in the words of d*TREK's Data_type.
_TYPES = {
    "unsigned_char": "unsigned char",
    "signed_short": "short int",
    "short": "short int",
    "unsigned_short": "unsigned short int",
    "signed_long": "long int",
    "long": "long int",
    "unsigned_long": "unsigned long int",
    "float": "float IEEE",
}


class Smv(ImageFormat):
    """SMV files of ADSC, Rigaku and other detectors."""

    name = "SMV"

    def begins(self, head: bytes, path: str) -> bool:
        """Told by the size of the header, which comes first in it."""
        return _MAGIC.match(head) is not None

    def read_header(self, file: BinaryIO, length: int) -> Header:
        """Read the header and check that the pixels are there."""
        start = file.read(512)
        found = _MAGIC.match(start)
        if found is None:
            raise ValueError("its header does not begin with its size")
        header_bytes = int(found[1])
        if header_bytes > 2**20:
            raise ValueError(f"a header of {header_bytes} bytes is too long")
        text = (start + file.read(max(0, header_bytes - len(start)))).decode("latin-1")
        fields = _fields(text[:header_bytes])
        kind = fields.get("Data_type") or _TYPES[fields.get("TYPE", "unsigned_short").lower()]
        if fields.get("COMPRESSION", "None").lower() not in ("none", "no", "0"):
            raise ValueError(f"its pixels are compressed as {fields['COMPRESSION']}")
        if int(fields.get("DIM", 2)) != 2:
            raise ValueError(f"it has {fields['DIM']} dimensions")
        shape = int(fields["SIZE2"]), int(fields["SIZE1"])
        end = header_bytes + shape[0] * shape[1] * np.dtype(_DTYPES[kind]).itemsize
        if length >= 0:
            _check_length(length, end)
        time = fields.get("DATE") or fields.get("DTREK_DATE_TIME") or ""
        place = (end, _as_dtrek(shape, kind, fields), header_bytes)
        return Header((1, *shape), _DTYPES[kind], _facts(fields), time, (place,))

    def read_image(self, path: str, header: Header, position: int) -> np.ndarray:
        """Decode the pixels, behind a header that says no more than what they are."""
        end, described, header_bytes = header.places[position]
        with open_image(path) as file:
            data = file.read(end)
            length = len(data)
            while more := file.read(2**20):  # to the end, where a packed file has its checksum
                length += len(more)
        _check_length(length, end)
        return decode("dtrekimage", described + data[header_bytes:])


def _check_length(length: int, end: int) -> None:
    if length != end:
        raise ValueError(f"it has {length} bytes, but its header says {end}")


def _fields(text: str) -> dict[str, str]:
    pairs = re.findall(r"^\s*([\w*]+)\s*=\s*([^;\n]*)", text.partition("}")[0], re.M)
    return {name: value.strip() for name, value in pairs}


def _as_dtrek(shape: tuple[int, int], kind: str, fields: dict[str, str]) -> bytes:
    """Return a header of which all d*TREK readers think the same."""
    order = "big_endian" if "big" in fields.get("BYTE_ORDER", "little_endian") else "little_endian"
    lines = (
        f"Data_type={kind};\nDIM=2;\nSIZE1={shape[1]};\nSIZE2={shape[0]};\nBYTE_ORDER={order};\n"
    )
    return f"{{\nHEADER_BYTES=  512;\n{lines}}}\n".ljust(512).encode()


def _facts(fields: dict[str, str]) -> Facts:
    def number(*names: str) -> float | None:
        for name in names:
            if name in fields:
                return float(fields[name].split()[0]) or None
        return None

    facts = Facts(
        format=Smv.name,
        pixel_size=number("PIXEL_SIZE"),
        distance=number("DISTANCE"),
        wavelength=number("WAVELENGTH"),
        saturation=number("SATURATED_VALUE", "CCD_IMAGE_SATURATION"),
    )
    detector = fields.get("DETECTOR_NAMES", "").split()[:1]
    spatial = fields.get("".join(detector) + "SPATIAL_DISTORTION_INFO", "").split()
    if len(spatial) < 4:
        return facts
    # d*TREK's manual: the beam in pixels along SIZE1 and SIZE2, then the sides of a pixel in mm.
    column, row, size = (float(value) for value in spatial[:3])
    return replace(facts, beam_center=(row, column), pixel_size=size or None)
