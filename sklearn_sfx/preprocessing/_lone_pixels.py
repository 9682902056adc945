"""What the bright pixels that stand alone say of the peaks: some are several of them together."""

from typing import Any

import numpy as np
from scipy.stats import poisson

from sklearn_sfx.preprocessing._peak_pixels import Pixels, pixels_at
from sklearn_sfx.preprocessing._peaks import Peaks

__all__ = ["are_photons", "not_by_chance", "not_in_lines"]

MANY = 20  # lone pixels; of fewer hardly any lie side by side
CLEAR = 9.0  # signal-to-noise of a photon that is told as one: none is below the 6 asked for
SHARP = 1.3  # times the median is the third quartile, at the most, where all have one photon
LEAST = 0.3  # for each peak; the charge of a photon that falls near the rim of a pixel is shared
ALIKE = 0.5  # of them have the same value, at the most, for noise is on them
ONE, TWO = (0.75, 1.35), (1.65, 2.2)  # photons in a peak of one whose charge is shared, and of two
BETWEEN = 0.15  # of these peaks, at the most, are between
TIMES = 1.2  # lone pixels together are as high as one of them, but for so much
FEW_PIXELS, OF_PHOTONS = 2, 4  # pixels of a peak by chance; the charge of photons is shared
NEIGHBOURS = 12.0  # of a peak, of which each may be one more pixel of it
TILE = 64  # side of the squares in which lone pixels may crowd, in pixels
SIDES = 4  # of eight neighbours: a pair is one pair, seen from either side
FAINT = 4.2  # signal-to-noise of a pixel from which it may be part of a peak
AWAY = 6  # pixels, to those from which it stands out
SOME = 2000  # bright pixels tell how many of them reach that
CROWDED, MOST_UNSURE = 0.01, 1.5  # of the pixels; the more times as many may meet, from there on
TOGETHER = 3.0  # pixels, of which one is the highest
CHANCE = 0.999  # that there are no more than so many
IN_LINE = 4  # and so many times the mean of all lines; more lone pixels make it a bad line


def not_in_lines(lone: Peaks, shape: tuple[int, ...]) -> Peaks:
    """Return the peaks of one pixel without those of rows and columns that have very many of them.

    Such a line is a bad one, and says nothing of the other pixels.
    """
    is_spread = np.ones(len(lone.row), bool)
    for place, length in zip((lone.row, lone.column), shape, strict=True):
        line = np.rint(place).astype(np.intp)
        n = np.bincount(line, minlength=length)
        is_spread &= n[line] <= IN_LINE + IN_LINE * len(line) / length
    return Peaks(*(field[is_spread] for field in lone))


def are_photons(pixels: Pixels, lone: Peaks, peaks: Peaks) -> np.ndarray:
    """Return which peaks are a photon or two on an integrating detector; bool (n,).

    With few photons on a frame, and noise far below one, most bright pixels stand alone and are
    of about one height, that of a photon. Low peaks are then of one photon, whose charge is shared,
    or of two, with none between, and have two pixels. Pixels of one value are no photons but stuck.

    Parameters
    ----------
    pixels : Pixels
        Those of the frame.
    lone : Peaks
        Those of one pixel.
    peaks : Peaks
        The others, n of them.
    """
    none = np.zeros(len(peaks.snr), bool)
    if len(lone.snr) < max(MANY, LEAST * len(none)) or np.median(lone.snr) < CLEAR:
        return none
    photon, upper = np.quantile(lone.intensity, (0.5, 0.75))
    rows, columns = (np.rint(place).astype(np.intp) for place in (lone.row, lone.column))
    _, n_of_value = np.unique(pixels_at(pixels, rows, columns), return_counts=True)
    if upper > SHARP * photon or n_of_value.max() > ALIKE * len(lone.snr):
        return none
    n_photons = peaks.intensity / photon
    few = n_photons <= TWO[1]
    if not few.any() or np.median(peaks.n_pixels[few]) > 2:
        return none
    between = few & ((n_photons < ONE[0]) | ((n_photons > ONE[1]) & (n_photons < TWO[0])))
    return few if np.count_nonzero(between) <= BETWEEN * np.count_nonzero(few) else none


