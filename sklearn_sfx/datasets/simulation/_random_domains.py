"""Many different experiments, for one training set that carries over between detectors."""

from __future__ import annotations

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
from sklearn_sfx.datasets.simulation._random_nuisances import add_nuisances, log_uniform

__all__ = ["random_domains"]


def random_domains(
    n_domains: int = 20,
    *,
    no_crystal: float = 0.0,
    any_size: bool = False,
    random_state: int | np.random.RandomState | None = None,
) -> list[Domain]:
    """Draw experiments that differ in everything: detector, crystal, beam and background.

    Photon counters, CCDs with a fibre-optic taper, image plates and integrating detectors that tell
    single photons apart; backgrounds from a hundredth of a photon per pixel to thousands; cells
    from 40 to 300 angstrom; one sensor, modules with gaps, or tiles stacked as a slab; masks that
    are complete, incomplete or missing; and what passes for spots on real detectors: ice, cosmic
    rays, noise that neighbours share, lines that flicker, wide pixels at the rims of chips.

    Parameters
    ----------
    n_domains : int, default=20
        How many.
    no_crystal : float, default=0.0
        Share of the experiments that have no crystal in any frame: powders and fibres of coarse and
        fine grains, scattering at small angles, dark and empty frames.
    any_size : bool, default=False
        True draws detectors from 64 to 4000 pixels to a side, some of them beside the beam. By
        default they have about 1500 to 2000, so a `frame_shape` up to (1480, 1500) fits all.
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
    domains = []
    for number in range(n_domains):
        rng = np.random.default_rng([seed, number])
        domain = _random_domain(rng, f"random-{seed}-{number}", any_size)
        domains.append(add_nuisances(domain, rng, crystal=rng.random() >= no_crystal))
    return domains


def _random_domain(rng: np.random.Generator, name: str, any_size: bool) -> Domain:
    kind = rng.choice(["counter", "taper", "integrator"], p=[0.4, 0.3, 0.3])
    shape = _any_shape(rng) if any_size else tuple(int(n) for n in rng.integers(1500, 2001, 2))
    draw = {"counter": _counter, "taper": _taper, "integrator": _integrator}[kind]
    detector, level = draw(rng, shape)
    size = min(1.0, np.sqrt(detector.shape[0] * detector.shape[1]) / 1500)
    distance = detector.pixel_size * log_uniform(rng, 500, 2200) * max(size, 0.15)
    centre = detector.pixel_size * rng.normal(0, 15, 2) * size
    if any_size and rng.random() < 0.2:  # one module beside the beam
        aside = rng.uniform(-1, 1, 2) * detector.shape * detector.pixel_size
        centre = centre + aside
    return Domain(
        name=name,
        beam=Beam(
            wavelength=log_uniform(rng, 0.9, 1.9),
            bandwidth=log_uniform(rng, 2e-4, 2e-3),
            energy_spread=rng.uniform(0.02, 0.3),
            polarisation=rng.choice([0.99, 0.9, 0.5]),
        ),
        crystal=_crystal(rng),
        detector=detector,
        background=_background(rng, level, detector.pixel_size),
        distance=distance,
        beam_centre=(float(centre[0]), float(centre[1])),
        hit=0.4,
        maybe=0.1,
        weak=0.25,
    )


def _crystal(rng: np.random.Generator) -> Crystal:
    angles = (90.0, rng.choice([90.0, rng.uniform(91, 115)]), rng.choice([90.0, 90.0, 120.0]))
    cell = tuple(log_uniform(rng, 40, 300) for _ in range(3)) + angles
    if angles[2] == 120.0:
        cell = (cell[0], cell[0], cell[2], 90.0, 90.0, 120.0)
    return Crystal(
        cell=cell,
        mosaicity=log_uniform(rng, 0.01, 0.25),
        size=log_uniform(rng, 700, 5000),
        b_factor=log_uniform(rng, 10, 80),
        resolution=log_uniform(rng, 1.5, 4.0),
        spot_size=log_uniform(rng, 0.3, 1.8),
        spots=log_uniform(rng, 20, 300),
        spots_spread=rng.uniform(0.6, 1.2),
        multiple=rng.uniform(0.0, 0.4),
    )


def _faults(rng: np.random.Generator) -> dict:
    return {
        "hot": log_uniform(rng, 1e-6, 2e-4),
        "dead": log_uniform(rng, 1e-6, 2e-4),
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


def _any_shape(rng: np.random.Generator) -> tuple[int, int]:
    """Draw a shape, from a single chip to a mosaic of modules; oblong ones have a module's size."""
    low, high = [(64, 256), (256, 1000), (1000, 2100), (2100, 4000)][
        rng.choice(4, p=[0.15, 0.35, 0.42, 0.08])
    ]
    side = log_uniform(rng, low, high)
    oblong = np.sqrt(log_uniform(rng, 1.0, 3.0 if high <= 1000 else 1.3))
    if rng.random() < 0.5:
        oblong = 1 / oblong
    return max(64, int(side * oblong)), max(64, int(side / oblong))


