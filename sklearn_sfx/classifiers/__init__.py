"""Classifiers of frames and vectors, each an ordinary scikit-learn estimator."""

# What is imported as itself is for other rooms, not for users.
from sklearn_sfx._names import carry_the_face
from sklearn_sfx.classifiers._cnn1d import CNN1D
from sklearn_sfx.classifiers._cnn1d import CNN1DDesign as CNN1DDesign
from sklearn_sfx.classifiers._cnn2d import CNN2D
from sklearn_sfx.classifiers._cnn2d import CNN2DDesign as CNN2DDesign
from sklearn_sfx.classifiers._count import best_count as best_count
from sklearn_sfx.classifiers._dann import DANN
from sklearn_sfx.classifiers._design import FrameDesign, VectorDesign
from sklearn_sfx.classifiers._finding import FindingClassifier as FindingClassifier
from sklearn_sfx.classifiers._fine_tuned import FineTuned
from sklearn_sfx.classifiers._frame_classifier import FrameClassifier as FrameClassifier
from sklearn_sfx.classifiers._held_out import find_in as find_in
from sklearn_sfx.classifiers._held_out import find_together as find_together
from sklearn_sfx.classifiers._held_out import fit_found as fit_found
from sklearn_sfx.classifiers._held_out import held_out_probability as held_out_probability
from sklearn_sfx.classifiers._held_out import probability_of_found as probability_of_found
from sklearn_sfx.classifiers._held_out import takes_long as takes_long
from sklearn_sfx.classifiers._lit_pixel_count import (
    LitPixelCountClassifier as LitPixelCountClassifier,
)
from sklearn_sfx.classifiers._network import NetworkClassifier
from sklearn_sfx.classifiers._other_network import open_base as open_base
from sklearn_sfx.classifiers._peak_count import PeakCountClassifier
from sklearn_sfx.classifiers._peak_heights import PeakHeightClassifier
from sklearn_sfx.classifiers._spot_count import SpotCountClassifier
from sklearn_sfx.classifiers._training import find_device as find_device

__all__ = [
    "CNN1D",
    "CNN2D",
    "DANN",
    "FineTuned",
    "FrameDesign",
    "NetworkClassifier",
    "PeakCountClassifier",
    "PeakHeightClassifier",
    "SpotCountClassifier",
    "VectorDesign",
]

carry_the_face(__name__)
