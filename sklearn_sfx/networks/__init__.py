"""Torch modules, and nothing but torch: bases, heads, and the network that joins them."""

from sklearn_sfx.networks._augmentation import FrameAugmentation, VectorAugmentation
from sklearn_sfx.networks._base1d import Base1D
from sklearn_sfx.networks._base2d import Base2D
from sklearn_sfx.networks._classifier import ClassifierModule, Head

__all__ = [
    "Base1D",
    "Base2D",
    "ClassifierModule",
    "FrameAugmentation",
    "Head",
    "VectorAugmentation",
]
