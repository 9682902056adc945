"""What all frames of a single-particle experiment share, pixel by pixel."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from sklearn_sfx.datasets.single_particles._domain import ParticleDomain

__all__ = ["ELECTRON_RADIUS", "Pixels", "make_pixels"]

ELECTRON_RADIUS = 2.8179403e-9  # in micrometre


class Pixels(NamedTuple):
    """Maps of shape (height, width), unless said otherwise, of one experiment.

    `q` (3, height, width) is the scattering vector in 1/nm, `qx` and `qy` its components along the
    middle row and column, 1-D. `photons` is what an amplitude of one electron, squared, scatters
    into a pixel in the middle of the focus. `radius` is in mm, `azimuth` in radians. `sensitive` is
    what light reaches, `usable` what the mask calls good, `hot` what hot pixels add, in ADU.
    """

    q: np.ndarray
    qx: np.ndarray
    qy: np.ndarray
    photons: np.ndarray
    radius: np.ndarray
    azimuth: np.ndarray
    sensitive: np.ndarray
    usable: np.ndarray
    hot: np.ndarray


@lru_cache(maxsize=4)
def make_pixels(domain: ParticleDomain) -> Pixels:
    """Return the maps of an experiment; kept for the last few of each process."""
    camera, distance = domain.camera, domain.distance
    height, width = camera.shape
    y = (np.arange(height) - (height - 1) / 2) * camera.pixel_size - domain.beam_center[0]
    x = (np.arange(width) - (width - 1) / 2) * camera.pixel_size - domain.beam_center[1]
    away = np.sqrt(x[None, :] ** 2 + y[:, None] ** 2 + distance**2)
    wavenumber = 2 * np.pi / domain.focus.wavelength
    q = wavenumber * np.stack([x[None, :] / away, y[:, None] / away, distance / away - 1])
    solid_angle = camera.pixel_size**2 * distance / away**3
    degree = domain.focus.polarisation
    polarised = 1 - (1 + degree) / 2 * (x[None, :] / away) ** 2
    polarised -= (1 - degree) / 2 * (y[:, None] / away) ** 2
    radius = np.hypot(x[None, :], y[:, None])
    sensitive = radius > camera.stop_radius
    first = (height - camera.gap) // 2
    sensitive[first : first + camera.gap] = False
    rng = np.random.default_rng(domain.seed)
    hot = np.where(rng.random(camera.shape) < camera.hot, rng.uniform(20, 200, camera.shape), 0)
    named = (hot > 0) & (rng.random(camera.shape) >= camera.unmasked)
    return Pixels(
        q=q,
        qx=wavenumber * x / np.hypot(x, distance),
        qy=wavenumber * y / np.hypot(y, distance),
        photons=ELECTRON_RADIUS**2 * domain.focus.fluence * solid_angle * polarised,
        radius=radius,
        azimuth=np.arctan2(y[:, None], x[None, :]) + np.zeros_like(radius),
        sensitive=sensitive,
        usable=sensitive & ~named,
        hot=hot * camera.gain,
    )
