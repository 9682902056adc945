"""Bruker's frames, versions 86 and 100: small pixels, and lists of those that did not fit."""

from __future__ import annotations

from typing import BinaryIO

import numpy as np

from sklearn_sfx.frames._facts import Facts
from sklearn_sfx.frames.images._fabio import decode
from sklearn_sfx.frames.images._files import read_whole
from sklearn_sfx.frames.images._format import Header, ImageFormat

__all__ = ["Bruker"]

_LINE, _BLOCK, _FIRST_BLOCKS = 80, 512, 5
_CODECS = {86: "brukerimage", 100: "bruker100image"}
_AS_STORED = (1.0, 0.0)  # slope and offset


class Bruker(ImageFormat):
    """Bruker's .sfrm and other frames."""

    name = "Bruker"

    def begins(self, head: bytes, path: str) -> bool:
        """Told by the first of its lines of 80 characters, and by that on its rows."""
        return head.startswith(b"FORMAT :") and b"NROWS  :" in head

    def read_header(self, file: BinaryIO, length: int) -> Header:
        """Read the lines of the header."""
        fields = _fields(file)
        version = int(fields["FORMAT"])
        codec = _CODECS[version]
        shape = (1, int(fields["NROWS"].split()[0]), int(fields["NCOLS"].split()[0]))
        n_pixels = shape[1] * shape[2]
        end = int(fields.get("HDRBLKS", _FIRST_BLOCKS)) * _BLOCK
        end += n_pixels * int(fields["NPIXELB"].split()[0])
        counts = [int(count) for count in fields["NOVERFL"].split()]
        if version == 86:
            end += 16 * max(0, counts[0])
            dtype = "u4" if _scale(fields) == _AS_STORED else "f4"
        else:
            dtype = "i4"
            if _scale(fields) != _AS_STORED:
                raise ValueError(f"its counts are scaled by {fields['LINEAR']}, unknown to fabio")
            sizes = [int(fields["NPIXELB"].split()[1]), 2, 4]
            for count, size in zip(counts, sizes, strict=False):
                end += -(-max(0, count) * size // 16) * 16
        if 0 <= length < end:
            raise ValueError(f"it is truncated, it has {length} of {end} bytes")
        wavelength = float((fields.get("WAVELEN", "").split() or ["0"])[0])
        distance = float((fields.get("DISTANC", "").split() or ["0"])[0])
        facts = Facts(
            format=self.name, wavelength=wavelength or None, distance=distance * 10 or None
        )
        return Header(shape, dtype, facts, fields.get("CREATED", ""), ((codec, end),))

    def read_image(self, path: str, header: Header, position: int) -> np.ndarray:
        """Decode the one image, with its lists."""
        codec, end = header.places[position]
        data = read_whole(path)
        if len(data) < end:
            raise ValueError(f"it is truncated, it has {len(data)} of {end} bytes")
        return decode(codec, data)


def _fields(file: BinaryIO) -> dict[str, str]:
    text = file.read(_FIRST_BLOCKS * _BLOCK).decode("latin-1")
    fields: dict[str, str] = {}
    for start in range(0, len(text), _LINE):
        name, colon, value = text[start : start + _LINE].partition(":")
        if colon:
            fields.setdefault(name.strip(), value.strip())
    return fields


def _scale(fields: dict[str, str]) -> tuple[float, float]:
    slope, offset = (fields.get("LINEAR", "").split() or ["1", "0"])[:2]
    return float(slope), float(offset)
