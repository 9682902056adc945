"""What a model file says of its model: of what parts it is made, and what they read."""

from typing import Any

from sklearn_sfx._models import estimators, in_words

__all__ = ["describe", "plain"]


def describe(model: Any) -> dict:
    """Return its class, the steps before its last, the frame shape and the classes."""
    *before, last = estimators(model)
    while hasattr(last, "estimator"):  # fitted copies of one, as in a calibration
        *more, last = estimators(last.estimator)
        before += more
    shapes = [part.frame_shape_in_ for part in (*before, last) if hasattr(part, "frame_shape_in_")]
    classes = getattr(model, "classes_", getattr(last, "classes_", None))
    return {
        "class": f"{type(model).__module__}.{type(model).__qualname__}",
        "preprocessing": in_words(before),
        "frame_shape": [int(side) for side in shapes[0]] if shapes else None,
        "classes": None if classes is None else plain(classes),
    }


def plain(labels: Any) -> list[Any]:
    """Return labels as values that JSON knows."""
    return [label.item() if hasattr(label, "item") else label for label in labels]
