"""The background around a candidate of the peak finder, compiled with numba.

A plane is fitted to the square around the candidate, without what sticks out of it, in three
passes. The pixels of the square lie in one row of memory, less a whole number near their level, so
that a pass is a loop or two in vector lanes and its sums are exact where the pixels are counts.
Where a pass leaves out nothing, or the same as the one before, less is to be done.
"""

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from sklearn_sfx._compiled import compiled

__all__ = ["AT_ONCE", "background", "new_window"]

N_CLIPPINGS = 3  # fits of the local background; each leaves out what sticks out of the one before
CLIP = 3.0  # how many standard deviations stick out
MIN_BACKGROUND = 12  # fewer usable pixels around a candidate give no background to speak of
LANES = 32  # the row of pixels is filled up to a multiple, so that no loop has a slow end
AT_ONCE = 8  # pixels that are copied together

_compile = compiled(error_model="numpy", fastmath={"reassoc", "contract"})


@_compile
def new_window(radius):
    """Return what `background` works in, and sums over the window that are always the same.

    That is values, steps down and steps right, float32 (3, n); and the number of pixels and the
    sums of i, j, ii, ij and jj over the whole window, and over it without its middle.
    """
    side = 2 * radius + 1
    size = (side * side + AT_ONCE + LANES - 1) // LANES * LANES
    window = np.zeros((3, size), np.float32)
    for k in range(side * side):
        window[1, k], window[2, k] = k // side - radius, k % side - radius
    window[0, side * side :] = np.nan
    of_all = _moments(window[0], window[1], window[2], 0.0, 0.0, 0.0, np.inf)
    _fill_middle(window[0], radius, np.float32(np.nan))
    return window, of_all, _moments(window[0], window[1], window[2], 0.0, 0.0, 0.0, np.inf)


@_compile
def _fill_middle(values, radius, value):
    """Write one value to the middle of the window, which the first fit leaves to the peak."""
    inner, side = radius // 2 - 2, 2 * radius + 1
    for di in range(-inner, inner + 1):
        start = (di + radius) * side + radius
        values[start - inner : start + inner + 1] = value


@_compile
def background(padded, i, j, radius, start_level, noise_floor, window, of_all, of_first):
    """Fit level + a * rows + b * columns around (i, j); return the three and the noise.

    The noise is inf where there are too few usable pixels. ``padded`` reaches at least ``radius``
    pixels farther than (i, j), and `AT_ONCE` more to the right; the last three are what
    `new_window` returned for that radius.
    """
    origin = np.float32(np.rint(start_level))
    values, down, right = window[0], window[1], window[2]
    _fill(values, padded, i, j, radius, origin)
    level, slope_i, slope_j = np.float64(start_level) - origin, 0.0, 0.0
    limit = np.inf
    noise = 0.0
    moments = of_first
    before = (0.0, 0.0, 0.0, 0.0, 0.0)
    for clipping in range(N_CLIPPINGS):
        if clipping == 0:
            _fill_middle(values, radius, np.float32(0.0))
            sums = _sums_of_all(of_first[0], values, down, right, (2 * radius + 1) ** 2)
            if not sums[4] < np.inf:  # some are unusable
                _fill_middle(values, radius, np.float32(np.nan))
        if clipping > 0 or not sums[4] < np.inf:
            sums = _sums(values, down, right, level, slope_i, slope_j, limit)
            if sums == before and clipping > 1:  # of the same pixels: so is the fit
                break
            if sums[0] == of_all[0]:
                moments = of_all
            else:
                moments = _moments(values, down, right, level, slope_i, slope_j, limit)
        before = sums
        n, sv, siv, sjv, svv = sums
        _, si, sj, sii, sij, sjj = moments
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
    side = 2 * radius + 1
    for di in range(side):
        for dj in range(0, side, AT_ONCE):  # what is too much is written over by the next row
            _copy_eight(padded, i - radius + di, j - radius + dj, values, di * side + dj, origin)
    values[side * side : side * side + AT_ONCE] = np.nan


