"""The peak finder, compiled with numba: connected spots above a local signal-to-noise.

The work is done in two steps, so that a frame costs a few milliseconds:

1. Candidates. Each pixel is compared with the pixels left and right, and above and below, at a
   fixed distance. The mean of such a pair cancels a sloping background exactly. What stands out
   from the spread of that difference in its tile, and is the highest of its neighbours, is looked
   at more closely.
2. Peaks. Around each candidate a plane is fitted to the surrounding window, without the pixels
   that stick out of it. Level and spread of that fit are the local background and noise. The peak
   is the connected set of pixels well above them.
"""

import numpy as np

from sklearn_sfx._compiled import compiled

__all__ = ["bright_pixels", "peak_table", "peaks_of_prepared", "prepare_frame", "tile_noise"]

TILE = 32  # side of the square over which step 1 takes the spread, in pixels
CANDIDATE_SHARE = 0.7  # step 1 lets pass what reaches this share of the signal-to-noise asked for
EDGE_SHARE = 0.7  # a pixel beside the highest one belongs to the peak from this share on
N_CLIPPINGS = 3  # fits of the local background; each leaves out what sticks out of the one before
CLIP = 3.0  # how many standard deviations stick out
MIN_BACKGROUND = 12  # fewer usable pixels around a candidate give no background to speak of

_compile = compiled(error_model="numpy", fastmath={"reassoc", "contract"})


def peak_table(
    frame: np.ndarray,
    min_snr: float,
    min_pixels: int,
    max_pixels: int,
    background_radius: int,
    noise_floor: float,
) -> np.ndarray:
    """Return one row per peak: row, column, number of pixels, intensity, signal-to-noise; float32.

    The frame (height, width) is of any real dtype; NaN and infinity are unusable.
    """
    padded, contrast = prepare_frame(frame, background_radius)
    noise = tile_noise(contrast, np.float32(noise_floor))
    return peaks_of_prepared(padded, contrast, noise, min_snr, min_pixels, max_pixels, noise_floor)


