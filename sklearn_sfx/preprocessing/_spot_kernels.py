"""What the surroundings of a peak say about it, compiled with numba."""

import numpy as np
from numba import njit

from sklearn_sfx.preprocessing._peak_pixels import Pixels, load_row
from sklearn_sfx.preprocessing.kernels import GREATEST, LEAST, key_of, value_of_key

__all__ = ["around_peaks", "closeness", "pixels_by_radius", "range_of", "solid_areas"]

N_DIRECTIONS = 24
NEAREST, FARTHEST = 4, 16  # pixels; a line is looked for from beyond the peak to here
REACH = FARTHEST + 3  # pixels around the place of a peak that are looked at
STRIDE = 4  # pixels; every fourth row and column is enough to count those of a ring

_compile = njit(nogil=True, cache=True, error_model="numpy")
_inlined = njit(nogil=True, cache=True, error_model="numpy", forceinline=True)


@_compile
def around_peaks(pixels, rows, columns, shares):
    """Return height, line, edge, equals, row, value of the peaks at these pixels; float64 (n, 6).

    The height is that of the highest pixel within two of the place, above the median of a circle
    around it. The line is how far a line of pixels through the peak stands out, on both of its
    sides and in the mean, above what lines in other directions do: 0 for a peak by itself, the
    height for a peak in a streak, a ring or a bad column. The edge is where the peak falls off the
    most: how much of a pixel there is in the one beside it, at the least, of the highest and of the
    eight around it, where they reach the given share of the height; inf where none does. The equals
    are the pixels within two of the highest that have its very value, and itself; the row is how
    many of these lie in one row or column with it.
    """
    patch = np.empty((2 * REACH + 1, 2 * REACH + 1), np.float32)
    ways = _ways()
    middle = (FARTHEST - NEAREST) // 2
    circle = np.empty(2 * N_DIRECTIONS)
    scale = N_DIRECTIONS * (NEAREST + middle) ** 2
    lines = np.empty(N_DIRECTIONS)
    found = np.zeros((len(rows), 6))
    for p in range(len(rows)):
        for k in range(patch.shape[0]):
            load_row(pixels, rows[p] - REACH + k, columns[p] - REACH, patch[k])
        i, j = _highest_near(patch, REACH, REACH)
        n = 0
        slope_i = slope_j = 0.0
        for d in range(N_DIRECTIONS):
            down, right = ways[d, middle, 1]
            rise = 0.0
            for side in (-1, 1):
                y, x = i + side * down, j + side * right
                if patch[y, x] == patch[y, x]:
                    circle[n] = patch[y, x]
                    n += 1
                    rise += side * patch[y, x]
                else:
                    rise = np.nan
            if rise == rise:
                slope_i += rise * down
                slope_j += rise * right
        if n == 0:
            continue
        level = np.sort(circle[:n])[n // 2]
        top = patch[i, j] - level
        if n == circle.size:
            slope_i, slope_j = slope_i / scale, slope_j / scale
        else:
            slope_i = slope_j = 0.0
        n = 0
        for d in range(N_DIRECTIONS):
            both = np.inf
            for side in (-1, 1):
                mean = _along(patch, i, j, ways[d], side, level, top)
                rise = slope_i * ways[d, middle, 1, 0] + slope_j * ways[d, middle, 1, 1]
                mean -= side * rise
                both = min(both, mean if mean == mean else np.inf)
            if both < np.inf:
                lines[n] = both
                n += 1
        if n > 0:
            ordered = np.sort(lines[:n])
            found[p, 1] = ordered[n - 1] - ordered[n // 2]
        found[p, 0], found[p, 2] = top, _edge(patch, i, j, level, shares[p] * top)
        equal = patch[i - 2 : i + 3, j - 2 : j + 3] == patch[i, j]
        found[p, 3] = np.count_nonzero(equal)
        found[p, 4] = max(np.count_nonzero(equal[2]), np.count_nonzero(equal[:, 2]))
        found[p, 5] = patch[i, j]
    return found


@_compile
def _ways():
    """Return the steps down and right to the three pixels across each place on each line."""
    ways = np.empty((N_DIRECTIONS, FARTHEST - NEAREST + 1, 3, 2), np.int64)
    for d in range(N_DIRECTIONS):
        down, right = np.sin(np.pi * d / N_DIRECTIONS), np.cos(np.pi * d / N_DIRECTIONS)
        for k in range(ways.shape[1]):
            for across in range(3):
                aside = across - 1
                ways[d, k, across, 0] = int(np.rint((NEAREST + k) * down + aside * right))
                ways[d, k, across, 1] = int(np.rint((NEAREST + k) * right - aside * down))
    return ways


@_inlined
def _highest_near(patch, i, j):
    highest_i, highest_j = i, j
    for y in range(i - 2, i + 3):
        for x in range(j - 2, j + 3):
            highest = patch[highest_i, highest_j]
            if patch[y, x] > highest or highest != highest:
                highest_i, highest_j = y, x
    return highest_i, highest_j


@_inlined
def _along(patch, i, j, way, side, level, top):
    """Return the mean over the way of the highest of three pixels across it; NaN if too short."""
    total = 0.0
    n = 0
    for k in range(way.shape[0]):
        highest = np.float32(-np.inf)
        for across in range(3):
            y, x = i + side * way[k, across, 0], j + side * way[k, across, 1]
            if patch[y, x] > highest:
                highest = patch[y, x]
        if highest > -np.inf:
            total += min(highest - level, top)  # what is brighter than the peak says no more
            n += 1
    return total / n if 3 * n > FARTHEST - NEAREST else np.nan


@_inlined
def _edge(patch, i, j, level, least):
    edge = np.inf
    for y in range(i - 1, i + 2):
        for x in range(j - 1, j + 2):
            above = patch[y, x] - level
            if above > 0 and above >= least:
                for b, a in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)):
                    if patch[b, a] == patch[b, a]:
                        edge = min(edge, (patch[b, a] - level) / above)
    return edge


