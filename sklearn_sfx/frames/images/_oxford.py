"""CrysAlis .img files of Oxford Diffraction and Rigaku Oxford, compressed as TY1 or TY5, or not."""

from __future__ import annotations

import re
import struct
from typing import BinaryIO

import numpy as np

from sklearn_sfx.frames._facts import Facts
from sklearn_sfx.frames.images._fabio import decode
from sklearn_sfx.frames.images._files import read_whole
from sklearn_sfx.frames.images._format import Header, ImageFormat

__all__ = ["Oxford"]

_MAGIC = b"OD SAPPHIRE"
_ASCII_BYTES = 256
_SECTION = re.compile(r"NHEADER=\s*(\d+)\s*NG=\s*(\d+)\s*NS=\s*(\d+)\s*NK=\s*(\d+)\s*NS=\s*(\d+)")
_DETECTOR = 548  # where, in the special section, the type of the detector stands
_KNOWN_DETECTORS, _UNKNOWN_DETECTOR = (0, 1, 2, 3, 4, 7), 4  # to fabio
_WAVELENGTHS, _DISTANCE = 568, 712  # in the section of the goniometer


class Oxford(ImageFormat):
    """CrysAlis .img files."""

    name = "CrysAlis"

    def begins(self, head: bytes, path: str) -> bool:
        """Told by the words that come first."""
        return head.startswith(_MAGIC)

    def read_header(self, file: BinaryIO, length: int) -> Header:
        """Read the text, and the numbers in the sections behind it."""
        data = file.read(8192)
        lines = data[:_ASCII_BYTES].decode("latin-1").split("\r\n")
        compression = lines[1].partition("=")[2].split("(")[0].strip()[:3].strip()
        sizes = dict(re.findall(r"(N[XY]|O[IL])=\s*(\d+)", lines[2]))
        width, height, n_two, n_four = (int(sizes[name]) for name in ("NX", "NY", "OI", "OL"))
        if compression in ("TY1", "TY5"):
            n_bytes = width * height + 2 * n_two + 4 * n_four
        elif compression in ("NO", "NON", ""):
            n_bytes = 4 * width * height
        else:
            raise ValueError(f"its pixels are compressed as {compression}, unknown to fabio")
        header_bytes, n_general, n_special, _, _ = _sections(lines[3])
        end = header_bytes + n_bytes
        if 0 <= length < end:
            raise ValueError(f"it is truncated, it has {length} of {end} bytes")
        special = _ASCII_BYTES + n_general
        goniometer = special + n_special
        wavelengths = struct.unpack_from("<3d", data, goniometer + _WAVELENGTHS)
        wavelength = next((value for value in wavelengths[::-1] if 0.01 < value < 10), None)
        (distance,) = struct.unpack_from("<d", data, goniometer + _DISTANCE)
        facts = Facts(
            format=self.name,
            compression=compression if compression.startswith("TY") else "",
            wavelength=wavelength,
            distance=distance if 1 < distance < 1e5 else None,
        )
        time = lines[5].partition("=")[2].strip() if len(lines) > 5 else ""
        return Header((1, height, width), "i4", facts, time, ((end, special + _DETECTOR),))

    def read_image(self, path: str, header: Header, position: int) -> np.ndarray:
        """Decode the one image."""
        end, detector = header.places[position]
        data = read_whole(path)
        if len(data) < end:
            raise ValueError(f"it is truncated, it has {len(data)} of {end} bytes")
        if struct.unpack_from("<i", data, detector)[0] not in _KNOWN_DETECTORS:
            if len(data) != end:
                raise ValueError(f"it has {len(data)} bytes, but its header says {end}")
            unknown = struct.pack("<i", _UNKNOWN_DETECTOR)  # at which fabio would stumble
            data = data[:detector] + unknown + data[detector + len(unknown) :]
        pixels = decode("oxdimage", data)
        if pixels.dtype.kind == "f":  # of TY5, though all are integers
            pixels = pixels.astype(np.int64)
        if pixels.dtype.itemsize > 4 and (abs(pixels) > np.iinfo("i4").max).any():
            raise ValueError("a pixel has more than 32 bits")
        return pixels.astype(np.int32, copy=False)


def _sections(line: str) -> tuple[int, int, int, int, int]:
    found = _SECTION.search(line)
    if found is None:
        raise ValueError("its header does not say how long its sections are")
    return tuple(int(size) for size in found.groups())  # type: ignore
