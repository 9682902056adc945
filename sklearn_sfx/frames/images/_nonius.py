"""The .kccd files of Nonius's KappaCCD: a header of text, and one or more readouts to be added."""

from __future__ import annotations

from typing import BinaryIO

import numpy as np

from sklearn_sfx.frames._facts import Facts
from sklearn_sfx.frames.images._fabio import decode
from sklearn_sfx.frames.images._files import file_length, read_whole
from sklearn_sfx.frames.images._format import Header, ImageFormat

__all__ = ["Nonius"]

_HEADER_LINES = 256


class Nonius(ImageFormat):
    """Nonius KappaCCD files."""

    name = "Nonius KCCD"

    def begins(self, head: bytes, path: str) -> bool:
        """Told by the number of the frame, which comes first, and by its sizes."""
        return head.startswith(b"No") and b"X dimension" in head and b"Y dimension" in head

    def read_header(self, file: BinaryIO, length: int) -> Header:
        """Read lines of text up to the first that is none."""
        fields: dict[str, str] = {}
        header_bytes = 0
        for _ in range(_HEADER_LINES):
            line = file.readline(200)
            name, equals, value = line.partition(b"=")
            if len(line) > 100 or not line.isascii() or (fields and not equals and line.strip()):
                break
            header_bytes += len(line)
            fields[name.decode().strip()] = value.decode().strip()
        if fields.get("Data type", "u16") != "u16":
            raise ValueError(f"its pixels are {fields['Data type']}, unknown to fabio")
        shape = (1, int(fields["Y dimension"]), int(fields["X dimension"]))
        n_readouts = int(fields.get("Number of readouts", 1))
        n_bytes = 2 * shape[1] * shape[2] * n_readouts
        length = file_length(file) if length < 0 else length
        if n_readouts < 1 or length < header_bytes + n_bytes:  # the readouts end with the file
            raise ValueError(f"it is truncated, {n_bytes} bytes should follow its header")
        return Header(shape, "i4", Facts(format=self.name), fields.get("Date", ""), (length,))

    def read_image(self, path: str, header: Header, position: int) -> np.ndarray:
        """Add up the readouts."""
        data = read_whole(path)
        if len(data) != header.places[position]:
            raise ValueError(f"it has {len(data)} bytes and had {header.places[position]}")
        return decode("kcdimage", data)
