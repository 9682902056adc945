"""The background around a candidate of the peak finder, compiled with numba.

A plane is fitted to the square around the candidate, without what sticks out of it, in three
passes. The pixels of the square lie in one row of memory, less a whole number near their level, so
that a pass runs in vector lanes and its sums are exact where the pixels are counts. All pixels are
summed up once; each further pass takes off the few that stick out.
"""

from typing import NamedTuple

import numpy as np

from sklearn_sfx._compiled import compiled
from sklearn_sfx.preprocessing._peak_lanes import (
    AT_ONCE,
    LANES,
    bits_above_plane,
    copy_eight,
    lowest_bit,
)

__all__ = ["background", "new_window"]

N_CLIPPINGS = 3  # fits of the local background; each leaves out what sticks out of the one before
CLIP = 3.0  # how many standard deviations stick out
MIN_BACKGROUND = 12  # fewer usable pixels around a candidate give no background to speak of
MOST_CANCELLED = 16.0  # times as much may be taken off a sum of squares as is left of it

_compile = compiled(error_model="numpy", fastmath={"reassoc", "contract"})
_inlined = compiled(error_model="numpy", fastmath={"reassoc", "contract"}, forceinline=True)


class Sums(NamedTuple):
    """What a plane is fitted by: sums over pixels of value v, down i and right j."""

    n: float
    v: float
    iv: float
    jv: float
    vv: float
    i: float
    j: float
    ii: float
    ij: float
    jj: float


