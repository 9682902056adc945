"""Rings around a place in a frame, and sums over the pixels of each."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

__all__ = ["find_rings", "ring_sums"]


@lru_cache(maxsize=8)
def find_rings(shape: tuple[int, int], center: tuple[float, float], width: float) -> np.ndarray:
    """Return the number of the ring that each pixel lies in; the first is about the middle."""
    rows, columns = (np.arange(length) - place for length, place in zip(shape, center, strict=True))
    rings = (np.hypot(rows[:, None], columns[None, :]) / width + 0.5).astype(np.intp)
    rings.flags.writeable = False
    return rings


def ring_sums(
    rings: np.ndarray, good: np.ndarray, values: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return how many good pixels each ring has, and the sum of their values; float64."""
    n_rings, inside = int(rings.max()) + 1, rings[good]
    count = np.bincount(inside, minlength=n_rings).astype(np.float64)
    return count, np.bincount(inside, values[good], n_rings)
