"""From the labels HIT, MAYBE and MISS to the target of a classifier: what a MAYBE counts as."""

from __future__ import annotations

import numpy as np

from sklearn_sfx.exceptions import InputError

__all__ = ["MAYBE_RULES", "make_target"]

# The name of each rule, and what a report says of it.
MAYBE_RULES = {
    "hit": "MAYBE counted as hit",
    "miss": "MAYBE counted as miss",
    "class": "MAYBE a class of its own",
    "drop": "MAYBE left out",
}


def make_target(labels: np.ndarray, maybe: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Turn labels into a target.

    Frames that show four to nine spots are labelled MAYBE, and whoever uses labels has to say what
    that counts as.

    Parameters
    ----------
    labels : str ndarray of shape (n_frames,)
        HIT, MAYBE or MISS.
    maybe : {"hit", "miss", "class", "drop"}
        What becomes of MAYBE: a hit, a miss, a third class, or its frames have no target.

    Returns
    -------
    target : int64 ndarray of shape (n_kept,)
        Index into `target_names`.
    target_names : str ndarray of shape (n_classes,)
        Name of each class: MISS and HIT, or MISS, MAYBE and HIT.
    kept : bool ndarray of shape (n_frames,)
        The frames that have a target: all, but for MAYBE with ``maybe="drop"``.

    Raises
    ------
    InputError
        If `maybe` is something else.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_sfx.datasets import make_target
    >>> labels = np.array(["HIT", "MAYBE", "MISS"])
    >>> make_target(labels, "hit")[0]
    array([1, 1, 0])
    >>> target, target_names, kept = make_target(labels, "drop")
    >>> target, target_names.tolist(), kept
    (array([1, 0]), ['MISS', 'HIT'], array([ True, False,  True]))
    """
    if maybe not in MAYBE_RULES:
        raise InputError(f"maybe must be one of {', '.join(MAYBE_RULES)}, not {maybe!r}.")
    names = np.array(["MISS", "MAYBE", "HIT"] if maybe == "class" else ["MISS", "HIT"])
    meaning = {"hit": "HIT", "miss": "MISS"}.get(maybe, "MAYBE")
    kept = labels != "MAYBE" if maybe == "drop" else np.ones(len(labels), bool)
    effective = np.where(labels == "MAYBE", meaning, labels)[kept]
    target = (effective[:, np.newaxis] == names).argmax(axis=1).astype(np.int64)
    return target, names, kept
