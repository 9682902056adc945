"""What tells one particle in the beam from none, several and other things, of each frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any, ClassVar

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from sklearn_sfx.preprocessing._angular_variance import angular_variance
from sklearn_sfx.preprocessing._base import FrameTransformer
from sklearn_sfx.preprocessing._center import find_middle
from sklearn_sfx.preprocessing._lit_pixels import LitPixelsStep
from sklearn_sfx.preprocessing._photons import ring_photons
from sklearn_sfx.preprocessing._sphere_fit import NAMES, SphereFitStep, fit_sphere
from sklearn_sfx.preprocessing._step import BaseStep

__all__ = ["ParticleFeatures"]

LEAST = 1e-3  # of which logarithms are taken


class ParticleFeatures(FrameTransformer):
    """Turn each frame into its lit pixels, its light, the sphere that fits it and how round it is.

    These are logarithms of the values of `LitPixels`, `SphereFit` and `AngularVariance`, of a frame
    that is read once; but the share that the sphere explains is as it is.

    Parameters
    ----------
    level : float, default=1.0
        A pixel is lit where it holds more, in the units of the frames. Light is counted in it, as
        photons are.
    center : {"frame", "beam"} or (float, float), default="frame"
        The middle of the rings, as for `RadialProfile`.
    width : float, default=1.0
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
    ((2, 8), array([0.  , 4.17], dtype=float32))
    >>> ParticleFeatures().fit(frames).get_feature_names_out()[[0, -1]].tolist()
    ['lit_pixels', 'angular_variance']
    """

    _parameter_constraints: ClassVar[dict] = {
        "level": [Interval(Real, 0, None, closed="neither")],
        "center": [StrOptions({"frame", "beam"}), "array-like"],
        "width": [Interval(Real, 0, None, closed="neither")],
    }
    _value_names = ("lit_pixels", "photons", *NAMES, "angular_variance")

    def __init__(
        self,
        *,
        level: float = 1.0,
        center: str | Sequence[float] | np.ndarray = "frame",
        width: float = 1.0,
    ):
        self.level = level
        self.center = center
        self.width = width

    def _learn(self, X: Any) -> None:
        self.center_ = find_middle(self, X)

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
        """Return how many values there are, and refuse frames that are too small."""
        SphereFitStep(self.level, self.center, self.width, 1.0).output_shape(frame_shape)
        return (len(ParticleFeatures._value_names),)

    def __call__(self, frame: np.ndarray, usable: np.ndarray | None = None) -> np.ndarray:
        """Run on one frame (h, w); float32."""
        counts = LitPixelsStep(1.0, self.level)(frame, usable)
        light = ring_photons(frame, usable, self.level, self.center, self.width)
        found = np.append(fit_sphere(light, self.width, 1.0), np.float32(angular_variance(light)))
        logs = np.log(np.maximum(found, LEAST))
        explained = NAMES.index("explained")
        logs[explained] = found[explained]
        return np.concatenate([np.log1p(np.maximum(counts, 0)), logs])
