"""Which peaks lie in rows and columns whose pixels vary more than those beside them."""

from collections.abc import Callable

import numpy as np

from sklearn_sfx.preprocessing._peak_pixels import Pixels, every_nth_row

__all__ = ["on_noisy_lines"]

LEAST = 2  # peaks in a line and those that touch it, from which on it is looked at
SAMPLED = 256  # pixels of a line are enough
ACROSS = 4  # pixels to either side, whose mean is taken from those of a line
NEAR = np.array([0, -12, -8, 8, 12])  # a line, and those that it is compared with
MOST = 0.75  # of its pixels vary no more; spots take up less than the rest
TIMES = 3.0  # as much as beside it


def on_noisy_lines(pixels: Pixels, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Return a bool for each peak: True in a noisy row or column, or in one that touches it.

    A column of one frame that flickers from pixel to pixel is full of peaks, none of them a line.

    Parameters
    ----------
    pixels : Pixels
        Those of the frame.
    rows, columns : ndarray of intp, shape (n,)
        Where the peaks are.
    """
    frame, usable, least, values = pixels
    height, width = frame.shape
    some = every_nth_row(pixels, max(1, height // SAMPLED))

    def read_rows(lines: np.ndarray) -> np.ndarray:
        good = usable[lines] if usable.size else usable
        whole = every_nth_row((frame[lines], good, least, values), 1)
        return whole[:, :: max(1, width // SAMPLED)].T

    in_columns = _in_noisy(columns, width, lambda lines: some[:, lines])
    return in_columns | _in_noisy(rows, height, read_rows)


def _in_noisy(
    peaks: np.ndarray, n_lines: int, read: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """Return the peaks of noisy lines, by the line of each; `read` gives lines as columns."""
    noisy = np.zeros(n_lines + 2, bool)  # with one more at either end
    crowd = np.convolve(np.bincount(peaks, minlength=n_lines), np.ones(3, int), "same")
    crowded = np.flatnonzero(crowd >= LEAST)
    if crowded.size and n_lines > 2 * ACROSS:
        lines = crowded[:, None] + NEAR
        at = lines.clip(ACROSS, n_lines - 1 - ACROSS)
        across = (read((at - ACROSS).ravel()) + read((at + ACROSS).ravel())) / 2
        spread = _spread(read(at.ravel()) - across).reshape(at.shape)
        spread[at != lines] = np.nan  # too near to the rim
        known = np.isfinite(spread)
        crowded, spread = (
            each[known[:, 0] & known[:, 1:].any(axis=1)] for each in (crowded, spread)
        )
        if crowded.size:
            for line in crowded[spread[:, 0] > TIMES * np.nanmedian(spread[:, 1:], axis=1)]:
                noisy[line : line + 3] = True
    return noisy[peaks + 1]


def _spread(above: np.ndarray) -> np.ndarray:
    """Return how far most pixels of each column are from its median; NaN where there are none."""
    n = np.isfinite(above).sum(axis=0)
    columns = np.arange(above.shape[1])
    middle = np.sort(above, axis=0)[np.maximum(n - 1, 0) // 2, columns]  # NaN comes last
    away = np.sort(np.abs(above - middle), axis=0)
    return away[(MOST * np.maximum(n - 1, 0)).astype(np.intp), columns].astype(np.float64)
