"""The sphere that scatters most like what a frame shows: its size, and how well it fits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from numbers import Real
from typing import Any, ClassVar

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from sklearn_sfx.exceptions import InputError
from sklearn_sfx.preprocessing._base import FrameTransformer
from sklearn_sfx.preprocessing._center import find_middle
from sklearn_sfx.preprocessing._photons import RingPhotons, ring_photons
from sklearn_sfx.preprocessing._radial_rings import find_rings
from sklearn_sfx.preprocessing._step import BaseStep

__all__ = ["NAMES", "SphereFit", "SphereFitStep", "fit_sphere"]

NAMES = ("diameter", "intensity", "background", "misfit", "explained")
FINEST = 4.0  # rings to the finest fringe that is looked for
STEP = 0.01  # from one diameter that is tried to the next, relative
FEWEST = 3  # rings with a usable pixel that a fit takes


class SphereFit(FrameTransformer):
    """Turn each frame into the size of the sphere that fits it, and how well it does.

    One particle, whatever its orientation, scatters much like the sphere of its volume: its rings
    lie where its size says. The waves of several particles add up to fringes that no sphere has,
    and droplets and shards are of another size. So a frame with one particle has a diameter that is
    known and a small misfit. To the mean of each ring, in photons, the form factor of a sphere and
    an even background are fitted by least squares, weighted by the photons' own noise; of many
    diameters the one is taken that fits best.

    Parameters
    ----------
    photon : float, default=1.0
        What one photon adds to a pixel, in the units of the frames. Pixels of half a photon or less
        count as dark.
    center : {"frame", "beam"} or (float, float), default="frame"
        The middle of the rings, as for `RadialProfile`.
    width : float, default=1.0
        Width of a ring, in pixels.
    scale : float, default=1.0
        The diameter whose fringes are one pixel apart, in whatever unit diameters are to have:
        ``wavelength * distance / pixel_size``. Divided by the diameter of the particles that are
        looked for, it makes them 1, and those of another experiment too. By default a diameter is
        in fringes per pixel.

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
        In `fit`, if it is not known where the beam is, or if frames are too small for fringes of
        four rings; later, if frames are of another shape.

    See Also
    --------
    AngularVariance : How far a frame is from round.
    RadialSpectrum : The same size as a peak of a spectrum, without a model.

    Notes
    -----
    Five values come out. "diameter"; "intensity", photons per pixel that the sphere would scatter
    forward; "background", photons per pixel; "misfit", the mean over the rings of the squared
    residual over its variance, about 1 where a sphere and photons are all there is; "explained",
    which share of what an even frame leaves unexplained the sphere explains. All are 0 where there
    is no light. Small angles are assumed: q is proportional to the radius.

    References
    ----------
    .. [1] Hantke et al., "High-throughput imaging of heterogeneous cell organelles with an X-ray
       laser", Nature Photonics 8, 943 (2014): particles sized by the spheres that fit.
    .. [2] Daurer et al., "Hummingbird: monitoring and analyzing flash X-ray imaging experiments in
       real time", J. Appl. Cryst. 49, 1042 (2016).
    .. [3] Guinier and Fournet, "Small-angle scattering of X-rays" (1955): the form factor.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_sfx.preprocessing import SphereFit
    >>> rows, columns = np.mgrid[-63.5:64, -63.5:64]
    >>> x = np.pi * np.hypot(rows, columns) / 20  # fringes of 20 pixels
    >>> frame = 1000 * (3 * (np.sin(x) - x * np.cos(x)) / x**3) ** 2
    >>> sphere = SphereFit(scale=1400.0)  # 1400 nm would have fringes of a pixel
    >>> found = sphere.fit_transform(frame[None])
    >>> found.shape, float(found[0, 0].round())  # nm
    ((1, 5), 70.0)
    >>> sphere.get_feature_names_out().tolist()
    ['diameter', 'intensity', 'background', 'misfit', 'explained']
    """

    _parameter_constraints: ClassVar[dict] = {
        "photon": [Interval(Real, 0, None, closed="neither")],
        "center": [StrOptions({"frame", "beam"}), "array-like"],
        "width": [Interval(Real, 0, None, closed="neither")],
        "scale": [Interval(Real, 0, None, closed="neither")],
    }

    _value_names = NAMES

    def __init__(
        self,
        *,
        photon: float = 1.0,
        center: str | Sequence[float] | np.ndarray = "frame",
        width: float = 1.0,
        scale: float = 1.0,
    ):
        self.photon = photon
        self.center = center
        self.width = width
        self.scale = scale

    def _learn(self, X: Any) -> None:
        self.center_ = find_middle(self, X)

    def _make_step(self) -> SphereFitStep:
        return SphereFitStep(float(self.photon), self.center_, float(self.width), float(self.scale))


@dataclass(frozen=True)
class SphereFitStep(BaseStep):
    """What `SphereFit` does to one frame."""

    photon: float
    center: tuple[float, float]
    width: float
    scale: float

    @property
    def description(self) -> str:
        """Units, middle and scale are others on each detector: the values mean the same."""
        return f"SphereFit(width={self.width})"

    def output_shape(self, frame_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return five, and refuse frames that are too small."""
        n_rings = int(find_rings(tuple(frame_shape), self.center, self.width).max()) + 1
        if n_rings < 2 * FINEST:
            raise InputError(
                f"SphereFit looks for fringes of {FINEST:g} rings or more, and in frames of "
                f"{frame_shape[0]} x {frame_shape[1]} there are {n_rings} rings: give a smaller "
                "width, or larger frames."
            )
        return (len(NAMES),)

    def __call__(self, frame: np.ndarray, usable: np.ndarray | None = None) -> np.ndarray:
        """Run on one frame (h, w); float32."""
        light = ring_photons(frame, usable, self.photon, self.center, self.width)
        return fit_sphere(light, self.width, self.scale)


