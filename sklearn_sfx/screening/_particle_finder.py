"""What finds frames with exactly one particle: its methods, and what is said of them."""

from __future__ import annotations

from typing import Any

from sklearn.base import BaseEstimator
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from sklearn_sfx._methods import Method
from sklearn_sfx._tasks import SINGLE_PARTICLE
from sklearn_sfx.preprocessing import ParticleFeatures
from sklearn_sfx.screening._lit_level import lit_level

__all__ = ["PARTICLE_METHODS", "Sphere", "Trees", "make_single_particle_finder", "particle_methods"]

N_TREES = 200


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
        logistic regression of any classes. Values beyond those that were learned from, as of a
        frame without any light, count as the nearest of them.

    Examples
    --------
    >>> from sklearn_sfx.screening import make_single_particle_finder
    >>> list(make_single_particle_finder(level=15.0).named_steps)
    ['particlefeatures', 'minmaxscaler', 'standardscaler', 'logisticregression']
    """
    return make_pipeline(
        ParticleFeatures(level=level, center=center),
        MinMaxScaler(clip=True),
        StandardScaler(),
        LogisticRegression(class_weight="balanced", max_iter=5000),
    )


class ByFeatures(Method):
    """A method that goes by `ParticleFeatures`.

    Parameters
    ----------
    level, center
        As for `make_single_particle_finder`.
    pos_label : label
        The class that is looked for.
    """

    least_labels = 1
    least_frames = 200

    def __init__(
        self, level: float = 1.0, center: Any = "frame", pos_label: Any = SINGLE_PARTICLE.kept
    ):
        self.level, self.center, self.pos_label = level, center, pos_label


class Sphere(ByFeatures):
    """A logistic regression, the first that `train_single_particles` tries."""

    name = "sphere"
    summary = "lit pixels, light, the sphere that fits and how round the frame is"

    def steps(self, *, max_epochs: int | None, random_state: int | None) -> list[BaseEstimator]:
        finder = make_single_particle_finder(level=self.level, center=self.center)
        return [finder[0], finder[1:]]


class Trees(ByFeatures):
    """Extremely randomized trees, which bend where a logistic regression is straight."""

    name = "trees"
    summary = "trees of lit pixels, light, the sphere that fits and how round the frame is"

    def steps(self, *, max_epochs: int | None, random_state: int | None) -> list[BaseEstimator]:
        features = ParticleFeatures(level=self.level, center=self.center)
        # No leaf of one frame: what such trees say of what they have learned from is 0 or 1.
        trees = ExtraTreesClassifier(
            N_TREES, min_samples_leaf=2, class_weight="balanced", random_state=random_state
        )
        return [features, trees]


#: By their names, the simpler one first.
PARTICLE_METHODS: dict[str, type[ByFeatures]] = {kind.name: kind for kind in (Sphere, Trees)}


def particle_methods(
    frames: Any, names: tuple[str, ...], pos_label: Any = SINGLE_PARTICLE.kept
) -> tuple[ByFeatures, ...]:
    """Return methods that tell single particles from all else, for the frames of a run.

    Parameters
    ----------
    frames : Frames or ndarray, shape (n_frames, height, width)
        Masked frames, by which it is told what lights a pixel, and whether they know the beam.
    names : tuple of str
        Those of `PARTICLE_METHODS`.
    pos_label : label
        The class that is looked for.
    """
    is_known = getattr(frames, "beam_center", None) is not None
    center = "beam" if is_known else "frame"
    level = lit_level(frames)
    return tuple(PARTICLE_METHODS[name](level, center, pos_label) for name in names)
