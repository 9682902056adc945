"""Simulated runs with labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from numbers import Integral, Real

import numpy as np
from sklearn.utils import Bunch, check_random_state

from sklearn_sfx.datasets._target import MAYBE_RULES, make_target
from sklearn_sfx.datasets.simulation._domain import Domain
from sklearn_sfx.datasets.simulation._named_domains import DOMAINS
from sklearn_sfx.datasets.simulation._shot import label_of
from sklearn_sfx.datasets.simulation._source import MaskSource, SimulatedSource
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames import Frames

__all__ = ["make_sfx_frames"]


def make_sfx_frames(
    n_frames: int = 200,
    *,
    domain: str | Domain | Sequence[str | Domain] = "LN84",
    frame_shape: tuple[int, int] | None = None,
    hit_rate: float | None = None,
    maybe: str = "hit",
    random_state: int | np.random.RandomState | None = None,
) -> Bunch:
    """Simulate a run of serial femtosecond crystallography, with labels.

    Frames are simulated from physics, when they are read: a crystal of the domain's cell in a
    random orientation, the reflections that meet the Ewald sphere, and the background, the noise
    and the faults of a detector. Labels follow the visible spots: ten or more HIT, four to nine
    MAYBE, else MISS. A spot is visible if its expected brightest pixel stands 5 standard deviations
    above the local noise; spots that overlap count as one, and only those on the simulated part of
    the frame count.

    Parameters
    ----------
    n_frames : int, default=200
        Number of frames, over all domains.
    domain : str, Domain, or a sequence of them, default="LN84"
        The experiment: "LN83", "LN84", "LO19", "LG36" or "L498" for one that resembles that data
        set of CXIDB entry 76, another name in ``sklearn_sfx.datasets.simulation.DOMAINS``, or
        a `Domain`. Several domains share the frames and follow one another, as runs do;
        `random_domains` draws many.
    frame_shape : tuple of int or None, default=None
        Simulate only the central part of this shape, with the same geometry, in a fraction of the
        time; None for whole frames.
    hit_rate : float or None, default=None
        Share of the frames with four or more visible spots, HIT and MAYBE together; None for the
        domain's own.
    maybe : {"hit", "miss", "class", "drop"}, default="hit"
        What `target` says of MAYBE frames: positive, negative, a class of its own (0 MISS,
        1 MAYBE, 2 HIT), or they are left out.
    random_state : int, RandomState instance or None, default=None
        Frame i of a domain depends on this and i only, in any order, thread and process.

    Returns
    -------
    Bunch
        - data : `Frames` of shape (n_frames, height, width), lazy: nothing is simulated yet. Its
          ``mask`` is that of the Bunch.
        - target : int ndarray of shape (n_frames,), the index into `target_names`.
        - target_names : ndarray of str.
        - labels : ndarray of str, HIT, MAYBE or MISS.
        - spot_count : int ndarray, the visible spots of each frame.
        - mask : bool ndarray of shape (height, width), True where a pixel is usable, as a beamline
          would know it, not every bad pixel named; bool `Frames`, one mask per frame, for several
          domains.
        - domain : ndarray of str, the name of each frame's domain.
        - pixel_size : float, in mm; None for several domains.
        - beam_center : (float, float), mean x (fast) and y (slow) of the beam in mm from the
          corner of the first pixel of the simulated part; None for several domains.
        - DESCR : str.

    Raises
    ------
    InputError
        If the domain is not known, or a parameter is out of range, or `frame_shape` does not fit.

    Examples
    --------
    >>> from sklearn_sfx.datasets import make_sfx_frames
    >>> run = make_sfx_frames(6, domain="LO19", frame_shape=(96, 96), random_state=0)
    >>> run.data.shape, run.data.dtype  # masked, so NaN is in them
    ((6, 96, 96), dtype('float32'))
    >>> run.labels.shape, set(run.target.tolist()) <= {0, 1}
    ((6,), True)
    """
    domains = _domains(domain)
    if not isinstance(n_frames, Integral) or n_frames < 1:
        raise InputError(f"n_frames={n_frames!r} is not a positive integer.")
    if hit_rate is not None and not (isinstance(hit_rate, Real) and 0 <= hit_rate <= 1):
        raise InputError(f"hit_rate={hit_rate!r} is not a number between 0 and 1.")
    make_target(np.array([], dtype=str), maybe)  # refuse a wrong rule before anything is drawn
    if frame_shape is not None:
        frame_shape = tuple(int(length) for length in frame_shape)
        if len(frame_shape) != 2:
            raise InputError(f"frame_shape={frame_shape} does not have two lengths.")
    if hit_rate is not None:
        domains = tuple(_with_hit_rate(one, float(hit_rate)) for one in domains)
    seed = int(check_random_state(random_state).randint(2**31 - 1))
    counts = tuple(len(part) for part in np.array_split(np.arange(n_frames), len(domains)))
    source = SimulatedSource(domains, counts, frame_shape=frame_shape, seed=seed)

    spot_count = np.array([source.shot(i).spot_count for i in range(n_frames)], dtype=np.int64)
    mask = source.mask(0).copy() if len(domains) == 1 else Frames(MaskSource(source))
    data = Frames(source, mask=mask)
    labels = np.array([label_of(count) for count in spot_count])
    names = np.repeat([one.name for one in domains], counts)
    target, target_names, kept = make_target(labels, maybe)
    if not kept.all():
        data, labels = data[kept], labels[kept]
        spot_count, names = spot_count[kept], names[kept]
    return Bunch(
        data=data,
        target=target,
        target_names=target_names,
        labels=labels,
        spot_count=spot_count,
        mask=data.mask if isinstance(mask, Frames) else mask,
        domain=names,
        pixel_size=domains[0].detector.pixel_size if len(domains) == 1 else None,
        beam_center=_beam_center(domains[0], data.shape[1:]) if len(domains) == 1 else None,
        DESCR=_describe(domains, labels, maybe, frame_shape),
    )


def _domains(domain: str | Domain | Sequence[str | Domain]) -> tuple[Domain, ...]:
    several = [domain] if isinstance(domain, str | Domain) else list(domain)
    if not several:
        raise InputError("No domain is given: name one, such as 'LN84'.")
    found = []
    for one in several:
        if isinstance(one, str):
            if one not in DOMAINS:
                raise InputError(
                    f"The domain {one!r} is not known: use one of {', '.join(DOMAINS)}, "
                    "or a Domain."
                )
            one = DOMAINS[one]
        if not isinstance(one, Domain):
            raise InputError(f"A domain is a name or a Domain, not {type(one).__name__}.")
        found.append(one)
    return tuple(found)


def _with_hit_rate(domain: Domain, hit_rate: float) -> Domain:
    """Change the share of positive frames; hits and maybes stay in proportion."""
    positive = domain.hit + domain.maybe
    hit_share = domain.hit / positive if positive else 1.0
    return replace(domain, hit=hit_rate * hit_share, maybe=hit_rate * (1 - hit_share))


def _beam_center(domain: Domain, frame_shape: tuple[int, int]) -> tuple[float, float]:
    height, width = (length * domain.detector.pixel_size for length in frame_shape)
    return width / 2 + domain.beam_centre[1], height / 2 + domain.beam_centre[0]


def _describe(
    domains: Sequence[Domain],
    labels: np.ndarray,
    maybe: str,
    frame_shape: tuple[int, int] | None,
) -> str:
    names = ", ".join(domain.name for domain in domains[:8]) + (", ..." if domains[8:] else "")
    counted = ", ".join(f"{np.sum(labels == kind)} {kind}" for kind in ("HIT", "MAYBE", "MISS"))
    part = "whole frames" if frame_shape is None else f"the central {frame_shape} pixels"
    return (
        f"SIMULATED frames, not measured ones, of the domain {names} ({part}): {counted}; "
        f"{MAYBE_RULES[maybe]}. Labels follow the visible spots on the simulated part: ten or more "
        "HIT, four to nine MAYBE, else MISS. Domains named after the data sets of CXIDB entry 76 "
        "resemble them in their shares of hits, cells, distances, backgrounds and noise; no frame "
        "of them was used."
    )