def _counter(rng: np.random.Generator, shape: tuple[int, int]) -> tuple[Detector, float]:
    """Draw a photon counter: no noise but that of the photons."""
    detector = Detector(
        shape=shape,
        pixel_size=rng.choice([0.055, 0.075, 0.1, 0.172]),
        blur=rng.uniform(0.0, 0.03),
        gain_spread=rng.uniform(0.0, 0.03),
        saturation=log_uniform(rng, 2e4, 1e6),
        gap_value=-int(rng.integers(0, 3)),
        dtype="int32",
        **_modules(rng),
        **_faults(rng),
    )
    return detector, log_uniform(rng, 0.01, 30)


def _taper(rng: np.random.Generator, shape: tuple[int, int]) -> tuple[Detector, float]:
    """Draw a CCD behind a phosphor and a taper, or an image plate: smooth, much background."""
    detector = Detector(
        shape=shape,
        pixel_size=rng.uniform(0.06, 0.2),
        gain=log_uniform(rng, 0.3, 3.0),
        read_noise=log_uniform(rng, 1.0, 6.0),
        offset=log_uniform(rng, 5, 60),
        blur=rng.uniform(0.05, 0.2),
        tail=rng.uniform(0.0, 0.2),
        tail_radius=rng.uniform(1.5, 3.0),
        gain_spread=rng.uniform(0.0, 0.01),
        saturation=65535,
        **_faults(rng),
    )
    return detector, log_uniform(rng, 40, 5000)


def _integrator(rng: np.random.Generator, shape: tuple[int, int]) -> tuple[Detector, float]:
    """Draw a CSPAD, ePix, Jungfrau or AGIPD: single photons stand out, modules differ."""
    gain = log_uniform(rng, 4.0, 60.0)
    slab = rng.random() < 0.3 and min(shape) > 1000
    place = {"layout": "cspad-slab" if rng.random() < 0.5 else "cspad"} if slab else _modules(rng)
    if slab:
        shape = (1480, 1552) if place["layout"] == "cspad-slab" else (1765, 1765)
    place.setdefault("module_shape", (185, 194))
    detector = Detector(
        shape=shape,
        pixel_size=rng.choice([0.05, 0.075, 0.11, 0.2]),
        gain=gain,
        read_noise=gain * log_uniform(rng, 0.08, 0.6),
        offset=gain * rng.uniform(0.0, 0.5),
        blur=rng.uniform(0.0, 0.06),
        gain_spread=rng.uniform(0.01, 0.06),
        module_gain=rng.uniform(0.0, 0.05),
        module_offset=gain * rng.uniform(0.0, 0.3),
        common_mode=gain * rng.uniform(0.0, 0.1),
        column_noise=rng.choice([0.0, rng.uniform(0.2, 1.5)]),
        noisy=log_uniform(rng, 1e-6, 5e-4),
        saturation=gain * log_uniform(rng, 400, 3000),
        dtype="int32" if gain > 10 else "int16",
        **place,
        **_faults(rng),
    )
    return detector, log_uniform(rng, 0.1, 60)


def _background(rng: np.random.Generator, level: float, pixel: float) -> Background:
    stop = pixel * log_uniform(rng, 12, 70)
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
        air_width=log_uniform(rng, 0.08, 0.35),
        flat=level * rng.uniform(0.02, 0.5),
        halo=level * rng.choice([0.0, rng.uniform(0, 1.0)]),
        halo_width=stop * rng.uniform(0.2, 1.0),
        stop_radius=stop,
        penumbra=pixel * log_uniform(rng, 0.5, 8),
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
