"""Ways in which a step does the same to many frames, or elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["other_way"]


def other_way(step: Any, name: str) -> Callable | None:
    """Return a method that does what a step does when it is called; None without one.

    Parameters
    ----------
    step : FrameStep
        A class below the one that has the method may do more when it is called, and one that hands
        on what it has not may too: then there is no other way.
    name : str
        Of the method.
    """
    for of_class in type(step).__mro__:
        if name in vars(of_class):
            return getattr(step, name, None)  # which may depend on its parameters
        if "__call__" in vars(of_class):
            return None
    return None