@_compile
def closeness(rows, columns, centre_row, centre_column, width):
    """Return how much pixels crowd at the same distances from a centre, in bins so wide."""
    radii = np.empty(len(rows), np.int32)
    for k in range(len(rows)):
        down, right = rows[k] - centre_row, columns[k] - centre_column
        radii[k] = np.int32(np.sqrt(down * down + right * right) / width)
    counts = np.zeros(radii.max() + 1, np.float64)
    for k in range(len(rows)):
        counts[radii[k]] += 1
    total = 0.0
    for radius in range(counts.size):
        total += counts[radius] ** 2 / (radius + 5.0)
    return total


@_compile
def pixels_by_radius(pixels, distance, centre_row, centre_column, n_radii):
    """Return how many pixels with a contrast lie at each distance from the centre, rounded down.

    That is, usable ones with another usable one so far away to one of the four sides.
    """
    height, width = pixels[0].shape
    lines = np.empty((3, width + 2 * distance), np.float32)
    counts = np.zeros(n_radii)
    for i in range(0, height, STRIDE):
        for k in range(3):
            load_row(pixels, i + (k - 1) * distance, -distance, lines[k])
        for j in range(0, width, STRIDE):
            k = j + distance
            here, before, after = lines[1, k], lines[1, k - distance], lines[1, k + distance]
            beside = before == before or after == after
            beside = beside or lines[0, k] == lines[0, k] or lines[2, k] == lines[2, k]
            if here == here and beside:
                down, right = i - centre_row, j - centre_column
                radius = int(np.sqrt(down * down + right * right))
                if radius < n_radii:
                    counts[radius] += STRIDE**2
    return counts


def range_of(pixels: Pixels) -> tuple[float, float, float, float]:
    """Return the lowest and the highest pixel of a frame, the first and the last; float32.

    NaN where a pixel is not usable, or where none is. Of the ends only the mask is asked.
    """
    frame, usable, least, values = pixels
    is_known = np.isneginf(least) and not values.size
    if np.issubdtype(frame.dtype, np.integer) and is_known:  # without the way through float32
        low, high = _range_of_counts(frame, usable)
    else:
        low, high = _range_of_floats(pixels)
    ends = np.full(2, np.nan, np.float32)
    for k in (0, -1):
        if not usable.size or usable[k, k]:
            ends[k] = frame[k, k]
    ends[~np.isfinite(ends)] = np.nan
    return low, high, ends[0], ends[1]


@_compile
def _range_of_counts(frame, usable):
    low, high = GREATEST, LEAST
    for i in range(frame.shape[0]):
        row = frame[i]
        if usable.size:
            good = usable[i]
            for j in range(row.size):
                count = np.int32(row[j])
                low = min(low, count if good[j] else GREATEST)
                high = max(high, count if good[j] else LEAST)
        else:
            for j in range(row.size):
                low, high = min(low, np.int32(row[j])), max(high, np.int32(row[j]))
    nan = np.float32(np.nan)
    return (np.float32(low), np.float32(high)) if low <= high else (nan, nan)


@_compile
def _range_of_floats(pixels):
    height, width = pixels[0].shape
    row = np.empty(width, np.float32)
    low, high = GREATEST, LEAST
    for i in range(height):
        load_row(pixels, i, 0, row)
        for j in range(width):
            key = key_of(row[j])
            low = min(low, key)
            high = max(high, key if key < GREATEST else LEAST)
    return value_of_key(low), value_of_key(high)


@_compile
def solid_areas(pixels, value):
    """Return the numbers of pixels with this value, and of others, by what lies around them.

    The first two are of pixels with the value, the second of those whose eight neighbours have it
    too. The other three are of pixels with other values: with six such neighbours or more, all, and
    with none.
    """
    height, width = pixels[0].shape
    rows = np.empty((3, width), np.float32)
    of_three = np.empty(width, np.int32)  # pixels with the value, one above the other
    n = amid = enclosed = others = apart = 0
    for i in range(1, height - 1, STRIDE):
        for k in range(3):
            load_row(pixels, i - 1 + k, 0, rows[k])
        above, here, below = rows[0], rows[1], rows[2]
        n_of_three = np.int32(0)
        for j in range(width):
            count = np.int32(above[j] == value) + np.int32(here[j] == value)
            count += np.int32(below[j] == value)
            of_three[j] = count
            n_of_three += count
        n_of_row = amid_of_row = enclosed_of_row = np.int32(0)  # narrow, and without a branch
        others_of_row = apart_of_row = np.int32(0)
        for j in range(1, width - 1):
            around = of_three[j - 1] + of_three[j] + of_three[j + 1]
            has = here[j] == value
            is_other = (has ^ True) & (here[j] == here[j])
            n_of_row += np.int32(has)
            amid_of_row += np.int32(has & (around == 9))
            enclosed_of_row += np.int32(is_other & (around >= 6))
            others_of_row += np.int32(is_other)
            apart_of_row += np.int32(is_other & (around == 0))
        n += n_of_row
        amid += amid_of_row
        enclosed += enclosed_of_row
        others += others_of_row
        apart += apart_of_row
    return n, amid, enclosed, others, apart
