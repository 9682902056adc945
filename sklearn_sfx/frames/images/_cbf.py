"""CBF, the Crystallographic Binary File of Pilatus and Eiger detectors.

One image a file, compressed by the byte offset of each pixel from the one before it. Where the
file has an MD5 sum of the compressed bytes, it is verified.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from typing import BinaryIO

import numpy as np

from sklearn_sfx.frames._facts import Facts
from sklearn_sfx.frames.images._dectris import dectris_facts, dectris_time
from sklearn_sfx.frames.images._fabio import decode_byte_offset
from sklearn_sfx.frames.images._files import read_whole
from sklearn_sfx.frames.images._format import Header, ImageFormat

__all__ = ["Cbf"]

_MAGIC = b"###CBF"
_START = b"\x0c\x1a\x04\xd5"  # of the pixels
_LONGEST_HEADER = 2**20
_DAMAGED = "it is damaged: take another copy of it"
_CUT = "it is still being written, or a copy that was cut short"
_OF_SEVERAL = "of which fabio reads the first: write one a file, or all of them as HDF5"
_DTYPES = {
    f"{sign}signed {bits}-bit integer": f"{'u' if sign else 'i'}{bits // 8}"
    for sign in ("", "un")
    for bits in (8, 16, 32, 64)
}


class Cbf(ImageFormat):
    """CBF files, of which only the compression that detectors write is read."""

    name = "CBF"

    def begins(self, head: bytes, path: str) -> bool:
        """Told by the comment that comes first."""
        return head.lstrip().startswith(_MAGIC)

    def read_header(self, file: BinaryIO, length: int) -> Header:
        """Read the text in front of the pixels."""
        text, start = _text_before_pixels(file)
        fields = dict(re.findall(r'^\s*([\w-]+)[:=][ \t]*"?([^"\r\n]*?)"?;?\s*$', text, re.M))
        compression = fields.get("conversions", "none")
        if compression.upper() != "X-CBF_BYTE_OFFSET":
            raise ValueError(
                f"its pixels are compressed as {compression}, which fabio cannot read: rewrite it, "
                "as 'cif2cbf -e n -c b IN OUT' of CBFlib does"
            )
        width, height, size = (
            int(fields[f"X-Binary-Size{name}"])
            for name in ("-Fastest-Dimension", "-Second-Dimension", "")
        )
        if width * height > size:
            raise ValueError(f"{height} x {width} pixels cannot lie in {size} bytes, {_DAMAGED}")
        n_pixels = int(fields.get("X-Binary-Number-of-Elements", width * height))
        if n_pixels != width * height:
            raise ValueError(f"it says {height} x {width} and {n_pixels} pixels: write it anew")
        if int(fields.get("X-Binary-Size-Third-Dimension", 1)) > 1:
            raise ValueError(f"it holds several images, {_OF_SEVERAL}")
        if length >= 0:
            file.seek(start + size)
            if _START in file.read():
                raise ValueError(f"it holds more than one image, {_OF_SEVERAL}")
        dtype = _DTYPES[fields["X-Binary-Element-Type"].strip()]
        facts, time = Facts(format=self.name), ""
        if "header_convention" in text:
            facts, time = dectris_facts(text, self.name), dectris_time(text)
        facts = replace(facts, compression="byte offset")
        place = (start, size, fields.get("Content-MD5", ""))
        return Header((1, height, width), dtype, facts, time, (place,))

    def read_image(self, path: str, header: Header, position: int) -> np.ndarray:
        """Decode the one image, once it is known that the file has all its bytes."""
        start, size, checksum = header.places[position]
        data = read_whole(path)[start : start + size]
        if len(data) < size:
            raise ValueError(f"the file ends after {len(data)} of {size} bytes of pixels, {_CUT}")
        if (
            checksum
            and base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()
            != checksum
        ):
            raise ValueError(f"its pixels do not have the MD5 sum that it says, {_DAMAGED}")
        _, height, width = header.shape
        dtype = np.dtype(header.dtype)
        return decode_byte_offset(data, height * width, dtype).reshape(height, width)


def _text_before_pixels(file: BinaryIO) -> tuple[str, int]:
    data = b""
    while _START not in data:
        more = file.read(2**14)
        if not more or len(data) > _LONGEST_HEADER:
            raise ValueError(f"no pixels follow its header, {_CUT}")
        data += more
    end = data.index(_START)
    return data[:end].decode("latin-1"), end + len(_START)
