"""The photons of a frame, ring by ring."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sklearn_sfx.preprocessing._radial_rings import find_rings, ring_sums

__all__ = ["RingPhotons", "ring_photons"]

DARK = 0.5  # photons, up to which a pixel is dark


class RingPhotons(NamedTuple):
    """Photons of each pixel, and how many each ring has.

    Parameters
    ----------
    rings : ndarray of int, shape (height, width)
        In which ring each pixel lies.
    photons : ndarray of float64, shape (height, width)
        0 where a pixel is dark.
    good : ndarray of bool, shape (height, width)
        Which pixels are usable.
    n_good, total : ndarray of float64, shape (n_rings,)
        Usable pixels of each ring, and the photons in them.
    """

    rings: np.ndarray
    photons: np.ndarray
    good: np.ndarray
    n_good: np.ndarray
    total: np.ndarray


def ring_photons(
    frame: np.ndarray,
    usable: np.ndarray | None,
    photon: float,
    center: tuple[float, float],
    width: float,
) -> RingPhotons:
    """Count the photons of a frame, shape (height, width), of which one adds `photon` to a pixel.

    The rings are `width` pixels wide, and lie about a row and a column.
    """
    rings = find_rings(frame.shape, center, width)
    good = np.isfinite(frame)
    if usable is not None:
        good &= usable
    photons = np.where(good, frame, 0) / photon
    photons = np.where(photons > DARK, photons, 0.0)
    return RingPhotons(rings, photons, good, *ring_sums(rings, good, photons))
