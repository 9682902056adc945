"""What particles of one density scatter: the Fourier transforms of their shapes.

Amplitudes are volumes in cubic nm at q = 0. Scattering vectors q are in 1/nm, with the factor 2 pi.
"""

from __future__ import annotations

from functools import cache
from itertools import combinations

import numpy as np

__all__ = ["ellipsoid", "icosahedron", "icosahedron_volume", "random_rotation", "sphere"]

_STEP = 0.8  # of the projection, times the largest q


def random_rotation(rng: np.random.Generator) -> np.ndarray:
    """Return a rotation matrix, uniform over all: a normal quaternion (Shoemake 1992)."""
    w, x, y, z = (q := rng.standard_normal(4)) / np.linalg.norm(q)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


def sphere(q: np.ndarray, radius: float) -> np.ndarray:
    """Amplitude of a sphere (Rayleigh 1911); `q` of any shape, in 1/nm, `radius` in nm."""
    x = np.maximum(q * radius, 1e-3)  # below, 3 j1(x) / x is 1 to seven digits
    return 4 / 3 * np.pi * radius**3 * 3 * (np.sin(x) - x * np.cos(x)) / x**3


def ellipsoid(q: np.ndarray, half_axes: np.ndarray, rotation: np.ndarray) -> np.ndarray:
    """Amplitude of an ellipsoid: a sphere in stretched space; `q` of shape (3, ...)."""
    stretched = np.tensordot(np.diag(half_axes) @ rotation.T, q, axes=1)
    return float(np.prod(half_axes)) * sphere(np.sqrt((stretched**2).sum(axis=0)), 1.0)


def icosahedron(
    qx: np.ndarray, qy: np.ndarray, circumradius: float, rotation: np.ndarray
) -> np.ndarray:
    """Amplitude of a regular icosahedron on the grid of `qy` by `qx`, both 1-D.

    Its thickness along the beam, on a fine grid, is transformed by two matrix products. That is
    the projection approximation: the Ewald sphere is taken for a plane.
    """
    q_max = max(np.abs(qx).max(), np.abs(qy).max(), 1e-9)
    n = max(32, int(np.ceil(2 * circumradius * q_max / _STEP)))
    step = 2 * circumradius / n
    x = (np.arange(n) + 0.5) * step - circumradius
    thickness = _thickness(x, _faces() @ rotation.T, circumradius)
    rows = np.exp(-1j * np.outer(qy, x))
    columns = np.exp(-1j * np.outer(x, qx))
    return np.real(rows @ thickness @ columns) * step**2  # even, so its transform is real


def icosahedron_volume(circumradius: float) -> float:
    """Volume in cubic nm of a regular icosahedron."""
    edge = circumradius / np.sin(2 * np.pi / 5)
    return 5 / 12 * (3 + np.sqrt(5)) * edge**3


def _thickness(x: np.ndarray, normals: np.ndarray, circumradius: float) -> np.ndarray:
    """How far a line along z at each (y, x) runs inside all faces, of rows of unit normals."""
    inradius = circumradius * np.sqrt((5 + 2 * np.sqrt(5)) / 15)
    enters = np.full((len(x), len(x)), -np.inf)
    leaves = np.full((len(x), len(x)), np.inf)
    for a, b, c in normals:
        left = inradius - a * x[None, :] - b * x[:, None]
        if abs(c) < 1e-9:
            leaves = np.where(left < 0, -np.inf, leaves)
        elif c > 0:
            leaves = np.minimum(leaves, left / c)
        else:
            enters = np.maximum(enters, left / c)
    return np.maximum(leaves - enters, 0)


@cache
def _faces() -> np.ndarray:
    """Return the unit normals of the 20 faces, rows of (x, y, z)."""
    golden = (1 + np.sqrt(5)) / 2
    corners = np.array([(0, a, b * golden) for a in (1, -1) for b in (1, -1)])
    corners = np.concatenate([np.roll(corners, turn, axis=1) for turn in range(3)])
    apart = np.linalg.norm(corners[:, None] - corners[None, :], axis=-1)
    faces = [
        corners[list(three)].sum(axis=0)
        for three in combinations(range(12), 3)
        if all(abs(apart[i, j] - 2) < 1e-9 for i, j in combinations(three, 2))
    ]
    return np.array(faces) / np.linalg.norm(faces, axis=1, keepdims=True)
