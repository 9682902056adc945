"""Formats of single images that are left to fabio altogether, header and pixels."""

from __future__ import annotations

from typing import BinaryIO

import numpy as np

from sklearn_sfx.frames._facts import Facts
from sklearn_sfx.frames.images._fabio import decode
from sklearn_sfx.frames.images._files import read_whole
from sklearn_sfx.frames.images._format import Header, ImageFormat

__all__ = ["WholeImage"]


class WholeImage(ImageFormat):
    """Files of one image each, which is decoded once when they are opened.

    Parameters
    ----------
    name : str
        What users call the format.
    magic : bytes
        How its files begin.
    codec : str
        fabio's name of it.
    """

    def __init__(self, name: str, magic: bytes, codec: str):
        self.name, self._magic, self._codec = name, magic, codec

    def begins(self, head: bytes, path: str) -> bool:
        """Told by the first bytes."""
        return head.startswith(self._magic)

    def read_header(self, file: BinaryIO, length: int) -> Header:
        """Decode the image, for its shape."""
        pixels = decode(self._codec, file.read())
        return Header((1, *pixels.shape), pixels.dtype.str, Facts(format=self.name))

    def read_image(self, path: str, header: Header, position: int) -> np.ndarray:
        """Decode the image."""
        return decode(self._codec, read_whole(path))
