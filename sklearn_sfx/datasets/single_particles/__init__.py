"""Single-particle frames simulated from physics: particles, focus, stray light and camera."""

from sklearn_sfx._names import carry_the_face
from sklearn_sfx.datasets.single_particles._domain import (
    Camera,
    Focus,
    Particle,
    ParticleDomain,
    StrayLight,
)
from sklearn_sfx.datasets.single_particles._named_domains import PARTICLE_DOMAINS

__all__ = [
    "PARTICLE_DOMAINS",
    "Camera",
    "Focus",
    "Particle",
    "ParticleDomain",
    "StrayLight",
]

carry_the_face(__name__)
