"""Arrays that a program hands over, one after the other."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator

import numpy as np

from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames import Frames
from sklearn_sfx.streams._protocols import LiveFrames, Notice, arrived_frames

__all__ = ["ArraysSource"]


class ArraysSource:
    """The frames of an iterator: arrays, `Frames`, or `LiveFrames` and notices as they are.

    Parameters
    ----------
    arrays : iterable
        Of arrays of shape (height, width) or (n, height, width), of `Frames`, of `LiveFrames`, or
        of `Notice`. It is asked for the next one as soon as there is room.
    """

    name = "the iterator"

    def __init__(self, arrays: Iterable):
        self._arrays = arrays

    def arrivals(self, stop: threading.Event) -> Iterator[LiveFrames | Notice]:
        """Yield each array as frames; those of no file are numbered through."""
        number = 0
        for item in self._arrays:
            if stop.is_set():
                return
            if isinstance(item, LiveFrames | Notice):
                yield item
                continue
            nbytes = 0
            if not isinstance(item, Frames):
                array = np.asarray(item)
                array = array[None] if array.ndim == 2 else array
                if array.ndim != 3:
                    raise InputError(
                        "A watch takes arrays of shape (height, width) or (n, height, width), not "
                        f"of shape {array.shape}."
                    )
                if len(array) == 0:  # as of a train without pulses
                    continue
                item, nbytes = arrived_frames(array, first=number), array.nbytes
            number += len(item)
            yield LiveFrames(item, np.full(len(item), time.monotonic()), nbytes)
