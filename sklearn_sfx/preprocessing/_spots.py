"""The peaks of a frame that look like Bragg spots, and how many there are."""

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from sklearn_sfx.preprocessing._counting import checked_frame, count_in_frames
from sklearn_sfx.preprocessing._lone_pixels import are_photons, not_by_chance, not_in_lines
from sklearn_sfx.preprocessing._no_data import without_no_data
from sklearn_sfx.preprocessing._noisy_lines import on_noisy_lines
from sklearn_sfx.preprocessing._peak_kernels import Found, find_all
from sklearn_sfx.preprocessing._peak_pixels import Pixels, pixels_of
from sklearn_sfx.preprocessing._peak_step import PeakSettings, PeakStep
from sklearn_sfx.preprocessing._peaks import Peaks, peaks_of_table
from sklearn_sfx.preprocessing._rings import BRIGHT, on_rings
from sklearn_sfx.preprocessing._shared_noise import shared_noise
from sklearn_sfx.preprocessing._spot_kernels import around_peaks

__all__ = ["count_spots", "find_spots"]

SETTINGS = PeakSettings(
    min_snr=6.0,
    min_pixels=1,  # which is no spot, but says what two of them are
    max_pixels=200,
    background_radius=8,
    noise_floor=1.0,  # one photon on a counting detector
)
LINE_SHARE = 0.25  # of its height; a peak is part of a line that reaches this
SHARED_NOISE = 0.3  # correlation of neighbours from which light spreads over more than one pixel
SHARP = 0.02  # light that spreads gives the pixel beside a bright one more than this share of it
SHARP_FROM = 12.0  # signal-to-noise of a pixel from which that can be told
UPPER = 0.6  # of the height of a peak; lower pixels of it are too faint to tell
WIDE = 3  # pixels of one value, and none between that and the rest: a wide pixel, a bad line
FEW = 4  # peaks that are left to be a MAYBE; with fewer the rings make no difference
MANY = 400  # more than a few noisy rows and columns have
FAINT = 0.5  # of the median height of the peaks on rings; fainter ones may be of rings too
TRACK = 3  # pixels of a cosmic ray at a slant; others of the kind look like spots
LEAK, LEAK_OF_TRACKS = 0.1, 0.33  # for each peak on a ring, each track, so many pass for a spot


def find_spots(frame: ArrayLike) -> Peaks:
    """Find the peaks of one frame that look like Bragg spots.

    Of the peaks that `find_peaks` finds from a signal-to-noise of 6, those are left out that have
    another explanation, each by what is seen in the frame itself:

    * a line of pixels through the peak stands out as well: a streak, the edge of a shadow or
      module, a bad row or column, a strong ring;
    * the pixels of its row or column vary more there than those beside it: a noisy one;
    * there are bright pixels at its distance from the centre all around, and not just inside and
      outside of that: a powder ring, of ice for one. The centre is found from the frame;
    * rings have peaks, and it is fainter than those;
    * the noise of neighbours shows that light spreads over several pixels, and the peak has an edge
      that is sharper: a cosmic ray, a hot pixel;
    * all its pixels have one value: a wide pixel at the rim of a chip, whose count was shared out;
    * bright pixels that stand alone are so many that as many peaks of two, as low as they, may be
      expected by chance: hot pixels, or photons on a detector that integrates their charge. The
      highest ones that are more than that are kept.

    Areas without data, such as gaps and what lies outside a round sensor, are told by a value that
    fills them without anything in between, dead pixels by a value far below all others; they take
    no part.

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

    Notes
    -----
    A spot has two pixels or more, and a width at half its height of seven pixels or less: the
    background is taken from 17 x 17. Sum up the pixels of frames with wider spots by 2 x 2 first.

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
    judged = _judge_peaks(pixels, find_all(pixels, [SETTINGS], BRIGHT)[0])
    return Peaks(*(field[judged.is_spot] for field in judged.peaks))


def count_spots(X: Any) -> np.ndarray:
    """Count the Bragg spots of each frame, as `find_spots` finds them; no label plays a part in it.

    A tenth of the peaks on rings is taken from the count, since of hundreds of grains of a powder a
    few lie beside its rings, or are taken for spots. So is a third of the tracks of cosmic rays
    where they are more than the spots: of many at a slant some are as soft as a spot. And so are as
    many as lone bright pixels may make by chance.

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
        judged = _judge_peaks(pixels, found)
        n_spots = np.count_nonzero(judged.is_spot)
        count = n_spots - LEAK * judged.n_on_rings - judged.n_by_chance
        if judged.n_tracks > n_spots:
            count -= LEAK_OF_TRACKS * judged.n_tracks
        return np.array([max(round(count), 0)], np.float32)


class Judged(NamedTuple):
    """The peaks of a frame, and what they are.

    ``is_spot`` is a bool for each. ``n_on_rings`` and ``n_tracks`` are how many are on rings and
    tracks of cosmic rays; ``n_by_chance`` how many of the spots may be lone pixels side by side.
    """

    peaks: Peaks
    is_spot: np.ndarray
    n_on_rings: int = 0
    n_tracks: int = 0
    n_by_chance: float = 0.0


def _judge_peaks(pixels: Pixels, found: Found) -> Judged:
    """Say what the peaks of a frame are; those of one pixel only tell of the others."""
    table, rows, columns = found
    is_lone = table[:, 2] == 1
    lone = not_in_lines(peaks_of_table(table[is_lone]), pixels[0].shape)
    table = table[~is_lone]
    peaks = peaks_of_table(table)
    if len(table) < FEW:
        return Judged(peaks, np.ones(len(table), bool))
    place = np.rint(table[:, :2]).astype(np.intp)
    bright = np.maximum(UPPER, SHARP_FROM / peaks.snr)
    height, line, edge, equals, in_row, value = around_peaks(
        pixels, place[:, 0], place[:, 1], bright
    ).T
    sharp = edge < SHARP
    is_spot = line < LINE_SHARE * height
    is_wide = (equals >= WIDE) & (sharp | (equals >= peaks.n_pixels))
    is_spot &= ~is_wide | ((value == value.max()) & (in_row < equals))  # saturated, and no line
    photons = are_photons(pixels, lone, peaks)
    is_spot &= ~photons
    sharp &= is_spot
    n_on_rings = n_tracks = 0
    if not (sharp.any() and shared_noise(pixels, rows, columns) > SHARED_NOISE):
        sharp[:] = False
    if FEW <= np.count_nonzero(is_spot) <= MANY:
        left = np.flatnonzero(is_spot)
        noisy = on_noisy_lines(pixels, place[left, 0], place[left, 1], height[left])
        is_spot[left[noisy]] = False
    n_tracks = int(np.count_nonzero(is_spot & sharp & (peaks.n_pixels >= TRACK)))
    is_spot &= ~sharp
    if np.count_nonzero(is_spot) >= FEW:
        ring = on_rings(pixels, SETTINGS.background_radius, rows, columns, peaks)
        n_on_rings = int(np.count_nonzero(ring))
        if n_on_rings >= max(10, 0.2 * len(ring)):
            is_spot &= height >= FAINT * np.median(height[ring])
        is_spot &= ~ring
    left = np.flatnonzero(is_spot)
    some = Peaks(*(field[left] for field in peaks))
    kept, n_by_chance = not_by_chance(
        pixels, lone, some, height[left], (rows, columns), of_photons=bool(photons.any())
    )
    is_spot[left[~kept]] = False
    return Judged(peaks, is_spot, n_on_rings, n_tracks, n_by_chance)
