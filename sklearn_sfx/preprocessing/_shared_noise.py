"""How much of the noise of a pixel its neighbours share, told from the frame itself."""

import numpy as np

from sklearn_sfx.preprocessing._peak_pixels import Pixels, load_row

__all__ = ["shared_noise"]

N_LINES = 64  # rows of a frame that are enough
NEAR, FAR = 1, 3  # pixels to both sides, with which one is compared
AWAY = FAR + 2  # pixels from a bright one to those that it has no part in
BLOCK = 64  # pixels of a row that are judged together
MIN_BLOCKS = 16  # fewer say nothing
LIT = 0.25  # of a block, at the least, differ: between the zeros of a dark frame no noise is seen
LARGEST = 3.0  # mean differences; larger ones are edges


def shared_noise(pixels: Pixels, rows: np.ndarray, columns: np.ndarray) -> float:
    """Return how much of the noise of a pixel its neighbours share, 0 for none.

    Where light spreads over several pixels, a pixel differs less from those beside it than from
    those three away. What is compared are second differences, which a sloping background leaves
    alone, of many short pieces of rows, of which the median is taken: edges, rings and steps are
    in few of them. Light spreads to all sides, so that it is the lesser of what is seen along rows
    and along columns: amplifiers that rows share are no light.

    Parameters
    ----------
    pixels : Pixels
        Those of a frame.
    rows, columns : ndarray of int, shape (n,)
        Where bright pixels are, which take no part, nor what is near them.
    """
    height, width = pixels[0].shape
    if min(height, width) < 2 * FAR + 1:
        return 0.0
    middle = np.linspace(FAR, height - 1 - FAR, N_LINES).round().astype(np.intp)
    middle = np.unique(middle)
    here = _lines(pixels, middle)
    _take_out(here, middle, rows, columns)
    along_columns = [
        _lines(pixels, middle - step) + _lines(pixels, middle + step) - 2 * here
        for step in (NEAR, FAR)
    ]
    centre = here[:, FAR : width - FAR]
    along_rows = [
        here[:, FAR - step : width - FAR - step] + here[:, FAR + step : width - FAR + step]
        - 2 * centre
        for step in (NEAR, FAR)
    ]  # fmt: skip
    return max(0.0, min(_shared(*along_rows), _shared(*along_columns)))


def _lines(pixels: Pixels, rows: np.ndarray) -> np.ndarray:
    lines = np.empty((len(rows), pixels[0].shape[1]), np.float32)
    for line, row in zip(lines, rows, strict=True):
        load_row(pixels, row, 0, line)
    return lines


def _take_out(lines: np.ndarray, middle: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> None:
    """Write NaN where a bright pixel is near, into the rows of a frame that begin at ``middle``."""
    after = np.searchsorted(middle, rows)
    for side in (after - 1, after):
        line = side.clip(0, len(middle) - 1)
        is_near = np.abs(middle[line] - rows) <= AWAY
        for step in range(-AWAY, AWAY + 1):
            column = (columns[is_near] + step).clip(0, lines.shape[1] - 1)
            lines[line[is_near], column] = np.nan


def _shared(near: np.ndarray, far: np.ndarray) -> float:
    """Return how much less the near differences are, as the part of the noise that is shared."""
    size = min(BLOCK, near.shape[1])
    whole = near.shape[1] // size * size
    near, far = (np.abs(each[:, :whole]).reshape(-1, size) for each in (near, far))
    known = np.isfinite(near) & np.isfinite(far)
    near, far = np.where(known, near, 0), np.where(known, far, 0)
    is_lit = np.count_nonzero(far, axis=1) >= LIT * size
    if np.count_nonzero(is_lit) < MIN_BLOCKS:
        return 0.0
    near, far = near[is_lit], far[is_lit]
    largest = LARGEST * far.sum(1, keepdims=True) / known[is_lit].sum(1, keepdims=True)
    near, far = (np.minimum(each, largest).sum(1) for each in (near, far))
    return 1.0 - float(np.median(near / far)) ** 2
