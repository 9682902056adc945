"""What looks like a spot and is none: grains of a powder, blobs, cosmic rays, bad lines."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sklearn_sfx.datasets.simulation._domain import Domain
from sklearn_sfx.datasets.simulation._geometry import Panels, project
from sklearn_sfx.datasets.simulation._maps import PixelMaps
from sklearn_sfx.datasets.simulation._spots import Spots

__all__ = ["Electronics", "draw_blobs", "draw_electronics", "draw_grains", "smooth_rings"]

_NO_LINE = (0, 0, 0, 0, 0.0)


class Electronics(NamedTuple):
    """What the electronics of one shot add beside their noise, in ADU.

    `cosmics` are deposits of charge, drawn as spots are; `line` is a rectangle (top, bottom, left,
    right) of the part and what its pixels gain; `offsets` (height,) or (width,) are those of the
    lines along `axis`.
    """

    cosmics: Spots
    line: tuple[int, int, int, int, float]
    offsets: np.ndarray
    axis: int

    def add_lines(self, electronic: np.ndarray, top: int, left: int) -> None:
        """Add the lines to an array that begins at (top, left) of the part."""
        first, last, start, stop, value = self.line
        rows = slice(max(first - top, 0), max(last - top, 0))
        columns = slice(max(start - left, 0), max(stop - left, 0))
        electronic[rows, columns] += np.float32(value)
        if self.offsets.size:
            begin = left if self.axis else top
            part = self.offsets[begin : begin + electronic.shape[self.axis]]
            electronic += part[None, :] if self.axis else part[:, None]


def _ring_radii(domain: Domain, wavelength: float) -> np.ndarray:
    """Return the radius of each ring in mm; infinite where it does not reach the detector."""
    sin_theta = wavelength / (2 * np.array(domain.background.grains.spacings))
    two_theta = 2 * np.arcsin(np.minimum(sin_theta, 1.0))
    return np.where(two_theta < 1.5, domain.distance * np.tan(np.minimum(two_theta, 1.5)), np.inf)


def smooth_rings(domain: Domain, wavelength: float, radius: np.ndarray) -> np.ndarray:
    """Photons per pixel at these distances (mm) of the grains too small to be told apart."""
    grains = domain.background.grains
    photons = np.zeros(np.shape(radius))
    width = domain.detector.pixel_size * np.hypot(grains.width, grains.size)
    for centre, height in zip(_ring_radii(domain, wavelength), grains.photons, strict=True):
        photons += grains.smooth * height * np.exp(-0.5 * ((radius - centre) / width) ** 2)
    return photons


def draw_grains(
    domain: Domain, panels: Panels, maps: PixelMaps, wavelength: float, rng: np.random.Generator
) -> Spots:
    """Draw the spots of the grains of a powder: on rings, each of them of one brightness."""
    grains = domain.background.grains
    pixel = domain.detector.pixel_size
    radii, azimuths, photons = [], [], []
    width = np.hypot(grains.width, grains.size)
    direction = rng.uniform(0, 2 * np.pi) if grains.order else 0.0
    for centre, height in zip(_ring_radii(domain, wavelength), grains.photons, strict=True):
        n = rng.poisson(grains.number)
        if not np.isfinite(centre) or n == 0:
            continue
        circumference = 2 * np.pi * centre / pixel
        total = (1 - grains.smooth) * height * np.sqrt(2 * np.pi) * width * circumference
        radii.append(centre + pixel * grains.width * rng.standard_normal(n))
        azimuths.append(
            direction + np.pi * rng.integers(0, 2, n) + rng.vonmises(0, 4 * grains.order, n)
            if grains.order
            else rng.uniform(0, 2 * np.pi, n)
        )
        bright = rng.lognormal(-0.5 * grains.spread**2, grains.spread, n)
        photons.append(total / grains.number * bright)
    if not radii:
        return no_spots()
    radius, azimuth = np.concatenate(radii), np.concatenate(azimuths)
    around = (np.deg2rad(grains.mosaicity) * radius / pixel) ** 2
    return _place(
        panels, maps, radius, azimuth, np.concatenate(photons), grains.size**2 + 1 / 12, around
    )


def draw_blobs(
    domain: Domain, panels: Panels, maps: PixelMaps, profile: np.ndarray, rng: np.random.Generator
) -> Spots:
    """Draw smooth blobs near the beam, as high as a part of the background there."""
    n = rng.poisson(domain.background.blobs)
    pixel = domain.detector.pixel_size
    radius = domain.background.stop_radius + 60 * pixel * rng.exponential(1.0, n)
    place = np.minimum(np.rint(2 * radius / pixel).astype(int), len(profile) - 1)
    variance = rng.uniform(1.5, 8.0) ** 2 * rng.lognormal(0, 0.3, n)
    photons = profile[place] * rng.uniform(0.02, 0.6) * rng.exponential(1.0, n)
    photons *= 2 * np.pi * variance
    return _place(panels, maps, radius, rng.uniform(0, 2 * np.pi, n), photons, variance, 0.0)


def _place(panels, maps, radius, azimuth, photons, variance, around) -> Spots:
    """Place spots at these distances (mm) and azimuths; `around` widens them along the ring."""
    out_x, out_y = np.cos(azimuth), np.sin(azimuth)
    row, column, panel = project(panels, radius * out_x, radius * out_y)
    row, column = row - maps.window.top, column - maps.window.left
    inside = (panel >= 0) & (row >= -0.5) & (row < maps.window.height - 0.5)
    inside &= (column >= -0.5) & (column < maps.window.width - 0.5)
    pixel = np.hypot(*panels.slow[0])
    out_row = (out_x * panels.slow[panel, 0] + out_y * panels.slow[panel, 1]) / pixel
    out_column = (out_x * panels.fast[panel, 0] + out_y * panels.fast[panel, 1]) / pixel
    covariance = np.stack(
        [
            variance + around * out_column**2,
            -around * out_row * out_column,
            variance + around * out_row**2,
        ],
        axis=-1,
    )
    spots = Spots(row, column, photons, covariance, panel).chosen(inside)
    return spots._replace(photons=spots.photons * maps.transmission[spots.pixels(maps)])


def draw_electronics(
    domain: Domain, panels: Panels, maps: PixelMaps, rng: np.random.Generator
) -> Electronics:
    """Draw the cosmic rays and the lines of one shot."""
    detector = domain.detector
    shape = maps.panel.shape
    offsets, axis = np.zeros(0, np.float32), 0
    if detector.line_noise:
        axis = domain.seed % 2
        offsets = (detector.line_noise * rng.standard_normal(shape[axis])).astype(np.float32)
    lit = detector.flicker > 0 and rng.random() < detector.flicker
    line = _bad_line(domain, shape) if lit else _NO_LINE
    cosmics = _cosmics(domain, maps, rng) if detector.cosmics else no_spots()
    return Electronics(cosmics, line, offsets, axis)


def _bad_line(domain: Domain, shape: tuple[int, int]) -> tuple[int, int, int, int, float]:
    """Return the bad line of a detector, always the same: where it is, and what it gains."""
    rng = np.random.default_rng([domain.seed, 1])
    axis = int(rng.integers(2))
    place, length = int(rng.integers(shape[axis])), shape[1 - axis]
    stretch = int(min(length, length * rng.uniform(0.05, 1.2)))
    start = int(rng.integers(0, length - stretch + 1))
    detector = domain.detector
    least = 8 * detector.gain + 5 * detector.read_noise
    value = min(least * rng.lognormal(2.0, 2.0), detector.saturation)
    if axis:
        return start, start + stretch, place, place + 1, float(value)
    return place, place + 1, start, start + stretch, float(value)


def _cosmics(domain: Domain, maps: PixelMaps, rng: np.random.Generator) -> Spots:
    """Charge along straight tracks, most of them short; as sharp as the electronics allow."""
    detector = domain.detector
    n_rays = rng.poisson(detector.cosmics)
    height, width = maps.panel.shape
    length = np.where(
        rng.random(n_rays) < 0.75, rng.exponential(0.5, n_rays), rng.exponential(12.0, n_rays)
    )
    n_steps = np.minimum(1 + np.ceil(2 * length).astype(int), 200)
    ray = np.repeat(np.arange(n_rays), n_steps)
    step = np.concatenate([np.arange(n) for n in n_steps]) if n_rays else np.zeros(0)
    angle = rng.uniform(0, 2 * np.pi, n_rays)[ray]
    row = rng.uniform(0, height, n_rays)[ray] + 0.5 * step * np.sin(angle)
    column = rng.uniform(0, width, n_rays)[ray] + 0.5 * step * np.cos(angle)
    charge = detector.cosmic_charge * rng.lognormal(0.0, 1.2, n_rays)[ray]
    charge *= rng.lognormal(0.0, 0.4, len(ray)) * np.where(n_steps[ray] > 2, 0.4, 1.0)
    variance = rng.uniform(0.02, 0.12)
    inside = (row >= -0.5) & (row < height - 0.5) & (column >= -0.5) & (column < width - 0.5)
    covariance = np.tile([variance, 0.0, variance], (len(ray), 1))
    spots = Spots(row, column, charge, covariance, np.zeros(len(ray), int)).chosen(inside)
    # The panel is the one of the pixel, whatever sensor that belongs to.
    return spots._replace(panel=maps.panel[spots.pixels(maps)].astype(int))


def no_spots() -> Spots:
    """Return no spots at all."""
    return Spots(np.zeros(0), np.zeros(0), np.zeros(0), np.zeros((0, 3)), np.zeros(0, int))
