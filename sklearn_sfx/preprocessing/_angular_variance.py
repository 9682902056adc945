"""How far a frame is from round, beyond what the noise of photons makes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any, ClassVar

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from sklearn_sfx.preprocessing._base import FrameTransformer
from sklearn_sfx.preprocessing._center import find_middle
from sklearn_sfx.preprocessing._photons import RingPhotons, ring_photons
from sklearn_sfx.preprocessing._step import BaseStep

__all__ = ["AngularVariance", "angular_variance"]


class AngularVariance(FrameTransformer):
    """Turn each frame into the variance along its rings, beyond that of photons.

    Light that is round varies along a ring as the counts of photons do, whose variance is their
    mean. The fringes of several particles, and shapes with edges, vary more. Summed over all rings,
    the variance beyond the mean is divided by the photons: the index of dispersion less 1.

    Parameters
    ----------
    photon : float, default=1.0
        What one photon adds to a pixel, in the units of the frames. Pixels of half a photon or less
        count as dark.
    center : {"frame", "beam"} or (float, float), default="frame"
        The middle of the rings, as for `RadialProfile`.
    width : float, default=1.0
        Width of a ring, in pixels. What falls off within a ring varies in it too, so rings are not
        to be wide.

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
    RadialProfile : The variance of each ring by itself, in the units of the frames.
    SphereFit : How far the rings are from those of a sphere.

    References
    ----------
    .. [1] Bobkov et al., "Sorting algorithms for single-particle imaging experiments at X-ray
       free-electron lasers", J. Synchrotron Rad. 22, 1345 (2015).
    .. [2] Fisher, Thornton and Mackenzie, "The accuracy of the plating method of estimating the
       density of bacterial populations", Ann. Appl. Biol. 9, 325 (1922): the index of dispersion.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_sfx.preprocessing import AngularVariance
    >>> rng = np.random.default_rng(0)
    >>> columns = np.arange(64)
    >>> fringes = 5 * (1 + np.cos(columns / 3)) * np.ones((64, 1))
    >>> frames = np.stack([rng.poisson(5, (64, 64)), rng.poisson(fringes)])
    >>> AngularVariance().fit_transform(frames).round()
    array([[-0.],
           [ 2.]], dtype=float32)
    >>> AngularVariance().fit(frames).get_feature_names_out()
    array(['angular_variance'], dtype=object)
    """

    _parameter_constraints: ClassVar[dict] = {
        "photon": [Interval(Real, 0, None, closed="neither")],
        "center": [StrOptions({"frame", "beam"}), "array-like"],
        "width": [Interval(Real, 0, None, closed="neither")],
    }

    _value_names = ("angular_variance",)

    def __init__(
        self,
        *,
        photon: float = 1.0,
        center: str | Sequence[float] | np.ndarray = "frame",
        width: float = 1.0,
    ):
        self.photon = photon
        self.center = center
        self.width = width

    def _learn(self, X: Any) -> None:
        self.center_ = find_middle(self, X)

    def _make_step(self) -> AngularVarianceStep:
        return AngularVarianceStep(float(self.photon), self.center_, float(self.width))


@dataclass(frozen=True)
class AngularVarianceStep(BaseStep):
    """What `AngularVariance` does to one frame."""

    photon: float
    center: tuple[float, float]
    width: float

    @property
    def description(self) -> str:
        """Units and middle are others on each detector: the value means the same."""
        return f"AngularVariance(width={self.width})"

    def output_shape(self, frame_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return one, whatever the shape of the frames."""
        return (1,)

    def __call__(self, frame: np.ndarray, usable: np.ndarray | None = None) -> np.ndarray:
        """Run on one frame (h, w); float32."""
        light = ring_photons(frame, usable, self.photon, self.center, self.width)
        return np.array([angular_variance(light)], np.float32)


def angular_variance(light: RingPhotons) -> float:
    """Return the variance along the rings beyond that of photons, over the photons."""
    rings, photons, good, count, total = light
    n = np.maximum(count, 1)
    of_photons = (total * (1 - 1 / n)).sum()  # a mean is nearer to its own values
    beyond = ((photons - (total / n)[rings])[good] ** 2).sum() - of_photons
    return float(beyond / max(total.sum(), 1.0))
