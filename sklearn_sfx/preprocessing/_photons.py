"""Photons of a frame, and their sums over rings."""

from __future__ import annotations

import numpy as np

__all__ = ["lit_photons", "ring_sums"]

DARK = 0.5  # photons, up to which a pixel is dark


def lit_photons(
    frame: np.ndarray, usable: np.ndarray | None, photon: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return photons of each pixel, float64, 0 where it is dark, and which pixels are usable."""
    good = np.isfinite(frame)
    if usable is not None:
        good &= usable
    photons = np.where(good, frame, 0) / photon
    return np.where(photons > DARK, photons, 0.0), good


def ring_sums(
    rings: np.ndarray, good: np.ndarray, values: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return how many good pixels each ring has, and the sum of their values; float64."""
    n_rings, inside = int(rings.max()) + 1, rings[good]
    count = np.bincount(inside, minlength=n_rings).astype(np.float64)
    return count, np.bincount(inside, values[good], n_rings)
