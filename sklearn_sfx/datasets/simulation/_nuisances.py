"""What comes and goes on a detector and is no photon: lit lines, blinking pixels, cosmic rays."""

from __future__ import annotations

import numpy as np

from sklearn_sfx.datasets.simulation._domain import Detector, Domain
from sklearn_sfx.datasets.simulation._random import hash_keys, to_uniform
from sklearn_sfx.frames import Window

__all__ = ["nuisances"]

_LIT_LINE, _LIT_PIXEL = 0.3, 0.2  # how often one that comes and goes is there
_LONGEST_TRACK = 8  # pixels that a cosmic ray lights


def nuisances(domain: Domain, window: Window, key: np.uint64) -> np.ndarray | None:
    """Return what they add in ADU to the pixels of a part of one frame; None if there are none.

    Parameters
    ----------
    domain : Domain
        The experiment, to which lines and pixels that come and go belong.
    window : Window
        The part of the whole frame.
    key : uint64
        That of the shot.

    Returns
    -------
    float32 ndarray of shape (window.height, window.width), or None
    """
    detector = domain.detector
    if not (detector.flicker or detector.blinking or detector.cosmics):
        return None
    rng = np.random.default_rng([int(key), 1])
    frame = np.zeros(detector.shape, np.float32)
    _light_lines(frame, domain, rng)
    _light_pixels(frame, domain, rng)
    _add_tracks(frame, detector, rng)
    return frame[window.slices]


def _height(detector: Detector, rng: np.random.Generator, n: int) -> np.ndarray:
    """Draw heights in ADU: from hardly above the noise to far above every spot."""
    return (detector.gain + detector.read_noise) * rng.lognormal(3.5, 1.2, n)


def _light_lines(frame: np.ndarray, domain: Domain, rng: np.random.Generator) -> None:
    """Let some columns of the readout read high, each pixel of them now and then."""
    lot = to_uniform(hash_keys(np.arange(frame.shape[1], dtype=np.uint64), domain.seed + 11))
    lines = np.flatnonzero(lot < domain.detector.flicker)
    heights = _height(domain.detector, rng, len(lines))
    shares = rng.uniform(0.02, 1.0, len(lines))  # of the pixels of a line that are lit
    for line, height, share, is_lit in zip(
        lines, heights, shares, rng.random(len(lines)) < _LIT_LINE, strict=True
    ):
        if is_lit:
            lit = rng.random(len(frame)) < share
            frame[:, line] += height * lit * rng.uniform(0.5, 1.0, len(frame))


def _light_pixels(frame: np.ndarray, domain: Domain, rng: np.random.Generator) -> None:
    n_pixels = int(domain.detector.blinking * frame.size)
    places = np.random.default_rng(domain.seed).integers(frame.size, size=n_pixels)
    lit = places[rng.random(n_pixels) < _LIT_PIXEL]
    frame.flat[lit] += _height(domain.detector, rng, len(lit))


def _add_tracks(frame: np.ndarray, detector: Detector, rng: np.random.Generator) -> None:
    n_tracks = rng.poisson(detector.cosmics)
    rows, columns = (rng.uniform(0, side, n_tracks) for side in frame.shape)
    angles, lengths = rng.uniform(0, np.pi, n_tracks), rng.geometric(0.4, n_tracks)
    heights = _height(detector, rng, n_tracks)
    for row, column, angle, length, height in zip(
        rows, columns, angles, np.minimum(lengths, _LONGEST_TRACK), heights, strict=True
    ):
        steps = np.arange(length)
        i = np.rint(row + steps * np.sin(angle)).astype(int)
        j = np.rint(column + steps * np.cos(angle)).astype(int)
        inside = (i >= 0) & (i < frame.shape[0]) & (j >= 0) & (j < frame.shape[1])
        frame[i[inside], j[inside]] += height * rng.uniform(0.3, 1.0, inside.sum())
