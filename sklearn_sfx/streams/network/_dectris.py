"""Frames of a DECTRIS detector, by its Stream V2."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator

import numpy as np

from sklearn_sfx._text import one_line
from sklearn_sfx.frames import FrameOrigin
from sklearn_sfx.streams._protocols import LiveFrames, Notice
from sklearn_sfx.streams.network._connection import SILENT_S, Connection
from sklearn_sfx.streams.network._dectris_message import End, Image, Start, decode_message
from sklearn_sfx.streams.network._malformed import Malformed, Unfitting
from sklearn_sfx.streams.network._series import Series

__all__ = ["DectrisSource"]

HELD = 8  # messages that wait in the socket
_IS_START_OR_END = re.compile(rb"^.{1,3}dtype(estart|cend)", re.DOTALL)  # as CBOR has it
KEPT = 4  # series of which late images are still known


class DectrisSource:
    """The images of the series that a detector takes, one after the other.

    Several clients share a stream: each message, the start of a series too, goes to one of them.
    So images that do not come are no fault, and a series whose start did not come is taken without
    mask, wavelength, distance and beam.

    Parameters
    ----------
    address : str
        As ZeroMQ has it: ``tcp://host:31001``.
    channel : str, default=None
        Which threshold is taken; the first by default.
    mask : ndarray of bool, shape (height, width), or bool, default=True
        True where a pixel is usable, instead of the mask that the detector sends. False uses all
        pixels, whatever they hold.
    silent_s : float
        After so many seconds without a message one is told.

    Examples
    --------
    >>> import threading
    >>> from sklearn_sfx.streams import DectrisSource
    >>> source = DectrisSource("tcp://127.0.0.1:31001", channel="threshold_1")
    >>> source.name
    'dectris://127.0.0.1:31001'
    >>> stop = threading.Event()
    >>> stop.set()  # else it goes on for ever
    >>> list(source.arrivals(stop))
    []
    """

    def __init__(
        self,
        address: str,
        *,
        channel: str | None = None,
        mask: np.ndarray | bool = True,
        silent_s: float = SILENT_S,
    ):
        self.name = address.replace("tcp://", "dectris://", 1)
        self._connection = Connection(address, "PULL", HELD, silent_s)
        self._channel, self._mask = channel, mask

    def arrivals(self, stop: threading.Event) -> Iterator[LiveFrames | Notice]:
        """Yield each image as it comes, and starts, ends and what goes wrong as notices.

        Parameters
        ----------
        stop : threading.Event
            Once it is set, what waits is still yielded, and then it ends.

        Yields
        ------
        LiveFrames or Notice
            One frame of shape (1, height, width), of uint8, uint16 or uint32.

        Raises
        ------
        InputError
            The address is none.
        """
        known: dict[tuple[int, str], Series] = {}
        for parts in self._connection.messages(stop):
            if isinstance(parts, Notice):
                yield parts
                continue
            arrived, message = time.monotonic(), parts[0]
            try:
                if len(parts) > 1:
                    raise Malformed("it has several parts")
                said = decode_message(message)
            except Malformed as error:
                n_images = 0 if _IS_START_OR_END.search(message[:32]) else 1
                yield _unreadable(f"a message of {len(message)} bytes", error, n_images)
                continue
            if isinstance(said, Start):
                yield self._begin(known, said)
            elif isinstance(said, End):
                yield _finish(known, said)
            else:
                yield from self._take(known, said, arrived)

    def _begin(self, known: dict[tuple[int, str], Series], start: Start) -> Notice:
        """Note a series that starts; of one that is known already only its start is new."""
        key = (start.series, start.unique)
        before = known.get(key)
        if before is not None and before.is_known:
            if start.unique:
                return Notice("repeated", f"the start of series {start.series} came again")
            before = None  # nothing but its start tells it from another of the same number
        open_ones = [one.number for one in known.values() if not one.is_over and one is not before]
        series = Series(start.series, start, self._channel, self._mask)
        if before is not None:
            series.seen = before.seen
        _keep(known, key, series)
        if open_ones:
            for other in known.values():
                other.is_over = other is not series
            return Notice("restart", f"{series.said()}; series {open_ones[-1]} did not end")
        return Notice("start", series.said())

    def _take(
        self, known: dict[tuple[int, str], Series], image: Image, arrived: float
    ) -> Iterator[LiveFrames | Notice]:
        """Yield an image, unless it came before, and what is to be said of it."""
        key = (image.series, image.unique)
        if key not in known:
            _keep(known, key, Series(image.series, None, self._channel, self._mask))
            yield Notice("late", known[key].said())
        series = known[key]
        named = f"image {image.number} of series {image.series}"
        came = series.seen.add(image.number)
        if came == "repeated":
            yield Notice("repeated", f"{named} came again")
            return
        if came == "late":
            yield Notice("disordered", f"{named} came behind image {series.seen.highest}")
        try:
            yield series.frames(image, arrived)
        except Unfitting as error:
            yield Notice("misfit", str(error), 1, (series.origin(image.number),))
        except Malformed as error:
            yield _unreadable(named, error, 1, (series.origin(image.number),))


def _finish(known: dict[tuple[int, str], Series], end: End) -> Notice:
    series = known.get((end.series, end.unique))
    if series is None:
        return Notice("end", f"series {end.series} ends: none of its images came here")
    if series.is_over:
        return Notice("repeated", f"the end of series {end.series} came again")
    series.is_over = True
    return Notice("end", series.ending())


def _keep(known: dict[tuple[int, str], Series], key: tuple[int, str], series: Series) -> None:
    known.pop(key, None)
    known[key] = series
    while len(known) > KEPT:
        del known[next(iter(known))]


def _unreadable(
    named: str, error: Malformed, n_images: int, sources: tuple[FrameOrigin, ...] = ()
) -> Notice:
    return Notice("unreadable", one_line(f"{named} cannot be read: {error}"), n_images, sources)
