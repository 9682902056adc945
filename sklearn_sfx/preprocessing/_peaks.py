"""The peaks of a frame, and how many there are: found in one way, whoever asks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from sklearn_sfx.preprocessing._counting import checked_frame, count_in_frames
from sklearn_sfx.preprocessing._peak_kernels import Found, find_all
from sklearn_sfx.preprocessing._peak_pixels import Pixels, pixels_of
from sklearn_sfx.preprocessing._peak_step import AnywherePeakStep, PeakSettings

if TYPE_CHECKING:  # torch takes long to import
    from torch import Tensor

    from sklearn_sfx.preprocessing._peaks_on_tensors import FoundOnTensors

__all__ = [
    "CountStep",
    "Peaks",
    "count_peaks",
    "find_peaks",
    "peak_count_step",
    "peaks_of_table",
]


class Peaks(NamedTuple):
    """The peaks of one frame, each field an array with one entry per peak.

    Parameters
    ----------
    row, column : ndarray of float32, shape (n_peaks,)
        Centre of mass of the signal above background, in pixels: slow and fast scan, 0-based.
    n_pixels : ndarray of int64, shape (n_peaks,)
        Pixels that belong to the peak.
    intensity : ndarray of float32, shape (n_peaks,)
        Sum of the signal above background, in the units of the frame.
    snr : ndarray of float32, shape (n_peaks,)
        Height of the highest pixel above the local background, over the local noise.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_sfx.preprocessing import find_peaks
    >>> frame = np.random.default_rng(0).poisson(10.0, (100, 100))
    >>> frame[40:43, 70:73] += 60
    >>> find_peaks(frame).n_pixels
    array([9])
    """

    row: np.ndarray
    column: np.ndarray
    n_pixels: np.ndarray
    intensity: np.ndarray
    snr: np.ndarray


def find_peaks(
    frame: ArrayLike,
    *,
    min_snr: float = 5.0,
    min_pixels: int = 2,
    max_pixels: int = 200,
    background_radius: int = 8,
    noise_floor: float = 1.0,
) -> Peaks:
    """Find the peaks of one frame.

    A peak is a connected set of pixels that stand out from a plane fitted to their surroundings, so
    a sloping background and the rims of rings are no peaks, on integrating and on photon-counting
    detectors alike.

    Parameters
    ----------
    frame : array-like of shape (height, width)
        Any real dtype; NaN marks pixels that are not to be used.
    min_snr : float, default=5.0
        Least height of the highest pixel of a peak above the local background, over the local
        noise. The other pixels of the peak reach 0.7 of it.
    min_pixels, max_pixels : int, default=2 and 200
        Fewest and most pixels of a peak.
    background_radius : int, default=8
        How far the square that the background is taken from reaches, in pixels; 2 or more.
    noise_floor : float, default=1.0
        Added in quadrature to the local noise, in the units of the frame: one photon on a
        photon-counting detector, so that two counts in an empty corner are no peak.

    Returns
    -------
    Peaks
        Arrays ``row``, ``column``, ``n_pixels``, ``intensity`` and ``snr``, one entry per peak.

    Raises
    ------
    InputError
        If `frame` is not a single frame, or `background_radius` too small.

    See Also
    --------
    count_peaks : How many there are in each frame of a run.

    References
    ----------
    .. [1] Barty et al., "Cheetah: software for high-throughput reduction and analysis of serial
       femtosecond X-ray diffraction data", J. Appl. Cryst. 47, 1118 (2014): the peak finder by
       local signal-to-noise whose terms are used here.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_sfx.preprocessing import find_peaks
    >>> frame = np.random.default_rng(0).poisson(10.0, (100, 100))
    >>> frame[40:43, 70:73] += 60
    >>> peaks = find_peaks(frame)
    >>> len(peaks.row), round(float(peaks.row[0])), round(float(peaks.column[0]))
    (1, 41, 71)
    """
    settings = PeakSettings(min_snr, min_pixels, max_pixels, background_radius, noise_floor)
    pixels = pixels_of(checked_frame(frame, function="find_peaks"))
    return peaks_of_table(find_all(pixels, [settings])[0].table)


def peaks_of_table(table: np.ndarray) -> Peaks:
    """Return the columns of a table of peaks, float32 (n_peaks, 5), by name."""
    row, column, n_pixels, intensity, snr = table.T
    return Peaks(row, column, n_pixels.astype(np.int64), intensity, snr)


def count_peaks(
    X: Any,
    *,
    min_snr: float = 5.0,
    min_pixels: int = 2,
    max_pixels: int = 200,
    background_radius: int = 8,
    noise_floor: float = 1.0,
) -> np.ndarray:
    """Count the peaks of each frame, as `find_peaks` finds them; no label plays a part in it.

    Parameters
    ----------
    X : array-like, Frames or torch.Tensor, shape (n_frames, height, width)
        Raw frames, not normalized; NaN, and what the mask of `Frames` calls unusable, take no part.
        `Frames` are read block by block; of a tensor on a GPU the peaks are found there.
    min_snr, min_pixels, max_pixels, background_radius, noise_floor : float, int, int, int, float
        What counts as a peak, as `find_peaks` says.

    Returns
    -------
    counts : ndarray of int64, shape (n_frames,)
        How many peaks each frame has.

    Raises
    ------
    InputError
        If X is not made of frames, or `background_radius` too small.

    Warns
    -----
    ScaledFramesWarning
        If there is no peak, and nothing in the first frames is high enough for one.

    See Also
    --------
    PeakCountClassifier : Learns how many peaks make a hit.
    StrongestPeaks : The heights of the peaks, strongest first.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_sfx.preprocessing import count_peaks
    >>> frames = np.random.default_rng(0).poisson(10.0, (2, 100, 100))
    >>> frames[1, 40:43, 30:73:20] += 60
    >>> count_peaks(frames)
    array([0, 3])
    >>> count_peaks(frames, min_pixels=4)
    array([0, 0])
    """
    count = peak_count_step(min_snr, min_pixels, max_pixels, background_radius, noise_floor)
    return count_in_frames(X, count, function="count_peaks", of_one_frame="find_peaks")


def peak_count_step(
    min_snr: float, min_pixels: int, max_pixels: int, background_radius: int, noise_floor: float
) -> CountStep:
    """Return the step that counts peaks, as `count_peaks` does with these settings."""
    sizes = int(min_pixels), int(max_pixels), int(background_radius)
    return CountStep(PeakSettings(float(min_snr), *sizes, float(noise_floor)))


@dataclass(frozen=True)
class CountStep(AnywherePeakStep):
    """Turns a frame into the number of its peaks: a step that `Frames.append` takes."""

    settings: PeakSettings

    def output_shape(self, frame_shape: tuple[int, ...]) -> tuple[int, ...]:
        return (1,)

    def of_peaks(self, pixels: Pixels, found: Found) -> np.ndarray:
        return np.array([len(found.table)], np.float32)

    def of_peaks_on_tensors(self, found: FoundOnTensors, n_frames: int) -> Tensor:
        return found.frame.bincount(minlength=n_frames)[:, None].float()
