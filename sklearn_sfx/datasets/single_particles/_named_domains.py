"""Experiments that differ in particle, photon energy, detector and background."""

from __future__ import annotations

from sklearn_sfx.datasets.single_particles._domain import (
    Camera,
    Focus,
    Particle,
    ParticleDomain,
    StrayLight,
)

__all__ = ["PARTICLE_DOMAINS"]

PARTICLE_DOMAINS = {
    domain.name: domain
    for domain in (
        # An icosahedral virus of 70 nm at 1.6 keV, on a pnCCD of which 4 x 4 pixels are one.
        ParticleDomain("virus"),
        # Polyhedral cell organelles of many sizes at 1.1 keV, nearer to the detector's dynamic
        # range, with more light from the apertures.
        ParticleDomain(
            "organelle",
            focus=Focus(wavelength=1.13, fluence=3e9, width=3.0, energy_spread=0.3),
            particle=Particle("icosahedron", diameter=110.0, spread=0.12, density=400.0),
            camera=Camera(pixel_size=0.3, gain=6.0, read_noise=4.0, common_mode=1.5, gap=8),
            stray=StrayLight(halo=1.5, halo_width=6.0, gas=0.02, spread=0.5),
            distance=741.0,
            beam_center=(0.9, -0.6),
            single=0.06,
            multiple=0.03,
            other=0.05,
        ),
        # Gold particles of 40 nm at 6 keV, on a detector that counts photons, far away.
        ParticleDomain(
            "gold",
            focus=Focus(wavelength=0.2066, fluence=2e10, width=0.6, energy_spread=0.25),
            particle=Particle(
                "ellipsoid", diameter=40.0, spread=0.08, elongation=1.15, density=4400
            ),
            camera=Camera(
                (192, 192),
                pixel_size=0.4,
                gain=1.0,
                read_noise=0.15,
                common_mode=0.02,
                gap=10,
                stop_radius=2.0,
                saturation=5000.0,
                dtype="float32",
            ),
            stray=StrayLight(halo=0.1, halo_width=8.0, gas=0.002, spread=0.4),
            distance=5000.0,
            beam_center=(-1.2, 2.0),
            single=0.05,
            multiple=0.03,
            other=0.03,
        ),
        # Polystyrene spheres of 100 nm on a detector of one megapixel.
        ParticleDomain(
            "spheres",
            focus=Focus(wavelength=0.62, fluence=2e10, width=2.0),
            particle=Particle("sphere", diameter=100.0, spread=0.05, density=340.0),
            camera=Camera(
                (1024, 1024),
                pixel_size=0.075,
                gain=20.0,
                read_noise=5.0,
                common_mode=1.0,
                gap=16,
                dtype="int32",
            ),
            stray=StrayLight(halo=0.05, halo_width=5.0, gas=0.001),
            distance=700.0,
        ),
    )
}
