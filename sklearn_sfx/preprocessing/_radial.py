"""How the light of a frame falls off around the beam."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any, ClassVar

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from sklearn_sfx.exceptions import InputError
from sklearn_sfx.preprocessing._base import FrameTransformer
from sklearn_sfx.preprocessing._center import find_middle
from sklearn_sfx.preprocessing._radial_rings import find_rings, ring_sums
from sklearn_sfx.preprocessing._step import BaseStep

__all__ = ["RadialProfile", "RadialSpectrum"]


class RadialProfile(FrameTransformer):
    """Turn each frame into one number for each ring around the beam.

    The mean over a ring shows the size of a particle, by the rings of its form factor. The variance
    along it shows how far a pattern is from round: several particles at once, and shapes with
    edges, are uneven where one round particle, a droplet or gas are even.

    Parameters
    ----------
    center : {"frame", "beam"} or (float, float), default="frame"
        The middle of the rings: that of the frame; where the beam meets it, as the `Frames` seen in
        `fit` say (``Frames.beam_center``); or a row and a column, in pixels from the centre of the
        first one.
    width : float, default=1.0
        Width of a ring, in pixels.
    statistic : {"mean", "variance"}, default="mean"
        What is taken of the usable pixels of a ring. A ring without any is given the value of the
        nearest that has some; a frame without any gives zeros.

    Attributes
    ----------
    center_ : (float, float)
        Row and column of the middle.
    frame_shape_in_ : tuple of int
        Shape of the frames seen in `fit`: (height, width), in pixels.
    n_features_in_ : int
        ``X.shape[1]`` of the X seen in `fit`.

    Raises
    ------
    InputError
        In `fit`, if it is not known where the beam is; later, if frames are of another shape.

    See Also
    --------
    RadialSpectrum : The rings of a profile as a spectrum.
    LitPixels : How much light there is, and not where.

    References
    ----------
    .. [1] Bobkov et al., "Sorting algorithms for single-particle imaging experiments at X-ray
       free-electron lasers", J. Synchrotron Rad. 22, 1345 (2015).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_sfx.preprocessing import RadialProfile
    >>> frames = np.array([[[4, 2, 4], [2, 9, 2], [4, 2, 8]]])
    >>> RadialProfile().fit_transform(frames)
    array([[9.  , 3.5]], dtype=float32)
    >>> RadialProfile(statistic="variance").fit(frames).get_feature_names_out()
    array(['ring0', 'ring1'], dtype=object)
    """

    _parameter_constraints: ClassVar[dict] = {
        "center": [StrOptions({"frame", "beam"}), "array-like"],
        "width": [Interval(Real, 0, None, closed="neither")],
        "statistic": [StrOptions({"mean", "variance"})],
    }
    _value_names = "ring"

    def __init__(
        self,
        *,
        center: str | Sequence[float] | np.ndarray = "frame",
        width: float = 1.0,
        statistic: str = "mean",
    ):
        self.center = center
        self.width = width
        self.statistic = statistic

    def _learn(self, X: Any) -> None:
        self.center_ = find_middle(self, X)

    def _make_step(self) -> RadialProfileStep:
        return RadialProfileStep(self.center_, float(self.width), self.statistic)


@dataclass(frozen=True)
class RadialProfileStep(BaseStep):
    """What `RadialProfile` does to one frame."""

    center: tuple[float, float]
    width: float
    statistic: str

    @property
    def description(self) -> str:
        """Where the middle is differs from detector to detector, and does not matter."""
        return f"RadialProfile(width={self.width}, statistic={self.statistic!r})"

    def output_shape(self, frame_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the number of rings."""
        return (int(find_rings(tuple(frame_shape), self.center, self.width).max()) + 1,)

    def __call__(self, frame: np.ndarray, usable: np.ndarray | None = None) -> np.ndarray:
        """Run on one frame (h, w); float32."""
        rings = find_rings(frame.shape, self.center, self.width)
        values = frame.astype(np.float64)
        good = np.isfinite(values)
        if usable is not None:
            good &= usable
        count, total = ring_sums(rings, good, values)
        many = np.maximum(count, 1)
        found = total / many
        if self.statistic == "variance":
            found = ring_sums(rings, good, (values - found[rings]) ** 2)[1] / many
        return _filled(found, count > 0).astype(np.float32)


class RadialSpectrum(FrameTransformer):
    """Turn radial profiles into the power spectrum of their rings.

    The rings of one particle are evenly spaced, at 2 pi over its diameter, so the spectrum has a
    peak whose place is the size of the particle, whatever its brightness: at ``diameter *
    pixel_size / (wavelength * distance)`` cycles per ring. It is taken of the logarithm of the
    profile, of which a straight line is removed, in a Hann window.

    Attributes
    ----------
    frame_shape_in_ : tuple of int
        Shape of the profiles seen in `fit`: (n_rings,).
    n_features_in_ : int
        Number of rings of the profiles seen in `fit`.

    Raises
    ------
    InputError
        If X holds frames, not profiles, or profiles of another length than in `fit`.

    See Also
    --------
    RadialProfile : Makes such profiles of frames.

    References
    ----------
    .. [1] Guinier and Fournet, "Small-angle scattering of X-rays" (1955): the rings of spheres.
    .. [2] Welch, "The use of fast Fourier transform for the estimation of power spectra", IEEE
       Trans. Audio Electroacoust. 15, 70 (1967).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_sfx.preprocessing import RadialSpectrum
    >>> profile = np.exp(np.cos(2 * np.pi * np.arange(64) / 8))  # a ring every 8 pixels
    >>> spectrum = RadialSpectrum().fit_transform(profile[None])
    >>> spectrum.shape, int(spectrum[0].argmax())  # 64 / 8
    ((1, 33), 8)
    >>> RadialSpectrum().fit(profile[None]).get_feature_names_out()[:2]
    array(['cycles0', 'cycles1'], dtype=object)
    """

    _reads_signals = True
    _value_names = "cycles"

    def _make_step(self) -> RadialSpectrumStep:
        return RadialSpectrumStep()


@dataclass(frozen=True)
class RadialSpectrumStep(BaseStep):
    """What `RadialSpectrum` does to one profile."""

    def output_shape(self, frame_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the number of frequencies, and refuse frames."""
        if len(frame_shape) != 1:
            raise InputError(
                "RadialSpectrum reads profiles, (n_frames, n_rings), and these are frames: put "
                "RadialProfile before it."
            )
        return (frame_shape[0] // 2 + 1,)

    def __call__(self, frame: np.ndarray, usable: np.ndarray | None = None) -> np.ndarray:
        """Run on one profile (n_rings,); float32."""
        level = np.log1p(np.maximum(np.nan_to_num(frame.astype(np.float64)), 0))
        place = np.arange(len(level)) - (len(level) - 1) / 2
        level = level - level.mean()
        level -= place * (place @ level) / max(place @ place, 1.0)
        power = np.abs(np.fft.rfft(level * np.hanning(len(level)))) ** 2
        return np.log1p(power).astype(np.float32)


def _filled(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Give rings without a usable pixel the value of the nearest that has some."""
    if known.all() or not known.any():
        return values
    places, unknown = np.flatnonzero(known), np.flatnonzero(~known)
    after = np.minimum(np.searchsorted(places, unknown), len(places) - 1)
    before = np.maximum(after - 1, 0)
    nearer = unknown - places[before] < np.abs(places[after] - unknown)
    filled = values.copy()
    filled[unknown] = values[places[np.where(nearer, before, after)]]
    return filled
