"""The classical hit finder: a frame with many peaks is a hit."""

from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils._param_validation import Interval

from sklearn_sfx.classifiers._count import CountClassifier, threshold_and_slope
from sklearn_sfx.classifiers._simulated_peaks import simulated_peaks
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.preprocessing import PeakStep, count_peaks, peak_count_step

__all__ = ["PeakCountClassifier"]


class PeakCountClassifier(CountClassifier):
    """Count the peaks above a local signal-to-noise, and call a frame with many of them a hit.

    This is how hit finders decide today: the baseline for every other classifier. It reads raw
    counts; mask them, but do not normalize them. `count_peaks` counts, and `fit` learns how many
    peaks make a hit, by the rule of `best_count`: from labelled frames or, without labels, from the
    2560 simulated ones that come with the package.

    Parameters
    ----------
    min_snr : float, default=5.0
        Height of the highest pixel of a peak above the local background, over the local noise. The
        other pixels of the peak reach 0.7 of it.
    min_pixels, max_pixels : int, default=2 and 200
        Fewest and most pixels of a peak.
    background_radius : int, default=8
        The background is taken from the square that reaches this many pixels to each side.
    noise_floor : float, default=1.0
        Added in quadrature to the local noise, in the units of the frames: one photon on a
        photon-counting detector, so that two counts in an empty corner are no peak. On an
        integrating detector with a noise of many units it has no effect. Lower it for frames in
        small units.

    Attributes
    ----------
    classes_ : ndarray of shape (2,)
        The labels, sorted, of the dtype of y; 0 and 1 without labels.
    hit_class_ : label
        The class whose frames have more peaks; 1 without labels.
    threshold_ : int
        A frame with this many peaks, or more, is a hit.
    slope_ : float
        How steeply the probability rises with the logarithm of the count.
    n_features_in_ : int
        Height of the frames seen in `fit`.
    frame_shape_in_ : tuple of int
        (height, width) of the frames seen in `fit`.

    See Also
    --------
    count_peaks : The counts alone.
    PeakHeightClassifier : Looks at how high the peaks are, too.

    References
    ----------
    .. [1] Barty et al., "Cheetah: software for high-throughput reduction and analysis of serial
       femtosecond X-ray diffraction data", J. Appl. Cryst. 47, 1118 (2014): hit finding by the
       number of peaks.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_sfx import PeakCountClassifier
    >>> rng = np.random.default_rng(0)
    >>> frames = rng.poisson(3.0, (20, 64, 64))
    >>> labels = np.repeat(["miss", "hit"], 10)
    >>> frames[10:, 10::20, 10::20] += 50
    >>> frames[10:, 11::20, 10::20] += 50
    >>> model = PeakCountClassifier().fit(frames, labels)
    >>> model.count_peaks(frames[[0, 10]]).tolist(), model.threshold_, str(model.hit_class_)
    ([0, 9], 1, 'hit')
    >>> model.predict(frames[[0, 10]]).tolist(), model.predict_proba(frames).shape
    (['miss', 'hit'], (20, 2))
    >>> PeakCountClassifier().fit(frames).predict(frames[[0, 10]])  # no label is needed
    array([0, 1])
    >>> PeakCountClassifier().fit(frames).decision_function(frames[[0, 10]]) > 0
    array([False,  True])
    """

    _parameter_constraints: ClassVar[dict] = {
        "min_snr": [Interval(Real, 0, None, closed="neither")],
        "min_pixels": [Interval(Integral, 1, None, closed="left")],
        "max_pixels": [Interval(Integral, 1, None, closed="left")],
        "background_radius": [Interval(Integral, 4, None, closed="left")],
        "noise_floor": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        *,
        min_snr: float = 5.0,
        min_pixels: int = 2,
        max_pixels: int = 200,
        background_radius: int = 8,
        noise_floor: float = 1.0,
    ):
        self.min_snr = min_snr
        self.min_pixels = min_pixels
        self.max_pixels = max_pixels
        self.background_radius = background_radius
        self.noise_floor = noise_floor

    def _without_labels(self) -> tuple[int, float]:
        defaults = type(self)().get_params()
        changed = [f"{k}={v}" for k, v in self.get_params().items() if v != defaults[k]]
        if changed:
            raise InputError(
                f"{type(self).__name__}({', '.join(changed)}): without labels it learns from "
                "simulated frames whose peaks were counted with the default parameters: leave them "
                "as they are, or give labels."
            )
        _, is_hit, counts = simulated_peaks()
        return threshold_and_slope(counts, is_hit)

    def count_peaks(self, X: ArrayLike) -> np.ndarray:
        """Return the number of peaks of each frame, as `preprocessing.count_peaks` does.

        Parameters
        ----------
        X : array-like or Frames, shape (n, height, width)
            Of the shape seen in `fit`. `Frames` are read frame by frame.

        Returns
        -------
        counts : ndarray of int64, shape (n,)
            How many pixel groups in each frame are peaks by the parameters.

        Raises
        ------
        InputError
            X is not made of frames, or is of another shape than in `fit`.
        """
        return self._checked_count(X)

    def _find(self, X: Any) -> np.ndarray:
        """Return the number of peaks of each frame, (n,) int64."""
        return count_peaks(X, **self.get_params())

    def _step(self) -> PeakStep:
        return peak_count_step(**self.get_params())
