"""Mar345 image plates, whose pixels are packed by the differences to their neighbours.

fabio is not asked to unpack them: it writes behind its memory where a file is damaged.
"""

from __future__ import annotations

import re
import struct
from typing import BinaryIO

import numpy as np

from sklearn_sfx.frames._facts import Facts
from sklearn_sfx.frames.images._files import read_whole
from sklearn_sfx.frames.images._format import Header, ImageFormat

__all__ = ["Mar345"]

_MAGIC = 1234
_PACKED = 1
_HEADER_BYTES = 4096
_LARGEST_SIDE = 4096  # the largest plate has 3450 pixels
_RECORD_BYTES = 64  # for eight pixels of more than 16 bits
_PIXELS_PER_BYTE = 171  # of an empty image: 128 in 6 bits


class Mar345(ImageFormat):
    """The files of mar345, such as .mar2300 and .mar3450."""

    name = "mar345"
    needs_fabio = False

    def begins(self, head: bytes, path: str) -> bool:
        """Told by the number that comes first, by which the byte order is told too."""
        if len(head) < 128 or not (order := _order(head)):
            return False
        side, n_pixels = (struct.unpack_from(f"{order}i", head, place)[0] for place in (4, 20))
        return 1 <= side <= _LARGEST_SIDE and n_pixels > 0 and n_pixels % side == 0

    def read_header(self, file: BinaryIO, length: int) -> Header:
        """Read sixteen numbers, and the text that says them again."""
        data = file.read(_HEADER_BYTES)
        order = _order(data)
        side, n_high, kind, _, n_pixels, _, _, wavelength, distance = struct.unpack_from(
            f"{order}9i", data, 4
        )
        if kind != _PACKED:
            raise ValueError(f"its pixels are of kind {kind}, not packed")
        if not 1 <= side <= _LARGEST_SIDE or n_pixels % side or n_pixels > _LARGEST_SIDE * side:
            raise ValueError(f"{n_pixels} pixels in rows of {side} are no image plate")
        least = _HEADER_BYTES + _records(n_high) + n_pixels // _PIXELS_PER_BYTE
        if n_high < 0 or 0 <= length < least:
            raise ValueError(f"it is truncated, it has {length} of {least} bytes or more")
        text = data[64:].decode("latin-1")
        sides = re.search(r"PIXEL\s+LENGTH\s+([0-9.]+)\s+HEIGHT\s+([0-9.]+)", text)
        pixel_size = float(sides[1]) / 1000 if sides and float(sides[1]) == float(sides[2]) else 0.0
        date = re.search(r"^DATE\s+(\S.*?)\s*$", text, re.M)
        facts = Facts(
            format=self.name,
            compression="packed",
            pixel_size=pixel_size or None,
            distance=distance / 1e3 or None,
            wavelength=wavelength / 1e6 or None,
        )
        shape = (1, n_pixels // side, side)
        return Header(shape, "u4", facts, date[1] if date else "", (order, n_high))

    def read_image(self, path: str, header: Header, position: int) -> np.ndarray:
        """Unpack the one image, and set the pixels that had more than 16 bits."""
        from sklearn_sfx.frames.images._pck import unpack  # compiled when it is first used

        data = read_whole(path)
        order, n_high = header.places
        start = _HEADER_BYTES + _records(n_high)
        pixels = unpack(data, start, header.shape[1:])
        high = np.frombuffer(data, f"{order}i4", 2 * n_high, _HEADER_BYTES).reshape(-1, 2)
        high = high[high[:, 0] > 0]
        pixels.ravel()[high[:, 0] - 1] = high[:, 1]
        return pixels


def _order(head: bytes) -> str:
    """Return the byte order; "" where the first number is another."""
    return next((o for o in "<>" if struct.unpack_from(f"{o}i", head)[0] == _MAGIC), "")


def _records(n_high: int) -> int:
    """Return how many bytes the pixels of more than 16 bits take."""
    return -(-n_high // 8) * _RECORD_BYTES
