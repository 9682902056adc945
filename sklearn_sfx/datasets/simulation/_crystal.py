"""Reciprocal space: which reflections of a randomly oriented crystal meet the Ewald sphere."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sklearn_sfx._compiled import compiled
from sklearn_sfx.datasets.simulation._domain import Beam, Crystal
from sklearn_sfx.datasets.simulation._random import hash_keys, to_uniform

__all__ = [
    "Reflections",
    "diffract",
    "near_ewald_sphere",
    "random_rotation",
    "reciprocal_basis",
    "wilson_intensities",
]


class Reflections(NamedTuple):
    """What one crystal diffracts, for a crystal of unit scale.

    `hkl` (n, 3), `q` (n, 3) in 1/angstrom, `direction` (n, 3) unit vectors of the diffracted
    beams, `intensity` (n,) relative photons before polarisation.
    """

    hkl: np.ndarray
    q: np.ndarray
    direction: np.ndarray
    intensity: np.ndarray


def reciprocal_basis(cell: tuple[float, ...]) -> np.ndarray:
    """Rows a*, b*, c* (1/angstrom) of a cell in a fixed orientation: a along x, b in the xy plane.

    Examples
    --------
    >>> from sklearn_sfx.datasets.simulation._crystal import reciprocal_basis
    >>> reciprocal_basis((50, 100, 200, 90, 90, 90)).round(3) + 0.0
    array([[0.02 , 0.   , 0.   ],
           [0.   , 0.01 , 0.   ],
           [0.   , 0.   , 0.005]])
    """
    a, b, c = cell[:3]
    cos_alpha, cos_beta, cos_gamma = np.cos(np.deg2rad(cell[3:]))
    sin_gamma = np.sqrt(1 - cos_gamma**2)
    c_y = (cos_alpha - cos_beta * cos_gamma) / sin_gamma
    direct = np.array(
        [
            [a, 0.0, 0.0],
            [b * cos_gamma, b * sin_gamma, 0.0],
            [c * cos_beta, c * c_y, c * np.sqrt(1 - cos_beta**2 - c_y**2)],
        ]
    )
    return np.linalg.inv(direct).T


def random_rotation(rng: np.random.Generator) -> np.ndarray:
    """Draw a rotation matrix, uniform over all orientations (from a uniform unit quaternion)."""
    quaternion = rng.standard_normal(4)
    w, x, y, z = quaternion / np.linalg.norm(quaternion)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


@compiled()
def _walk_lattice(basis, direct_lengths, k, q_max, tolerance, hkl):
    """Fill `hkl` with the points within `tolerance` of the sphere; return how many there are.

    For each h and k the points lie on a line, which crosses the shell of radii k - tolerance and
    k + tolerance in at most two stretches of l: no point far from the sphere is ever looked at.
    """
    count = 0
    h_max = int(q_max * direct_lengths[0])
    k_max = int(q_max * direct_lengths[1])
    step = basis[2]
    step2 = step[0] ** 2 + step[1] ** 2 + step[2] ** 2
    outer2, inner2 = (k + tolerance) ** 2, (k - tolerance) ** 2
    for h in range(-h_max, h_max + 1):
        for kk in range(-k_max, k_max + 1):
            x = h * basis[0, 0] + kk * basis[1, 0]
            y = h * basis[0, 1] + kk * basis[1, 1]
            z = h * basis[0, 2] + kk * basis[1, 2]
            # q within the resolution sphere
            half = (x * step[0] + y * step[1] + z * step[2]) / step2
            reach = half * half - (x * x + y * y + z * z - q_max * q_max) / step2
            if reach < 0.0:
                continue
            reach = np.sqrt(reach)
            low, high = np.ceil(-half - reach), np.floor(-half + reach)
            # q + k0 within the shell
            middle = -(half + k * step[2] / step2)
            away = (x * x + y * y + (z + k) * (z + k)) / step2 - middle * middle
            outer = outer2 / step2 - away
            if outer < 0.0:
                continue
            outer = np.sqrt(outer)
            inner = np.sqrt(max(0.0, inner2 / step2 - away))
            first = int(max(low, np.ceil(middle - outer)))
            before_gap = int(min(high, np.floor(middle - inner)))
            after_gap = int(max(low, np.ceil(middle + inner)))
            last = int(min(high, np.floor(middle + outer)))
            after_gap = max(after_gap, before_gap + 1)
            for stretch in range(2):
                begin = first if stretch == 0 else after_gap
                end = before_gap if stretch == 0 else last
                for index in range(begin, end + 1):
                    if h == 0 and kk == 0 and index == 0:
                        continue
                    if count < hkl.shape[0]:
                        hkl[count, 0] = h
                        hkl[count, 1] = kk
                        hkl[count, 2] = index
                    count += 1
    return count


def near_ewald_sphere(
    basis: np.ndarray, wavelength: float, resolution: float, tolerance: float
) -> np.ndarray:
    """Find the reflections whose points lie near the Ewald sphere.

    Parameters
    ----------
    basis : ndarray of shape (3, 3)
        Rows a*, b*, c* in 1/angstrom, in the laboratory frame with the beam along z.
    wavelength, resolution : float
        In angstrom.
    tolerance : float
        Largest distance of a point from the sphere, in 1/angstrom.

    Returns
    -------
    ndarray of shape (n, 3), int32
        Their indices h, k, l.
    """
    lengths = np.linalg.norm(np.linalg.inv(basis), axis=0)
    hkl = np.empty((4096, 3), dtype=np.int32)
    found = _walk_lattice(basis, lengths, 1 / wavelength, 1 / resolution, tolerance, hkl)
    if found > len(hkl):
        hkl = np.empty((found, 3), dtype=np.int32)
        _walk_lattice(basis, lengths, 1 / wavelength, 1 / resolution, tolerance, hkl)
    return hkl[:found]


def wilson_intensities(hkl: np.ndarray, key: int) -> np.ndarray:
    """Squared structure factors of a crystal form, with mean 1 and Wilson's acentric statistics.

    They belong to the crystal form `key`, not to the shot: every crystal of it has the same, and
    Friedel mates are equal. Wilson (1949): with many atoms in the cell |F|^2 is exponential.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_sfx.datasets.simulation._crystal import wilson_intensities
    >>> plus, minus = wilson_intensities(np.array([[3, -1, 7], [-3, 1, -7]]), key=1)
    >>> bool(plus == minus)
    True
    """
    h, k, l = hkl.astype(np.int64).T  # noqa: E741
    negative = (h < 0) | ((h == 0) & ((k < 0) | ((k == 0) & (l < 0))))
    sign = np.where(negative, -1, 1)
    packed = ((sign * h + 4096) << 26) + ((sign * k + 4096) << 13) + (sign * l + 4096)
    return -np.log(to_uniform(hash_keys(packed.astype(np.uint64), key)))


def diffract(
    crystal: Crystal,
    beam: Beam,
    wavelength: float,
    *,
    finest: float,
    key: int,
    rng: np.random.Generator,
) -> Reflections:
    """Shoot one crystal in a random orientation, and look down to the spacing `finest`.

    A point at a distance e from the Ewald sphere gives exp(-e^2 / (2 s^2)) / s of its intensity,
    where s^2 adds the mosaic rotation (q cos(theta) eta), the size of the blocks (0.4 / size) and
    the bandwidth (2 sin(theta)^2 / wavelength times the relative width).
    """
    basis = reciprocal_basis(crystal.cell) @ random_rotation(rng).T
    basis /= 1 + 0.001 * rng.standard_normal()  # no two crystals have quite the same cell
    mosaicity = np.deg2rad(crystal.mosaicity) * rng.lognormal(0.0, 0.3)
    b_factor = crystal.b_factor * rng.lognormal(0.0, 0.2)

    def broadening(q_length: np.ndarray | float) -> np.ndarray:
        sin_theta = np.minimum(q_length * wavelength / 2, 1.0)
        mosaic = mosaicity * q_length * np.sqrt(1 - sin_theta**2)
        spectral = 2 * sin_theta**2 / wavelength * beam.bandwidth
        return np.sqrt(mosaic**2 + spectral**2 + (0.4 / crystal.size) ** 2)

    # nothing diffracts beyond half the wavelength
    resolution = max(crystal.resolution * rng.lognormal(0.0, 0.08), 0.51 * wavelength, finest)
    # the widest broadening within reach, to bound the search
    tolerance = 3 * float(broadening(np.linspace(0, 1 / resolution, 64)).max())
    hkl = near_ewald_sphere(basis, wavelength, resolution, tolerance)
    q = hkl @ basis
    q_length = np.linalg.norm(q, axis=1)
    beam_out = q + np.array([0.0, 0.0, 1 / wavelength])
    length = np.linalg.norm(beam_out, axis=1)
    width = broadening(q_length)
    share = np.exp(-0.5 * ((length - 1 / wavelength) / width) ** 2) * (0.001 / width)
    share *= np.exp(-b_factor * q_length**2 / 2)
    # most points are too far out to give a photon even where the strongest saturate
    kept = share > 1e-6 * share.max(initial=0.0)
    hkl, q, beam_out, length = hkl[kept], q[kept], beam_out[kept], length[kept]
    intensity = wilson_intensities(hkl, key) * share[kept]
    return Reflections(hkl, q, beam_out / length[:, None], intensity)
