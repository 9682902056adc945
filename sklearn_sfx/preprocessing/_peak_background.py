"""The background around a candidate of the peak finder, compiled with numba.

A plane is fitted to the square around the candidate, without what sticks out of it, in three
passes. The pixels of the square lie in one row of memory, less a whole number near their level, so
that a pass is one loop in vector lanes and its sums are exact where the pixels are counts.
"""

import numpy as np

from sklearn_sfx._compiled import compiled

__all__ = ["background", "new_window"]

N_CLIPPINGS = 3  # fits of the local background; each leaves out what sticks out of the one before
CLIP = 3.0  # how many standard deviations stick out
MIN_BACKGROUND = 12  # fewer usable pixels around a candidate give no background to speak of
LANES = 32  # the row of pixels is filled up to a multiple, so that no loop has a slow end

_compile = compiled(error_model="numpy", fastmath={"reassoc", "contract"})


@_compile
def new_window(radius):
    """Return what `background` works in, and the sums of the first fit that are always the same.

    That is values, steps down and steps right, float32 (3, n); and the sums of 1, i, j, ii, ij, jj
    over the window without its middle.
    """
    side = 2 * radius + 1
    window = np.zeros((3, (side * side + LANES - 1) // LANES * LANES), np.float32)
    for k in range(side * side):
        window[1, k], window[2, k] = k // side - radius, k % side - radius
    _fill_middle(window[0], radius, np.float32(np.nan))
    window[0, side * side :] = np.nan
    sums = _sums(window[0], window[1], window[2], 0.0, 0.0, 0.0, np.inf)
    return window, sums[:6]


@_compile
def _fill_middle(values, radius, value):
    """Write one value to the middle of the window, which the first fit leaves to the peak."""
    inner, side = radius // 2 - 2, 2 * radius + 1
    for di in range(-inner, inner + 1):
        start = (di + radius) * side + radius
        values[start - inner : start + inner + 1] = value


@_compile
def background(padded, i, j, radius, start_level, noise_floor, window, sums_of_all):
    """Fit level + a * rows + b * columns around (i, j); return the three and the noise.

    The noise is inf where there are too few usable pixels. ``padded`` reaches at least ``radius``
    pixels farther than (i, j); the last two are what `new_window` returned for that radius.
    """
    origin = np.float32(np.rint(start_level))
    _fill(window[0], padded, i, j, radius, origin)
    values, down, right = window[0], window[1], window[2]
    level, slope_i, slope_j = np.float64(start_level) - origin, 0.0, 0.0
    limit = np.inf
    noise = 0.0
    for clipping in range(N_CLIPPINGS):
        if clipping == 0:
            _fill_middle(values, radius, np.float32(0.0))
            n, si, sj, sii, sij, sjj = sums_of_all
            sv, siv, sjv, svv = _sums_of_all(values, down, right, (2 * radius + 1) ** 2)
            if not svv < np.inf:  # some are unusable
                _fill_middle(values, radius, np.float32(np.nan))
        if clipping > 0 or not svv < np.inf:
            n, si, sj, sii, sij, sjj, sv, siv, sjv, svv = _sums(
                values, down, right, level, slope_i, slope_j, limit
            )
        if n < MIN_BACKGROUND:
            return 0.0, 0.0, 0.0, np.inf
        # Central moments, then two equations for the slopes.
        share = 1.0 / n
        cii = sii - si * si * share
        cjj = sjj - sj * sj * share
        cij = sij - si * sj * share
        civ = siv - si * sv * share
        cjv = sjv - sj * sv * share
        cvv = svv - sv * sv * share
        determinant = cii * cjj - cij * cij
        slope_i = slope_j = 0.0
        if determinant > 1e-6 * cii * cjj:
            slope_i = (civ * cjj - cjv * cij) / determinant
            slope_j = (cjv * cii - civ * cij) / determinant
        level = (sv - slope_i * si - slope_j * sj) * share
        left = max(cvv - slope_i * civ - slope_j * cjv, 0.0)
        noise = np.sqrt(left / max(n - 3.0, 1.0) + noise_floor * noise_floor)
        limit = CLIP * noise
        if clipping == 0:
            _refill_middle(values, padded, i, j, radius, origin)
    return origin + level, slope_i, slope_j, noise


@_compile
def _fill(values, padded, i, j, radius, origin):
    """Write the pixels around (i, j) one after the other, less the origin."""
    side = np.uintp(2 * radius + 1)  # unsigned, or each index would be tested for its sign
    top, left = np.uintp(i - radius), np.uintp(j - radius)
    for di in range(side):
        for dj in range(side):
            values[di * side + dj] = padded[top + di, left + dj] - origin


@_compile
def _refill_middle(values, padded, i, j, radius, origin):
    """Write the pixels of the middle as `_fill` does."""
    inner, side = radius // 2 - 2, 2 * radius + 1
    for di in range(-inner, inner + 1):
        for dj in range(-inner, inner + 1):
            values[(di + radius) * side + dj + radius] = padded[i + di, j + dj] - origin


@_compile
def _sums_of_all(values, down, right, size):
    """Return the sums of v, iv, jv and vv over the first so many values; NaN if one is NaN."""
    sv = siv = sjv = svv = np.float32(0.0)
    for k in range(size):
        v = values[k]
        sv += v
        siv += v * down[k]
        sjv += v * right[k]
        svv += v * v
    return np.float64(sv), np.float64(siv), np.float64(sjv), np.float64(svv)


@_compile
def _sums(values, down, right, level, slope_i, slope_j, limit):
    """Return the sums of 1, i, j, ii, ij, jj, v, iv, jv and vv over what does not stick out."""
    zero = np.float32(0.0)
    n = si = sj = sii = sij = sjj = sv = siv = sjv = svv = zero
    base, slope_down, slope_right = np.float32(level), np.float32(slope_i), np.float32(slope_j)
    top = np.float32(limit)
    for k in range(values.size):
        v, i, j = values[k], down[k], right[k]
        usable = v - base - slope_down * i - slope_right * j <= top  # NaN is not
        wi, wj, wv = i if usable else zero, j if usable else zero, v if usable else zero
        n += np.float32(1.0) if usable else zero
        si += wi
        sj += wj
        sii += wi * i
        sij += wi * j
        sjj += wj * j
        sv += wv
        siv += wv * i
        sjv += wv * j
        svv += wv * wv
    return (
        np.float64(n),
        np.float64(si),
        np.float64(sj),
        np.float64(sii),
        np.float64(sij),
        np.float64(sjj),
        np.float64(sv),
        np.float64(siv),
        np.float64(sjv),
        np.float64(svv),
    )
