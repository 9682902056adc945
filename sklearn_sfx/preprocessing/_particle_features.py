"""What tells one particle in the beam from none, several and other things, of each frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any, ClassVar

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from sklearn_sfx.preprocessing._base import FrameTransformer
from sklearn_sfx.preprocessing._center import find_center
from sklearn_sfx.preprocessing._lit_pixels import LitPixelsStep
from sklearn_sfx.preprocessing._radial import RadialProfileStep, RadialSpectrumStep
from sklearn_sfx.preprocessing._step import BaseStep

__all__ = ["LIT", "ParticleFeatures"]

LIT = 5.0  # standard deviations of the noise, from which on a pixel is lit


class ParticleFeatures(FrameTransformer):
    """Turn each frame into logarithms of its lit pixels, its photons and its rings.

    These are the values of `LitPixels`, of both kinds of `RadialProfile` and of `RadialSpectrum`,
    of a frame that is read once.

    Parameters
    ----------
    level : float, default=1.0
        A pixel is lit where it holds more, in the units of the frames. A fifth of it is taken for
        the noise, in whose units the logarithms of the rings are.
    center : {"frame", "beam"} or (float, float), default="frame"
        The middle of the rings, as for `RadialProfile`.
    width : float, default=2.0
        Width of a ring, in pixels.

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

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_sfx.preprocessing import ParticleFeatures
    >>> frames = np.zeros((2, 32, 32))
    >>> frames[1, 12:20, 12:20] = 50
    >>> found = ParticleFeatures(level=5.0).fit_transform(frames)
    >>> found.shape, found[:, 0].round(2)  # log(1 + 64)
    ((2, 33), array([0.  , 4.17], dtype=float32))
    """

    _parameter_constraints: ClassVar[dict] = {
        "level": [Interval(Real, 0, None, closed="neither")],
        "center": [StrOptions({"frame", "beam"}), "array-like"],
        "width": [Interval(Real, 0, None, closed="neither")],
    }
    _value_name = "feature"

    def __init__(
        self,
        *,
        level: float = 1.0,
        center: str | Sequence[float] | np.ndarray = "frame",
        width: float = 2.0,
    ):
        self.level = level
        self.center = center
        self.width = width

    def _learn(self, X: Any) -> None:
        place = find_center(self, X)
        height, width = X.shape[1:]
        self.center_ = ((height - 1) / 2, (width - 1) / 2) if place is None else place

    def _make_step(self) -> ParticleFeaturesStep:
        return ParticleFeaturesStep(float(self.level), self.center_, float(self.width))


@dataclass(frozen=True)
class ParticleFeaturesStep(BaseStep):
    """What `ParticleFeatures` does to one frame."""

    level: float
    center: tuple[float, float]
    width: float

    @property
    def description(self) -> str:
        """Where the middle is differs from detector to detector, and does not matter."""
        return f"ParticleFeatures(level={self.level}, width={self.width})"

    def output_shape(self, frame_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return two counts, two values for each ring, and the frequencies."""
        (n_rings,) = self._rings("mean").output_shape(frame_shape)
        return (2 + 2 * n_rings + RadialSpectrumStep().output_shape((n_rings,))[0],)

    def __call__(self, frame: np.ndarray, usable: np.ndarray | None = None) -> np.ndarray:
        """Run on one frame (h, w); float32."""
        noise = self.level / LIT
        counts = LitPixelsStep(1.0, self.level)(frame, usable)
        mean = self._rings("mean")(frame, usable)
        variance = self._rings("variance")(frame, usable)
        logs = [_log(counts), _log(mean / noise), _log(variance / noise**2)]
        return np.concatenate([*logs, RadialSpectrumStep()(mean)]).astype(np.float32)

    def _rings(self, statistic: str) -> RadialProfileStep:
        return RadialProfileStep(self.center, self.width, statistic)


def _log(values: np.ndarray) -> np.ndarray:
    return np.log1p(np.maximum(np.nan_to_num(values), 0))