def prepare_frame(frame: np.ndarray, margin: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the frame in a rim of NaN, so many pixels wide, and the contrast of each pixel.

    Both float32; the contrast (height, width) is what step 1 looks at.
    """
    padded = np.full((frame.shape[0] + 2 * margin, frame.shape[1] + 2 * margin), np.nan, "float32")
    inside = padded[margin:-margin, margin:-margin]
    inside[...] = frame
    if frame.dtype.kind == "f":
        inside[np.isinf(inside)] = np.nan
    contrast = np.empty(frame.shape, np.float32)
    _contrast(padded, margin, max(2, margin - 2), contrast)
    return padded, contrast


def peaks_of_prepared(
    padded: np.ndarray,
    contrast: np.ndarray,
    noise: np.ndarray,
    min_snr: float,
    min_pixels: int,
    max_pixels: int,
    noise_floor: float,
) -> np.ndarray:
    """Return what `peak_table` does, of what `prepare_frame` and `tile_noise` returned."""
    margin = (padded.shape[0] - contrast.shape[0]) // 2
    return _peaks(
        padded,
        contrast,
        noise,
        margin,
        np.float32(min_snr),
        min_pixels,
        max_pixels,
        np.float32(noise_floor),
    )


@_compile
def _contrast(padded, margin, distance, contrast):
    """Write how far each pixel stands above the lower of its two pairs of distant neighbours."""
    height, width = contrast.shape
    for i in range(height):
        here = padded[i + margin]
        above = padded[i + margin - distance]
        below = padded[i + margin + distance]
        out = contrast[i]
        for j in range(width):
            k = j + margin
            before, after = here[k - distance], here[k + distance]
            over, under = above[k], below[k]
            # An unusable pixel is replaced by its partner, an unusable pair by the other pair.
            before = before if before == before else after
            after = after if after == after else before
            over = over if over == over else under
            under = under if under == under else over
            across = np.float32(0.5) * (before + after)
            along = np.float32(0.5) * (over + under)
            level = across if across <= along or along != along else along
            out[j] = here[k] - level


@_compile
def _spread(contrast, top, left, bottom, right):
    """Return the standard deviation of the contrast in one tile, without what sticks out."""
    limit = np.float32(np.inf)
    mean = np.float32(0.0)
    for _ in range(4):
        total = np.float32(0.0)
        n = np.float32(0.0)
        for i in range(top, bottom):
            line = contrast[i]
            for j in range(left, right):
                size = abs(line[j])
                inside = size <= limit
                total += size if inside else np.float32(0.0)
                n += np.float32(1.0) if inside else np.float32(0.0)
        if n == 0.0:
            return np.float32(0.0)
        mean = total / n
        limit = np.float32(4.0) * mean
    return np.float32(1.25) * mean  # sqrt(pi / 2) times the mean size, for a normal distribution


@_compile
def _row_sums(line, start, stop, offset, base, slope, limit):
    """Return the sums n, x, xx, v, xv, vv of one row of the window, without what sticks out."""
    n = sx = sxx = sv = sxv = svv = np.float32(0.0)
    for k in range(start, stop):
        x = np.float32(k - offset)
        v = line[k] - base
        usable = v - slope * x <= limit  # NaN is not
        w = np.float32(1.0) if usable else np.float32(0.0)
        v = v if usable else np.float32(0.0)
        n += w
        sx += w * x
        sxx += w * x * x
        sv += v
        sxv += v * x
        svv += v * v
    return n, sx, sxx, sv, sxv, svv


@_compile
def _background(padded, i, j, radius, start_level, noise_floor):
    """Fit level + a * rows + b * columns around (i, j); return the three and the noise."""
    inner = radius // 2 - 2  # the first fit leaves the middle to the peak
    level, slope_i, slope_j = np.float64(start_level), 0.0, 0.0
    limit = np.inf
    noise = 0.0
    first, last = j - radius, j + radius + 1
    for clipping in range(N_CLIPPINGS):
        n = si = sj = sii = sij = sjj = sv = siv = sjv = svv = 0.0
        for di in range(-radius, radius + 1):
            line = padded[i + di]
            base = np.float32(level + slope_i * di)
            slope, top = np.float32(slope_j), np.float32(limit)
            hole = clipping == 0 and abs(di) <= inner
            for part in range(2 if hole else 1):
                start = j + inner + 1 if part == 1 else first
                stop = j - inner if hole and part == 0 else last
                row = _row_sums(line, start, stop, j, base, slope, top)
                n += row[0]
                si += di * row[0]
                sj += row[1]
                sii += di * di * row[0]
                sij += di * row[1]
                sjj += row[2]
                # Values are relative to the row's base; make them relative to the level.
                rise = base - level
                sv += row[3] + rise * row[0]
                siv += di * (row[3] + rise * row[0])
                sjv += row[4] + rise * row[1]
                svv += row[5] + 2.0 * rise * row[3] + rise * rise * row[0]
        if n < MIN_BACKGROUND:
            return 0.0, 0.0, 0.0, np.inf
        # Central moments, then two equations for the slopes.
        cii = sii - si * si / n
        cjj = sjj - sj * sj / n
        cij = sij - si * sj / n
        civ = siv - si * sv / n
        cjv = sjv - sj * sv / n
        cvv = svv - sv * sv / n
        determinant = cii * cjj - cij * cij
        slope_i = slope_j = 0.0
        if determinant > 1e-6 * cii * cjj:
            slope_i = (civ * cjj - cjv * cij) / determinant
            slope_j = (cjv * cii - civ * cij) / determinant
        level += (sv - slope_i * si - slope_j * sj) / n
        left = max(cvv - slope_i * civ - slope_j * cjv, 0.0)
        noise = np.sqrt(left / max(n - 3.0, 1.0) + noise_floor * noise_floor)
        limit = CLIP * noise
    return level, slope_i, slope_j, noise


@_compile
def _grow(padded, taken, margin, i, j, background, edge, stack):
    """Collect the pixels around the seed (i, j); return their number, sums and highest value."""
    level, slope_i, slope_j, noise = background
    n = 0
    total = rows = columns = 0.0
    highest = 0.0
    stack[0, 0], stack[0, 1] = i, j
    taken[i, j] = True
    depth = 1
    while depth > 0:
        depth -= 1
        y, x = stack[depth]
        excess = padded[y, x] - (level + slope_i * (y - i) + slope_j * (x - j))
        n += 1
        total += excess
        rows += excess * y
        columns += excess * x
        highest = max(highest, excess)
        for dy in range(-1, 2):
            for dx in range(-1, 2):
                v, u = y + dy, x + dx
                if taken[v, u] or abs(v - i) > margin or abs(u - j) > margin:
                    continue
                above = padded[v, u] - (level + slope_i * (v - i) + slope_j * (u - j))
                if above >= edge * noise:
                    taken[v, u] = True
                    stack[depth, 0], stack[depth, 1] = v, u
                    depth += 1
    return n, total, rows / total - margin, columns / total - margin, highest


@_compile
def _is_highest(padded, i, j):
    value = padded[i, j]
    for di in range(-1, 2):
        for dj in range(-1, 2):
            if padded[i + di, j + dj] > value:
                return False
    return True


@_compile
def _has_company(contrast, i, j, least):
    """Say whether a pixel beside (i, j) stands out too: a lone pixel is no peak."""
    for v in range(max(i - 1, 0), min(i + 2, contrast.shape[0])):
        for u in range(max(j - 1, 0), min(j + 2, contrast.shape[1])):
            if contrast[v, u] > least and (v != i or u != j):
                return True
    return False


@_compile
def _peaks(padded, contrast, tile_noise, margin, min_snr, min_pixels, max_pixels, noise_floor):
    """Return what `peak_table` does, of a padded frame."""
    height, width = contrast.shape
    taken = np.zeros(padded.shape, np.bool_)
    stack = np.empty(((2 * margin + 1) ** 2, 2), np.int64)
    found = np.empty((64, 5), np.float32)
    n_found = 0
    edge = np.float32(EDGE_SHARE)
    for top in range(0, height, TILE):
        bottom = min(top + TILE, height)
        for left in range(0, width, TILE):
            right = min(left + TILE, width)
            noise = tile_noise[top // TILE, left // TILE]
            least = np.float32(CANDIDATE_SHARE) * min_snr * noise
            for i in range(top, bottom):
                line = contrast[i]
                for j in range(left, right):
                    if not line[j] > least:
                        continue
                    y, x = i + margin, j + margin
                    if taken[y, x] or not _is_highest(padded, y, x):
                        continue
                    if min_pixels > 1 and not _has_company(contrast, i, j, edge * least):
                        continue
                    start = padded[y, x] - line[j]
                    background = _background(padded, y, x, margin, start, noise_floor)
                    height_above = padded[y, x] - background[0]
                    if not height_above >= min_snr * background[3]:
                        continue
                    n, total, row, column, highest = _grow(
                        padded, taken, margin, y, x, background, edge * min_snr, stack
                    )
                    if n < min_pixels or n > max_pixels:
                        continue
                    if n_found == found.shape[0]:
                        wider = np.empty((2 * n_found, 5), np.float32)
                        wider[:n_found] = found
                        found = wider
                    found[n_found, 0] = row
                    found[n_found, 1] = column
                    found[n_found, 2] = n
                    found[n_found, 3] = total
                    found[n_found, 4] = highest / background[3]
                    n_found += 1
    return found[:n_found]


@_compile
def tile_noise(contrast, noise_floor):
    """Return the noise of a pixel in each tile, float32, a tile to an entry."""
    height, width = contrast.shape
    noise = np.empty(((height + TILE - 1) // TILE, (width + TILE - 1) // TILE), np.float32)
    for top in range(0, height, TILE):
        for left in range(0, width, TILE):
            bottom, right = min(top + TILE, height), min(left + TILE, width)
            spread = _spread(contrast, top, left, bottom, right)
            noise[top // TILE, left // TILE] = np.sqrt(
                spread * spread / 1.5 + noise_floor * noise_floor
            )
    return noise


@_compile
def bright_pixels(contrast, noise, least):
    """Return rows and columns of the pixels whose contrast reaches so many times the noise."""
    rows, columns = np.empty(1024, np.int32), np.empty(1024, np.int32)
    n = 0
    for i in range(contrast.shape[0]):
        for tile in range(noise.shape[1]):
            start, stop = tile * TILE, min(tile * TILE + TILE, contrast.shape[1])
            limit = np.float32(least) * noise[i // TILE, tile]
            if not _any_above(contrast[i, start:stop], limit):
                continue
            if n + TILE > rows.size:
                rows = np.concatenate((rows, np.empty_like(rows)))
                columns = np.concatenate((columns, np.empty_like(columns)))
            for j in range(start, stop):
                if contrast[i, j] > limit:
                    rows[n], columns[n] = i, j
                    n += 1
    return rows[:n], columns[:n]


@_compile
def _any_above(line, limit):
    n = 0  # counted without a branch, so that the loop is vectorized
    for j in range(line.size):
        n += line[j] > limit
    return n > 0
