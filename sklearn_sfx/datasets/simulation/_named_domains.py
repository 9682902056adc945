"""The domains that have names: the five data sets of CXIDB entry 76, and three real detectors.

Shares of hits and maybes are those of the expert's annotation of each data set, and the numbers of
visible spots follow what the DIALS spot finder counted in its hits. Where DIALS counts more spots
in the frames that the expert called MAYBE than the four to nine that the word means, the expert
counts stronger spots only, and `visible` is higher (``benchmarks/simulator_labels.py``). Detectors,
noise, widths of spots and the shapes of the backgrounds follow frames measured with the same
detectors (``benchmarks/simulator_realism.py``). Cells are those of the proteins, rounded; distances
and levels that are not published were chosen to differ visibly.
"""

from __future__ import annotations

from dataclasses import replace

from sklearn_sfx.datasets.simulation._domain import (
    Background,
    Beam,
    Crystal,
    Detector,
    Domain,
    Shadow,
)

__all__ = ["DOMAINS"]

# Noise and spots measured on a frame of the MX340 at MFX: variance 0.30 of the level at distance,
# neighbours correlated by 0.41, spots of 1.6 to 2 pixels FWHM.
_RAYONIX = Detector(
    shape=(1920, 1920),
    pixel_size=0.1771,
    gain=1.09,
    read_noise=2.0,
    offset=10.0,
    blur=0.16,
    tail=0.1,
    tail_radius=2.0,
    gain_spread=0.004,
    hot=4e-6,
    dead=2e-6,
    noisy=0.0,
    saturation=65535,
    dtype="uint16",
)
_TAPE = Shadow(angle=180.0, start=7.0, stop=400.0, transmission=0.87, edge=0.8)
_TAPE_EDGE = Shadow(angle=180.0, start=1.0, stop=7.0, transmission=0.96, edge=0.6)

# Photons of 20 ADU and readout noise of 3 ADU can be told apart in the histogram of a CSPAD tile.
_CSPAD = Detector(
    shape=(1765, 1765),
    pixel_size=0.10992,
    layout="cspad",
    module_shape=(185, 194),
    gain=20.0,
    read_noise=3.0,
    offset=8.0,
    blur=0.025,
    tail=0.05,
    tail_radius=1.5,
    gain_spread=0.05,
    module_gain=0.03,
    module_offset=3.0,
    common_mode=1.0,
    column_noise=1.0,
    hot=1e-4,
    dead=1e-4,
    noisy=3e-4,
    saturation=16383,
    dtype="int16",
)

# A Pilatus3 6M: pure Poisson noise, spots as wide as the crystal's mosaicity makes them.
_PILATUS = Detector(
    shape=(2527, 2463),
    pixel_size=0.172,
    layout="grid",
    module_shape=(195, 487),
    gap=(17, 7),
    blur=0.005,
    gain_spread=0.02,
    hot=2e-6,
    dead=4e-6,
    saturation=1_048_575,
    gap_value=-1,
    dtype="int32",
)

_LN84 = Domain(
    name="LN84",
    beam=Beam(wavelength=1.304, bandwidth=0.0012, energy_spread=0.12),
    crystal=Crystal(
        cell=(117.0, 223.0, 308.0, 90.0, 90.0, 90.0),  # photosystem II
        mosaicity=0.02,
        size=2500.0,
        b_factor=45.0,
        resolution=2.3,
        spot_size=0.45,
        spots=100.0,
        spots_spread=1.1,
    ),
    detector=_RAYONIX,
    background=Background(
        ring=2200.0,
        ring_spacing=3.15,
        ring_inner=0.055,
        ring_outer=0.075,
        shoulder=0.12,
        air=1500.0,
        air_width=0.25,
        flat=900.0,
        halo=900.0,
        halo_width=2.5,
        stop_radius=10.0,
        penumbra=0.35,
        shadows=(_TAPE, _TAPE_EDGE),
        jet_spread=0.2,
        no_jet=0.05,
    ),
    distance=150.0,
    beam_centre=(0.4, 0.3),
    hit=806 / 2000,
    maybe=132 / 2000,
)

