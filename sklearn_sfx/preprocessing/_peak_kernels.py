"""The peak finder, compiled with numba: connected spots above a local signal-to-noise.

The work is done in two steps, so that a frame costs a few milliseconds:

1. Candidates. Each pixel is compared with the pixels left and right, and above and below, at a
   fixed distance. The mean of such a pair cancels a sloping background exactly. What stands out
   from the spread of that difference in its tile, and is the highest of its neighbours, is looked
   at more closely.
2. Peaks. Around each candidate a plane is fitted to the surrounding window, without the pixels
   that stick out of it. Level and spread of that fit are the local background and noise. The peak
   is the connected set of pixels well above them.

Both are done in one way through the frame, a few tiles of a band at a time, which stay in the
cache. The frame is only read, and nothing of its size is made.
"""

import numbers
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from sklearn_sfx._compiled import compiled, is_interrupt
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.preprocessing._peak_background import background, new_window
from sklearn_sfx.preprocessing._peak_lanes import AT_ONCE, LANES, bits_above, lowest_bit
from sklearn_sfx.preprocessing._peak_pixels import Pixels, load_row

__all__ = ["Found", "check_radius", "contrast_distance", "find_all"]

LEAST_RADIUS = 2  # of a square with enough pixels for a background
TILE = LANES  # side of the square over which step 1 takes the spread, in pixels
N_TOGETHER = 8  # tiles that are worked on before the next ones of a band
CANDIDATE_SHARE = 0.7  # step 1 lets pass what reaches this share of the signal-to-noise asked for
EDGE_SHARE = 0.7  # a pixel beside the highest one belongs to the peak from this share on

_compile = compiled(error_model="numpy", fastmath={"reassoc", "contract"})
_inlined = compiled(error_model="numpy", fastmath={"reassoc", "contract"}, forceinline=True)


class Found(NamedTuple):
    """What was found in a frame by one of several settings.

    Parameters
    ----------
    table : ndarray of float32, shape (n_peaks, 5)
        Row, column, number of pixels, intensity and signal-to-noise of each peak.
    rows, columns : ndarray of int32, shape (n_bright,)
        Where the bright pixels are, whichever the settings.
    """

    table: np.ndarray
    rows: np.ndarray
    columns: np.ndarray


Settings = tuple[float, int, int, int, float]


def find_all(pixels: Pixels, looks: Sequence[Settings], bright: float = np.inf) -> list[Found]:
    """Return what is found by each of some settings, in one way through a frame.

    Parameters
    ----------
    pixels : Pixels
        Those of a frame, as `pixels_of` returns them.
    looks : sequence of (min_snr, min_pixels, max_pixels, background_radius, noise_floor)
        Those of `find_peaks`; the last two are the same in all.
    bright : float
        Pixels are bright whose contrast is more than so many times the noise of their tile.

    Raises
    ------
    InputError
        The radius is too small for a background.
    """
    min_snrs, fewest, most, radii, floors = zip(*looks, strict=True)
    check_radius(radii[0])
    heights, limits = np.array(min_snrs, np.float32), np.array([fewest, most]).T.copy()
    floor = np.float32(floors[0])
    try:
        found, n_found, rows, columns = _find(
            pixels, heights, limits, radii[0], floor, np.float32(bright)
        )
    except SystemError as error:
        if is_interrupt(error):  # it came while the loop ran
            raise KeyboardInterrupt from None
        raise
    return [Found(table[:n].copy(), rows, columns) for table, n in zip(found, n_found, strict=True)]


def check_radius(radius: int) -> None:
    """Raise `InputError` if a background cannot be taken from so many pixels around a peak."""
    if not isinstance(radius, numbers.Integral) or radius < LEAST_RADIUS:
        raise InputError(
            f"background_radius has to be a whole number of pixels, {LEAST_RADIUS} or more, got "
            f"{radius!r}."
        )


@_compile
def contrast_distance(radius):
    """Return how far from a pixel those are that step 1 compares it with."""
    return min(max(2, radius - 2), radius)


