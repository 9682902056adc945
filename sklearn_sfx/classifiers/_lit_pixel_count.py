"""The hit finder of single-particle imaging: a frame with many lit pixels is a hit."""

from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from sklearn.utils._param_validation import Interval

from sklearn_sfx.classifiers._count import MAX_SLOPE, CountClassifier
from sklearn_sfx.preprocessing import BaseStep, LitPixels

__all__ = ["LitPixelCountClassifier"]


class LitPixelCountClassifier(CountClassifier):
    """Count the lit pixels, as `LitPixels` does, and call a frame with many of them a hit.

    It tells frames with something in the beam from empty ones, and not one particle from several.
    With labels `fit` learns how many make a hit.

    Parameters
    ----------
    level : float, default=0.5
        A pixel is lit where it holds more, in the units of the frames.
    count : int, default=100
        How many lit pixels make a hit without labels.

    Attributes
    ----------
    classes_ : ndarray of shape (2,)
        The labels, sorted, of the dtype of y; 0 and 1 without labels.
    hit_class_ : label
        The class whose frames have more lit pixels; 1 without labels.
    threshold_ : int
        A frame with this many lit pixels, or more, is a hit.
    slope_ : float
        How steeply the probability rises with the logarithm of the count.
    n_features_in_ : int
        Height of the frames seen in `fit`.
    frame_shape_in_ : tuple of int
        (height, width) of the frames seen in `fit`.

    References
    ----------
    .. [1] Daurer et al., "Hummingbird: monitoring and analyzing flash X-ray imaging experiments in
       real time", J. Appl. Cryst. 49, 1042 (2016).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_sfx.classifiers import LitPixelCountClassifier
    >>> frames = np.zeros((2, 32, 32))
    >>> frames[1, 8:24, 8:24] = 10
    >>> model = LitPixelCountClassifier(level=5.0, count=50).fit(frames)
    >>> model.predict(frames), model.threshold_
    (array([0, 1]), 50)
    >>> model.predict_proba(frames).round(2)[:, 1], model.decision_function(frames) > 0
    (array([0.  , 0.99]), array([False,  True]))
    >>> model.score(frames, [0, 1])
    1.0
    """

    _parameter_constraints: ClassVar[dict] = {
        "level": [Interval(Real, 0, None, closed="left")],
        "count": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(self, *, level: float = 0.5, count: int = 100):
        self.level = level
        self.count = count

    def _without_labels(self) -> tuple[int, float]:
        return int(self.count), MAX_SLOPE

    def _counting(self) -> LitPixels:
        return LitPixels(threshold=float(self.level))

    def _find(self, X: Any) -> np.ndarray:
        """Return the number of lit pixels of each frame, (n,) int64."""
        return self._as_found(np.asarray(self._counting().fit_transform(X)))

    def _step(self) -> BaseStep:
        return self._counting()._make_step()
