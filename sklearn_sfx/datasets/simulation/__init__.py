"""Serial crystallography frames simulated from physics: crystals, beam, background and detector."""

from sklearn_sfx._names import carry_the_face
from sklearn_sfx.datasets.simulation._domain import (
    Background,
    Beam,
    Crystal,
    Detector,
    Domain,
    Shadow,
)
from sklearn_sfx.datasets.simulation._named_domains import DOMAINS
from sklearn_sfx.datasets.simulation._random_domains import random_domains

__all__ = [
    "DOMAINS",
    "Background",
    "Beam",
    "Crystal",
    "Detector",
    "Domain",
    "Shadow",
    "random_domains",
]

carry_the_face(__name__)