@_compile
def _find(pixels, min_snrs, limits, radius, noise_floor, bright):
    """Return tables of peaks, how much of each is filled, and rows and columns of bright pixels.

    A band is a row of tiles and all that is looked at from it: ``reach`` pixels to all sides.
    """
    height, width = pixels[0].shape
    reach = radius + 1
    n_tiles = (width + TILE - 1) // TILE
    band = np.empty((TILE + 2 * reach, n_tiles * TILE + 2 * reach + AT_ONCE), np.float32)
    taken = np.zeros((len(min_snrs), *band.shape), np.bool_)
    # A row above and one below too, and a column to both sides.
    contrast = np.full((TILE + 2, n_tiles * TILE + 2), np.nan, np.float32)
    sizes = np.empty((TILE, TILE), np.float32)
    noise = np.empty(n_tiles, np.float32)
    marks = np.empty((TILE, n_tiles), np.uint32)
    candidate = np.float32(CANDIDATE_SHARE) * min_snrs.min()
    lowest = min(candidate, bright)  # that is looked for, in noises
    square = new_window(radius)
    stack = np.empty(((2 * radius + 1) ** 2, 2), np.int64)
    found = np.empty((len(min_snrs), TILE * TILE, 5), np.float32)
    n_found = np.zeros(len(min_snrs), np.int64)
    rows = columns = np.empty(0, np.int32)
    n_bright = 0
    for top in range(0, height, TILE):
        _next_band(pixels, top, reach, band, taken)
        for tile in range(n_tiles):
            if tile % N_TOGETHER == 0:
                some = tile, min(tile + N_TOGETHER, n_tiles)
                _contrast(band, reach, contrast_distance(radius), some, contrast)
                _tile_noise(contrast, some, noise_floor, sizes, noise)
                _mark(contrast, some, noise, lowest, marks)
            if n_found.max() + TILE * TILE > found.shape[1]:
                found = np.concatenate((found, np.empty_like(found)), axis=1)
            _peaks_of_tile(
                (band, taken, contrast, marks, square, stack, found, n_found),
                (top, tile, reach),
                (noise[tile], noise_floor, candidate * noise[tile]),
                (min_snrs, limits),
            )
        if bright < np.inf:
            if n_bright + TILE * width >= rows.size:
                more = np.empty(n_bright + TILE * width + 1, np.int32)
                rows, columns = np.concatenate((rows, more)), np.concatenate((columns, more))
            n_bright = _bright_of_band(
                (contrast, noise, marks), bright, top, n_bright, rows, columns
            )
    return found, n_found, rows[:n_bright].copy(), columns[:n_bright].copy()


@_compile
def _next_band(pixels, top, reach, band, taken):
    """Load the band whose tiles begin at row ``top``; the one before it is in the arrays."""
    known = 2 * reach if top > 0 else 0
    for k in range(known):
        band[k] = band[k + TILE]
        for look in range(taken.shape[0]):
            taken[look, k] = taken[look, k + TILE]
    taken[:, known:] = False
    for k in range(known, band.shape[0]):
        load_row(pixels, top - reach + k, -reach, band[k])


@_compile
def _contrast(band, reach, distance, some, contrast):
    """Write how far each pixel stands above the lower of its two pairs of distant neighbours.

    That is, each of some tiles of the band, and the pixels right of them.
    """
    first, last = TILE * some[0], TILE * some[1] + 1
    start = reach + first
    for i in range(contrast.shape[0]):
        line = band[i + reach - 1]
        _contrast_of_row(
            line[start:],
            line[start - distance :],
            line[start + distance :],
            band[i + reach - 1 - distance, start:],
            band[i + reach - 1 + distance, start:],
            contrast[i, first + 1 : last + 1],
        )


@_inlined
def _contrast_of_row(here, left, right, above, below, out):
    for j in range(out.size):
        before, after, over, under = left[j], right[j], above[j], below[j]
        # An unusable pixel is replaced by its partner, an unusable pair by the other pair.
        before = before if before == before else after
        after = after if after == after else before
        over = over if over == over else under
        under = under if under == under else over
        across = np.float32(0.5) * (before + after)
        along = np.float32(0.5) * (over + under)
        level = across if across <= along or along != along else along
        out[j] = here[j] - level


@_compile
def _tile_noise(contrast, some, noise_floor, sizes, noise):
    """Write the noise of a pixel in each of some tiles of a band."""
    for tile in range(some[0], some[1]):
        for i in range(TILE):
            row = contrast[i + 1, tile * TILE + 1 : tile * TILE + 1 + TILE]
            for k in range(row.size):
                sizes[i, k] = abs(row[k])
        spread = _spread(sizes.ravel())
        noise[tile] = np.sqrt(spread * spread / 1.5 + noise_floor * noise_floor)


@_inlined
def _spread(sizes):
    """Return the standard deviation of a contrast of these sizes, without what sticks out."""
    limit = np.float32(np.inf)
    mean = n_before = np.float32(0.0)
    for _ in range(4):
        total = np.float32(0.0)
        n = np.float32(0.0)
        for k in range(sizes.size):
            inside = sizes[k] <= limit
            total += sizes[k] if inside else np.float32(0.0)
            n += np.float32(1.0) if inside else np.float32(0.0)
        if n == n_before:  # none is inside, or the same as before: further passes change nothing
            break
        n_before = n
        mean = total / n
        limit = np.float32(4.0) * mean
    return np.float32(1.25) * mean  # sqrt(pi / 2) times the mean size, for a normal distribution


