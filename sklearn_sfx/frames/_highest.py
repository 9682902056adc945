"""A large frame drawn small, so that its spots stay."""

from __future__ import annotations

import math

import numpy as np

__all__ = ["MASKED_COLOUR", "PERCENTILES", "highest_of_blocks"]

MASKED_COLOUR = "#9cc9f0"
PERCENTILES = (1.0, 99.9)  # of the pixels: what is drawn white, and what black
N_BLOCKS = 400  # along the shorter side of a frame at the most: what axes can show


def highest_of_blocks(frame: np.ndarray, n_blocks: int = N_BLOCKS) -> tuple[np.ndarray, int]:
    """Return the highest pixel of each square block, and the side of a block in pixels.

    A spot of a pixel or two would vanish where a large frame is drawn small. A block is NaN where
    all its pixels are.
    """
    side = math.ceil(min(frame.shape) / n_blocks)
    rows, columns = (math.ceil(length / side) for length in frame.shape)
    whole = np.full((rows * side, columns * side), np.nan, np.float32)
    whole[: frame.shape[0], : frame.shape[1]] = frame
    return np.fmax.reduce(whole.reshape(rows, side, columns, side), axis=(1, 3)), side