@_compile
def new_window(radius):
    """Return what `background` works in, for one radius.

    That is values, steps down and right, and 1 where the first fit looks, float32 (4, n); a bit for
    each pixel that sticks out, uint32 (n / LANES,); and the sums of 1, i, j, ii, ij and jj over all
    pixels, and over those of the first fit.
    """
    side, inner = 2 * radius + 1, radius // 2 - 2
    size = (side * side + AT_ONCE + LANES - 1) // LANES * LANES
    window = np.zeros((4, size), np.float32)
    window[0, side * side :] = np.nan  # of no pixel: these never stick out
    for k in range(side * side):
        i, j = k // side - radius, k % side - radius
        window[1, k], window[2, k] = i, j
        window[3, k] = max(abs(i), abs(j)) > inner
    of_all, of_first = np.zeros(6), np.zeros(6)
    for k in range(side * side):
        i, j = np.float64(window[1, k]), np.float64(window[2, k])
        moments = np.array([1.0, i, j, i * i, i * j, j * j])
        of_all += moments
        of_first += window[3, k] * moments
    return window, np.zeros(size // LANES, np.uint32), of_all, of_first


@_inlined
def background(padded, i, j, radius, start_level, noise_floor, work):
    """Fit level + a * rows + b * columns around (i, j); return the three and the noise.

    The noise is inf where there are too few usable pixels. ``padded`` reaches at least ``radius``
    pixels farther than (i, j), and `AT_ONCE` more to the right; ``work`` is what `new_window`
    returned for that radius.
    """
    window, outside, of_all, of_first = work
    origin = np.float32(np.rint(start_level))
    _fill(window[0], padded, i, j, radius, origin)
    whole, first = _sums_of_all(window, (2 * radius + 1) ** 2, of_all, of_first)
    if not whole.vv < np.inf:  # a pixel is not usable
        return _of_usable(window, radius, start_level, origin, noise_floor)
    level, slope_i, slope_j, noise = _plane(first, noise_floor)
    sums = whole
    outside[:] = 0
    for clipping in range(1, N_CLIPPINGS):
        left, changed = _left(sums, window, outside, level, slope_i, slope_j, CLIP * noise)
        if clipping > 1 and not changed:  # the same pixels: so is the fit
            break
        if whole.vv > MOST_CANCELLED * left.vv:  # the small difference of large sums
            return _of_usable(window, radius, start_level, origin, noise_floor)
        level, slope_i, slope_j, noise = _plane(left, noise_floor)
        sums = left
    return origin + level, slope_i, slope_j, noise


@_compile
def _of_usable(window, radius, start_level, origin, noise_floor):
    """Fit as `background` does, by looking at each pixel in each pass: some are NaN."""
    level, slope_i, slope_j, noise = np.float64(start_level) - origin, 0.0, 0.0, 0.0
    limit = np.inf
    for clipping in range(N_CLIPPINGS):
        least = np.float32(0.5) if clipping == 0 else np.float32(-1.0)
        sums = _sums(window, least, level, slope_i, slope_j, limit)
        if sums.n < MIN_BACKGROUND:
            return 0.0, 0.0, 0.0, np.inf
        level, slope_i, slope_j, noise = _plane(sums, noise_floor)
        limit = CLIP * noise
    return origin + level, slope_i, slope_j, noise


@_inlined
def _plane(sums, noise_floor):
    """Return level, slopes and noise: central moments, then two equations for the slopes."""
    share = 1.0 / sums.n
    cii = sums.ii - sums.i * sums.i * share
    cjj = sums.jj - sums.j * sums.j * share
    cij = sums.ij - sums.i * sums.j * share
    civ = sums.iv - sums.i * sums.v * share
    cjv = sums.jv - sums.j * sums.v * share
    cvv = sums.vv - sums.v * sums.v * share
    determinant = cii * cjj - cij * cij
    slope_i = slope_j = 0.0
    if determinant > 1e-6 * cii * cjj:
        slope_i = (civ * cjj - cjv * cij) / determinant
        slope_j = (cjv * cii - civ * cij) / determinant
    level = (sums.v - slope_i * sums.i - slope_j * sums.j) * share
    left = max(cvv - slope_i * civ - slope_j * cjv, 0.0)
    noise = np.sqrt(left / max(sums.n - 3.0, 1.0) + noise_floor * noise_floor)
    return level, slope_i, slope_j, noise


@_inlined
def _left(sums, window, outside, level, slope_i, slope_j, limit):
    """Return the sums without what sticks out now, and whether that is something else than before.

    What is outside already, and so not in the sums, has its bit in ``outside``. Few pixels change
    sides, so that it is less work to take them off than to add up the others.
    """
    values, down, right = window[0], window[1], window[2]
    n, sv, siv, sjv, svv, si, sj, sii, sij, sjj = sums
    plane = np.float32(level), np.float32(slope_i), np.float32(slope_j), np.float32(limit)
    any_changed = False
    for group in range(outside.size):
        start = group * LANES
        bits = bits_above_plane(values, down, right, start, *plane)
        changed = bits ^ outside[group]
        outside[group] = bits
        while changed:
            bit = lowest_bit(changed)
            changed &= changed - np.uint32(1)
            any_changed = True
            side = -1.0 if (bits >> bit) & np.uint32(1) else 1.0
            k = start + np.int64(bit)
            v, i, j = np.float64(values[k]), np.float64(down[k]), np.float64(right[k])
            n += side
            v_side, i_side, j_side = side * v, side * i, side * j
            sv += v_side
            siv += v_side * i
            sjv += v_side * j
            svv += v_side * v
            si += i_side
            sj += j_side
            sii += i_side * i
            sij += i_side * j
            sjj += j_side * j
    return Sums(n, sv, siv, sjv, svv, si, sj, sii, sij, sjj), any_changed


@_inlined
def _fill(values, padded, i, j, radius, origin):
    """Write the pixels around (i, j) one after the other, less the origin."""
    side = 2 * radius + 1
    for di in range(side):
        for dj in range(0, side, AT_ONCE):  # what is too much is written over by the next row
            copy_eight(padded, i - radius + di, j - radius + dj, values, di * side + dj, origin)
    values[side * side : side * side + AT_ONCE] = np.nan


@_inlined
def _sums_of_all(window, size, of_all, of_first):
    """Return the sums over the first so many, and over those of the first fit; NaN if one is NaN.

    The sums of steps alone are known.
    """
    values, down, right, is_first = window[0], window[1], window[2], window[3]
    zero = np.float32(0.0)
    v_all = iv_all = jv_all = vv_all = zero
    v_first = iv_first = jv_first = vv_first = zero
    for k in range(size):
        v, i, j = values[k], down[k], right[k]
        v_all += v
        iv_all += v * i
        jv_all += v * j
        vv_all += v * v
        w = v * is_first[k]
        v_first += w
        iv_first += w * i
        jv_first += w * j
        vv_first += w * v
    return (
        _known(v_all, iv_all, jv_all, vv_all, of_all),
        _known(v_first, iv_first, jv_first, vv_first, of_first),
    )


@_inlined
def _known(v, iv, jv, vv, moments):
    n, i, j, ii, ij, jj = moments[0], moments[1], moments[2], moments[3], moments[4], moments[5]
    return Sums(n, np.float64(v), np.float64(iv), np.float64(jv), np.float64(vv), i, j, ii, ij, jj)


@_compile
def _sums(window, least, level, slope_i, slope_j, limit):
    """Return the sums over what does not stick out.

    Only pixels take part that have more than ``least`` in the last row of the window.
    """
    values, down, right, is_first = window[0], window[1], window[2], window[3]
    n = sv = siv = sjv = svv = si = sj = sii = sij = sjj = np.float32(0.0)
    zero = np.float32(0.0)
    base, slope_down, slope_right = np.float32(level), np.float32(slope_i), np.float32(slope_j)
    top = np.float32(limit)
    for k in range(values.size):
        v, i, j = values[k], down[k], right[k]
        usable = v - base - slope_down * i - slope_right * j <= top  # NaN is not
        usable &= is_first[k] > least
        wv = v if usable else zero
        wi, wj = i if usable else zero, j if usable else zero
        n += np.float32(1.0) if usable else zero
        sv += wv
        siv += wv * i
        sjv += wv * j
        svv += wv * wv
        si += wi
        sj += wj
        sii += wi * i
        sij += wi * j
        sjj += wj * j
    return Sums(
        np.float64(n),
        np.float64(sv),
        np.float64(siv),
        np.float64(sjv),
        np.float64(svv),
        np.float64(si),
        np.float64(sj),
        np.float64(sii),
        np.float64(sij),
        np.float64(sjj),
    )
