"""What finds frames with exactly one particle, and what is said of it."""

from __future__ import annotations

from typing import Any

from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_sfx._methods import Method
from sklearn_sfx.preprocessing import ParticleFeatures

__all__ = ["Sphere", "make_single_particle_finder"]


def make_single_particle_finder(*, level: float = 1.0, center: Any = "frame") -> Pipeline:
    """Return the pipeline that tells frames with one particle from others, not yet fitted.

    Its first step makes a vector of each frame and learns nothing from others; all that follows
    learns from labels.

    Parameters
    ----------
    level : float, default=1.0
        A pixel is lit where it holds more, in the units of the frames.
    center : {"frame", "beam"} or (float, float), default="frame"
        Where the beam is, as for `RadialProfile`.

    Returns
    -------
    Pipeline
        Lit pixels, light, the sphere that fits and how round a frame is, as logarithms; and a
        logistic regression of any classes.

    Examples
    --------
    >>> from sklearn_sfx.screening import make_single_particle_finder
    >>> list(make_single_particle_finder(level=15.0).named_steps)
    ['particlefeatures', 'standardscaler', 'logisticregression']
    """
    return make_pipeline(
        ParticleFeatures(level=level, center=center),
        StandardScaler(),
        LogisticRegression(class_weight="balanced", max_iter=5000),
    )


class Sphere(Method):
    """The method of single particles, which `train_single_particles` goes by."""

    name = "sphere"
    summary = "lit pixels, light, the sphere that fits and how round the frame is"
    least_labels = 1
    least_frames = 200

    def steps(self, *, max_epochs: int | None, random_state: int | None) -> list[BaseEstimator]:
        return [step for _, step in make_single_particle_finder().steps]
