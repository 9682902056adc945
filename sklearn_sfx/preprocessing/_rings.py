"""Which peaks lie on rings around a centre that the frame itself shows."""

import numpy as np
from scipy.fft import irfft2, next_fast_len, rfft2
from scipy.ndimage import uniform_filter

from sklearn_sfx.preprocessing._peak_kernels import contrast_distance
from sklearn_sfx.preprocessing._peak_pixels import Pixels
from sklearn_sfx.preprocessing._peaks import Peaks
from sklearn_sfx.preprocessing._spot_kernels import closeness, pixels_by_radius

__all__ = ["BRIGHT", "on_rings"]

BRIGHT = 3.5  # in units of the local noise
GRID = 256  # the centre is looked for in a picture of the bright pixels, at most so large
MANY = 5000  # bright pixels that are enough to find the centre exactly
PART_OF_RING = 0.02  # of the pixels around the centre are bright on a ring, at the least
SPOT = 1.5  # a spot has so many bright pixels for each that `find_peaks` counts to the peak
NOT_IN_SPOTS = 0.3  # of the bright pixels of a ring are in no peak, at the least; of a lune all are
GRAINS_OF_RING = 0.2  # of them are bright on a ring of grains; the spots of a lune are fewer
TIMES_BESIDE = 3.0  # as many as just inside and outside of it
BESIDE = (5, 10)  # pixels; how far that is


def on_rings(
    pixels: Pixels, radius_of_background: int, rows: np.ndarray, columns: np.ndarray, peaks: Peaks
) -> np.ndarray:
    """Return a bool for each peak: True where pixels all around the centre are bright as well.

    The spots of a crystal can lie on circles, too: the lunes where zones of its lattice meet the
    sphere of reflection. But the light on those is all in spots, with the dark in between.

    `pixels` are those of the frame, and `rows` and `columns` tell where the bright ones are, those
    whose contrast is more than `BRIGHT` times the local noise.
    """
    if not len(rows):
        return np.zeros(len(peaks.row), bool)
    some = slice(None, None, max(1, len(rows) // MANY))
    centre = _exact_centre(_centre(rows, columns, pixels[0].shape), rows[some], columns[some])

    radius = np.hypot(rows - centre[0], columns - centre[1]).astype(np.intp)
    of_peak = np.hypot(peaks.row - centre[0], peaks.column - centre[1]).astype(np.intp)
    n_radii = int(max(radius.max(), of_peak.max())) + BESIDE[1] + 2
    distance = contrast_distance(radius_of_background)
    around = _of_three(pixels_by_radius(pixels, distance, *centre, n_radii))
    bright = _of_three(np.bincount(radius, minlength=n_radii).astype(np.float64))
    share = bright / np.maximum(around, 1)
    others = np.maximum(bright[of_peak] - 2 * peaks.n_pixels, 0) / np.maximum(around[of_peak], 1)
    nearer, farther = BESIDE
    outside = np.min([share[of_peak + step] for step in range(nearer, farther + 1)], axis=0)
    inner = [share[np.maximum(of_peak - step, 0)] for step in range(nearer, farther + 1)]
    beside = np.minimum(outside, np.min(inner, axis=0))
    in_peaks = SPOT * np.bincount(of_peak, weights=peaks.n_pixels, minlength=n_radii)
    in_peaks = np.convolve(in_peaks, np.ones(5), "same")
    all_around = in_peaks < (1 - NOT_IN_SPOTS) * bright
    all_around = all_around[of_peak] | (others > GRAINS_OF_RING)
    return all_around & (others > PART_OF_RING) & (others > TIMES_BESIDE * beside)


def _of_three(counts: np.ndarray) -> np.ndarray:
    return np.convolve(counts, np.ones(3), "same")


def _centre(rows: np.ndarray, columns: np.ndarray, shape: tuple[int, ...]) -> tuple[float, float]:
    """Return the point through which the bright pixels mirror themselves best."""
    step = max(1.0, max(shape) / GRID)
    picture = np.zeros((int(shape[0] / step) + 1, int(shape[1] / step) + 1), np.float32)
    picture[(rows / step).astype(np.intp), (columns / step).astype(np.intp)] = 1.0
    picture -= uniform_filter(picture, 21)
    size = [next_fast_len(2 * side, real=True) for side in picture.shape]
    mirrored = irfft2(rfft2(picture, size) ** 2, size)
    row, column = np.unravel_index(np.argmax(mirrored), mirrored.shape)
    return (row + 1) * step / 2, (column + 1) * step / 2


def _exact_centre(
    start: tuple[float, float], rows: np.ndarray, columns: np.ndarray
) -> tuple[float, float]:
    """Return the centre near `start` around which pixels crowd most at the same distances."""
    row, column = start
    for width in (4.0, 1.0):  # pixels; wide bins see the rings from afar, narrow ones exactly
        best, step = closeness(rows, columns, row, column, width), width
        for _ in range(40):
            moves = ((step, 0.0), (-step, 0.0), (0.0, step), (0.0, -step))
            found = [closeness(rows, columns, row + i, column + j, width) for i, j in moves]
            if max(found) > best:
                best, move = max(found), moves[int(np.argmax(found))]
                row, column = row + move[0], column + move[1]
            elif step > 0.3 * width:
                step /= 2
            else:
                break
    return row, column
