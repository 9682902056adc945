"""What is the same in every frame of an experiment, pixel by pixel: geometry, shadows, defects."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import ndtr

from sklearn_sfx.datasets.simulation._domain import Domain, Shadow
from sklearn_sfx.datasets.simulation._geometry import make_panels, pixel_positions
from sklearn_sfx.datasets.simulation._random import hash_keys, to_uniform
from sklearn_sfx.frames import Window

__all__ = ["N_AZIMUTHS", "PixelMaps", "make_maps", "radius_step"]

N_AZIMUTHS = 256  # sectors around the beam, for what is not round


class PixelMaps(NamedTuple):
    """Maps of one part of a domain's detector.

    Parameters
    ----------
    window : Window
        The part of the whole frame.
    radius : uint16 ndarray
        Distance from the beam in steps of `radius_step`.
    azimuth : uint8 ndarray
        Sector around the beam.
    transmission : float32 ndarray
        Share of the light that arrives: beam stop, shadows, polarisation; 0 where no sensor is.
    panel : uint8 ndarray
        Number of the panel; the number of panels where no sensor is.
    gain, offset, noise : float32 ndarray
        ADU per photon, ADU, and rms ADU of each pixel, with its defects.
    usable : bool ndarray
        The mask that comes with the experiment: True where a pixel is said to be usable.
    sound : bool ndarray
        True where a pixel of a sensor really works and is not behind the beam stop.
    """

    window: Window
    radius: np.ndarray
    azimuth: np.ndarray
    transmission: np.ndarray
    panel: np.ndarray
    gain: np.ndarray
    offset: np.ndarray
    noise: np.ndarray
    usable: np.ndarray
    sound: np.ndarray


def radius_step(domain: Domain) -> float:
    """Return the step of `PixelMaps.radius` in mm: half a pixel."""
    return domain.detector.pixel_size / 2


def make_maps(domain: Domain, window: Window) -> PixelMaps:
    """Make the maps of the `window` of a domain's frames."""
    detector, background = domain.detector, domain.background
    panels = make_panels(domain)
    x, y, panel = (part[window.slices] for part in pixel_positions(panels, detector.shape))
    panel = panel.copy()
    nowhere = panel == panels.number
    x, y = np.where(nowhere, 0, x), np.where(nowhere, 0, y)
    distance = np.hypot(x, y)
    radius = np.minimum(np.rint(distance / radius_step(domain)), 65535).astype(np.uint16)
    azimuth = ((np.arctan2(y, x) / (2 * np.pi)) % 1.0 * N_AZIMUTHS).astype(np.int32)
    azimuth = (azimuth % N_AZIMUTHS).astype(np.uint8)

    sin2 = np.square(np.sin(np.arctan(distance / domain.distance)))
    horizontal = np.square(x / np.maximum(distance, 1e-6))
    polarisation = domain.beam.polarisation
    transmission = 1 - sin2 * (polarisation * horizontal + (1 - polarisation) * (1 - horizontal))
    past_stop = ndtr((distance - background.stop_radius) / background.penumbra)
    transmission *= past_stop + (1 - past_stop) * background.stop_transmission
    for shadow in background.shadows:
        transmission *= _shadow(shadow, x, y)
    transmission[nowhere] = 0

    gain, offset, noise, defective = _electronics(domain, window, panel, panels.number)
    named = defective & (_uniform(domain, window, "named") >= detector.unmasked)
    shaded = distance < background.stop_radius + 2 * background.penumbra
    masked = nowhere | named | (shaded & background.stop_masked)
    usable = ~masked if detector.masked else np.ones_like(nowhere)
    if background.leak:
        beside = np.flatnonzero(~nowhere & (distance < 4 * detector.pixel_size))
        order = beside[np.argsort(distance.flat[beside], kind="stable")][: 2 * background.leak : 2]
        offset.flat[order] = detector.saturation * np.geomspace(1.0, 0.05, len(order))
        usable.flat[order] = True
    return PixelMaps(
        window=window,
        radius=radius,
        azimuth=azimuth,
        transmission=transmission.astype(np.float32),
        panel=panel,
        gain=gain.astype(np.float32),
        offset=offset.astype(np.float32),
        noise=noise.astype(np.float32),
        usable=usable,
        sound=~(nowhere | defective | shaded),
    )


