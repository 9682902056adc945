"""Random numbers that belong to a place: a hash of a key and a position.

Noise drawn this way is the same for a pixel whether the whole frame or a window of it is simulated,
in any order, thread or process. The mixing function is SplitMix64's (Steele, Lea & Flood 2014).
"""

from __future__ import annotations

import numba
import numpy as np

from sklearn_sfx._compiled import compiled

__all__ = ["hash_key", "hash_keys", "to_uniform"]


@numba.njit(nogil=True, inline="always")
def hash_key(position, key):
    """Return a 64-bit hash of two unsigned 64-bit numbers, for use inside kernels."""
    mixed = key + position * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


@compiled()
def _hash_array(positions, key, out):
    for i in range(positions.size):
        out[i] = hash_key(positions[i], key)


def hash_keys(positions: np.ndarray, key: int) -> np.ndarray:
    """Hash each of an array of uint64, as uint64 of the same shape."""
    flat = np.ascontiguousarray(positions, dtype=np.uint64).ravel()
    out = np.empty_like(flat)
    # one more mixing, so that keys that are near one another have nothing in common
    _hash_array(flat, np.uint64((key * 0xD6E8FEB86659FD93 + 0x5851F42D4C957F2D) % 2**64), out)
    return out.reshape(np.shape(positions))


def to_uniform(hashes: np.ndarray) -> np.ndarray:
    """Floats in (0, 1] from 64-bit hashes."""
    return ((hashes >> np.uint64(11)).astype(np.float64) + 1.0) * 2.0**-53