@intrinsic
def _copy_eight(typing_context, source, i, j, target, k, origin):
    """Write ``source[i, j : j + 8] - origin`` to ``target[k : k + 8]``, which no check guards.

    The compiler puts no loop over so few numbers into vector lanes, as is done here.
    """

    def generate(context, builder, signature, arguments):
        source, i, j, target, k, origin = arguments
        source = context.make_array(signature.args[0])(context, builder, source)
        target = context.make_array(signature.args[3])(context, builder, target)
        width = builder.extract_value(source.shape, 1)
        lanes = ir.VectorType(ir.FloatType(), AT_ONCE)
        read = builder.gep(source.data, [builder.add(builder.mul(i, width), j)])
        written = builder.gep(target.data, [k])
        less = ir.Constant(lanes, ir.Undefined)
        for lane in range(AT_ONCE):
            less = builder.insert_element(less, origin, ir.Constant(ir.IntType(32), lane))
        read = builder.load(builder.bitcast(read, lanes.as_pointer()), align=4)
        written = builder.bitcast(written, lanes.as_pointer())
        builder.store(builder.fsub(read, less), written, align=4)
        return context.get_dummy_value()

    return types.void(source, types.intp, types.intp, target, types.intp, types.float32), generate


@_compile
def _refill_middle(values, padded, i, j, radius, origin):
    """Write the pixels of the middle as `_fill` does."""
    inner, side = radius // 2 - 2, 2 * radius + 1
    for di in range(-inner, inner + 1):
        for dj in range(-inner, inner + 1):
            values[(di + radius) * side + dj + radius] = padded[i + di, j + dj] - origin


@_compile
def _sums_of_all(n, values, down, right, size):
    """Return n, and the sums of v, iv, jv and vv over the first so many; NaN if one is NaN."""
    sv = siv = sjv = svv = np.float32(0.0)
    for k in range(size):
        v = values[k]
        sv += v
        siv += v * down[k]
        sjv += v * right[k]
        svv += v * v
    return n, np.float64(sv), np.float64(siv), np.float64(sjv), np.float64(svv)


@_compile
def _sums(values, down, right, level, slope_i, slope_j, limit):
    """Return the sums of 1, v, iv, jv and vv over what does not stick out."""
    zero = np.float32(0.0)
    n = sv = siv = sjv = svv = zero
    base, slope_down, slope_right = np.float32(level), np.float32(slope_i), np.float32(slope_j)
    top = np.float32(limit)
    for k in range(values.size):
        v, i, j = values[k], down[k], right[k]
        usable = v - base - slope_down * i - slope_right * j <= top  # NaN is not
        wv = v if usable else zero
        n += np.float32(1.0) if usable else zero
        sv += wv
        siv += wv * i
        sjv += wv * j
        svv += wv * wv
    return np.float64(n), np.float64(sv), np.float64(siv), np.float64(sjv), np.float64(svv)


@_compile
def _moments(values, down, right, level, slope_i, slope_j, limit):
    """Return the sums of 1, i, j, ii, ij and jj over what does not stick out."""
    zero = np.float32(0.0)
    n = si = sj = sii = sij = sjj = zero
    base, slope_down, slope_right = np.float32(level), np.float32(slope_i), np.float32(slope_j)
    top = np.float32(limit)
    for k in range(values.size):
        v, i, j = values[k], down[k], right[k]
        usable = v - base - slope_down * i - slope_right * j <= top  # NaN is not
        wi, wj = i if usable else zero, j if usable else zero
        n += np.float32(1.0) if usable else zero
        si += wi
        sj += wj
        sii += wi * i
        sij += wi * j
        sjj += wj * j
    return (
        np.float64(n),
        np.float64(si),
        np.float64(sj),
        np.float64(sii),
        np.float64(sij),
        np.float64(sjj),
    )
