"""The methods that need no label: each says which frames are hits."""

from collections.abc import Callable

import numpy as np

from sklearn_sfx.classifiers import PeakCountClassifier, PeakHeightClassifier, SpotCountClassifier
from sklearn_sfx.frames import Frames

__all__ = ["METHODS"]


def peak_count(frames: Frames) -> np.ndarray:
    """Return whether each frame has as many peaks as tell simulated hits from misses."""
    return PeakCountClassifier().fit(frames).predict(frames) == 1


def peak_heights(frames: Frames) -> np.ndarray:
    """Return what is said by the heights of the strongest peaks, learned from simulated frames."""
    return PeakHeightClassifier().fit(frames).predict(frames) == 1


def spot_count(frames: Frames) -> np.ndarray:
    """Return whether each frame has six Bragg spots or more."""
    return SpotCountClassifier().fit(frames).predict(frames) == 1


METHODS: dict[str, Callable[[Frames], np.ndarray]] = {
    "peak count": peak_count,
    "peak heights": peak_heights,
    "spot count": spot_count,
}
