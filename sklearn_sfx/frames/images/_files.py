"""Files of images as bytes, unpacked where they were packed with gzip or bzip2."""

from __future__ import annotations

import bz2
import gzip
import io
import os
import struct
import zlib
from collections.abc import Callable
from functools import lru_cache
from typing import BinaryIO

__all__ = ["IMAGE_ERRORS", "beginning", "file_length", "open_image", "packing", "read_whole"]

# What damage to a file, or to what its header says, makes these and the decoders raise.
IMAGE_ERRORS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)

LARGEST = 2**30  # bytes of one file that are held in memory
HEAD_BYTES = 4096

_PACKINGS = ((b"\x1f\x8b\x08", "gzip"), (b"BZh", "bzip2"))
_OPENERS: dict[str, Callable] = {"gzip": gzip.open, "bzip2": bz2.open}


def open_image(path: str) -> BinaryIO:
    """Open a file for reading, by what unpacks it; the caller closes it."""
    packed = packing(path)
    return _OPENERS[packed](path) if packed else open(path, "rb")


def packing(path: str) -> str:
    """Return by what a file is packed as a whole, so that it is read from its start; "" if not."""
    with open(path, "rb") as file:
        return _packing(file.read(4))


def read_whole(path: str) -> bytes:
    """Return all bytes of a file; unpacked to the end, where its checksum is verified."""
    with open_image(path) as file:
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise ValueError(f"it has more than {LARGEST} bytes")
    return data


def file_length(file: BinaryIO) -> int:
    """Return how many bytes an open file has; of a packed one it is unpacked for that."""
    if isinstance(file, io.BufferedReader):
        return os.fstat(file.fileno()).st_size
    position = file.tell()
    length = file.seek(0, os.SEEK_END)
    file.seek(position)
    return length


@lru_cache(maxsize=4)  # every format of images asks this of the same file
def beginning(path: str, head: bytes) -> bytes:
    """Return how a file begins, unpacked; `head` is how it begins on disk."""
    if not _packing(head):
        return head
    try:
        with open_image(path) as file:
            return file.read(HEAD_BYTES)
    except IMAGE_ERRORS:
        return b""


def _packing(head: bytes) -> str:
    return next((name for magic, name in _PACKINGS if head.startswith(magic)), "")
