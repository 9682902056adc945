"""The methods that need no label: each says which frames are hits."""

from collections.abc import Callable

import numpy as np

from sklearn_sfx.classifiers import PeakCountClassifier, PeakHeightClassifier
from sklearn_sfx.frames import Frames
from sklearn_sfx.screening import screen, untrained_model

__all__ = ["METHODS"]


def peak_count(frames: Frames) -> np.ndarray:
    """Return whether each frame has as many peaks as tell simulated hits from misses."""
    return PeakCountClassifier().fit(frames).predict(frames) == 1


def peak_heights(frames: Frames) -> np.ndarray:
    """Return what is said by the heights of the strongest peaks, learned from simulated frames."""
    return PeakHeightClassifier().fit(frames).predict(frames) == 1


def untrained(frames: Frames) -> np.ndarray:
    """Return what `sfx screen` says without a model."""
    return screen(untrained_model(frames), frames, peaks=False).decision


METHODS: dict[str, Callable[[Frames], np.ndarray]] = {
    "peak count": peak_count,
    "peak heights": peak_heights,
    "sfx screen": untrained,
}
