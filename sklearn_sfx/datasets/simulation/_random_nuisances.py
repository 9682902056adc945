"""What passes for spots in a random experiment, and experiments that have nothing else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from sklearn_sfx.datasets.simulation._domain import Background, Detector, Domain, Grains

__all__ = ["add_nuisances", "log_uniform"]

_ICE = (3.90, 3.67, 3.44, 2.67, 2.25, 2.07, 1.92)  # hexagonal ice, angstrom
_BLANKS = {"powder": 0.45, "small angles": 0.15, "dark": 0.15, "empty": 0.25}


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """Draw a number whose logarithm is uniform."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def add_nuisances(domain: Domain, rng: np.random.Generator, *, crystal: bool) -> Domain:
    """Return the experiment with what looks like spots; without crystals too, if so wanted."""
    detector = _add_to_detector(domain.detector, rng)
    background = domain.background
    if crystal:
        if rng.random() < 0.15:
            background = replace(background, grains=_ice(background, rng))
        return replace(domain, detector=detector, background=background)
    kind = rng.choice(list(_BLANKS), p=list(_BLANKS.values()))
    if kind == "powder":
        background = replace(background, grains=_powder(domain, rng))
    elif kind == "small angles":
        background = replace(
            background,
            halo=background.air * log_uniform(rng, 3, 300),
            halo_width=background.stop_radius * rng.uniform(0.5, 6.0),
            blobs=float(rng.choice([0.0, log_uniform(rng, 10, 300)])),
        )
    elif kind == "dark":
        background = _dim(background, 1e-3 if rng.random() < 0.7 else 0.1)
    if kind != "powder" and rng.random() < 0.6 and not detector.cosmics:
        detector = _add_cosmics(detector, rng)
    return replace(domain, detector=detector, background=background, hit=0.0, maybe=0.0, weak=0.0)


def _add_to_detector(detector: Detector, rng: np.random.Generator) -> Detector:
    photon_noise = np.sqrt(detector.read_noise**2 + 0.1 * detector.gain**2)
    lots = rng.random(6)
    more: dict = {}
    if detector.tail_radius and detector.read_noise and detector.layout == "single":
        # a taper or an image plate: what is measured passes through a correction or a scan
        more["shared_noise"] = rng.uniform(0.0, 0.25)
        more["disc"] = bool(lots[0] < 0.35)
    if lots[1] < 0.2:
        more["flicker"] = rng.uniform(0.05, 0.7)
    if lots[2] < 0.1:
        more["line_noise"] = float(photon_noise * rng.uniform(0.1, 1.0))
    if lots[3] < 0.25 and detector.layout in ("single", "grid"):
        more["chip"] = tuple(int(n) for n in rng.integers(40, 280, 2))
        more["chip_rim"] = log_uniform(rng, 1.1, 3.0)
    detector = replace(detector, **more)
    return _add_cosmics(detector, rng) if lots[4] < 0.3 else detector


def _add_cosmics(detector: Detector, rng: np.random.Generator) -> Detector:
    if not detector.read_noise:  # a counter counts one, hardly more, in each pixel
        return replace(detector, cosmics=log_uniform(rng, 0.2, 10), cosmic_charge=1.2)
    noise = np.hypot(detector.read_noise, detector.gain)
    charge = noise * log_uniform(rng, 20, 400)
    return replace(detector, cosmics=log_uniform(rng, 0.5, 40), cosmic_charge=float(charge))


def _dim(background: Background, share: float) -> Background:
    parts = {name: share * getattr(background, name) for name in ("ring", "air", "flat", "halo")}
    return replace(background, streak=0.0, **parts)


def _level(background: Background) -> float:
    return background.air + background.ring + background.flat


def _powder(domain: Domain, rng: np.random.Generator) -> Grains:
    detector, wavelength = domain.detector, domain.beam.wavelength
    corner = 0.7 * max(detector.shape) * detector.pixel_size / domain.distance
    finest = wavelength / (2 * np.sin(0.5 * np.arctan(corner)))
    n_rings = int(rng.integers(2, 16))
    inverse = np.sort(rng.uniform(0.08, 1.0, n_rings)) / finest
    height = _level(domain.background) * log_uniform(rng, 0.3, 100)
    photons = height * rng.lognormal(-0.7, 1.0, n_rings)
    fibre = rng.random() < 0.2
    return Grains(
        spacings=tuple(float(d) for d in 1 / inverse),
        photons=tuple(float(n) for n in photons),
        number=log_uniform(rng, 40, 20000),
        smooth=float(1 - log_uniform(rng, 0.02, 1.0)),
        spread=rng.uniform(0.3, 1.8),
        width=log_uniform(rng, 0.4, 5.0),
        size=log_uniform(rng, 0.3, 1.5),
        mosaicity=float(rng.choice([0.0, log_uniform(rng, 0.05, 2.0)])),
        order=log_uniform(rng, 0.3, 10) if fibre else 0.0,
    )


def _ice(background: Background, rng: np.random.Generator) -> Grains:
    height = _level(background) * log_uniform(rng, 0.1, 5)
    return Grains(
        spacings=_ICE,
        photons=tuple(float(height * n) for n in rng.lognormal(-0.5, 0.6, len(_ICE))),
        number=log_uniform(rng, 20, 3000),
        smooth=rng.uniform(0.0, 0.9),
        spread=rng.uniform(0.5, 1.5),
        width=log_uniform(rng, 0.5, 3.0),
        size=log_uniform(rng, 0.4, 1.5),
        mosaicity=rng.uniform(0.0, 1.0),
        probability=rng.uniform(0.2, 1.0),
    )
