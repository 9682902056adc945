"""One shot: what is in the focus, and the photons that it is expected to scatter."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sklearn_sfx.datasets.single_particles._domain import ParticleDomain
from sklearn_sfx.datasets.single_particles._form_factors import (
    ellipsoid,
    icosahedron,
    icosahedron_volume,
    random_rotation,
    sphere,
)
from sklearn_sfx.datasets.single_particles._pixels import Pixels

__all__ = ["LABELS", "Shot", "amplitude", "draw_shot"]

LABELS = ("empty", "single", "multiple", "other")
WATER = 334.0  # electrons per cubic nm
_TRIES = 40  # positions, until the particle can be seen
_FARTHEST = 1.2  # a particle is at most so many widths from the middle of the focus
_TOUCHING = 0.6  # share of the several particles that stick together


class Shot(NamedTuple):
    """One shot.

    Its `label`; `expected` (height, width), photons of the particles per pixel; `photons`, their
    sum on the usable pixels; the mean `diameter` of the particles in nm, NaN without any; and
    `rng`, of which the stray light and the noise are drawn.
    """

    label: str
    expected: np.ndarray
    photons: float
    diameter: float
    rng: np.random.Generator


def draw_shot(domain: ParticleDomain, pixels: Pixels, rng: np.random.Generator) -> Shot:
    """Draw one shot of an experiment; it is drawn again until what it is called can be seen."""
    lot = rng.random()
    shares = np.cumsum([domain.single, domain.multiple, domain.other])
    wanted = LABELS[1:][int(np.searchsorted(shares, lot, side="right"))] if lot < shares[2] else ""
    nothing = np.zeros(domain.camera.shape)
    if not wanted:
        if rng.random() >= domain.weak:
            return Shot("empty", nothing, 0.0, np.nan, rng)
        expected, diameter = _single(domain, pixels, rng)
        photons = float(expected[pixels.usable].sum())
        share = min(1.0, 0.5 * domain.visible * rng.random() / max(photons, 1e-12))
        return Shot("empty", expected * share, photons * share, diameter, rng)
    draw = {"single": _single, "multiple": _multiple, "other": _other}[wanted]
    for _ in range(_TRIES):
        expected, diameter = draw(domain, pixels, rng)
        photons = float(expected[pixels.usable].sum())
        if photons >= domain.visible:
            return Shot(wanted, expected, photons, diameter, rng)
    scale = domain.visible / max(photons, 1e-12)
    return Shot(wanted, expected * scale, domain.visible, diameter, rng)


def amplitude(
    domain: ParticleDomain, pixels: Pixels, diameter: float, rng: np.random.Generator
) -> np.ndarray:
    """Amplitude in electrons, of one particle of the domain in a random orientation.

    `diameter` in nm is that of the sphere of its volume.
    """
    particle = domain.particle
    rotation = random_rotation(rng)
    if particle.shape == "sphere":
        shape = sphere(np.sqrt((pixels.q**2).sum(axis=0)), diameter / 2)
    elif particle.shape == "ellipsoid":
        across = diameter / 2 / particle.elongation ** (1 / 3)
        half_axes = np.array([across, across, across * particle.elongation])
        shape = ellipsoid(pixels.q, half_axes, rotation)
    else:
        volume = np.pi / 6 * diameter**3
        circumradius = (volume / icosahedron_volume(1.0)) ** (1 / 3)
        shape = icosahedron(pixels.qx, pixels.qy, circumradius, rotation)
    return particle.density * shape


def _single(
    domain: ParticleDomain, pixels: Pixels, rng: np.random.Generator
) -> tuple[np.ndarray, float]:
    diameter = _diameter(domain, rng)
    scattered = amplitude(domain, pixels, diameter, rng)
    intensity = _pulse(domain, rng) * _in_focus(domain, _place(domain, rng))
    return intensity * pixels.photons * scattered**2, diameter


def _multiple(
    domain: ParticleDomain, pixels: Pixels, rng: np.random.Generator
) -> tuple[np.ndarray, float]:
    """Two particles or more, stuck together or apart in the focus, whose waves add up."""
    n = 2 + min(int(rng.geometric(0.6)) - 1, 4)
    diameters = [_diameter(domain, rng) for _ in range(n)]
    touching = rng.random() < _TOUCHING
    places = _cluster(diameters, rng) if touching else 1e3 * _places_apart(domain, n, rng)
    middle = _place(domain, rng) if touching else np.zeros(2)
    waves = []
    for diameter, place in zip(diameters, places, strict=True):
        strength = _in_focus(domain, middle + place[:2] / 1e3)
        waves.append(np.sqrt(strength) * amplitude(domain, pixels, diameter, rng))
    total = sum(wave**2 for wave in waves)
    side = domain.camera.pixel_size / domain.distance / domain.focus.wavelength
    for i in range(n):
        for j in range(i):
            apart = places[i] - places[j]
            # fringes finer than a pixel average out in it
            seen = np.sinc(side * apart[0]) * np.sinc(side * apart[1])
            if abs(seen) > 1e-3:
                phase = np.tensordot(apart, pixels.q, axes=1)
                total = total + 2 * seen * waves[i] * waves[j] * np.cos(phase)
    return _pulse(domain, rng) * pixels.photons * np.maximum(total, 0), float(np.mean(diameters))


def _other(
    domain: ParticleDomain, pixels: Pixels, rng: np.random.Generator
) -> tuple[np.ndarray, float]:
    """Draw a droplet, a shard of something else, or a flash on the whole detector."""
    kind = rng.random()
    if kind < 0.15:
        level = np.exp(rng.uniform(np.log(0.05), np.log(2.0)))
        slope = 1 + 0.5 * rng.standard_normal() * pixels.radius / pixels.radius.max()
        return level * np.maximum(slope, 0.1) * pixels.sensitive, np.nan
    mean = domain.particle.diameter
    intensity = _pulse(domain, rng) * _in_focus(domain, _place(domain, rng)) * pixels.photons
    if kind < 0.65:  # droplets are smaller than the particles, or larger, or much larger
        factor = rng.uniform(0.35, 0.7) if rng.random() < 0.3 else rng.uniform(1.4, 4.0)
        scattered = WATER * sphere(np.sqrt((pixels.q**2).sum(axis=0)), factor * mean / 2)
        return intensity * scattered**2, factor * mean
    half_axes = mean / 2 * rng.uniform(0.4, 1.0, 3) * np.array([1.0, 1.0, rng.uniform(2.0, 4.0)])
    scattered = domain.particle.density * ellipsoid(pixels.q, half_axes, random_rotation(rng))
    return intensity * scattered**2, float(2 * np.prod(half_axes) ** (1 / 3))


def _diameter(domain: ParticleDomain, rng: np.random.Generator) -> float:
    particle = domain.particle
    return particle.diameter * max(1 + particle.spread * rng.standard_normal(), 0.3)


def _pulse(domain: ParticleDomain, rng: np.random.Generator) -> float:
    """Draw the energy of a pulse over the mean one, as of a laser that starts on noise."""
    shape = 1 / max(domain.focus.energy_spread, 1e-6) ** 2
    return rng.gamma(shape, 1 / shape)


def _place(domain: ParticleDomain, rng: np.random.Generator) -> np.ndarray:
    """Where a particle crosses the beam, in micrometre, uniform over a disk."""
    away = _FARTHEST * domain.focus.width * np.sqrt(rng.random())
    angle = rng.uniform(0, 2 * np.pi)
    return away * np.array([np.cos(angle), np.sin(angle)])


def _in_focus(domain: ParticleDomain, place: np.ndarray) -> float:
    """Fluence at a place in micrometre, over that in the middle: a Gaussian."""
    return float(np.exp(-4 * np.log(2) * (place @ place) / domain.focus.width**2))


def _places_apart(domain: ParticleDomain, n: int, rng: np.random.Generator) -> np.ndarray:
    places = np.zeros((n, 3))
    for place in places:
        place[:2] = _place(domain, rng) * 0.5 / _FARTHEST
    return places


def _cluster(diameters: list[float], rng: np.random.Generator) -> np.ndarray:
    """Centres in nm of particles that touch: each one that comes sticks to one that is there."""
    places = [np.zeros(3)]
    for i, diameter in enumerate(diameters[1:], start=1):
        for _ in range(100):
            to = int(rng.integers(i))
            direction = rng.standard_normal(3)
            reach = (diameters[to] + diameter) / 2
            place = places[to] + direction / np.linalg.norm(direction) * reach
            far = [
                np.linalg.norm(place - other) >= (size + diameter) / 2 * 0.999
                for other, size in zip(places, diameters, strict=False)
            ]
            if all(far):
                break
        places.append(place)
    return np.array(places)
