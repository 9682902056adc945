"""Torch modules, and nothing but torch: bases, heads, and the network that joins them."""

# What is imported as itself is for other rooms, not for users.
from sklearn_sfx._names import carry_the_face
from sklearn_sfx.networks._adversarial import AdversarialLoss as AdversarialLoss
from sklearn_sfx.networks._adversarial import AdversarialModule as AdversarialModule
from sklearn_sfx.networks._adversarial import GradientReversal as GradientReversal
from sklearn_sfx.networks._adversarial import domain_loss as domain_loss
from sklearn_sfx.networks._adversarial import domain_weights as domain_weights
from sklearn_sfx.networks._augmentation import FrameAugmentation as FrameAugmentation
from sklearn_sfx.networks._augmentation import VectorAugmentation as VectorAugmentation
from sklearn_sfx.networks._base1d import Base1D
from sklearn_sfx.networks._base1d import in_own_units as in_own_units
from sklearn_sfx.networks._base2d import Base2D
from sklearn_sfx.networks._classifier import ClassifierModule, Head
from sklearn_sfx.networks._classifier import ClassLoss as ClassLoss
from sklearn_sfx.networks._fine_tuned import FineTunedModule as FineTunedModule
from sklearn_sfx.networks._half_precision import in_half_precision as in_half_precision
from sklearn_sfx.networks._inference import for_inference as for_inference
from sklearn_sfx.networks._room import room_for as room_for

__all__ = [
    "Base1D",
    "Base2D",
    "ClassifierModule",
    "Head",
]

carry_the_face(__name__)
