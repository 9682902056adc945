"""Pixels that hold no measurement, told from the frame itself."""

import numpy as np

from sklearn_sfx.preprocessing._spot_kernels import solid_areas

__all__ = ["without_no_data"]

LEAST_PART = 0.0005  # of the frame; fewer pixels than that are no area


def without_no_data(frame: np.ndarray, usable: np.ndarray | None = None) -> np.ndarray:
    """Return a frame (height, width) with NaN where there is no data; itself where all is data.

    There is none where `usable` is False; where a counting detector, whose lowest values are -1 and
    -2, has these; where an unsigned pixel holds the greatest value there is; and in areas that a
    single value fills, if nothing is ever enclosed by them. (Between the zeros of a frame with few
    photons there are photons; outside a round sensor, and in gaps, there is nothing.)
    """
    bad = np.zeros(frame.shape, bool) if usable is None else ~usable
    if frame.size == 0:
        return frame
    if frame.dtype.kind == "i" and -2 <= frame.min() < 0:
        bad = bad | (frame < 0)
    elif frame.dtype.kind == "u":
        bad = bad | (frame == np.iinfo(frame.dtype).max)
    if frame.dtype.kind == "b":
        frame = frame.astype(np.uint8)
    for value in {frame.flat[0], frame.flat[-1], np.nanmin(frame)}:
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