_LN83 = Domain(
    name="LN83",
    beam=Beam(wavelength=1.305, bandwidth=0.0012, energy_spread=0.15),
    crystal=Crystal(
        cell=(90.0, 73.0, 103.0, 90.0, 97.0, 90.0),  # a hydrogenase
        mosaicity=0.05,
        size=1500.0,
        b_factor=22.0,
        resolution=1.8,
        spot_size=0.5,
        spots=56.0,
        spots_spread=0.95,
    ),
    detector=replace(_RAYONIX, gain=0.9, offset=14.0),
    background=Background(
        ring=4200.0,
        ring_spacing=3.05,
        ring_inner=0.05,
        ring_outer=0.075,
        shoulder=0.15,
        air=2200.0,
        air_width=0.28,
        flat=1700.0,
        halo=1500.0,
        halo_width=2.0,
        stop_radius=8.5,
        penumbra=0.3,
        shadows=(
            _TAPE,
            _TAPE_EDGE,
            Shadow(angle=0.0, start=-3.0, stop=3.0, transmission=0.5, edge=0.4, half=True),
        ),
        jet_spread=0.25,
        no_jet=0.05,
    ),
    distance=118.0,
    beam_centre=(-0.3, 0.2),
    hit=346 / 2000,
    maybe=63 / 2000,
    visible=6.6,
)

_LO19 = Domain(
    name="LO19",
    beam=Beam(wavelength=1.29, bandwidth=0.0015, energy_spread=0.2),
    crystal=Crystal(
        cell=(42.6, 52.2, 89.1, 90.0, 90.0, 90.0),  # cyclophilin A
        mosaicity=0.15,
        size=900.0,
        b_factor=14.0,
        resolution=1.5,
        spot_size=0.6,
        spots=260.0,
        spots_spread=1.0,
        multiple=0.35,
    ),
    detector=replace(_RAYONIX, gain=1.3, offset=8.0, read_noise=3.0),
    background=Background(
        ring=600.0,
        ring_spacing=3.15,
        ring_inner=0.06,
        ring_outer=0.08,
        shoulder=0.3,
        air=700.0,
        air_width=0.15,
        flat=160.0,
        halo=400.0,
        halo_width=3.0,
        stop_radius=9.0,
        penumbra=0.4,
        jet_spread=0.35,
        no_jet=0.1,
        streak=0.4,
    ),
    distance=96.0,
    beam_centre=(0.2, -0.5),
    hit=730 / 2000,
    maybe=151 / 2000,
    visible=7.0,
)

_LG36 = Domain(
    name="LG36",
    beam=Beam(wavelength=1.32, bandwidth=0.0012, energy_spread=0.2),
    crystal=Crystal(
        cell=(117.0, 223.0, 308.0, 90.0, 90.0, 90.0),
        mosaicity=0.02,
        size=2000.0,
        b_factor=60.0,
        resolution=3.0,
        spot_size=0.4,
        spots=40.0,
        spots_spread=0.75,
    ),
    detector=_CSPAD,
    background=Background(
        ring=2.2,
        ring_spacing=3.25,
        ring_inner=0.055,
        ring_outer=0.06,
        air=2.5,
        air_width=0.12,
        flat=0.1,
        halo=1.0,
        stop_radius=4.0,
        penumbra=0.3,
        stop_transmission=0.1,
        jet_spread=0.3,
        no_jet=0.1,
        streak=0.6,
    ),
    distance=130.0,
    beam_centre=(0.3, 0.2),
    hit=235 / 2000,
    maybe=57 / 2000,
)

