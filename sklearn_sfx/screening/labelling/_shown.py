"""The frames of a run as they are shown to who labels them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from contextlib import suppress
from functools import partial

import numpy as np

from sklearn_sfx._methods import METHODS
from sklearn_sfx._tasks import CRYSTALLOGRAPHY, Task
from sklearn_sfx.exceptions import UnreadableFrame
from sklearn_sfx.frames import Frames, Window, needing_some, window_of
from sklearn_sfx.preprocessing import PixelMask, find_spots
from sklearn_sfx.screening._crop import crop_for
from sklearn_sfx.screening._lit_level import LIT, lit_level
from sklearn_sfx.screening._unreadable import find_unreadable
from sklearn_sfx.serving import FramePicture

__all__ = ["ShownFrames", "log_scale", "side_shown"]

BLACK = 100  # times the level of a lit pixel
N_HELD = 4  # pictures: the one that is looked at, those beside it, and the next
N_SAMPLE = 24  # frames that defective pixels are found in, fewer where they are large
SAMPLE_BYTES = 256 * 2**20


class ShownFrames:
    """Pictures of frames, each read when it is asked for.

    Parameters
    ----------
    frames : Frames, shape (n_frames, height, width)
        In the order in which they are shown.
    crop : int, "auto" or None
        Side of the square that is looked at, in pixels, as in `train`.
    task : Task
        What is labelled, which says how frames are drawn.
    """

    def __init__(self, frames: Frames, crop: int | str | None, task: Task = CRYSTALLOGRAPHY):
        self._frames = frames
        self._masking = _fitted_mask(frames)
        cropped = crop_for(frames, crop, side_shown(task)).fit_transform(frames[:1])
        self.window: Window = window_of(cropped)
        self.shape = frames.shape[1:]
        self._scale = log_scale(self._masking.transform(frames)) if task.scale == "log" else None
        self._pictures: OrderedDict[int, FramePicture] = OrderedDict()
        self._gone: dict[int, str] = {}
        self._lock = threading.Lock()

    def unreadable(self, place: int) -> str:
        """Return why a frame cannot be read; "" if it can."""
        if place not in self._gone:
            with suppress(UnreadableFrame):
                self.picture(place)
        return self._gone.get(place, "")

    def picture(self, place: int) -> FramePicture:
        """Return the picture of a frame; raise `UnreadableFrame` if it cannot be read."""
        with self._lock:
            if place in self._pictures:
                self._pictures.move_to_end(place)
                return self._pictures[place]
            stored = partial(self._read, place, masked=False)
            picture = FramePicture(self._read(place), stored, self._scale)
            self._pictures[place] = picture
            while len(self._pictures) > N_HELD:
                self._pictures.popitem(last=False)
            return picture

    def spots(self, place: int) -> list[list[float]]:
        """Return row and column of what `find_spots` finds."""
        found = find_spots(self._read(place))
        return np.round(np.transpose([found.row, found.column]), 1).tolist()

    def _read(self, place: int, *, masked: bool = True) -> np.ndarray:
        one = self._frames[[place]]
        try:
            if masked:
                return np.asarray(needing_some(self._masking.transform(one)))[0]
            return np.asarray(one.as_stored())[0]
        except UnreadableFrame as error:
            self._gone[place] = str(error)
            raise


def side_shown(task: Task) -> int | None:
    """Return the side of the square that is shown at first; None for all of a frame."""
    return METHODS["rows"].crop if task.has_spots else None


def log_scale(frames: Frames) -> tuple[float, float, float]:
    """Return a scale for all frames of a run, as `FramePicture` takes it.

    Nothing is white, and black is a hundred times the level from which on a pixel is lit, so that
    frames can be compared by eye.
    """
    return 0.0, lit_level(frames) / LIT, BLACK * LIT


def _fitted_mask(frames: Frames) -> PixelMask:
    """Return what hides defective pixels, which would pass for spots."""
    frame_bytes = 4 * int(np.prod(frames.shape[1:]))
    n = min(len(frames), N_SAMPLE, max(16, SAMPLE_BYTES // frame_bytes))
    some = frames[np.unique(np.linspace(0, len(frames) - 1, n).round().astype(int))]
    plain = PixelMask(invalid="auto").fit(some)
    gone = find_unreadable(needing_some(plain.transform(some)))
    readable = np.setdiff1d(np.arange(len(some)), list(gone))
    if len(readable) < PixelMask.MIN_FRAMES:
        return plain
    return PixelMask(detect=True, invalid="auto").fit(some[readable])
