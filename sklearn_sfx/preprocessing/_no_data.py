"""Pixels that hold no measurement, told from the frame itself."""

import numpy as np

from sklearn_sfx.preprocessing._spot_kernels import solid_areas

__all__ = ["without_no_data"]

MARKS = (-1, -2)  # what Pilatus, Eiger and Lambda write where they measure nothing
GREATEST = (2**16 - 1, 2**31 - 1, 2.0**31, 2**32 - 1, 2.0**32)  # the floats are float32
LEAST_PART = 0.0005  # of the frame; fewer pixels than that are no area


def without_no_data(frame: np.ndarray, usable: np.ndarray | None = None) -> np.ndarray:
    """Return a frame (height, width) with NaN where there is no data; itself where all is data.

    There is none where `usable` is False; where the lowest values, those of gaps and bad pixels on
    counting detectors, are -1 and -2; where the highest is the greatest number that a pixel can
    hold; and in areas that a single value fills, if nothing is ever enclosed by them. (Between the
    zeros of a frame with few photons there are photons; outside a round sensor there is nothing.)
    """
    if frame.dtype.kind == "b":
        frame = frame.astype(np.uint8)
    if frame.size == 0:
        return frame
    bad = np.zeros(frame.shape, bool) if usable is None else ~usable
    lowest, highest = (reduce(frame.ravel()) for reduce in (np.fmin.reduce, np.fmax.reduce))
    if lowest in MARKS:
        bad = bad | (frame < 0)
    if highest in GREATEST:
        bad = bad | (frame == highest)
    for value in {frame.flat[0], frame.flat[-1], lowest} - set(MARKS):
        if np.isfinite(value) and _fills_areas(frame, value):
            bad = bad | (frame == value)
    if not bad.any():
        return frame
    frame = frame.astype(np.float32)
    frame[bad] = np.nan
    return frame


def _fills_areas(frame: np.ndarray, value: float) -> bool:
    if np.count_nonzero(frame[::8, ::8] == value) < LEAST_PART * frame.size / 64:
        return False
    n, amid, enclosed = solid_areas(frame, value)
    return bool(2 * amid > n and 1000 * enclosed <= n)
