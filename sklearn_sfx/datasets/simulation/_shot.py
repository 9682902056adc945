"""One shot: everything about a frame that is drawn before its pixels are."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sklearn_sfx.datasets.simulation._background import Scatter, draw_scatter
from sklearn_sfx.datasets.simulation._crystal import Reflections, diffract
from sklearn_sfx.datasets.simulation._domain import Domain
from sklearn_sfx.datasets.simulation._geometry import Panels
from sklearn_sfx.datasets.simulation._maps import PixelMaps, radius_step
from sklearn_sfx.datasets.simulation._spots import Spots, land, needed_photons, one_per_blob

__all__ = ["HIT_FROM", "MAYBE_FROM", "Shot", "draw_shot", "label_of"]

HIT_FROM, MAYBE_FROM = 10, 4  # visible spots
_BRIGHTEST = 300.0  # a spot's light is at most this many times what makes it visible
_TRIES = 6  # orientations, until one has enough spots


class Shot(NamedTuple):
    """One shot.

    `wavelength` in angstrom, its `scatter`, `spots`, the number of visible ones, the offsets
    `common` (ADU) of the panels, and the `key` of its noise.
    """

    wavelength: float
    scatter: Scatter
    spots: Spots
    spot_count: int
    common: np.ndarray
    key: np.uint64


def label_of(spot_count: int) -> str:
    """HIT from ten visible spots, MAYBE from four, else MISS."""
    return "HIT" if spot_count >= HIT_FROM else "MAYBE" if spot_count >= MAYBE_FROM else "MISS"


def draw_shot(domain: Domain, panels: Panels, maps: PixelMaps, rng: np.random.Generator) -> Shot:
    """Draw one shot of an experiment.

    How often crystals are hit, and how strongly, is what differs most between experiments, and
    what no physics tells. So the number of visible spots is drawn first, from the shares of the
    domain, and then the scale of the crystal (its volume times the pulse energy) that gives it.
    """
    wanted = _wanted_spots(domain, rng)
    detector, background = domain.detector, domain.background
    wavelength = domain.beam.wavelength * (
        1 + domain.beam.wavelength_jitter * rng.standard_normal()
    )
    jet = rng.lognormal(0.0, background.jet_spread)
    if wanted is None and rng.random() < background.no_jet:
        jet *= 0.02
    scatter = draw_scatter(domain, maps, jet, rng)
    common = np.zeros(panels.number + 1, dtype=np.float32)
    common[:-1] = detector.common_mode * rng.standard_normal(panels.number)
    shift = 0.2 * detector.pixel_size * rng.standard_normal(2)
    key = np.uint64(rng.integers(2**64, dtype=np.uint64))

    spots, spot_count = _salt(domain, panels, maps, scatter, rng), 0
    if wanted is not None:
        crystal, spot_count = _crystal_spots(
            domain, panels, maps, scatter, wavelength, shift, wanted, rng
        )
        spots = Spots(*(np.concatenate(both) for both in zip(crystal, spots, strict=True)))
    return Shot(wavelength, scatter, spots, spot_count, common, key)


def _wanted_spots(domain: Domain, rng: np.random.Generator) -> int | None:
    """Draw the number of visible spots that this shot shall have; None without a crystal."""
    lot = rng.random()
    if lot < domain.hit:
        # a log-normal number, of which the part from ten on is taken
        for _ in range(64):
            wanted = rng.lognormal(np.log(domain.crystal.spots), domain.crystal.spots_spread)
            if wanted >= HIT_FROM:
                return int(wanted)
        return HIT_FROM
    if lot < domain.hit + domain.maybe:
        return int(rng.integers(MAYBE_FROM, HIT_FROM))
    if rng.random() < domain.weak:
        return int(rng.integers(0, MAYBE_FROM))
    return None


def _crystal_spots(
    domain: Domain,
    panels: Panels,
    maps: PixelMaps,
    scatter: Scatter,
    wavelength: float,
    shift: np.ndarray,
    wanted: int,
    rng: np.random.Generator,
) -> tuple[Spots, int]:
    """Draw a crystal, of the scale that makes `wanted` spots visible; count them."""
    for _ in range(_TRIES):
        spots = _lattice(domain, panels, maps, wavelength, shift, rng)
        needed = needed_photons(domain, maps, scatter, spots)
        strength = spots.photons / needed
        # no scale makes these visible
        strength[strength * _BRIGHTEST < strength.max(initial=0.0)] = 0.0
        countable = one_per_blob(spots, strength)
        order = np.sort(strength[countable])[::-1]
        label_shown_by = min(wanted, HIT_FROM)
        if len(order) > label_shown_by and order[label_shown_by] * _BRIGHTEST > order[0]:
            break
    if not len(order):
        return spots.chosen(np.zeros(len(spots.row), dtype=bool)), 0
    # between the scale that shows the last spot that is wanted and the one that shows one more
    wanted = min(wanted, len(order))
    least = 1 / order[wanted - 1] if wanted else 0.3 / order[0]
    most = 1 / order[wanted] if wanted < len(order) else 1.2 / order[-1]
    scale = float(np.exp(rng.uniform(np.log(least), np.log(max(least, most)))))
    scale = min(scale, _BRIGHTEST / order[0])
    photons = spots.photons * scale
    spot_count = int(np.count_nonzero(order * scale >= 1))
    # what is far below the noise makes no difference to any pixel
    matters = (photons > 0.05 * np.where(np.isfinite(needed), needed, 0.0)) & (photons > 1e-3)
    return spots._replace(photons=photons).chosen(matters), spot_count


def _lattice(domain, panels, maps, wavelength, shift, rng) -> Spots:
    """Draw one crystal of unit scale, or two that the beam hits at once."""
    # finer spacings than the corners show are not worth looking at
    corner = np.arctan(float(maps.radius.max()) * radius_step(domain) / domain.distance)
    finest = 0.98 * wavelength / (2 * np.sin(corner / 2))

    def one() -> Reflections:
        return diffract(
            domain.crystal, domain.beam, wavelength, finest=finest, key=domain.seed, rng=rng
        )

    parts = [land(domain, panels, maps, one(), shift)]
    if rng.random() < domain.crystal.multiple:
        other = one()
        other = other._replace(intensity=other.intensity * rng.lognormal(-0.5, 0.7))
        parts.append(land(domain, panels, maps, other, shift))
    return Spots(*(np.concatenate(part) for part in zip(*parts, strict=True)))


def _salt(domain: Domain, panels: Panels, maps: PixelMaps, scatter: Scatter, rng) -> Spots:
    """Now and then one to three strong spots of a small salt crystal; they are no one's hit."""
    n_spots = int(rng.integers(1, 4)) if rng.random() < domain.background.salt else 0
    spacing = rng.uniform(1.6, 3.5, n_spots)
    angle = rng.uniform(0, 2 * np.pi, n_spots)
    sin_theta = np.minimum(domain.beam.wavelength / (2 * spacing), 0.7)
    two_theta = 2 * np.arcsin(sin_theta)
    direction = np.stack(
        [np.sin(two_theta) * np.cos(angle), np.sin(two_theta) * np.sin(angle), np.cos(two_theta)],
        axis=-1,
    )
    nothing = np.zeros((n_spots, 3))
    reflections = Reflections(nothing, nothing, direction, np.ones(n_spots))
    spots = land(domain, panels, maps, reflections, np.zeros(2))
    needed = needed_photons(domain, maps, scatter, spots)
    bright = rng.lognormal(2.0, 0.8, n_spots)[: len(spots.row)]
    return spots._replace(photons=np.where(np.isfinite(needed), needed * bright, 0.0))
