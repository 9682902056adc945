"""The pages of a TIFF file, as their tags describe them.

The format is that of TIFF 6.0 (Adobe, 1992), and of BigTIFF, which has longer offsets.
"""

from __future__ import annotations

import math
import struct
from typing import BinaryIO, NamedTuple

import numpy as np

__all__ = ["UNCOMPRESSED", "Page", "read_pages"]

MOST_PAGES = 10**6
_LONGEST_TEXT = 2**16

_TYPES = {1: "B", 2: "s", 3: "H", 4: "I", 6: "b", 7: "s", 8: "h", 9: "i", 11: "f", 12: "d"}
_TYPES |= {13: "I", 16: "Q", 17: "q", 18: "Q"}
_KINDS = {1: "u", 2: "i", 3: "f", 4: "u"}  # of the tag SampleFormat; 4 is undefined
UNCOMPRESSED = 1
_LOSSY = {6: "JPEG", 7: "JPEG", 34712: "JPEG 2000"}

WIDTH, HEIGHT, BITS, COMPRESSION, COLOUR = 256, 257, 258, 259, 262
FILL_ORDER, DESCRIPTION, STRIPS, SAMPLES, STRIP_ROWS, STRIP_BYTES = 266, 270, 273, 277, 278, 279
TIME, PREDICTOR, TILE_WIDTH, TILE_HEIGHT, TILES, TILE_BYTES = 306, 317, 322, 323, 324, 325
SAMPLE_FORMAT = 339
_READ = {WIDTH, HEIGHT, BITS, COMPRESSION, COLOUR, FILL_ORDER, DESCRIPTION, STRIPS, SAMPLES}
_READ |= {STRIP_ROWS, STRIP_BYTES, TIME, PREDICTOR, TILE_WIDTH, TILE_HEIGHT, TILES, TILE_BYTES}
_READ |= {SAMPLE_FORMAT}


class Page(NamedTuple):
    """One page, described by its tags.

    Parameters
    ----------
    directory : int
        Where its tags lie.
    shape : tuple of int
        (height, width).
    dtype : str
        Of the pixels, in the byte order of the file.
    compression, predictor : int
        As the tags say; 1 for none.
    block : tuple of int
        (height, width) of a strip or tile.
    tiled : bool
        Whether they are tiles, of which those at the edges are whole too.
    blocks : tuple of (int, int)
        Offset and number of bytes of each of them.
    """

    directory: int
    shape: tuple[int, int]
    dtype: str
    compression: int
    predictor: int
    block: tuple[int, int]
    tiled: bool
    blocks: tuple[tuple[int, int], ...]


def read_pages(file: BinaryIO) -> tuple[list[Page], str, str]:
    """Return the pages of a file, and description and time of the first one."""
    order, offset_format, directory = _preamble(file)
    pages: list[Page] = []
    description = time = ""
    seen: set[int] = set()
    while directory:
        if directory in seen or len(seen) > MOST_PAGES:
            raise ValueError("its pages lead round in a circle")
        seen.add(directory)
        tags, following = _read_tags(file, order, offset_format, directory)
        pages.append(_page(tags, order, directory))
        if len(pages) == 1:
            description, time = (_text(tags.get(tag)) for tag in (DESCRIPTION, TIME))
        directory = following
    if not pages:
        raise ValueError("it has no page")
    return pages, description, time


def _preamble(file: BinaryIO) -> tuple[str, str, int]:
    """Return byte order, format of an offset and the place of the first directory."""
    head = file.read(16)
    order = {b"II": "<", b"MM": ">"}[head[:2]]
    version = struct.unpack_from(order + "H", head, 2)[0]
    if version == 42:
        return order, "I", struct.unpack_from(order + "I", head, 4)[0]
    if version == 43:
        return order, "Q", struct.unpack_from(order + "Q", head, 8)[0]
    raise ValueError(f"{version} is no version of TIFF")