@_compile
def _mark(contrast, some, noise, lowest, marks):
    """Write a bit for each pixel of some tiles whose contrast is more than so many times the noise.

    A row of a tile has one number, and most are 0: quicker than to look at each pixel by itself.
    """
    for tile in range(some[0], some[1]):
        limit = lowest * noise[tile]
        for i in range(TILE):
            marks[i, tile] = bits_above(contrast, i + 1, tile * TILE + 1, limit)


@_inlined
def _peaks_of_tile(work, place, levels, looks):
    """Find the peaks whose highest pixel is in one tile, and count them.

    The background of a candidate is the same for all settings, so it is fitted once.
    """
    band, taken, contrast, marks, square, stack, found, n_found = work
    top, tile, reach = place
    noise, noise_floor, lowest = levels
    min_snrs, limits = looks
    radius = reach - 1
    edge = np.float32(EDGE_SHARE)
    for i in range(1, TILE + 1):
        bits = marks[i - 1, tile]
        while bits:
            j = tile * TILE + np.int64(lowest_bit(bits))
            bits &= bits - np.uint32(1)
            y, x = i - 1 + reach, j + reach
            above = contrast[i, j + 1]
            if not above > lowest or _is_any_above(band, y, x, band[y, x]):
                continue
            plane = (0.0, 0.0, 0.0, 0.0)
            is_fitted = False
            for look in range(min_snrs.size):
                min_snr = min_snrs[look]
                least = np.float32(CANDIDATE_SHARE) * min_snr * noise
                if not above > least or taken[look, y, x]:
                    continue
                # A lone pixel is no peak.
                if limits[look, 0] > 1 and not _is_any_above(contrast, i, j + 1, edge * least):
                    continue
                if not is_fitted:
                    start = band[y, x] - above
                    plane = background(band, y, x, radius, start, noise_floor, square)
                    is_fitted = True
                if not band[y, x] - plane[0] >= min_snr * plane[3]:
                    continue
                n, total, row, column, highest = _grow(
                    band, taken[look], radius, y, x, plane, edge * min_snr, stack
                )
                if n < limits[look, 0] or n > limits[look, 1]:
                    continue
                peak = found[look, n_found[look]]
                peak[0] = row + (top - reach)
                peak[1] = column - reach
                peak[2] = n
                peak[3] = total
                peak[4] = highest / plane[3]
                n_found[look] += 1


@_inlined
def _is_any_above(values, i, j, least):
    """Say whether a pixel beside (i, j) is; all eight are asked, which no branch has to guess."""
    up, down = np.uintp(i - 1), np.uintp(i + 1)  # unsigned, or each would be tested for its sign
    left, right = np.uintp(j - 1), np.uintp(j + 1)
    here, middle = np.uintp(i), np.uintp(j)
    return (
        (values[up, left] > least)
        | (values[up, middle] > least)
        | (values[up, right] > least)
        | (values[here, left] > least)
        | (values[here, right] > least)
        | (values[down, left] > least)
        | (values[down, middle] > least)
        | (values[down, right] > least)
    )


@_compile
def _grow(band, taken, radius, i, j, plane, edge, stack):
    """Collect the pixels around the seed (i, j); return their number, sums and highest value."""
    level, slope_i, slope_j, noise = plane
    n = 0
    total = rows = columns = 0.0
    highest = 0.0
    stack[0, 0], stack[0, 1] = i, j
    taken[i, j] = True
    depth = 1
    while depth > 0:
        depth -= 1
        y, x = stack[depth]
        excess = band[y, x] - (level + slope_i * (y - i) + slope_j * (x - j))
        n += 1
        total += excess
        rows += excess * y
        columns += excess * x
        highest = max(highest, excess)
        for dy in range(-1, 2):
            for dx in range(-1, 2):
                v, u = y + dy, x + dx
                if taken[v, u] or abs(v - i) > radius or abs(u - j) > radius:
                    continue
                above = band[v, u] - (level + slope_i * (v - i) + slope_j * (u - j))
                if above >= edge * noise:
                    taken[v, u] = True
                    stack[depth, 0], stack[depth, 1] = v, u
                    depth += 1
    return n, total, rows / total, columns / total, highest


@_compile
def _bright_of_band(work, least, top, n, rows, columns):
    """Add the bright pixels of a band; return how many there are now."""
    contrast, noise, marks = work
    for i in range(TILE):
        for tile in range(noise.size):
            bits = marks[i, tile]
            while bits:
                j = tile * TILE + np.int64(lowest_bit(bits))
                bits &= bits - np.uint32(1)
                rows[n], columns[n] = top + i, j
                n += contrast[i + 1, j + 1] > least * noise[tile]
    return n
