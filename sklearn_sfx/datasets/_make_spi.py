"""Simulated single-particle runs with labels."""

from __future__ import annotations

from dataclasses import replace
from numbers import Integral, Real

import numpy as np
from sklearn.utils import Bunch, check_random_state

from sklearn_sfx.datasets.single_particles._domain import ParticleDomain
from sklearn_sfx.datasets.single_particles._named_domains import PARTICLE_DOMAINS
from sklearn_sfx.datasets.single_particles._shot import LABELS
from sklearn_sfx.datasets.single_particles._source import ParticleSource
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames import Frames

__all__ = ["make_spi_frames"]


def make_spi_frames(
    n_frames: int = 200,
    *,
    domain: str | ParticleDomain = "virus",
    shares: tuple[float, float, float] | None = None,
    random_state: int | np.random.RandomState | None = None,
) -> Bunch:
    """Simulate a run of single-particle imaging, with labels.

    Frames are simulated from physics, when they are read: the form factors of spheres, ellipsoids
    and icosahedra in random orientations and sizes, at random places in the focus, the waves of
    several particles added up, and light of apertures and gas; photons are drawn from Poisson's
    distribution, and the camera adds noise and faults. A frame is called empty where particles are
    expected to send fewer photons to the usable pixels than the domain's ``visible``.

    Parameters
    ----------
    n_frames : int, default=200
        Number of frames.
    domain : str or ParticleDomain, default="virus"
        The experiment: "virus" (icosahedra of 70 nm, 1.6 keV), "organelle" (icosahedra of many
        sizes, 1.1 keV), "gold" (ellipsoids of 40 nm, 6 keV, a photon counter), "spheres" (100 nm,
        one megapixel), or one of your own.
    shares : (float, float, float) or None, default=None
        Shares of the frames with one particle, with several, and with something else (droplets,
        shards, flashes); the rest is empty. None for the domain's own.
    random_state : int, RandomState instance or None, default=None
        Frame i of a domain depends on this and i only, in any order, thread and process.

    Returns
    -------
    Bunch
        - data : `Frames` of shape (n_frames, height, width), lazy: nothing is simulated yet. Its
          ``mask`` is that of the Bunch.
        - target : int ndarray of shape (n_frames,), the index into `target_names`.
        - target_names : ndarray of str: empty, single, multiple, other.
        - labels : ndarray of str, one of these for each frame.
        - photons : float ndarray, what the particles are expected to send to the usable pixels.
        - diameter : float ndarray, mean diameter of the particles in nm, NaN without any.
        - mask : bool ndarray of shape (height, width), True where a pixel is usable.
        - pixel_size : float, in mm.
        - beam_center : (float, float), x (fast) and y (slow) of the beam in mm from the corner of
          the first pixel.
        - DESCR : str.

    Raises
    ------
    InputError
        If the domain is not known, or a parameter is out of range.

    References
    ----------
    .. [1] Guinier and Fournet, "Small-angle scattering of X-rays" (1955): form factors.
    .. [2] Hantke et al., "Condor: a simulation tool for flash X-ray imaging", J. Appl. Cryst. 49,
       1356 (2016): the chain from particle to photons.

    Examples
    --------
    >>> from sklearn_sfx.datasets import make_spi_frames
    >>> run = make_spi_frames(6, shares=(0.5, 0.1, 0.1), random_state=0)
    >>> run.data.shape, run.data.dtype  # masked, so NaN is in them
    ((6, 256, 256), dtype('float32'))
    >>> run.target_names
    array(['empty', 'single', 'multiple', 'other'], dtype='<U8')
    """
    if not isinstance(n_frames, Integral) or n_frames < 1:
        raise InputError(f"n_frames={n_frames!r} is not a positive integer.")
    one = _domain(domain)
    if shares is not None:
        one = _with_shares(one, shares)
    seed = int(check_random_state(random_state).randint(2**31 - 1))
    source = ParticleSource(one, int(n_frames), seed=seed)
    shots = [source.shot(i)._replace(expected=None) for i in range(n_frames)]
    labels = np.array([shot.label for shot in shots])
    names = np.array(LABELS)
    mask = source.pixels.usable.copy()
    camera = one.camera
    height, width = (length * camera.pixel_size for length in camera.shape)
    return Bunch(
        data=Frames(source, mask=mask),
        target=np.array([LABELS.index(label) for label in labels]),
        target_names=names,
        labels=labels,
        photons=np.array([shot.photons for shot in shots]),
        diameter=np.array([shot.diameter for shot in shots]),
        mask=mask,
        pixel_size=camera.pixel_size,
        beam_center=(width / 2 + one.beam_center[1], height / 2 + one.beam_center[0]),
        DESCR=_describe(one, labels),
    )


def _domain(domain: str | ParticleDomain) -> ParticleDomain:
    if isinstance(domain, ParticleDomain):
        return domain
    if not isinstance(domain, str) or domain not in PARTICLE_DOMAINS:
        raise InputError(
            f"The domain {domain!r} is not known: use one of {', '.join(PARTICLE_DOMAINS)}, or a "
            "ParticleDomain."
        )
    return PARTICLE_DOMAINS[domain]


def _with_shares(domain: ParticleDomain, shares: tuple[float, float, float]) -> ParticleDomain:
    numbers = tuple(shares)
    right = len(numbers) == 3 and all(isinstance(x, Real) and 0 <= x <= 1 for x in numbers)
    if not right or sum(numbers) > 1 + 1e-9:
        raise InputError(
            f"shares={shares!r} are not three shares, of one particle, several and other, that "
            "add up to 1 at the most."
        )
    single, multiple, other = map(float, numbers)
    return replace(domain, single=single, multiple=multiple, other=other)


def _describe(domain: ParticleDomain, labels: np.ndarray) -> str:
    counted = ", ".join(f"{np.sum(labels == label)} {label}" for label in LABELS)
    return (
        f"SIMULATED frames, not measured ones, of the single-particle domain {domain.name}: "
        f"{counted}. A frame is called empty where its particles are expected to send fewer than "
        f"{domain.visible:g} photons to the usable pixels. No frame of an experiment was used."
    )
