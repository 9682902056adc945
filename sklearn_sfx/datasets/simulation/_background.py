"""What scatters without being the crystal, as a function of the distance from the beam."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sklearn_sfx.datasets.simulation._domain import Domain
from sklearn_sfx.datasets.simulation._maps import N_AZIMUTHS, PixelMaps, radius_step

__all__ = ["Scatter", "draw_scatter", "radial_profile", "scatter_at"]

_ICE_SPACINGS = np.array([3.90, 3.67, 3.44, 2.67, 2.25, 2.07, 1.92])  # hexagonal ice, angstrom
_ICE_HEIGHTS = np.array([1.0, 0.9, 0.6, 0.3, 0.5, 0.3, 0.3])
_SHOULDER_SPACING, _SHOULDER_WIDTH = 2.1, 0.08  # the second ring of water


class Scatter(NamedTuple):
    """Background of one shot, in photons per pixel before shadows.

    It is ``profile[radius] + streak[radius] * sector[azimuth]``.
    """

    profile: np.ndarray
    streak: np.ndarray
    sector: np.ndarray


def radial_profile(domain: Domain, radius: np.ndarray, *, jet: float = 1.0, ice: float = 0.0):
    """Photons per pixel at these distances (mm) from the beam, for a pulse of mean energy.

    Parameters
    ----------
    domain : Domain
        The experiment.
    radius : ndarray
        Distances from the beam in mm.
    jet : float
        Thickness of the jet relative to its median.
    ice : float
        Height of the first ice ring relative to the solvent ring.

    Returns
    -------
    ndarray of the shape of `radius`
    """
    background = domain.background
    two_theta = np.arctan(radius / domain.distance)
    inverse = 2 * np.sin(two_theta / 2) / domain.beam.wavelength  # 1 / d
    from_ring = inverse - 1 / background.ring_spacing
    width = np.where(from_ring < 0, background.ring_inner, background.ring_outer)
    solvent = np.exp(-0.5 * (from_ring / width) ** 2)
    # liquids fall off more slowly than a Gaussian on the way out
    solvent = np.where(from_ring > 0, 0.6 * solvent + 0.4 / (1 + (from_ring / width) ** 2), solvent)
    second = (inverse - 1 / _SHOULDER_SPACING) / _SHOULDER_WIDTH
    solvent += background.shoulder * np.exp(-0.5 * second**2)
    air = background.air / (1 + (inverse / background.air_width) ** 2)
    beyond_stop = np.maximum(radius - background.stop_radius, 0.0)
    halo = background.halo * np.exp(-beyond_stop / background.halo_width)
    photons = background.ring * jet * solvent + air + background.flat + halo
    if ice:
        peaks = (inverse[..., None] - 1 / _ICE_SPACINGS) / 0.002
        photons += ice * background.ring * (_ICE_HEIGHTS * np.exp(-0.5 * peaks**2)).sum(axis=-1)
    return photons * np.cos(two_theta) ** 3  # a pixel further out is smaller seen from the sample


def draw_scatter(domain: Domain, maps: PixelMaps, jet: float, rng: np.random.Generator) -> Scatter:
    """Draw the background of one shot: pulse energy, jet, streak and ice ring."""
    background = domain.background
    energy = max(0.2, 1 + domain.beam.energy_spread * rng.standard_normal())
    has_ice, has_streak = rng.random(2) < (background.ice, background.streak)
    ice = rng.lognormal(-1.5, 0.7)
    strength, width, direction = rng.lognormal(0.0, 0.8), rng.uniform(2, 8), rng.vonmises(0.0, 40.0)
    radius = np.arange(int(maps.radius.max()) + 1) * radius_step(domain)
    profile = energy * radial_profile(domain, radius, jet=jet, ice=ice if has_ice else 0.0)
    if background.powder and rng.random() < background.powder:
        profile *= 1 + rng.lognormal(-0.5, 0.8) * _powder(domain, radius)
    near_beam = radial_profile(domain, np.array([background.stop_radius]), jet=jet)[0]
    reach = 1.0 * background.stop_radius
    streak = energy * strength * near_beam * np.exp(-np.maximum(radius / reach - 1, 0))
    angles = (np.arange(N_AZIMUTHS) + 0.5) * 360 / N_AZIMUTHS - background.streak_angle
    angles -= np.rad2deg(direction)
    across = (angles + 90) % 180 - 90  # a streak leaves the beam on both sides
    sector = np.exp(-0.5 * (across / width) ** 2) * has_streak
    return Scatter(*(part.astype(np.float32) for part in (profile, streak, sector)))


def _powder(domain: Domain, radius: np.ndarray) -> np.ndarray:
    """Return the rings of a powder that belongs to the experiment, the highest of them 1."""
    rng = np.random.default_rng(domain.seed)
    n_rings = rng.integers(2, 12)
    detector, inmost = domain.detector, domain.background.stop_radius
    outmost = max(inmost, detector.pixel_size * min(detector.shape) / 2)
    at = rng.uniform(inmost, outmost, n_rings)
    width = detector.pixel_size * rng.uniform(0.7, 4.0, n_rings)
    heights = rng.uniform(0.1, 1.0, n_rings)
    rings = heights * np.exp(-0.5 * ((radius[:, None] - at) / width) ** 2)
    return rings.sum(axis=1) / heights.max()


def scatter_at(
    scatter: Scatter, maps: PixelMaps, row: np.ndarray, column: np.ndarray
) -> np.ndarray:
    """Return the expected background photons at these pixels of the maps."""
    radius = maps.radius[row, column]
    uneven = scatter.streak[radius] * scatter.sector[maps.azimuth[row, column]]
    return (scatter.profile[radius] + uneven) * maps.transmission[row, column]
