"""The frames of one segment of an HDF5 file."""

from __future__ import annotations

import numpy as np

from sklearn_sfx.exceptions import InputError, UnreadableFrame
from sklearn_sfx.frames._facts import Facts, Unreadable
from sklearn_sfx.frames._protocols import FrameOrigin, Window
from sklearn_sfx.frames.hdf5._handles import HDF5_ERRORS, open_file, reason
from sklearn_sfx.frames.hdf5._metadata import read_field
from sklearn_sfx.frames.hdf5._segments import Segment
from sklearn_sfx.frames.hdf5._unread import Unread, why_unreadable

__all__ = ["Hdf5Source", "advice_for"]

LARGE_FRAME = 2**20  # pixels; below, nobody waits for a frame


class Hdf5Source:
    """The frames of one segment of an HDF5 file.

    Parameters
    ----------
    segment : Segment
        Where they lie.
    """

    def __init__(self, segment: Segment):
        self._segment = segment
        self.shape = segment.shape
        self.dtype = np.dtype(segment.content.dtype)

    def __reduce__(self) -> tuple:
        """Pickle the segment alone, since runs have thousands of files."""
        return Hdf5Source, (self._segment,)

    @property
    def files(self) -> frozenset[str]:
        """The files in which they lie, links and virtual datasets followed."""
        return self._segment.content.files

    @property
    def facts(self) -> Facts:
        """What the file says of all its frames."""
        return self._segment.facts

    @property
    def unreadable(self) -> tuple[Unreadable, ...]:
        """The frames that are known not to be readable."""
        return self._segment.unreadable

    @property
    def advice(self) -> str:
        """What to do about large frames that are compressed with gzip."""
        return advice_for(self.facts, self.shape)

    def read(self, position: int, window: Window, out: np.ndarray) -> None:
        """Write the `window` of frame `position` to `out`."""
        segment = self._segment
        try:
            segment.content.read(position, window, out)
            if known := why_unreadable(segment.unreadable, position):
                raise Unread(known)  # pixels there are, but the file says what they are worth
        except Unread as error:
            unreadable = UnreadableFrame(
                f"Frame [{segment.first + position + 1}] of {segment.path} (dataset "
                f"{segment.dataset}, row {position}) cannot be read: {error.reason}."
            )
            unreadable.usable = error.usable
            raise unreadable from error

    def origin(self, position: int) -> FrameOrigin:
        """Return the file, the position in it and CrystFEL's name of frame `position`."""
        segment = self._segment
        return FrameOrigin(segment.path, segment.first + position, segment.event_of(position))

    def metadata(self, positions: np.ndarray) -> dict[str, np.ndarray]:
        """Read what the file says of the frames at `positions`."""
        segment = self._segment
        found = {}
        if segment.fields:
            with open_file(segment.path) as opened:
                for field in segment.fields:
                    try:
                        rows = positions + segment.field_start
                        found[field.name] = read_field(field, opened.file[field.dataset], rows)
                    except HDF5_ERRORS as error:
                        raise InputError(
                            f"The {field.name} of the frames of {segment.path} cannot be read from "
                            f"dataset {field.dataset}: {reason(error)}."
                        ) from error
        return found


def advice_for(facts: Facts, shape: tuple[int, int, int]) -> str:
    """Return how frames would be quicker to read, "" where they would not."""
    if facts.compression != "gzip" or shape[1] * shape[2] < LARGE_FRAME:
        return ""
    return (
        "These frames are compressed with gzip, which takes ten to twenty times as long to read as "
        "bitshuffle-LZ4: if they are read more than once, write them anew with "
        "hdf5plugin.Bitshuffle()."
    )
