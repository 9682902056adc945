"""Torch modules, and nothing but torch: bases, heads, and the network that joins them."""

from sklearn_sfx._names import carry_the_face
from sklearn_sfx.networks._adversarial import (
    AdversarialLoss,
    AdversarialModule,
    GradientReversal,
    domain_loss,
)
from sklearn_sfx.networks._augmentation import FrameAugmentation, VectorAugmentation
from sklearn_sfx.networks._base1d import Base1D
from sklearn_sfx.networks._base2d import Base2D
from sklearn_sfx.networks._classifier import ClassifierModule, Head
from sklearn_sfx.networks._fine_tuned import FineTunedModule
from sklearn_sfx.networks._inference import for_inference

__all__ = [
    "Base1D",
    "Base2D",
    "ClassifierModule",
    "Head",
]

carry_the_face(__name__)
