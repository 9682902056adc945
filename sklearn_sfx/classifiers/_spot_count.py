"""The hit finder that needs nothing: no labels, no training, no settings."""

from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from sklearn_sfx.classifiers._count import MAX_SLOPE, CountClassifier
from sklearn_sfx.preprocessing import PeakStep, SpotCountStep, count_spots

__all__ = ["SpotCountClassifier"]

# Between the fewest spots that a person calls MAYBE, four, and the fewest of a HIT, ten. On real
# frames of ten detectors two were left, at the most, of powder rings, cosmic rays, bad columns.
SPOTS_OF_A_HIT = 6


class SpotCountClassifier(CountClassifier):
    """Count the Bragg spots, and call a frame with six or more a hit.

    `count_spots` counts what looks like a spot in the frame itself: not what belongs to a ring, a
    line or a cosmic ray. So it needs no labels, no training and no settings, one frame is enough,
    and frames may be of any shape. It reads raw counts of whole frames; do not normalize them.
    With labels `fit` learns how many spots make a hit for you, as `PeakCountClassifier` does.

    Attributes
    ----------
    classes_ : ndarray of shape (2,)
        The labels, sorted, of the dtype of y; 0 and 1 without labels.
    hit_class_ : label
        The class whose frames have more spots; 1 without labels.
    threshold_ : int
        A frame with this many spots, or more, is a hit; 6 without labels.
    slope_ : float
        How steeply the probability rises with the logarithm of the count.
    n_features_in_ : int
        Height of the frames seen in `fit`.
    frame_shape_in_ : tuple of int
        (height, width) of the frames seen in `fit`.

    See Also
    --------
    count_spots : The counts alone.
    PeakCountClassifier : Counts everything that stands out, with settings of your own.

    Notes
    -----
    The method is this package's own: `find_spots` says what a spot is. Six lies between the most
    that was left of 268 real frames without a crystal, two, and the fewest of a real hit, 13. In
    others forty seconds of cosmic rays made 14.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_sfx import SpotCountClassifier
    >>> frames = np.random.default_rng(0).poisson(3.0, (2, 96, 96))
    >>> frames[1, 10::20, 10::20] += 50
    >>> frames[1, 11::20, 10::20] += 50
    >>> model = SpotCountClassifier().fit(frames)
    >>> model.predict(frames), model.count_spots(frames)
    (array([0, 1]), array([ 0, 25]))
    >>> model.predict_proba(frames).round(2)[:, 1]
    array([0.  , 0.98])
    >>> model.decision_function(frames) > 0
    array([False,  True])
    >>> model.score(frames, [0, 1])
    1.0
    """

    _parameter_constraints: ClassVar[dict] = {}

    def _without_labels(self) -> tuple[int, float]:
        return SPOTS_OF_A_HIT, MAX_SLOPE

    def count_spots(self, X: ArrayLike) -> np.ndarray:
        """Return the number of spots of each frame, as `preprocessing.count_spots` does.

        Parameters
        ----------
        X : array-like or Frames, shape (n, height, width)
            Of the shape seen in `fit`. `Frames` are read frame by frame.

        Returns
        -------
        counts : ndarray of int64, shape (n,)
            How many Bragg spots each frame has.

        Raises
        ------
        InputError
            X is not made of frames, or is of another shape than in `fit`.
        """
        return self._checked_count(X)

    def _find(self, X: Any) -> np.ndarray:
        """Return the number of spots of each frame, (n,) int64."""
        return count_spots(X)

    def _step(self) -> PeakStep:
        return SpotCountStep()