def not_by_chance(
    pixels: Pixels,
    lone: Peaks,
    peaks: Peaks,
    height: np.ndarray,
    bright: tuple[np.ndarray, np.ndarray],
    *,
    of_photons: bool,
) -> tuple[np.ndarray, float]:
    """Return which peaks are no lone pixels side by side, bool (n,), and how many still may be.

    Hot pixels, photons, what radiation leaves: many of them meet by chance. How many is reckoned
    from how crowded they are where lone ones lie, for each height by the lone ones that are as
    high. The highest peaks of which there are more than that are kept.

    Parameters
    ----------
    pixels : Pixels
        Those of the frame.
    lone : Peaks
        Those of one pixel.
    peaks : Peaks
        The others, n of them.
    height : ndarray of float, shape (n,)
        How high they are.
    bright : tuple of two ndarrays of int, shape (m,)
        Rows and columns of all bright pixels.
    of_photons : bool
        Whether the lone ones are photons on an integrating detector.
    """
    kept = np.ones(len(height), bool)
    if len(lone.snr) < MANY or not len(height):
        return kept, 0.0
    of_lone, share = _crowd(pixels, lone, peaks, height, bright)
    crowd = float(np.average(share, weights=of_lone))
    unsure = 1 + MOST_UNSURE * min(crowd / CROWDED, 1.0)
    pairs = unsure * SIDES * float(np.dot(of_lone, share))
    fewest = OF_PHOTONS if of_photons else FEW_PIXELS
    more = np.maximum(peaks.n_pixels - fewest, 0)
    as_large = np.minimum(NEIGHBOURS * crowd, 1.0) ** more
    heights = np.sort(lone.intensity)
    n_as_high = len(heights) - np.searchsorted(heights, height / TIMES)
    as_high = np.minimum(n_as_high / len(heights) * TOGETHER, 1.0)
    # Of so many pairs so many are as unlikely, or more, by height and size together.
    unlikely = np.maximum(as_high * as_large, 1e-12)
    by_chance = pairs * unlikely * (1 - np.log(unlikely))
    order = np.argsort(by_chance)
    by_chance = by_chance[order]
    n = np.arange(1, len(order) + 1)
    more_than = np.where(n > poisson.ppf(CHANCE, by_chance), n - by_chance, 0.0)
    if not more_than.any():
        return ~kept, 0.0
    last = int(np.argmax(more_than))
    kept[order[last + 1 :]] = False
    return kept, float(by_chance[last])


def _crowd(
    pixels: Pixels,
    lone: Peaks,
    peaks: Peaks,
    height: np.ndarray,
    bright: tuple[np.ndarray, np.ndarray],
) -> tuple[np.ndarray, np.ndarray]:
    """Return how many lone pixels each tile has, and the share of its pixels that may join them."""
    shape = pixels[0].shape
    across = shape[1] // TILE + 1
    n_tiles = (shape[0] // TILE + 1) * across

    def n_in_tiles(rows: np.ndarray, columns: np.ndarray, weights: Any = None) -> np.ndarray:
        tile = np.rint(rows) // TILE * across + np.rint(columns) // TILE
        return np.bincount(tile.astype(np.intp), weights, n_tiles)

    of_lone = n_in_tiles(lone.row, lone.column)
    if np.median(lone.snr) >= CLEAR:
        is_as_high = height <= TIMES * lone.intensity.max()
        n_pixels = of_lone + n_in_tiles(peaks.row, peaks.column, is_as_high * peaks.n_pixels)
    else:  # then others are too faint to be peaks, but not beside one
        noise = float(np.median(lone.intensity / lone.snr))
        n_pixels = n_in_tiles(*bright) * _share_above(pixels, bright, FAINT * noise)
    return of_lone, n_pixels / TILE**2


def _share_above(pixels: Pixels, bright: tuple[np.ndarray, np.ndarray], least: float) -> float:
    """Return the share of the bright pixels that stand out so much."""
    step = max(1, len(bright[0]) // SOME)
    rows, columns = (places[::step].astype(np.intp) for places in bright)
    last_row, last_column = (side - 1 for side in pixels[0].shape)
    above, below = (pixels_at(pixels, (rows + k).clip(0, last_row), columns) for k in (-AWAY, AWAY))
    left, right = (
        pixels_at(pixels, rows, (columns + k).clip(0, last_column)) for k in (-AWAY, AWAY)
    )
    level = np.fmin((above + below) / 2, (left + right) / 2)
    return float(np.mean(pixels_at(pixels, rows, columns) - level > least))