def _shadow(shadow: Shadow, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    angle = np.deg2rad(shadow.angle)
    along = x * np.cos(angle) + y * np.sin(angle)
    inside = ndtr((along - shadow.start) / shadow.edge) - ndtr((along - shadow.stop) / shadow.edge)
    if shadow.half:
        inside *= ndtr((y * np.cos(angle) - x * np.sin(angle)) / shadow.edge)
    return 1 - (1 - shadow.transmission) * inside


def _electronics(domain: Domain, window: Window, panel: np.ndarray, n_panels: int):
    """Gain, offset and noise of each pixel, and which pixels are defective."""
    detector = domain.detector
    rng = np.random.default_rng(domain.seed)
    nowhere = panel == n_panels
    step = np.append(rng.normal(0.0, 1.0, (2, n_panels)), np.zeros((2, 1)), axis=1)
    gain = detector.gain * (1 + detector.module_gain * step[0])[panel]
    if detector.gain_spread:
        gain *= 1 + detector.gain_spread * _normal(domain, window, "gain")
    offset = detector.offset + (detector.module_offset * step[1])[panel]
    noise = np.full(panel.shape, detector.read_noise)
    if detector.column_noise:
        # the far end of a readout column is the noisy one
        period = detector.module_shape[1] or detector.shape[1]
        column = (np.arange(window.left, window.left + window.width) % period) / period
        noise *= 1 + detector.column_noise * column**3

    lot = _uniform(domain, window, "defect")
    excess = np.abs(_normal(domain, window, "excess"))
    hot = lot < detector.hot
    noisy = ~hot & (lot < detector.hot + detector.noisy)
    dead = ~hot & ~noisy & (lot < detector.hot + detector.noisy + detector.dead)
    # hot pixels read between a little above everything else and saturation
    room = detector.saturation / (20 * detector.gain + 5 * detector.read_noise)
    height = 20 * detector.gain + 5 * detector.read_noise
    offset = np.where(hot, offset + height * np.minimum(np.exp(2 * excess), room), offset)
    noise = np.where(noisy, (noise + detector.gain) * (3 + 5 * excess), noise)
    noise = np.where(hot, noise + 0.1 * detector.gain, noise)
    gain = np.where(dead | nowhere, 0.0, gain)
    noise = np.where(dead | nowhere, 0.0, noise)
    offset = np.where(dead, detector.offset, offset)
    offset = np.where(nowhere, detector.gap_value, offset)
    return gain, offset, noise, (hot | noisy | dead) & ~nowhere


def _uniform(domain: Domain, window: Window, purpose: str) -> np.ndarray:
    """Uniform numbers that belong to the pixels of the detector, whatever part of it is asked."""
    row = np.arange(window.top, window.top + window.height, dtype=np.uint64)[:, None]
    column = np.arange(window.left, window.left + window.width, dtype=np.uint64)
    position = row * np.uint64(domain.detector.shape[1]) + column
    return to_uniform(hash_keys(position, domain.seed + (hash_of(purpose) << 32)))


def _normal(domain: Domain, window: Window, purpose: str) -> np.ndarray:
    first = _uniform(domain, window, purpose + " radius")
    second = _uniform(domain, window, purpose + " angle")
    return np.sqrt(-2 * np.log(first)) * np.cos(2 * np.pi * second)


def hash_of(text: str) -> int:
    """Return a small number that stands for a text, the same in every process."""
    return int.from_bytes(text.encode()[:8].ljust(8, b" "), "little") % (2**31 - 1)
