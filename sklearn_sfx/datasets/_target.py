"""From the labels HIT, MAYBE and MISS to the target of a classifier."""

from __future__ import annotations

import numpy as np

from sklearn_sfx.exceptions import InputError

__all__ = ["make_target"]

_MAYBE = ("hit", "miss", "class", "drop")


def make_target(labels: np.ndarray, maybe: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Turn labels into a target.

    Parameters
    ----------
    labels : str ndarray of shape (n_frames,)
        HIT, MAYBE or MISS.
    maybe : {"hit", "miss", "class", "drop"}
        What becomes of MAYBE.

    Returns
    -------
    target : int64 ndarray of shape (n_kept,)
        Index into `target_names`.
    target_names : str ndarray
        Name of each class.
    kept : bool ndarray of shape (n_frames,)
        The frames that have a target: all, but for MAYBE with ``maybe="drop"``.

    Raises
    ------
    InputError
        If `maybe` is something else.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_sfx.datasets._target import make_target
    >>> make_target(np.array(["HIT", "MAYBE", "MISS"]), "drop")[0]
    array([1, 0])
    """
    if maybe not in _MAYBE:
        raise InputError(f"maybe must be one of {', '.join(_MAYBE)}, not {maybe!r}.")
    names = np.array(["MISS", "MAYBE", "HIT"] if maybe == "class" else ["MISS", "HIT"])
    meaning = {"hit": "HIT", "miss": "MISS"}.get(maybe, "MAYBE")
    kept = labels != "MAYBE" if maybe == "drop" else np.ones(len(labels), bool)
    effective = np.where(labels == "MAYBE", meaning, labels)[kept]
    target = (effective[:, np.newaxis] == names).argmax(axis=1).astype(np.int64)
    return target, names, kept
