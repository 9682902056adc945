"""TIFF, of any detector, and what those of DECTRIS and Rayonix write into it."""

from __future__ import annotations

import re
import struct
from dataclasses import replace
from typing import BinaryIO

import numpy as np

from sklearn_sfx.frames._facts import Facts
from sklearn_sfx.frames.images._dectris import dectris_facts, dectris_time
from sklearn_sfx.frames.images._files import open_image
from sklearn_sfx.frames.images._format import Header, ImageFormat
from sklearn_sfx.frames.images._tiff_pixels import page_pixels
from sklearn_sfx.frames.images._tiff_tags import UNCOMPRESSED, read_pages

__all__ = ["MarCcd", "Tiff"]

_COMPRESSIONS = {UNCOMPRESSED: "", 5: "LZW", 8: "zlib", 32773: "PackBits", 32946: "zlib"}
_MAGICS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


class Tiff(ImageFormat):
    """TIFF files of one page or several, with integers or floats, compressed or not."""

    name = "TIFF"
    needs_fabio = False

    def begins(self, head: bytes, path: str) -> bool:
        """Told by the byte order and the number of the version."""
        return head.startswith(_MAGICS)

    def read_header(self, file: BinaryIO, length: int) -> Header:
        """Read the tags of all pages."""
        pages, description, time = read_pages(file)
        first = pages[0]
        for page in pages:
            if (page.shape, page.dtype) != (first.shape, first.dtype):
                raise ValueError(
                    f"its pages are not of one kind: {first.shape} {first.dtype} and "
                    f"{page.shape} {page.dtype}"
                )
            end = max(offset + n_bytes for offset, n_bytes in page.blocks)
            if 0 <= length < end:
                raise ValueError(f"it is truncated, it has {length} of {end} bytes")
            if page.compression == UNCOMPRESSED and page.shape[0] * page.shape[1] > end:
                raise ValueError(f"{page.shape} pixels cannot lie in {end} bytes")
        if not re.match(r"\d{4}:\d\d:\d\d \d\d:\d\d:\d\d", time):
            time = ""  # some writers put it where the tag does not say
        facts = Facts(format=self.name)
        if "# Count_cutoff" in description or "# Detector" in description:
            facts = dectris_facts(description, self.name)
            time = dectris_time(description) or time
        named = _COMPRESSIONS.get(first.compression, f"TIFF's scheme {first.compression}")
        facts = replace(facts, compression=named)
        shape = (len(pages), *first.shape)
        return Header(shape, first.dtype[1:], facts, time, tuple(pages))

    def read_image(self, path: str, header: Header, position: int) -> np.ndarray:
        """Read one page."""
        with open_image(path) as file:
            return page_pixels(file, header.places[position])


# Where the header of MarCCD, which is 1024 bytes behind the start, has what; in bytes.
_MARCCD = 1024
_NAME, _ORDER, _SATURATED, _DISTANCE = 4, 28, 104, 640
_PIXEL_SIZE, _WAVELENGTH, _TIME = 772, 908, 1344
_LITTLE_ENDIAN, _BIG_ENDIAN = 1234, 4321


class MarCcd(Tiff):
    """TIFF files of MarCCD, MarMosaic and Rayonix detectors, with the header of these."""

    name = "MarCCD"

    def begins(self, head: bytes, path: str) -> bool:
        """Told by the name of the header, and by the byte order, which it says once more."""
        fields = head[_MARCCD:]
        if not super().begins(head, path) or len(fields) < _ORDER + 4:
            return False
        (order,) = struct.unpack_from(_byte_order(head) + "I", fields, _ORDER)
        return fields.startswith(b"MMX", _NAME) or order in (_LITTLE_ENDIAN, _BIG_ENDIAN)

    def read_header(self, file: BinaryIO, length: int) -> Header:
        """Read the tags, and the header behind them."""
        header = super().read_header(file, length)
        file.seek(0)
        order, fields = _byte_order(file.read(_MARCCD)), file.read(2048)

        def number(place: int) -> int:
            return struct.unpack_from(order + "i", fields, place)[0]

        size = header.shape[1:]
        pixel_size = number(_PIXEL_SIZE) * 1e-6  # from nm
        facts = Facts(
            format=self.name,
            beam_center=_center(number(_DISTANCE + 4), number(_DISTANCE + 8), pixel_size, size),
            pixel_size=pixel_size or None,
            distance=number(_DISTANCE) / 1000 or None,  # from um
            wavelength=number(_WAVELENGTH) * 1e-5 or None,  # from fm
            saturation=float(number(_SATURATED)) or None,
            compression=header.facts.compression,
        )
        time = fields[_TIME : _TIME + 32].partition(b"\0")[0].decode("latin-1").strip()
        return header._replace(facts=facts, timestamp=time)


def _byte_order(head: bytes) -> str:
    return ">" if head.startswith(b"MM") else "<"


def _center(x: int, y: int, pixel_size: float, size: tuple[int, int]) -> tuple[float, float] | None:
    """Return row and column of the beam where only one unit can be meant.

    The manual has thousandths of a pixel; some beamlines write thousandths of a mm.
    """
    column, row = x / 1000, y / 1000
    if pixel_size <= 0 or min(column, row) <= 0:
        return None

    def inside(row: float, column: float) -> bool:
        return row < size[0] and column < size[1]

    if inside(row, column) and not inside(row / pixel_size, column / pixel_size):
        return row, column
    return None
