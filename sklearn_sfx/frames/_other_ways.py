"""Whether a step can do the same in another way: to many frames at once, or on a device."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["other_way"]


def other_way(step: Any, name: str) -> Callable | None:
    """Return a method that does what a step does when it is called.

    A class below the one that has the method may do more when it is called, and so may one that
    hands on what it has not itself: then there is no other way.

    Parameters
    ----------
    step : FrameStep
        The step.
    name : str
        Of the method: ``on_array`` or ``on_tensors``, as `FrameStep` says.

    Returns
    -------
    callable, or None without one
    """
    for of_class in type(step).__mro__:
        if name in vars(of_class):
            return getattr(step, name, None)  # which may depend on its parameters
        if "__call__" in vars(of_class):
            return None
    return None
