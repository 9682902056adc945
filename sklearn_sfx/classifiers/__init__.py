"""Classifiers of frames and vectors, each an ordinary scikit-learn estimator."""

from sklearn_sfx.classifiers._cnn1d import CNN1D
from sklearn_sfx.classifiers._cnn2d import CNN2D
from sklearn_sfx.classifiers._dann import DANN
from sklearn_sfx.classifiers._design import FrameDesign, VectorDesign
from sklearn_sfx.classifiers._fine_tuned import FineTuned
from sklearn_sfx.classifiers._network import NetworkClassifier
from sklearn_sfx.classifiers._peak_count import PeakCountClassifier, best_count
from sklearn_sfx.classifiers._peak_heights import PeakHeightClassifier

__all__ = [
    "CNN1D",
    "CNN2D",
    "DANN",
    "FineTuned",
    "FrameDesign",
    "NetworkClassifier",
    "PeakCountClassifier",
    "PeakHeightClassifier",
    "VectorDesign",
    "best_count",
]