def fit_sphere(light: RingPhotons, width: float, scale: float) -> np.ndarray:
    """Return the five values of `NAMES`, float32, of rings so many pixels wide."""
    known = light.n_good > 0
    if known.sum() < FEWEST or not light.total.any():
        return np.zeros(len(NAMES), np.float32)
    count, total = light.n_good[known], light.total[known]
    weight = count**2 / (total + 1)  # over the variance of the mean, of photons
    spacings, shapes = _spheres(len(known), width)
    shapes, mean = shapes[:, known], total / count
    sums = shapes @ weight, (shapes**2) @ weight, shapes @ (weight * mean)
    misfit, intensity, background = _fits(*sums, weight, mean)
    best = int(misfit.argmin())
    beside, least = _least(misfit, best)
    even = _even(weight, mean)
    found = (
        scale / (spacings[best] * np.exp(STEP * beside)),
        intensity[best],
        background[best],
        least / max(len(mean) - FEWEST, 1),
        1 - least / even if even > 0 else 0.0,
    )
    return np.array(found, np.float32)


def _fits(
    of_shape: np.ndarray,
    of_square: np.ndarray,
    of_product: np.ndarray,
    weight: np.ndarray,
    mean: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return what is left, the intensity and the background of each sphere's best fit.

    The first three are weighted sums over the rings of the shape of each sphere, of its square, and
    of its product with the mean. A sphere that would have to be dark is left out of its own fit.
    """
    n, of_mean = weight.sum(), weight @ mean
    spread = of_square * n - of_shape**2
    intensity = np.maximum(of_product * n - of_shape * of_mean, 0) / np.maximum(spread, 1e-300)
    background = (of_mean - intensity * of_shape) / n
    explained = intensity**2 * spread / n
    return np.maximum(_even(weight, mean) - explained, 0), intensity, background


def _even(weight: np.ndarray, mean: np.ndarray) -> float:
    """Return what an even background leaves."""
    return float(weight @ (mean - np.average(mean, weights=weight)) ** 2)


def _least(misfit: np.ndarray, best: int) -> tuple[float, float]:
    """Return where the least of a parabola is, in steps from the best, and what it is there."""
    if not 0 < best < len(misfit) - 1:
        return 0.0, float(misfit[best])
    before, least, after = misfit[best - 1 : best + 2]
    slope, curvature = (after - before) / 2, before - 2 * least + after
    if curvature <= 0:
        return 0.0, float(least)
    return float(-slope / curvature), max(float(least - slope**2 / (2 * curvature)), 0.0)


@lru_cache(maxsize=8)
def _spheres(n_rings: int, width: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the spacings of fringes that are tried, in pixels, and the intensity by ring."""
    finest, widest = FINEST * width, n_rings * width / 2
    spacings = finest * np.exp(STEP * np.arange(max(np.log(widest / finest) / STEP, 1)))
    x = np.maximum(np.pi * width * np.arange(n_rings) / spacings[:, None], 1e-3)
    shapes = (3 * (np.sin(x) - x * np.cos(x)) / x**3) ** 2
    for kept in (spacings, shapes):
        kept.flags.writeable = False
    return spacings, shapes
