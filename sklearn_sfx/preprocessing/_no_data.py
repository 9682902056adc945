"""Pixels that hold no measurement, told from the frame itself."""

import numpy as np

from sklearn_sfx.preprocessing._peak_pixels import Pixels, every_nth_row
from sklearn_sfx.preprocessing._spot_kernels import range_of, solid_areas

__all__ = ["without_no_data"]

MARKS = (-1, -2)  # what Pilatus, Eiger and Lambda write where they measure nothing
GREATEST = (2**16 - 1, 2**31 - 1, 2.0**31, 2**32 - 1, 2.0**32)  # the floats are float32
LEAST_PART = 0.0005  # of the frame; fewer pixels than that are no area


def without_no_data(pixels: Pixels) -> Pixels:
    """Return the pixels of a frame, as `pixels_of` does, without those that hold no data.

    There is none where the lowest values, those of gaps and bad pixels on counting detectors, are
    -1 and -2; where the highest is the greatest number that a pixel can hold; and in areas that a
    single value fills, if nothing is ever enclosed by them, and what is left is not in pieces.
    (Between the zeros of a frame with few photons there are photons, and where hardly any are the
    rest are small spots; outside a round sensor there is nothing.)
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
        if np.isfinite(value) and _fills_areas(pixels, value):
            values.append(value)
    return frame, usable, least, np.array(values, np.float32)


def _fills_areas(pixels: Pixels, value: float) -> bool:
    few = every_nth_row(pixels, 8)[:, ::8]
    if np.count_nonzero(few == value) < LEAST_PART * pixels[0].size / 64:
        return False
    n, amid, enclosed, others, apart = solid_areas(pixels, value)
    return bool(2 * amid > n and 1000 * enclosed <= n and 4 * apart > 3 * others)