def _read_tags(
    file: BinaryIO, order: str, offset_format: str, directory: int
) -> tuple[dict[int, tuple], int]:
    """Return the tags of one directory, and the place of the next."""
    wide = offset_format == "Q"
    count_format = order + ("Q" if wide else "H")
    entry_format = order + ("HHQ8s" if wide else "HHI4s")
    file.seek(directory)
    (n_tags,) = struct.unpack(count_format, file.read(struct.calcsize(count_format)))
    if n_tags > 4096:
        raise ValueError(f"{n_tags} tags are too many")
    size = struct.calcsize(entry_format)
    entries = file.read(n_tags * size)
    (following,) = struct.unpack(order + offset_format, file.read(8 if wide else 4))
    tags: dict[int, tuple] = {}
    for start in range(0, n_tags * size, size):
        tag, kind, count, value = struct.unpack_from(entry_format, entries, start)
        if tag in _READ and kind in _TYPES:
            tags[tag] = _values(file, order, offset_format, _TYPES[kind], count, value)
    return tags, following


def _values(
    file: BinaryIO, order: str, offset_format: str, kind: str, count: int, value: bytes
) -> tuple:
    n_bytes = count * struct.calcsize(order + kind)
    if kind == "s":
        n_bytes = min(n_bytes, _LONGEST_TEXT)
    data = value[:n_bytes]
    if n_bytes > len(value):
        file.seek(struct.unpack(order + offset_format, value)[0])
        data = file.read(n_bytes)
    if len(data) < n_bytes:
        raise ValueError("a tag lies behind its end")
    if kind == "s":
        return (data,)
    return tuple(np.frombuffer(data, order + kind).tolist())


def _page(tags: dict[int, tuple], order: str, directory: int) -> Page:
    height, width = tags[HEIGHT][0], tags[WIDTH][0]
    bits = tags.get(BITS, (1,))[0]
    compression = tags.get(COMPRESSION, (UNCOMPRESSED,))[0]
    kind = _KINDS.get(tags.get(SAMPLE_FORMAT, (1,))[0], "")
    if tags.get(SAMPLES, (1,))[0] != 1 or tags.get(COLOUR, (1,))[0] == 3:
        raise ValueError("it is a colour picture, not frames")
    if compression in _LOSSY:
        raise ValueError(f"it is compressed with {_LOSSY[compression]}, which changes counts")
    if tags.get(FILL_ORDER, (1,))[0] != 1:
        raise ValueError("the bits of its bytes are in reverse order")
    if bits % 8 or bits > 64 or not kind or (kind == "f" and bits < 32):
        raise ValueError(f"pixels of {bits} bits cannot be read")
    tiled = TILES in tags
    if tiled:
        block = tags[TILE_HEIGHT][0], tags[TILE_WIDTH][0]
        offsets, sizes = tags[TILES], tags[TILE_BYTES]
    else:
        block = min(tags.get(STRIP_ROWS, (height,))[0], height), width
        offsets, sizes = tags[STRIPS], tags.get(STRIP_BYTES, ())
    if (
        len(offsets) == 1 and compression == UNCOMPRESSED and not tiled
    ):  # some writers say nothing or nonsense
        sizes = (height * width * bits // 8,)
    if min(height, width, *block) < 1:
        raise ValueError(f"it has {height} x {width} pixels")
    n_blocks = math.ceil(height / block[0]) * math.ceil(width / block[1])
    if len(offsets) != n_blocks or len(sizes) != n_blocks:
        raise ValueError(f"it has {len(offsets)} of {n_blocks} blocks of pixels")
    blocks = tuple(zip(offsets, sizes, strict=True))
    dtype = np.dtype(f"{order}{kind}{bits // 8}").str
    predictor = tags.get(PREDICTOR, (1,))[0]
    return Page(directory, (height, width), dtype, compression, predictor, block, tiled, blocks)


def _text(values: tuple | None) -> str:
    return values[0].partition(b"\0")[0].decode("latin-1") if values else ""
