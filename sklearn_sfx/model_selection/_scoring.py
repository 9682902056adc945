"""What the scorers of adapted models check in the same way."""

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.metrics import check_scoring

from sklearn_sfx.exceptions import InputError

__all__ = ["check_length", "count_rows", "find_scorer"]


def find_scorer(owner: Any, scoring: Any) -> Callable:
    name = type(owner).__name__
    if not isinstance(scoring, str) and not callable(scoring):
        raise InputError(
            f"{name}: scoring is {scoring!r}, and has to be the name of one score or a scorer; for "
            "several make a scorer of each."
        )
    try:
        return check_scoring(scoring=scoring)
    except ValueError as error:  # no such name, or a metric where a scorer is wanted
        if callable(scoring):
            hint = "make a scorer of a metric: make_scorer(...)"
        else:
            hint = "sklearn.metrics.get_scorer_names() lists the names"
        raise InputError(f"{name}: scoring={scoring!r} is not a scorer; {hint}.") from error


def count_rows(owner: Any, X: Any) -> int:
    n = X.shape[0] if getattr(X, "shape", ()) else len(X)
    if not n:
        raise InputError(f"{type(owner).__name__} needs a target frame at least, and X has none.")
    return n


def check_length(name: str, values: np.ndarray, n: int) -> None:
    if len(values) != n:
        raise InputError(f"{name} has {len(values)} values for {n} rows of X: give one for each.")
