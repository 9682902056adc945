"""What all formats of images have in common: one image a file, or a few."""

from __future__ import annotations

import os
from abc import abstractmethod
from dataclasses import replace
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from sklearn_sfx.exceptions import UnreadableFrame
from sklearn_sfx.frames._facts import Facts
from sklearn_sfx.frames._format_protocol import DamagedFile, Format, NoSuchDataset
from sklearn_sfx.frames._paths import why_unreadable
from sklearn_sfx.frames._protocols import FrameOrigin, FrameSource, Window
from sklearn_sfx.frames.images._fabio import require_fabio
from sklearn_sfx.frames.images._files import (
    IMAGE_ERRORS,
    beginning,
    file_length,
    open_image,
    packing,
)

__all__ = ["Header", "ImageFormat"]

MOST_PIXELS = 2**31  # of one image


class Header(NamedTuple):
    """What a file says of its images, read without their pixels.

    Parameters
    ----------
    shape : tuple of int
        (n_images, height, width).
    dtype : str
        Of the pixels.
    facts : Facts
        What holds for all images.
    timestamp : str
        When they were taken, as the file says it.
    places : tuple
        Where each image lies, for formats that keep several in a file.
    """

    shape: tuple[int, int, int]
    dtype: str
    facts: Facts = Facts()
    timestamp: str = ""
    places: tuple[Any, ...] = ()


class ImageFormat(Format):
    """One format of images: how it begins, what its header says, and how it is decoded.

    A format says `begins`, `read_header` and `read_image`. Opening, damage, windows and packed
    files are done here for all of them.

    Attributes
    ----------
    name : str
        What users call it.
    needs_fabio : bool
        Whether its pixels are decoded by fabio.
    """

    needs_fabio = True
    may_be_mask = True
    holds_one_image = True

    @abstractmethod
    def begins(self, head: bytes, path: str) -> bool:
        """Whether a file that begins with these bytes is of this format.

        Parameters
        ----------
        head : bytes
            The first 4096 bytes of the file, unpacked.
        path : str
            Absolute path, for formats whose files begin in no way of their own.
        """

    @abstractmethod
    def read_header(self, file: BinaryIO, length: int) -> Header:
        """Read what the file says of its images; whatever is wrong with it may raise.

        Parameters
        ----------
        file : binary file
            Open at its start, unpacked.
        length : int
            How many bytes it has; -1 where it is packed, since it would be unpacked for that.
        """

    @abstractmethod
    def read_image(self, path: str, header: Header, position: int) -> np.ndarray:
        """Return the pixels of one image, or raise whatever tells that it is damaged.

        Parameters
        ----------
        path : str
            Absolute path of the file.
        header : Header
            What `read_header` read when the file was opened.
        position : int
            Which image of the file.
        """

    def knows(self, path: str, head: bytes) -> bool:
        """Whether a file, packed or not, begins as files of this format do."""
        return bool(head) and self.begins(beginning(path, head), path)

    def open(self, path: str, dataset: str | None = None) -> FrameSource:
        """Return the images of a file, of which only the header is read."""
        if dataset is not None:
            raise NoSuchDataset(
                f"{path} has no dataset {dataset}, since {self.name} has no datasets: leave it out."
            )
        if self.needs_fabio:
            require_fabio(f"{self.name} files")
        try:
            signature = _signature(path)
            header = self.header_of(path)
        except IMAGE_ERRORS as error:
            raise DamagedFile(
                why_unreadable(path) or f"{path} cannot be read as {self.name}: {_reason(error)}."
            ) from error
        return ImageSource(path, self, header, signature)

    def header_of(self, path: str) -> Header:
        """Return what a file says of its images, or raise whatever tells that it is damaged."""
        packed = packing(path)
        with open_image(path) as file:
            header = self.read_header(file, -1 if packed else file_length(file))
        if min(header.shape) < 1 or header.shape[1] * header.shape[2] > MOST_PIXELS:
            raise ValueError(f"its header says that it holds images of shape {header.shape}")
        if not packed:
            return header
        return header._replace(facts=replace(header.facts, compression=packed))


class ImageSource:
    """The images of one file.

    Parameters
    ----------
    path : str
        Absolute path.
    known_as : ImageFormat
        What reads them.
    header : Header
        What the file said of them when it was opened.
    signature : tuple of int
        By which it is told that the file has not changed since.
    """

    def __init__(
        self, path: str, known_as: ImageFormat, header: Header, signature: tuple[int, int]
    ):
        self._path, self._format = path, known_as
        self._header, self._signature = header, signature
        self.shape = header.shape
        self.dtype = np.dtype(header.dtype)
        self.facts = header.facts

    def __reduce__(self) -> tuple:
        """Pickle path and header alone."""
        return ImageSource, (self._path, self._format, self._header, self._signature)

    @property
    def files(self) -> frozenset[str]:
        """The file, so that a list of it is known to lead to it."""
        return frozenset([self._path])

    @property
    def advice(self) -> str:
        """What to do about several images that were packed together."""
        if self.facts.compression not in ("gzip", "bzip2") or self.shape[0] == 1:
            return ""
        return (
            f"{self._path} holds {self.shape[0]} images that are packed together, so the file is "
            "unpacked as a whole for each of them: unpack it once, with gunzip or bunzip2."
        )

    def read(self, position: int, window: Window, out: np.ndarray) -> None:
        """Write the `window` of image `position` to `out`."""
        try:
            if _signature(self._path) != self._signature:
                self._check_unchanged()
            pixels = self._format.read_image(self._path, self._header, position)
            if pixels.shape != self.shape[1:]:
                raise ValueError(f"it has the shape {pixels.shape}, not {self.shape[1:]}")
            if not np.can_cast(pixels.dtype, self.dtype, "safe"):
                raise ValueError(f"its pixels are {pixels.dtype}, not {self.dtype}")
        except IMAGE_ERRORS as error:
            reason = why_unreadable(self._path) or (
                f"Frame [{position + 1}] of {self._path} cannot be read: {_reason(error)}."
            )
            raise UnreadableFrame(reason) from error
        out[...] = pixels[window.slices]

    def _check_unchanged(self) -> None:
        """Raise if the file, which was written anew, says something else of its images now."""
        try:
            unchanged = self._format.header_of(self._path) == self._header
        except IMAGE_ERRORS:
            unchanged = False
        if not unchanged:
            raise ValueError("the file has changed since it was opened")

    def origin(self, position: int) -> FrameOrigin:
        """Return the file, and ``//`` as CrystFEL names the one image of a file."""
        event = "//" if self.shape[0] == 1 else f"//{position}"
        return FrameOrigin(self._path, position, event)

    def metadata(self, positions: np.ndarray) -> dict[str, np.ndarray]:
        """Return what the header says, for each of the images."""
        facts = {
            "wavelength": self.facts.wavelength,
            "distance": self.facts.distance,
            "timestamp": self._header.timestamp or None,
        }
        return {
            name: np.full(len(positions), value)
            for name, value in facts.items()
            if value is not None
        }


def _signature(path: str) -> tuple[int, int]:
    status = os.stat(path)
    return status.st_size, status.st_mtime_ns


def _reason(error: BaseException) -> str:
    if isinstance(error, MemoryError):
        return "it asks for more memory than there is"
    if isinstance(error, KeyError):
        return f"{error.args[0]!s} is missing in its header, or unknown"
    text = " ".join(str(error).split()).rstrip(".")
    return text or type(error).__name__