_L498 = Domain(
    name="L498",
    beam=Beam(wavelength=1.269, bandwidth=0.0015, energy_spread=0.25),
    crystal=Crystal(
        cell=(92.9, 92.9, 130.4, 90.0, 90.0, 120.0),  # thermolysin
        mosaicity=0.05,
        size=1500.0,
        b_factor=20.0,
        resolution=2.0,
        spot_size=0.35,
        spots=26.0,
        spots_spread=0.9,
    ),
    detector=replace(
        _CSPAD,
        module_offset=4.0,
        common_mode=2.0,
        hot=1.5e-4,
        noisy=2e-4,
        unmasked=0.7,
    ),
    background=Background(
        ring=0.9,
        ring_spacing=3.2,
        ring_inner=0.06,
        ring_outer=0.09,
        air=1.2,
        air_width=0.15,
        flat=0.3,
        halo=2.0,
        stop_radius=3.0,
        penumbra=0.3,
        stop_transmission=0.3,
        jet_spread=0.4,
        no_jet=0.1,
        streak=0.8,
    ),
    distance=105.0,
    beam_centre=(-0.2, 0.4),
    hit=148 / 2000,
    maybe=498 / 2000,
)

# The counterparts of frames that can be compared, one real detector each
_MFX = replace(
    _LN84,
    name="MFX",
    beam=Beam(wavelength=1.3003, bandwidth=0.0012, energy_spread=0.1),
    crystal=replace(
        _LN83.crystal,
        mosaicity=0.02,
        size=3000.0,
        b_factor=25.0,
        resolution=2.2,
        spot_size=0.35,
        spots=180.0,
        spots_spread=0.4,
    ),
    background=replace(
        _LN84.background,
        ring=3150.0,
        ring_spacing=3.08,
        ring_inner=0.051,
        air=1450.0,
        air_width=0.3,
        flat=1500.0,
        halo=1000.0,
        stop_radius=7.2,
        jet_spread=0.1,
    ),
    distance=123.5,
    beam_centre=(0.0, 0.0),
)
_GRID_SCAN = Domain(
    name="grid scan",
    beam=Beam(wavelength=0.976, bandwidth=0.0003, energy_spread=0.02),
    crystal=Crystal(
        cell=(57.8, 57.8, 150.2, 90.0, 90.0, 90.0),  # thaumatin
        mosaicity=0.12,
        size=2500.0,
        b_factor=18.0,
        resolution=1.5,
        spot_size=1.1,
        spots=700.0,
        spots_spread=0.8,
    ),
    detector=_PILATUS,
    background=Background(
        ring=4.5,
        ring_spacing=3.2,
        ring_inner=0.06,
        ring_outer=0.1,
        shoulder=0.45,
        air=6.3,
        air_width=0.31,
        flat=0.5,
        stop_radius=5.0,
        penumbra=1.0,
        stop_transmission=0.2,
        stop_masked=False,
        leak=3,
        shadows=(Shadow(angle=0.0, start=-4.0, stop=4.0, transmission=0.8, edge=1.0, half=True),),
        jet_spread=0.4,
        no_jet=0.5,
        streak=0.0,
    ),
    distance=320.0,
    beam_centre=(6.3, 5.9),
    hit=0.6,
    maybe=0.1,
)
_SLAB = replace(
    _L498,
    name="CSPAD slab",
    crystal=replace(_L498.crystal, spots=250.0, spots_spread=0.4),
    detector=replace(_L498.detector, shape=(1480, 1552), layout="cspad-slab", masked=False),
)

#: The named domains. LN84, LN83, LO19, LG36 and L498 are the data sets of CXIDB entry 76; MFX,
#: "grid scan" and "CSPAD slab" are the counterparts of frames of a Rayonix, a Pilatus and a CSPAD.
DOMAINS: dict[str, Domain] = {
    domain.name: domain for domain in (_LN84, _LN83, _LO19, _LG36, _L498, _MFX, _GRID_SCAN, _SLAB)
}
