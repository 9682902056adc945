"""The peaks of a frame that look like Bragg spots, and how many there are."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from sklearn_sfx.preprocessing._counting import checked_frame, count_in_frames
from sklearn_sfx.preprocessing._no_data import without_no_data
from sklearn_sfx.preprocessing._noisy_lines import on_noisy_lines
from sklearn_sfx.preprocessing._peak_kernels import Found, find_all
from sklearn_sfx.preprocessing._peak_pixels import Pixels, every_nth_row, pixels_of
from sklearn_sfx.preprocessing._peak_step import PeakSettings, PeakStep
from sklearn_sfx.preprocessing._peaks import Peaks, peaks_of_table
from sklearn_sfx.preprocessing._rings import BRIGHT, on_rings
from sklearn_sfx.preprocessing._spot_kernels import around_peaks

__all__ = ["count_spots", "find_spots"]

SETTINGS = PeakSettings(
    min_snr=6.0,
    min_pixels=2,
    max_pixels=200,
    background_radius=8,
    noise_floor=1.0,  # one photon on a counting detector
)
LINE_SHARE = 0.25  # of its height; a peak is part of a line that reaches this
SHARED_NOISE = 0.2  # correlation of neighbours from which light spreads over more than one pixel
SHARP = 0.02  # light that spreads gives the pixel beside a bright one more than this share of it
SHARP_FROM = 12.0  # signal-to-noise of a pixel from which that can be told
UPPER = 0.6  # of the height of a peak; lower pixels of it are too faint to tell
FEW = 4  # peaks that are left to be a MAYBE; with fewer the rings make no difference
MANY = 200  # more than a noisy row or column has
FAINT = (
    0.5  # of the median height of the peaks on rings; fainter ones may be what rings are made of
)
TRACK = 3  # pixels of a cosmic ray at a slant; others of the kind look like spots
LEAK, LEAK_OF_TRACKS = 0.1, 0.33  # for each peak on a ring, each track, so many pass for a spot


def find_spots(frame: ArrayLike) -> Peaks:
    """Find the peaks of one frame that look like Bragg spots.

    Of the peaks that `find_peaks` finds from a signal-to-noise of 6, those are left out that have
    another explanation, each by what is seen in the frame itself:

    * a line of pixels through the peak stands out as well: a streak, the edge of a shadow or
      module, a bad row or column, a strong ring;
    * the pixels of its row or column vary more than those of others: a noisy one;
    * there are bright pixels at its distance from the centre all around, and not just inside and
      outside of that: a powder ring, of ice for one. The centre is found from the frame;
    * rings have peaks, and it is fainter than those;
    * the noise of neighbours shows that light spreads over several pixels, and the peak has an edge
      that is sharper: a cosmic ray, a hot pixel.

    Areas without data, such as gaps and what lies outside a round sensor, are told by a value that
    fills them without anything in between, and take no part.

    Parameters
    ----------
    frame : array-like of shape (height, width)
        Raw counts of any real dtype; pixels that are not finite are not used.

    Returns
    -------
    Peaks
        Arrays ``row``, ``column``, ``n_pixels``, ``intensity`` and ``snr``, one entry per spot.

    Raises
    ------
    InputError
        If `frame` is not a single frame.

    See Also
    --------
    find_peaks : Everything that stands out, with settings of your own.
    count_spots : How many spots each frame of a run has.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_sfx.preprocessing import find_peaks, find_spots
    >>> frame = np.random.default_rng(0).poisson(10.0, (100, 100))
    >>> frame[40:43, 70:73] += 60
    >>> frame[:, 20] += 60  # a bad column
    >>> len(find_peaks(frame).row) > 10, len(find_spots(frame).row)
    (True, 1)
    """
    pixels = without_no_data(pixels_of(checked_frame(frame, function="find_spots")))
    peaks, is_spot, *_ = _judge_peaks(pixels, find_all(pixels, [SETTINGS], BRIGHT)[0])
    return Peaks(*(field[is_spot] for field in peaks))


def count_spots(X: Any) -> np.ndarray:
    """Count the Bragg spots of each frame, as `find_spots` finds them; no label plays a part in it.

    A tenth of the peaks on rings is taken from the count, since of hundreds of grains of a powder a
    few lie beside its rings, or are taken for spots. So is a third of the tracks of cosmic rays
    where they are more than the spots: of many at a slant some are as soft as a spot.

    Parameters
    ----------
    X : array-like, Frames or torch.Tensor, shape (n_frames, height, width)
        Raw frames, not normalized, whole rather than cropped; pixels that are not finite, and what
        the mask of `Frames` calls unusable, take no part. `Frames` are read block by block. Stacked
        modules (``facts.modules``) have no rings: open them with a geometry, else powder counts as
        spots.

    Returns
    -------
    counts : ndarray of int64, shape (n_frames,)
        How many spots each frame has.

    Raises
    ------
    InputError
        If X is not made of frames.

    Warns
    -----
    ScaledFramesWarning
        If there is no peak, and nothing in the first frames is high enough for one.

    See Also
    --------
    SpotCountClassifier : Calls a frame with some spots a hit.
    count_peaks : Counts everything that stands out.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_sfx.preprocessing import count_spots
    >>> frames = np.random.default_rng(0).poisson(10.0, (2, 100, 100))
    >>> frames[1, 40:43, 30:73:20] += 60
    >>> count_spots(frames)
    array([0, 3])
    """
    count = SpotCountStep()
    return count_in_frames(X, count, function="count_spots", of_one_frame="find_spots")


@dataclass(frozen=True)
class SpotCountStep(PeakStep):
    """Turns a frame into the number of its spots: a step that `Frames.append` takes.

    It stays on the processor: lines, rings and areas without data are told from the whole frame.
    """

    settings: PeakSettings = SETTINGS
    bright: ClassVar[float] = BRIGHT

    def output_shape(self, frame_shape: tuple[int, ...]) -> tuple[int, ...]:
        return (1,)

    def pixels(self, pixels: Pixels) -> Pixels:
        return without_no_data(pixels)

    def of_peaks(self, pixels: Pixels, found: Found) -> np.ndarray:
        _, is_spot, n_on_rings, n_tracks = _judge_peaks(pixels, found)
        n_spots = np.count_nonzero(is_spot)
        count = n_spots - LEAK * n_on_rings
        if n_tracks > n_spots:
            count -= LEAK_OF_TRACKS * n_tracks
        return np.array([max(round(count), 0)], np.float32)


def _judge_peaks(pixels: Pixels, found: Found) -> tuple[Peaks, np.ndarray, int, int]:
    """Return the peaks of a frame, which are spots, and how many are on rings, or tracks."""
    table, rows, columns = found
    peaks = peaks_of_table(table)
    row, snr = peaks.row, peaks.snr
    if len(row) < FEW:
        return peaks, np.ones(len(row), bool), 0, 0
    place = np.rint(table[:, :2]).astype(np.intp)
    bright = np.maximum(UPPER, SHARP_FROM / snr)
    height, line, edge = around_peaks(pixels, place[:, 0], place[:, 1], bright).T
    is_spot = line < LINE_SHARE * height
    sharp = is_spot & (edge < SHARP)
    n_on_rings = n_tracks = 0
    if sharp.any() and shared_noise(pixels) > SHARED_NOISE:
        n_tracks = int(np.count_nonzero(sharp & (peaks.n_pixels >= TRACK)))
        is_spot &= ~sharp
    if FEW <= np.count_nonzero(is_spot) <= MANY:
        is_spot &= ~on_noisy_lines(pixels, place[:, 0], place[:, 1])
    if np.count_nonzero(is_spot) >= FEW:
        ring = on_rings(pixels, SETTINGS.background_radius, rows, columns, peaks)
        n_on_rings = int(np.count_nonzero(ring))
        if n_on_rings >= max(10, 0.2 * len(ring)):
            is_spot &= height >= FAINT * np.median(height[ring])
        is_spot &= ~ring
    return peaks, is_spot, n_on_rings, n_tracks


def shared_noise(pixels: Pixels) -> float:
    """Return how much of the noise of a pixel its neighbour in the row shares, 0 to 1.

    From the differences of pixels one and five apart: a background that changes slowly cancels. The
    largest differences, which are no noise, count no more than large ones.
    """
    rows = every_nth_row(pixels, max(1, len(pixels[0]) // 64))
    near, far = np.abs(rows[:, 1:] - rows[:, :-1]), np.abs(rows[:, 5:] - rows[:, :-5])
    near, far = near[np.isfinite(near)], far[np.isfinite(far)]
    if not len(near) or not len(far):
        return 0.0
    limit = 2.5 * np.median(far) or 1.0
    apart = float(np.minimum(far, limit).mean())
    return 1.0 - (float(np.minimum(near, limit).mean()) / apart) ** 2 if apart else 0.0
