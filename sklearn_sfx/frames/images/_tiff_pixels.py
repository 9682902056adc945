"""The pixels of a page of a TIFF file.

fabio takes a page that is cut off for a shorter one, and of a compressed file the first page for
all. So pages that are stored as they are, or with zlib, are read here, and others by Pillow.
"""

from __future__ import annotations

import io
import math
import struct
import zlib
from typing import BinaryIO

import numpy as np

from sklearn_sfx._extras import require
from sklearn_sfx.frames.images._files import LARGEST
from sklearn_sfx.frames.images._tiff_tags import UNCOMPRESSED, Page

__all__ = ["page_pixels"]

_DEFLATE = (8, 32946)
_NONE, _DIFFERENCES = 1, 2  # predictors


def page_pixels(file: BinaryIO, page: Page) -> np.ndarray:
    """Return the pixels of one page, or raise where some are missing."""
    is_read_here = page.compression == UNCOMPRESSED or (
        page.compression in _DEFLATE
        and (page.predictor == _NONE or (page.predictor == _DIFFERENCES and page.dtype[1] != "f"))
    )
    if not is_read_here:
        return _read_by_pillow(file, page)
    height, width = page.shape
    rows, columns = page.block
    dtype = np.dtype(page.dtype)
    out = np.empty(page.shape, dtype.newbyteorder("="))
    per_row = math.ceil(width / columns)
    for number, (offset, n_bytes) in enumerate(page.blocks):
        top, left = number // per_row * rows, number % per_row * columns
        n_rows = rows if page.tiled else min(rows, height - top)
        wanted = n_rows * columns * dtype.itemsize
        file.seek(offset)
        if page.compression == UNCOMPRESSED:
            data = file.read(min(wanted, n_bytes))
        else:
            data = _inflate(file.read(n_bytes), wanted)
        if len(data) < wanted:
            raise ValueError(f"{len(data)} of {wanted} bytes are at {offset}")
        block = np.frombuffer(data, dtype, n_rows * columns).reshape(n_rows, columns)
        if page.compression != UNCOMPRESSED and page.predictor == _DIFFERENCES:
            block = np.cumsum(block, axis=1, dtype=out.dtype)  # modulo its range, as intended
        out[top : top + rows, left : left + columns] = block[: height - top, : width - left]
    return out


def _inflate(data: bytes, wanted: int) -> bytes:
    """Unpack one block to its end, where its checksum is verified."""
    unpacker = zlib.decompressobj()
    unpacked = unpacker.decompress(data, wanted + 1)
    if not unpacker.eof:
        unpacked += unpacker.decompress(unpacker.unconsumed_tail, 1)
    if not unpacker.eof:
        raise ValueError("a block of pixels is cut off")
    return unpacked


def _read_by_pillow(file: BinaryIO, page: Page) -> np.ndarray:
    """Return what Pillow makes of a page, of the dtype that the tags say."""
    pillow = require("PIL.Image", extra="images", what="Compressed TIFF files")
    file.seek(0)
    data = bytearray(file.read(LARGEST))
    if any(offset + n_bytes > len(data) for offset, n_bytes in page.blocks):
        raise ValueError(f"it ends after {len(data)} bytes, before its last pixels")
    order = ">" if data[:2] == b"MM" else "<"
    classic = struct.unpack_from(order + "H", data, 2)[0] == 42
    place = (order + "I", data, 4) if classic else (order + "Q", data, 8)
    struct.pack_into(*place, page.directory)  # so that this page is the first one
    with pillow.open(io.BytesIO(data), formats=["TIFF"]) as image:
        if image.size != page.shape[::-1]:
            raise ValueError(f"Pillow finds {image.size} pixels in it")
        pixels = np.array(image)
    dtype = np.dtype(page.dtype).newbyteorder("=")
    if pixels.ndim != 2 or (dtype.kind == "f") != (pixels.dtype.kind == "f"):
        raise ValueError(f"Pillow makes {pixels.dtype} of its {dtype}")
    if dtype.itemsize > pixels.dtype.itemsize:
        raise ValueError(f"Pillow cannot read compressed pixels of {8 * dtype.itemsize} bits")
    if dtype.kind == "f" or dtype.itemsize < pixels.dtype.itemsize:
        return pixels.astype(dtype)
    return pixels.view(dtype)  # Pillow does not know all signs
