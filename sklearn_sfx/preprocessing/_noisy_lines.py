"""Which peaks lie in pieces of rows and columns whose pixels vary more than those beside them."""

from collections.abc import Callable

import numpy as np

from sklearn_sfx.preprocessing._peak_pixels import Pixels, pixels_at

__all__ = ["on_noisy_lines"]

LEAST = 2  # peaks in a line and those that touch it, from which on it is looked at
LENGTH = 128  # pixels of a piece of it; the lines of a chip are as long, or longer
ACROSS = 4  # pixels to either side, whose mean is taken from those of a line
NEAR = np.array([0, -1, 1, -12, -8, 8, 12])  # a line, those that touch it, and others
MOST = 0.75  # of its pixels vary no more; spots take up less than the rest
TIMES = 3.0  # as much as beside it
LIT_ALONE = 0.05  # of its pixels are half as high as its peaks, and all beside them dark
OF_PEAKS = 10.0  # times that is as high as its peaks; spots stand on less noise


def on_noisy_lines(
    pixels: Pixels, rows: np.ndarray, columns: np.ndarray, heights: np.ndarray
) -> np.ndarray:
    """Return a bool for each peak: True in a noisy row or column, or in one that touches it.

    A column of one frame that flickers from pixel to pixel is full of peaks, none of them a line.
    It may end where its chip does.

    Parameters
    ----------
    pixels : Pixels
        Those of the frame.
    rows, columns : ndarray of intp, shape (n,)
        Where the peaks are.
    heights : ndarray of float, shape (n,)
        How high they are.
    """
    height, width = pixels[0].shape

    def in_columns(column: np.ndarray, row: np.ndarray) -> np.ndarray:
        return pixels_at(pixels, row, column)

    def in_rows(row: np.ndarray, column: np.ndarray) -> np.ndarray:
        return pixels_at(pixels, row, column)

    of_columns = _in_noisy((columns, rows, heights), (width, height), in_columns)
    return of_columns | _in_noisy((rows, columns, heights), (height, width), in_rows)


def _in_noisy(
    peaks: tuple[np.ndarray, np.ndarray, np.ndarray],
    shape: tuple[int, int],
    read: Callable[[np.ndarray, np.ndarray], np.ndarray],
) -> np.ndarray:
    """Return the peaks of noisy pieces, by the line of each, the place along it, and the height.

    ``shape`` is how many lines there are, and how long they are; ``read`` returns the pixels of
    lines at places.
    """
    lines, places, heights = peaks
    n_lines, n_places = shape
    length = min(LENGTH, n_places)
    starts = np.linspace(0, n_places - length, -(-n_places // length)).round().astype(np.intp)
    piece = np.abs(places[:, None] - (starts + length // 2)).argmin(axis=1)
    noisy = np.zeros((len(starts), n_lines + 2), bool)  # with one more line at either end
    crowd = np.convolve(np.bincount(lines, minlength=n_lines), np.ones(3, int), "same")
    has_peak = np.zeros((len(starts), n_lines), bool)
    has_peak[piece, lines] = True
    pieces, crowded = np.nonzero(has_peak & (crowd >= LEAST))
    if crowded.size and n_lines > 2 * ACROSS:
        wanted = crowded[:, None] + NEAR
        at = wanted.clip(ACROSS, n_lines - 1 - ACROSS)[:, :, None]
        along = (starts[pieces][:, None] + np.arange(length))[:, None, :]
        above = read(at, along) - (read(at - ACROSS, along) + read(at + ACROSS, along)) / 2
        above[at[:, :, 0] != wanted] = np.nan  # too near to the rim
        height = np.array(
            [
                _middle(heights[(piece == part) & (np.abs(lines - line) <= 1)])
                for part, line in zip(pieces, crowded, strict=True)
            ]
        )
        bad = _are_noisy(above, height)
        for step in (0, 1, 2):
            noisy[pieces[bad], crowded[bad] + step] = True
    noisy[1:] |= noisy[:-1].copy()  # it may reach into the pieces beside
    noisy[:-1] |= noisy[1:].copy()
    return noisy[piece, lines + 1]


def _middle(values: np.ndarray) -> float:
    """Return the median of a few values, or the one below it, quicker than NumPy does."""
    return float(np.sort(values)[(len(values) - 1) // 2])


def _are_noisy(above: np.ndarray, height: np.ndarray) -> np.ndarray:
    """Return which lines vary more than others, or are lit by themselves; bool (n,).

    ``above`` (n, n_lines, length) is how far the pixels of each line, of those that touch it and of
    others are above what is to both sides of them, ``height`` (n,) how high the peaks of the line
    are. Spots in a row are wider than one line.
    """
    spread = _spread(above)
    usual = spread[:, 3:]
    n_usual = np.isfinite(usual).sum(axis=1)
    usual = np.sort(usual, axis=1)  # NaN comes last
    each = np.arange(len(usual))
    beside = (usual[each, np.maximum(n_usual - 1, 0) // 2] + usual[each, n_usual // 2]) / 2
    touching = spread[:, 1:3]
    varies = spread[:, 0] > TIMES * np.fmax(beside, np.fmin(*touching.T))
    varies &= OF_PEAKS * spread[:, 0] > height
    # The light of a spot reaches a line beside it, or two pixels of its own.
    half, dark = (height / 2)[:, None], np.maximum(height / 10, 2 * beside)[:, None]
    lit = above[:, 0] > half
    alone = lit & ~(above[:, 1] > dark) & ~(above[:, 2] > dark)
    alone[:, 1:] &= ~lit[:, :-1]
    alone[:, :-1] &= ~lit[:, 1:]
    # Where photons are few, all lines are lit so.
    all_lit = np.mean(above[:, 3:] > half[:, None], axis=(1, 2))
    is_lit = np.mean(alone, axis=1) > LIT_ALONE + TIMES * all_lit
    return (n_usual > 0) & (spread[:, 0] >= np.fmax(*touching.T)) & (varies | is_lit)


def _spread(above: np.ndarray) -> np.ndarray:
    """Return how far most pixels along the last axis are from their median; NaN without pixels."""
    n = np.isfinite(above).sum(axis=-1, keepdims=True)
    if n.min() == above.shape[-1]:  # which is quicker, and the usual case
        last = above.shape[-1] - 1
        middle = np.partition(above, last // 2, axis=-1)[..., last // 2, None]
        most = int(MOST * last)
        return np.partition(np.abs(above - middle), most, axis=-1)[..., most].astype(np.float64)
    middle = np.take_along_axis(np.sort(above, axis=-1), np.maximum(n - 1, 0) // 2, axis=-1)
    away = np.sort(np.abs(above - middle), axis=-1)  # NaN comes last
    most = (MOST * np.maximum(n - 1, 0)).astype(np.intp)
    return np.take_along_axis(away, most, axis=-1)[..., 0].astype(np.float64)
