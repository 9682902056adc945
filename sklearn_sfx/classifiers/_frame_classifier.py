"""What all classifiers do alike that tell hits from misses in raw frames."""

from typing import Any

from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import Tags

from sklearn_sfx._stored import Stored
from sklearn_sfx._validation import check_frames

__all__ = ["FrameClassifier"]


class FrameClassifier(Stored, ClassifierMixin, BaseEstimator):
    """A classifier of two classes that reads frames and nothing else; a base class."""

    def _check_frames(self, X: Any, reset: bool) -> Any:
        """Return X of shape (n, height, width), checked; raise `InputError` if it is no frames."""
        return check_frames(self, X, reset=reset, allow_2d=False)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        tags.input_tags.allow_nan = True
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        return tags
