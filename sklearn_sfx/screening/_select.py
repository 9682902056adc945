"""The method that labelled frames say is best, fitted, with a threshold for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import Pipeline

from sklearn_sfx._labels import strata
from sklearn_sfx._methods import Method
from sklearn_sfx._weights import weighted_median
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.preprocessing import CentralCrop
from sklearn_sfx.screening._candidates import Candidate, find_for_all, make_candidate
from sklearn_sfx.screening._choice import (
    Expectation,
    best_method,
    best_threshold,
    expected_of_choice,
)
from sklearn_sfx.screening._held_out import HeldOut

__all__ = ["N_FOLDS", "Selection", "select"]

N_FOLDS = 5
COUNT = "count"  # the method whose decision stands beside that of every other
KEEPS_ALL = (
    "The model would call every frame a hit: check that the labels belong to these frames, label "
    "more than {} frames, take another method, or ask for a lower recall."
)
TOO_FEW = (
    "A recall of {recall:g} takes {n} labelled hits and {n} labelled misses at the least, and "
    "there are {few} of one kind: label more frames, or ask for no recall."
)
NOTHING_LEARNED = (
    "Nothing was learned: the model says the same of every frame. Look at a frame and at its "
    "mask, check that the labels belong to these frames, label more of them, or train for more "
    "epochs."
)


class Selection(NamedTuple):
    """A fitted method.

    Parameters
    ----------
    method : str
        Its name.
    crop : fitted CentralCrop
        The part that it looks at.
    classifier : fitted Pipeline
        Crops to the probability of a hit.
    threshold : float
        From which probability on a frame is a hit.
    compared : tuple of str
        The methods that it was chosen from.
    expected : Expectation or None
        What to expect of it; None where the labels are too few to say.
    problem : str
        Why it is of no use; empty where it is.
    counts : ndarray of int64, shape (n_frames,), or None
        The peaks of each labelled frame in that crop, where they were counted for a comparison.
    held_out : HeldOut or None
        What it says of labelled frames that it has not learned from; None where `expected` is.
    """

    method: str
    crop: CentralCrop
    classifier: Pipeline
    threshold: float
    compared: tuple[str, ...]
    expected: Expectation | None
    problem: str = ""
    counts: np.ndarray | None = None
    held_out: HeldOut | None = None


def select(
    X: Any,
    y: np.ndarray | None,
    methods: Sequence[Method],
    *,
    crop: int | str | None,
    recall: float | None,
    max_epochs: int | None,
    random_state: int | None,
    device: str = "auto",
    sample_weight: np.ndarray | None = None,
    say: Callable[[str], object] = str,
) -> Selection:
    """Compare methods on labelled frames, and fit the best.

    Parameters
    ----------
    X : Frames or ndarray, shape (n_frames, height, width)
        Masked frames, not cropped.
    y : ndarray of shape (n_frames,), or None
        The labels, of two classes where methods find peaks: 1 for a hit, 0 for a miss. None where
        no frame has a label, and then the first method that can do without is taken.
    methods : sequence of Method
        Simpler ones first, all with the same class of hits.
    crop, recall, max_epochs, random_state, device
        As for `train`.
    sample_weight : ndarray of float, shape (n_frames,), optional
        What each label weighs, of mean 1, in the comparison, the threshold and what is expected;
        each method learns from all labels alike.
    say : callable
        Takes a few words on what is being done, for a progress bar.

    Raises
    ------
    InputError
        A recall is asked for of labels that are too few.
    """
    settings = {"max_epochs": max_epochs, "random_state": random_state}
    known: dict[str, Candidate] = {}
    candidates = [make_candidate(method, X, crop, settings, device, known) for method in methods]
    pos_label = methods[0].pos_label
    is_hit = np.zeros(0, bool) if y is None else y == pos_label
    few = int(min(is_hit.sum(), (~is_hit).sum()))
    if y is None or few < N_FOLDS:
        if recall is not None:
            raise InputError(TOO_FEW.format(recall=recall, n=N_FOLDS, few=few))
        only = candidates[0]
        say(f"training: {only.method.summary}")
        only.fit(X, y)
        return Selection(*only.parts, 0.5, (only.method.name,), None)
    folds = list(
        StratifiedKFold(N_FOLDS, shuffle=True, random_state=random_state).split(
            np.zeros(len(y)), strata(y, pos_label, N_FOLDS)
        )
    )
    # What learns long begins: helpers learn its folds while this process looks for the others.
    slow = next((one for one in known.values() if one.learns_long(len(y))), None)
    others = [one for one in known.values() if one is not slow]
    if slow is not None:
        say(f"training by folds: {slow.method.summary}")

        def meanwhile() -> None:
            find_for_all(others, X)
            if not candidates[1:]:  # it will be fitted to all labels for certain
                candidates[0].fit(X, y)

        slow.held_out(X, y, folds, meanwhile)
    else:
        say("looking at frames")
        find_for_all(others, X)
    held_out = {}
    for candidate in candidates:
        say(f"comparing: {candidate.method.summary}" if candidates[1:] else "training by folds")
        held_out[candidate.method.name] = candidate.held_out(X, y, folds)
    name = best_method(held_out, is_hit, sample_weight)
    best = next(candidate for candidate in candidates if candidate.method.name == name)
    say("training on all labels")
    best.fit(X, y)
    threshold, problem = _find_threshold(
        held_out[name], best.probability(X), is_hit, folds, recall, sample_weight
    )
    expected = expected_of_choice(held_out, is_hit, folds, recall, sample_weight)
    counts = known[COUNT].found_in_crop(best.parts[1]) if COUNT in known else None
    of_best = HeldOut(held_out[name], is_hit, sample_weight)
    return Selection(*best.parts, threshold, tuple(held_out), expected, problem, counts, of_best)


def _find_threshold(
    held_out: np.ndarray,
    probability: np.ndarray,
    is_hit: np.ndarray,
    folds: list[tuple[np.ndarray, np.ndarray]],
    recall: float | None,
    sample_weight: np.ndarray | None,
) -> tuple[float, str]:
    """Return the threshold for a model of all labels, and why it is of no use; "" where it is.

    Parameters
    ----------
    held_out, probability : ndarray of float, shape (n_frames,)
        What models of the folds say of frames that they have not learned from, and what the model
        of all labels says.
    is_hit : ndarray of bool, shape (n_frames,)
        The labels.
    folds : list of (train, test)
        Rows of each fold.
    recall, sample_weight
        As for `best_threshold`.
    """
    threshold = best_threshold(held_out, is_hit, recall, sample_weight)
    # The folds' models may be surer than the last one, which then would keep no hit.
    weight = np.ones(len(is_hit)) if sample_weight is None else sample_weight
    threshold = min(threshold, weighted_median(probability[is_hit], weight[is_hit]))
    if all(np.ptp(held_out[test]) == 0 for _, test in folds):
        return threshold, NOTHING_LEARNED
    return threshold, KEEPS_ALL.format(len(is_hit)) if (probability >= threshold).all() else ""
