"""Pixels that hold no measurement, told from the frame itself."""

import numpy as np

from sklearn_sfx.preprocessing._peak_pixels import Pixels, every_nth_row
from sklearn_sfx.preprocessing._spot_kernels import range_of, solid_areas

__all__ = ["without_no_data"]

MARKS = (-1, -2)  # what Pilatus, Eiger and Lambda write where they measure nothing
GREATEST = (2**16 - 1, 2**31 - 1, 2.0**31, 2**32 - 1, 2.0**32)  # the floats are float32
FAR = 2.0  # times as far as the lowest of the others is below the middle, or above the next one
LARGEST_PART = 0.2  # of the frame; more pixels than that are no dead ones
MOST_BELOW = 3
SAMPLED = 100  # rows and columns that tell the middle of a frame
LEAST_PART = 0.0005  # of the frame; fewer pixels than that are no area


def without_no_data(pixels: Pixels) -> Pixels:
    """Return the pixels of a frame, as `pixels_of` does, without those that hold no data.

    There is none where the lowest values, those of gaps and bad pixels on counting detectors, are
    -1 and -2; where the highest is the greatest number that a pixel can hold; in areas that a
    single value fills, if nothing is ever enclosed by them, and what is left is not in pieces; and
    where a lowest value lies far below all others, as that of a dead pixel on a pedestal. (Between
    the zeros of a frame with few photons there are photons, and where hardly any are the rest are
    small spots; outside a round sensor there is nothing.)
    """
    frame, usable, least, _ = pixels
    if frame.size == 0:
        return pixels
    values = []
    lowest, highest, first, last = range_of(pixels)
    if lowest in MARKS:
        least = 0.0
    if highest in GREATEST:
        values.append(highest)
    for value in {first, last, lowest} - set(MARKS):
        known = frame, usable, least, np.array(values, np.float32)  # gaps are none of the others
        if np.isfinite(value) and _fills_areas(known, value):
            values.append(value)
    known = frame, usable, least, np.array(values, np.float32)
    if lowest in values or lowest < least:
        lowest = range_of(known)[0]
    return frame, usable, least, np.array([*values, *_far_below(known, lowest)], np.float32)


def _fills_areas(pixels: Pixels, value: float) -> bool:
    few = every_nth_row(pixels, 8)[:, ::8]
    if np.count_nonzero(few == value) < LEAST_PART * pixels[0].size / 64:
        return False
    n, amid, enclosed, others, apart = solid_areas(pixels, value)
    return bool(2 * amid > n and 1000 * enclosed <= n and 4 * apart > 3 * others)


def _far_below(pixels: Pixels, lowest: float) -> list[float]:
    """Return the lowest values, three at the most, that are far from the next ones."""
    frame, usable, least, values = pixels
    height, width = frame.shape
    some = every_nth_row(pixels, max(1, height // SAMPLED))[:, :: max(1, width // SAMPLED)]
    some = some[np.isfinite(some)]
    found: list[float] = []
    while some.size and len(found) < MOST_BELOW:
        n_before, some = some.size, some[some > lowest]
        # Some pixels are quicker to look at, and where they leave no gap there is none.
        if some.size < (1 - LARGEST_PART) * n_before or not _is_far(lowest, some.min(), some):
            break
        gone = np.array([*values, *found, lowest], np.float32)
        next_lowest = range_of((frame, usable, least, gone))[0]
        if not _is_far(lowest, next_lowest, some):
            break
        found.append(lowest)
        lowest = next_lowest
    return found


def _is_far(lowest: float, next_lowest: float, others: np.ndarray) -> bool:
    apart = next_lowest - lowest
    if not apart > FAR:  # which is quick to ask, and seldom so
        return False
    higher = others[others > next_lowest]
    step = float(higher.min()) - next_lowest if higher.size else 0.0
    return apart > FAR * max(float(np.median(others)) - next_lowest, step)
