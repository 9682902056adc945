"""The physical parameters of one simulated experiment, and nothing else.

A `Domain` is what changes from one experiment to the next: the beam, the crystals, the detector and
the background. Units: angstrom for wavelengths, cells and spacings, mm on the detector, photons per
pixel for the background, detector units (ADU) for what the electronics add.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field

__all__ = ["Background", "Beam", "Crystal", "Detector", "Domain", "Shadow"]


@dataclass(frozen=True)
class Beam:
    """The X-ray beam.

    Parameters
    ----------
    wavelength : float
        Mean wavelength in angstrom.
    bandwidth : float
        Relative rms width of the spectrum of one pulse.
    wavelength_jitter : float
        Relative rms change of the wavelength from shot to shot.
    energy_spread : float
        Relative rms change of the pulse energy from shot to shot.
    polarisation : float
        Degree of horizontal (along rows) linear polarisation.
    """

    wavelength: float = 1.3
    bandwidth: float = 0.001
    wavelength_jitter: float = 0.001
    energy_spread: float = 0.15
    polarisation: float = 0.98


@dataclass(frozen=True)
class Crystal:
    """The crystals, and how many spots of theirs are seen.

    Parameters
    ----------
    cell : tuple of six floats
        a, b, c in angstrom, alpha, beta, gamma in degrees.
    mosaicity : float
        Rms rotation of the mosaic blocks in degrees.
    size : float
        Size of a coherent block in angstrom; its inverse broadens the reciprocal-lattice points.
    b_factor : float
        Mean B factor in square angstrom.
    resolution : float
        No reflection is finer than this spacing, in angstrom.
    spot_size : float
        Rms size of a spot in pixels, before bandwidth, mosaicity and the detector broaden it.
    spots : float
        Median number of visible spots of a hit.
    spots_spread : float
        Standard deviation of the logarithm of that number.
    multiple : float
        Probability that a crystal is joined by a second one in another orientation.
    """

    cell: tuple[float, float, float, float, float, float]
    mosaicity: float = 0.03
    size: float = 2000.0
    b_factor: float = 30.0
    resolution: float = 2.0
    spot_size: float = 0.5
    spots: float = 60.0
    spots_spread: float = 1.0
    multiple: float = 0.1


@dataclass(frozen=True)
class Detector:
    """The detector and its faults.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns of a frame.
    pixel_size : float
        In mm.
    layout : {"single", "grid", "cspad", "cspad-slab"}
        One sensor; modules on a grid with gaps; the assembled CSPAD; its 64 tiles as a slab, each
        tile beside tiles that are not its neighbours in space.
    module_shape, gap : tuple of int
        Rows and columns of a module, and of the gap after it, for the layout "grid".
    gain : float
        ADU per photon.
    read_noise : float
        Rms in ADU; 0 for a photon counter.
    offset : float
        Mean pedestal left in the frames, in ADU.
    blur : float
        Share of its light that a pixel gives to each of its two neighbours along each axis.
    tail, tail_radius : float
        Share of a spot's light in the wide tails of the point spread, and their radius in pixels.
    gain_spread, module_gain, module_offset, common_mode : float
        Rms of the gain from pixel to pixel, of the gain and of the offset (ADU) from module to
        module, and of the offset of a module from shot to shot (ADU).
    column_noise : float
        How much noisier the last columns of each module are than the first, relative.
    hot, dead, noisy : float
        Share of the pixels that read high, read nothing, or have many times the noise.
    unmasked : float
        Share of those defects that the mask does not name.
    flicker, blinking : float
        Share of the columns, and of the pixels, that read high in some frames only; in no mask.
    cosmics : float
        Mean number of cosmic rays in a frame, each on one to eight pixels.
    masked : bool
        False for an experiment that comes without any mask.
    saturation : float
        No pixel reads more, in ADU.
    gap_value : int
        What pixels between modules read.
    dtype : str
        Integer type of the frames.
    """

    shape: tuple[int, int]
    pixel_size: float
    layout: str = "single"
    module_shape: tuple[int, int] = (0, 0)
    gap: tuple[int, int] = (0, 0)
    gain: float = 1.0
    read_noise: float = 0.0
    offset: float = 0.0
    blur: float = 0.0
    tail: float = 0.0
    tail_radius: float = 2.0
    gain_spread: float = 0.0
    module_gain: float = 0.0
    module_offset: float = 0.0
    common_mode: float = 0.0
    column_noise: float = 0.0
    hot: float = 0.0
    dead: float = 0.0
    noisy: float = 0.0
    unmasked: float = 0.3
    flicker: float = 0.0
    blinking: float = 0.0
    cosmics: float = 0.0
    masked: bool = True
    saturation: float = 65535.0
    gap_value: int = 0
    dtype: str = "uint16"


@dataclass(frozen=True)
class Shadow:
    """Something between sample and detector that keeps part of the light off.

    Parameters
    ----------
    angle : float
        Direction in degrees, from the columns' axis, in which the shadow begins.
    start, stop : float
        The shadow lies between these distances from the beam along that direction, in mm.
    transmission : float
        What is let through.
    edge : float
        Rms softness of its edge in mm.
    half : bool
        True for what comes from one side only, such as the arm of the beam stop: the shadow then
        lies on the side of the beam where the angle plus 90 degrees points.
    """

    angle: float
    start: float
    stop: float
    transmission: float
    edge: float = 0.5
    half: bool = False


@dataclass(frozen=True)
class Background:
    """Everything that scatters without being the crystal.

    Parameters
    ----------
    ring : float
        Photons per pixel at the top of the solvent ring.
    ring_spacing, ring_inner, ring_outer : float
        Spacing in angstrom of that ring, and its rms widths in 1/angstrom towards the beam and
        away from it.
    shoulder : float
        Height of the second, wider solvent ring near 2.1 angstrom, relative to the first.
    air, air_width : float
        Photons per pixel of air scatter near the beam; it halves at this 1/d in 1/angstrom.
    flat : float
        Photons per pixel of fluorescence and other light that comes from everywhere.
    halo, halo_width : float
        Photons per pixel of parasitic light at the rim of the beam stop, and its reach in mm.
    stop_radius, penumbra : float
        Radius of the shadow of the beam stop and the rms softness of its rim, in mm.
    stop_transmission : float
        What gets through the beam stop.
    stop_masked : bool
        False if the mask does not name the shadow of the beam stop.
    leak : int
        Pixels beside the beam that the direct beam reaches: near saturation in every frame, and in
        no mask.
    shadows : tuple of Shadow
        Other shadows, the same in every frame.
    jet_spread : float
        Standard deviation of the logarithm of the jet's thickness.
    no_jet : float
        Probability that a shot without a crystal is one without a jet: the ring is then gone.
    streak, streak_angle : float
        Probability of a streak from the edge of the jet, and its direction in degrees from the
        columns' axis.
    ice, salt, powder : float
        Probability of an ice ring, of a few spots of a salt crystal, and of the sharp rings of a
        powder.
    """

    ring: float
    ring_spacing: float = 3.2
    ring_inner: float = 0.05
    ring_outer: float = 0.06
    shoulder: float = 0.3
    air: float = 1.0
    air_width: float = 0.08
    flat: float = 0.0
    halo: float = 0.0
    halo_width: float = 3.0
    stop_radius: float = 5.0
    penumbra: float = 0.3
    stop_transmission: float = 0.01
    stop_masked: bool = True
    leak: int = 0
    shadows: tuple[Shadow, ...] = ()
    jet_spread: float = 0.25
    no_jet: float = 0.0
    streak: float = 0.3
    streak_angle: float = 0.0
    ice: float = 0.02
    salt: float = 0.03
    powder: float = 0.0


@dataclass(frozen=True)
class Domain:
    """One experiment: what a simulated run is drawn from.

    Parameters
    ----------
    name : str
        Also what the faults of the detector and the structure factors are drawn from, so that two
        runs of one domain share them, as two runs of one experiment do.
    beam, crystal, detector, background : Beam, Crystal, Detector, Background
        The parts.
    distance : float
        From the sample to the detector, in mm.
    beam_centre : tuple of float
        Where the beam meets the detector, as rows and columns from the centre of the frame, in
        mm.
    hit, maybe : float
        Shares of the frames with ten or more, and with four to nine visible spots.
    weak : float
        Share of the misses that do have a crystal, with three visible spots or fewer.
    visible : float
        How many standard deviations of the local noise the brightest pixel of a spot has to stand
        out for the person who labels the frames to count it.

    Examples
    --------
    >>> from dataclasses import replace
    >>> from sklearn_sfx.datasets.simulation import DOMAINS
    >>> near = replace(DOMAINS["LN84"], name="LN84 near", distance=90.0)
    >>> near.detector.shape
    (1920, 1920)
    """

    name: str
    crystal: Crystal
    detector: Detector
    background: Background
    beam: Beam = field(default_factory=Beam)
    distance: float = 120.0
    beam_centre: tuple[float, float] = (0.0, 0.0)
    hit: float = 0.3
    maybe: float = 0.06
    weak: float = 0.2
    visible: float = 5.0

    @property
    def seed(self) -> int:
        """What belongs to the experiment and not to the shot is drawn from this number."""
        return zlib.crc32(self.name.encode())
