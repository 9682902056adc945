"""A simulated single-particle run as a source of frames: each is drawn when it is read."""

from __future__ import annotations

import numpy as np

from sklearn_sfx.datasets.single_particles._domain import ParticleDomain
from sklearn_sfx.datasets.single_particles._pixels import Pixels, make_pixels
from sklearn_sfx.datasets.single_particles._shot import Shot, draw_shot
from sklearn_sfx.frames import FrameOrigin, Window

__all__ = ["ParticleSource"]


class ParticleSource:
    """A source that simulates frames of single particles.

    Frame i depends on the domain, the seed and i only, so it is the same in any order, thread and
    process, and a window of it is the same as that window cut out of the whole.

    Parameters
    ----------
    domain : ParticleDomain
        The experiment.
    n_frames : int
        How many frames.
    seed : int
        What every shot is drawn from.
    """

    def __init__(self, domain: ParticleDomain, n_frames: int, *, seed: int):
        self._domain, self._seed = domain, seed
        self.shape = (n_frames, *domain.camera.shape)
        self.dtype = np.dtype(domain.camera.dtype)

    @property
    def pixels(self) -> Pixels:
        """What all frames share."""
        return make_pixels(self._domain)

    def shot(self, position: int) -> Shot:
        """Everything about a frame but stray light and noise."""
        key = (self._domain.seed, int(position))
        seed = np.random.SeedSequence(self._seed, spawn_key=key)
        return draw_shot(self._domain, self.pixels, np.random.default_rng(seed))

    def read(self, position: int, window: Window, out: np.ndarray) -> None:
        """Simulate a frame, and write the `window` of it into `out`."""
        shot, pixels, camera = self.shot(position), self.pixels, self._domain.camera
        photons = shot.rng.poisson((shot.expected + self._stray(shot.rng)) * pixels.sensitive)
        halves = camera.common_mode * shot.rng.standard_normal(2)
        electronic = camera.offset + camera.read_noise * shot.rng.standard_normal(camera.shape)
        electronic += np.repeat(halves, -(-camera.shape[0] // 2))[: camera.shape[0], None]
        value = camera.gain * photons + electronic + pixels.hot
        value = np.where(pixels.sensitive, np.minimum(value, camera.saturation), 0)
        if self.dtype.kind != "f":
            info = np.iinfo(self.dtype)
            value = np.clip(np.rint(value), info.min, info.max)
        out[...] = value[window.slices].astype(self.dtype)

    def origin(self, position: int) -> FrameOrigin:
        """No file holds a simulated frame; its identifier says what it was drawn from."""
        identifier = f"{self._domain.name}-{self._seed}-{int(position)}"
        return FrameOrigin(None, int(position), f"//{position}", identifier)

    def metadata(self, positions: np.ndarray) -> dict[str, np.ndarray]:
        """Distance (mm), wavelength (angstrom) and identifier of each frame."""
        identifiers = [self.origin(int(position)).identifier for position in positions]
        return {
            "distance": np.full(len(positions), self._domain.distance),
            "wavelength": np.full(len(positions), 10 * self._domain.focus.wavelength),
            "identifier": np.array(identifiers, dtype=np.str_),
        }

    def _stray(self, rng: np.random.Generator) -> np.ndarray:
        """Photons per pixel of apertures and gas in one shot."""
        stray, pixels = self._domain.stray, self.pixels
        halo, gas = np.exp(stray.spread * rng.standard_normal(2) - stray.spread**2 / 2)
        uneven = sum(
            rng.standard_normal() * np.cos(k * pixels.azimuth + rng.uniform(0, 2 * np.pi))
            for k in (1, 2, 3)
        )
        around = np.maximum(1 + stray.sectors * np.sqrt(2 / 3) * uneven, 0)
        fall = np.exp(-(pixels.radius - self._domain.camera.stop_radius) / stray.halo_width)
        return halo * stray.halo * fall * around + gas * stray.gas
