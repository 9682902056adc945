"""Many different experiments, for one training set that carries over between detectors."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from sklearn_sfx.datasets.simulation._domain import (
    Background,
    Beam,
    Crystal,
    Detector,
    Domain,
    Shadow,
)

__all__ = ["random_domains"]


def random_domains(
    n_domains: int = 20, *, random_state: int | np.random.RandomState | None = None
) -> list[Domain]:
    """Draw experiments that differ in everything: detector, crystal, beam and background.

    Photon counters, CCDs with a fibre-optic taper and integrating detectors that tell single
    photons apart; backgrounds from hundredths of a photon per pixel to thousands; cells from 40 to
    300 angstrom; one sensor, modules with gaps, or tiles stacked as a slab; masks that are
    complete, incomplete or missing; columns, pixels and cosmic rays that come and go, and rings of
    powders. Every detector has about 1500 to 2000 pixels to a side, so a `frame_shape` up to
    (1480, 1500) fits all of them.

    Parameters
    ----------
    n_domains : int, default=20
        How many.
    random_state : int, RandomState instance or None, default=None
        What they are drawn from.

    Returns
    -------
    list of Domain
        For `make_sfx_frames`.

    Examples
    --------
    >>> from sklearn_sfx.datasets import make_sfx_frames, random_domains
    >>> run = make_sfx_frames(
    ...     6, domain=random_domains(3, random_state=0), frame_shape=(64, 64), random_state=0
    ... )
    >>> run.data.shape, len(set(run.domain))
    ((6, 64, 64), 3)
    """
    seed = int(check_random_state(random_state).randint(2**31 - 1))
    return [
        _with_nuisances(
            _random_domain(np.random.default_rng([seed, number]), f"random-{seed}-{number}"),
            np.random.default_rng([seed, number, 1]),
        )
        for number in range(n_domains)
    ]


def _with_nuisances(domain: Domain, rng: np.random.Generator) -> Domain:
    """Draw what comes and goes, in about two experiments of three."""
    has_flicker, has_blinking, has_cosmics, has_powder = rng.random(4) < (0.25, 0.3, 0.4, 0.15)
    lines, pixels = _log_uniform(rng, 5e-4, 5e-3), _log_uniform(rng, 1e-6, 1e-4)
    rays, powder = _log_uniform(rng, 1.0, 30.0), rng.uniform(0.3, 1.0)
    detector = replace(
        domain.detector,
        flicker=lines if has_flicker else 0.0,
        blinking=pixels if has_blinking else 0.0,
        cosmics=rays if has_cosmics else 0.0,
    )
    background = replace(domain.background, powder=powder if has_powder else 0.0)
    return replace(domain, detector=detector, background=background)


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _random_domain(rng: np.random.Generator, name: str) -> Domain:
    kind = rng.choice(["counter", "taper", "integrator"], p=[0.4, 0.3, 0.3])
    detector, level = {"counter": _counter, "taper": _taper, "integrator": _integrator}[kind](rng)
    distance = detector.pixel_size * _log_uniform(rng, 500, 2200)
    return Domain(
        name=name,
        beam=Beam(
            wavelength=_log_uniform(rng, 0.9, 1.9),
            bandwidth=_log_uniform(rng, 2e-4, 2e-3),
            energy_spread=rng.uniform(0.02, 0.3),
            polarisation=rng.choice([0.99, 0.9, 0.5]),
        ),
        crystal=_crystal(rng, kind),
        detector=detector,
        background=_background(rng, level, detector.pixel_size),
        distance=distance,
        beam_centre=tuple(detector.pixel_size * rng.normal(0, 15, 2)),
        hit=0.4,
        maybe=0.1,
        weak=0.25,
    )


def _crystal(rng: np.random.Generator, kind: str) -> Crystal:
    angles = (90.0, rng.choice([90.0, rng.uniform(91, 115)]), rng.choice([90.0, 90.0, 120.0]))
    cell = tuple(_log_uniform(rng, 40, 300) for _ in range(3)) + angles
    if angles[2] == 120.0:
        cell = (cell[0], cell[0], cell[2], 90.0, 90.0, 120.0)
    return Crystal(
        cell=cell,
        mosaicity=_log_uniform(rng, 0.01, 0.25),
        size=_log_uniform(rng, 700, 5000),
        b_factor=_log_uniform(rng, 10, 80),
        resolution=_log_uniform(rng, 1.5, 4.0),
        spot_size=_log_uniform(rng, 0.3, 1.2),
        spots=_log_uniform(rng, 20, 300),
        spots_spread=rng.uniform(0.6, 1.2),
        multiple=rng.uniform(0.0, 0.4),
    )


def _faults(rng: np.random.Generator) -> dict:
    return {
        "hot": _log_uniform(rng, 1e-6, 2e-4),
        "dead": _log_uniform(rng, 1e-6, 2e-4),
        "unmasked": rng.uniform(0.1, 1.0),
        "masked": rng.random() > 0.15,
    }


def _modules(rng: np.random.Generator) -> dict:
    if rng.random() < 0.3:
        return {}
    # Pilatus, Eiger, Jungfrau or AGIPD, and something else
    kinds: list[tuple[Any, Any]] = [
        ((195, 487), (17, 7)),
        ((514, 1030), (37, 10)),
        ((512, 128), (23, 8)),
        (
            (rng.integers(150, 600), rng.integers(150, 600)),
            (rng.integers(2, 40), rng.integers(2, 40)),
        ),
    ]
    module, gap = kinds[rng.integers(4)]
    return {
        "layout": "grid",
        "module_shape": tuple(int(n) for n in module),
        "gap": tuple(int(n) for n in gap),
    }


def _shape(rng: np.random.Generator) -> tuple[int, int]:
    height, width = rng.integers(1500, 2001, 2)
    return int(height), int(width)


def _counter(rng: np.random.Generator) -> tuple[Detector, float]:
    """Draw a photon counter: no noise but that of the photons."""
    detector = Detector(
        shape=_shape(rng),
        pixel_size=rng.choice([0.055, 0.075, 0.1, 0.172]),
        blur=rng.uniform(0.0, 0.03),
        gain_spread=rng.uniform(0.0, 0.03),
        saturation=_log_uniform(rng, 2e4, 1e6),
        gap_value=-int(rng.integers(0, 3)),
        dtype="int32",
        **_modules(rng),
        **_faults(rng),
    )
    return detector, _log_uniform(rng, 0.02, 30)


def _taper(rng: np.random.Generator) -> tuple[Detector, float]:
    """Draw a CCD behind a phosphor and a fibre-optic taper: smooth, on a high background."""
    detector = Detector(
        shape=_shape(rng),
        pixel_size=rng.uniform(0.06, 0.2),
        gain=_log_uniform(rng, 0.3, 3.0),
        read_noise=_log_uniform(rng, 1.0, 6.0),
        offset=_log_uniform(rng, 5, 60),
        blur=rng.uniform(0.05, 0.2),
        tail=rng.uniform(0.0, 0.2),
        tail_radius=rng.uniform(1.5, 3.0),
        gain_spread=rng.uniform(0.0, 0.01),
        saturation=65535,
        **_faults(rng),
    )
    return detector, _log_uniform(rng, 40, 5000)


def _integrator(rng: np.random.Generator) -> tuple[Detector, float]:
    """Draw a CSPAD, ePix, Jungfrau or AGIPD: single photons stand out, modules differ."""
    gain = _log_uniform(rng, 4.0, 60.0)
    slab = rng.random() < 0.3
    place = {"layout": "cspad-slab" if rng.random() < 0.5 else "cspad"} if slab else _modules(rng)
    shape = _shape(rng)
    if slab:
        shape = (1480, 1552) if place["layout"] == "cspad-slab" else (1765, 1765)
    place.setdefault("module_shape", (185, 194))
    detector = Detector(
        shape=shape,
        pixel_size=rng.choice([0.05, 0.075, 0.11, 0.2]),
        gain=gain,
        read_noise=gain * _log_uniform(rng, 0.08, 0.6),
        offset=gain * rng.uniform(0.0, 0.5),
        blur=rng.uniform(0.0, 0.06),
        gain_spread=rng.uniform(0.01, 0.06),
        module_gain=rng.uniform(0.0, 0.05),
        module_offset=gain * rng.uniform(0.0, 0.3),
        common_mode=gain * rng.uniform(0.0, 0.1),
        column_noise=rng.choice([0.0, rng.uniform(0.2, 1.5)]),
        noisy=_log_uniform(rng, 1e-6, 5e-4),
        saturation=gain * _log_uniform(rng, 400, 3000),
        dtype="int32" if gain > 10 else "int16",
        **place,
        **_faults(rng),
    )
    return detector, _log_uniform(rng, 0.1, 60)


def _background(rng: np.random.Generator, level: float, pixel: float) -> Background:
    stop = pixel * _log_uniform(rng, 12, 70)
    shadows = []
    if rng.random() < 0.3:  # something that covers one side, as a tape or a mount does
        edge = pixel * rng.normal(0, 100)
        transmission, softness = rng.uniform(0.6, 0.98), pixel * rng.uniform(1, 10)
        shadows.append(Shadow(rng.uniform(0, 360), edge, edge + 1e4, transmission, softness))
    if rng.random() < 0.3:  # the arm of the beam stop
        half = stop * rng.uniform(0.2, 0.8)
        transmission, softness = rng.uniform(0.2, 0.95), pixel * rng.uniform(1, 8)
        angle = rng.choice([0.0, 90.0, 180.0, 270.0]) + rng.normal(0, 5)
        shadows.append(Shadow(angle, -half, half, transmission, softness, half=True))
    return Background(
        ring=level * rng.uniform(0.1, 1.0),
        ring_spacing=rng.uniform(2.9, 4.6),
        ring_inner=rng.uniform(0.03, 0.1),
        ring_outer=rng.uniform(0.04, 0.12),
        shoulder=rng.uniform(0.0, 0.6),
        air=level * rng.uniform(0.1, 1.5),
        air_width=_log_uniform(rng, 0.08, 0.35),
        flat=level * rng.uniform(0.02, 0.5),
        halo=level * rng.choice([0.0, rng.uniform(0, 1.0)]),
        halo_width=stop * rng.uniform(0.2, 1.0),
        stop_radius=stop,
        penumbra=pixel * _log_uniform(rng, 0.5, 8),
        stop_transmission=rng.uniform(0.0, 0.4),
        stop_masked=rng.random() < 0.7,
        leak=int(rng.choice([0, 0, 0, 1, 3])),
        shadows=tuple(shadows),
        jet_spread=rng.uniform(0.05, 0.5),
        no_jet=rng.uniform(0.0, 0.3),
        streak=rng.uniform(0.0, 0.8),
        streak_angle=rng.choice([0.0, 90.0, rng.uniform(0, 180)]),
        ice=rng.uniform(0.0, 0.1),
        salt=rng.uniform(0.0, 0.05),
    )
