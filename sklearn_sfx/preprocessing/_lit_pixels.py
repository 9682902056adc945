"""How many pixels of a frame are lit, and how many photons they hold."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real
from typing import ClassVar

import numpy as np
from sklearn.utils._param_validation import Interval

from sklearn_sfx.preprocessing._base import FrameTransformer
from sklearn_sfx.preprocessing._step import BaseStep

__all__ = ["LitPixels"]


class LitPixels(FrameTransformer):
    """Turn each frame into the number of its lit pixels and of the photons in them.

    These two are the hit finders of single-particle imaging, where hits have no spots: a particle
    in the beam lights many pixels. A threshold on either is to be set for each experiment; a
    classifier on both learns it.

    Parameters
    ----------
    threshold : float, default=0.5
        A pixel is lit where it holds more than so many photons.
    photon : float, default=1.0
        What one photon adds to a pixel, in the units of the frames.

    Attributes
    ----------
    frame_shape_in_ : tuple of int
        Shape of the frames seen in `fit`: (height, width), in pixels.
    n_features_in_ : int
        ``X.shape[1]`` of the X seen in `fit`.

    Raises
    ------
    InputError
        If frames are of another shape than in `fit`.

    See Also
    --------
    RadialProfile : How the photons lie around the beam.

    References
    ----------
    .. [1] Daurer et al., "Hummingbird: monitoring and analyzing flash X-ray imaging experiments in
       real time", J. Appl. Cryst. 49, 1042 (2016): counting of lit pixels and of photons.
    .. [2] Barty et al., "Cheetah: software for high-throughput reduction and analysis of serial
       femtosecond X-ray diffraction data", J. Appl. Cryst. 47, 1118 (2014).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_sfx.preprocessing import LitPixels
    >>> frames = np.array([[[0, 12], [30, 4]]])
    >>> LitPixels(threshold=0.7, photon=10.0).fit_transform(frames)
    array([[2. , 4.2]], dtype=float32)
    >>> LitPixels().fit(frames).get_feature_names_out()
    array(['lit_pixels', 'photons'], dtype=object)
    """

    _parameter_constraints: ClassVar[dict] = {
        "threshold": [Interval(Real, 0, None, closed="left")],
        "photon": [Interval(Real, 0, None, closed="neither")],
    }

    _value_names = ("lit_pixels", "photons")

    def __init__(self, *, threshold: float = 0.5, photon: float = 1.0):
        self.threshold = threshold
        self.photon = photon

    def _make_step(self) -> LitPixelsStep:
        return LitPixelsStep(float(self.threshold), float(self.photon))


@dataclass(frozen=True)
class LitPixelsStep(BaseStep):
    """What `LitPixels` does to one frame."""

    threshold: float
    photon: float

    def output_shape(self, frame_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return two, whatever the shape of the frames."""
        return (2,)

    def __call__(self, frame: np.ndarray, usable: np.ndarray | None = None) -> np.ndarray:
        """Run on one frame (h, w); float32."""
        lit = frame > self.threshold * self.photon  # NaN is not
        if usable is not None:
            lit &= usable
        photons = frame[lit].sum(dtype=np.float64) / self.photon
        return np.array([np.count_nonzero(lit), photons], np.float32)
