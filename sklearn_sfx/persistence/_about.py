"""What a model file says of its model: of what parts it is made, and what they read."""

from typing import Any

from sklearn import config_context
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline

__all__ = ["SCREENING_MODEL", "chain", "describe", "full_name", "in_words", "plain"]

SCREENING_MODEL = "sklearn_sfx.screening._model.ScreeningModel"
WRAPPED = ("best_estimator_", "estimator_")  # a search, a threshold around a classifier


def describe(model: Any) -> dict:
    """Return its class, the steps before its last, the frame shape and the classes."""
    *before, last = chain(model, (*WRAPPED, "estimator"))
    shapes = [part.frame_shape_in_ for part in (*before, last) if hasattr(part, "frame_shape_in_")]
    classes = getattr(model, "classes_", getattr(last, "classes_", None))
    return {
        "class": full_name(model),
        "preprocessing": in_words(before),
        "frame_shape": [int(side) for side in shapes[0]] if shapes else None,
        "classes": None if classes is None else plain(classes),
    }


def chain(model: Any, wrapped: tuple[str, ...] = WRAPPED) -> list[Any]:
    """Return the estimators that frames go through, one after another.

    `wrapped` are the attributes under which a meta-estimator has the one that it is around.
    """
    if isinstance(model, Pipeline):
        steps = [step for _, step in model.steps if step is not None and step != "passthrough"]
        return [part for step in steps for part in chain(step, wrapped)] or [model]
    if full_name(model) == SCREENING_MODEL:
        return chain(model.prepare, wrapped) + chain(model.classifier, wrapped)
    if isinstance(model, FrozenEstimator):
        return chain(model.estimator, wrapped)
    for name in wrapped:
        if hasattr(model, name):
            return chain(getattr(model, name), wrapped)
    return [model]


def in_words(steps: list[Any]) -> list[str]:
    """Return each estimator as a line with all its parameters."""
    with config_context(print_changed_only=False):  # a default may be another one some day
        return [" ".join(repr(step).split()) for step in steps]


def full_name(model: Any) -> str:
    """Return the class of a model with the module it is in."""
    return f"{type(model).__module__}.{type(model).__qualname__}"


def plain(labels: Any) -> list[Any]:
    """Return labels as values that JSON knows."""
    return [label.item() if hasattr(label, "item") else label for label in labels]
