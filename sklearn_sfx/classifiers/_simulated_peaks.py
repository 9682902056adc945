"""The simulated frames that come with the package, as what peaks were found in them."""

from functools import cache
from importlib.resources import files

import numpy as np

__all__ = ["simulated_peaks"]


@cache
def simulated_peaks() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return peak heights, whether a hit, and peak count of each frame.

    Heights (n, 12) float32 are what `StrongestPeaks()` makes of the frames, counts (n,) int32 what
    `count_peaks` does. See ``data/simulated_peaks.md`` beside this module for what they are.
    """
    path = files("sklearn_sfx.classifiers") / "data" / "simulated_peaks.npz"
    with path.open("rb") as file, np.load(file) as stored:
        found = stored["heights"], stored["is_hit"], stored["counts"]
    for array in found:
        array.setflags(write=False)
    return found
