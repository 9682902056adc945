"""The physical parameters of one simulated single-particle experiment, and nothing else.

Units: nm for particles and wavelengths, micrometre in the focus, mm on the detector, photons per
pixel for stray light, detector units (ADU) for what the electronics add.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field

__all__ = ["Camera", "Focus", "Particle", "ParticleDomain", "StrayLight"]


@dataclass(frozen=True)
class Focus:
    """The X-ray pulse where it meets the particles.

    Parameters
    ----------
    wavelength : float
        In nm.
    fluence : float
        Photons per square micrometre in the middle of the focus, in a mean pulse.
    width : float
        Full width at half maximum of the focus, in micrometre.
    energy_spread : float
        Relative rms change of the pulse energy from shot to shot.
    polarisation : float
        Degree of horizontal (along rows) linear polarisation.
    """

    wavelength: float = 0.775
    fluence: float = 2e10
    width: float = 1.5
    energy_spread: float = 0.2
    polarisation: float = 1.0


@dataclass(frozen=True)
class Particle:
    """The particles that are looked for.

    Parameters
    ----------
    shape : {"sphere", "ellipsoid", "icosahedron"}
        What they are like; all of one density.
    diameter : float
        Mean diameter of the sphere of their volume, in nm.
    spread : float
        Relative rms spread of the diameter.
    elongation : float
        Longest axis of an ellipsoid of revolution by its other two.
    density : float
        Electrons per cubic nm more than around them: 430 for protein in vacuum, 334 for water,
        4400 for gold at 6 keV.
    """

    shape: str = "icosahedron"
    diameter: float = 70.0
    spread: float = 0.03
    elongation: float = 1.0
    density: float = 430.0


@dataclass(frozen=True)
class Camera:
    """The detector and its faults.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns of a frame.
    pixel_size : float
        In mm.
    gain : float
        ADU per photon.
    read_noise, offset, common_mode : float
        Rms of the noise, mean pedestal that is left, and rms of the offset of each half from shot
        to shot, in ADU.
    stop_radius : float
        Radius of the beam stop or of the hole for the beam, in mm.
    gap : int
        Rows in the middle that no sensor covers.
    hot : float
        Share of the pixels that read high.
    unmasked : float
        Share of those that the mask does not name.
    saturation : float
        No pixel reads more, in ADU.
    dtype : str
        Type of the frames.
    """

    shape: tuple[int, int] = (256, 256)
    pixel_size: float = 0.3
    gain: float = 10.0
    read_noise: float = 3.0
    offset: float = 0.0
    common_mode: float = 0.5
    stop_radius: float = 1.5
    gap: int = 4
    hot: float = 2e-4
    unmasked: float = 0.2
    saturation: float = 30000.0
    dtype: str = "int16"


@dataclass(frozen=True)
class StrayLight:
    """What reaches the detector and comes from no particle.

    Parameters
    ----------
    halo, halo_width : float
        Photons per pixel beside the beam, from apertures, and the distance over which they fall by
        e, in mm.
    gas : float
        Photons per pixel of the carrier gas and of fluorescence, everywhere.
    spread : float
        Standard deviation of the logarithm of both from shot to shot.
    sectors : float
        How uneven the halo is around the beam, relative rms.
    """

    halo: float = 0.3
    halo_width: float = 4.0
    gas: float = 0.005
    spread: float = 0.3
    sectors: float = 0.3


@dataclass(frozen=True)
class ParticleDomain:
    """One single-particle experiment: what a simulated run is drawn from.

    Parameters
    ----------
    name : str
        Also what the faults of the detector are drawn from, so that two runs of one domain share
        them.
    focus, particle, camera, stray : Focus, Particle, Camera, StrayLight
        The parts.
    distance : float
        From the particles to the detector, in mm.
    beam_center : tuple of float
        Where the beam meets the detector, as rows and columns from the centre of the frame, in
        mm.
    single, multiple, other : float
        Shares of the frames with one particle, with several, and with something else: a droplet, a
        shard, a flash. The rest are empty.
    weak : float
        Share of the empty frames that do have a particle, too far from the focus to be seen.
    visible : float
        A particle that is expected to send fewer photons to the usable pixels is not seen: its
        frame counts as empty.

    Examples
    --------
    >>> from dataclasses import replace
    >>> from sklearn_sfx.datasets.single_particles import PARTICLE_DOMAINS
    >>> bright = replace(PARTICLE_DOMAINS["virus"], name="bright", visible=1000.0)
    >>> bright.camera.shape
    (256, 256)
    """

    name: str
    focus: Focus = field(default_factory=Focus)
    particle: Particle = field(default_factory=Particle)
    camera: Camera = field(default_factory=Camera)
    stray: StrayLight = field(default_factory=StrayLight)
    distance: float = 581.0
    beam_center: tuple[float, float] = (0.0, 0.0)
    single: float = 0.04
    multiple: float = 0.015
    other: float = 0.025
    weak: float = 0.1
    visible: float = 200.0

    @property
    def seed(self) -> int:
        """What belongs to the experiment and not to the shot is drawn from this number."""
        return zlib.crc32(self.name.encode())
