"""Recall and precision of a decision, with the interval that the number of frames allows."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from sklearn.metrics import confusion_matrix

from sklearn_sfx._intervals import clopper_pearson
from sklearn_sfx._tasks import CRYSTALLOGRAPHY, task_named, task_of_labels
from sklearn_sfx._weights import as_weights, weighted_counts
from sklearn_sfx.exceptions import InputError

__all__ = [
    "Evaluation",
    "confusion_in_words",
    "confusion_table",
    "evaluate",
    "evaluation_table",
    "percent",
    "proportion",
    "weighted_proportion",
]


@dataclass(frozen=True)
class Evaluation:
    """How a decision agrees with the labels. Proportions that nothing defines are NaN.

    Parameters
    ----------
    recall : float
        Found, as a share of the labelled hits.
    recall_interval : tuple of float
        Its exact (Clopper-Pearson) 95 % interval.
    precision : float
        Right, as a share of those called hits.
    precision_interval : tuple of float
        Its exact 95 % interval.
    accuracy : float
        Right, as a share of all.
    confusion : ndarray of int64, shape (2, 2)
        Rows are the labels (miss, hit), columns the decisions (miss, hit): frames, which count 1
        each whatever they weigh.

    Examples
    --------
    >>> from sklearn_sfx import evaluate
    >>> evaluate([1, 1, 1, 0], [1, 1, 0, 0]).confusion
    array([[1, 0],
           [1, 2]])
    """

    recall: float
    recall_interval: tuple[float, float]
    precision: float
    precision_interval: tuple[float, float]
    accuracy: float
    confusion: np.ndarray

    def __str__(self) -> str:
        return (
            f"recall {percent(self.recall, self.recall_interval)}   "
            f"precision {percent(self.precision, self.precision_interval)}   "
            f"accuracy {self.accuracy:.1%}"
        )


def evaluate(
    target: ArrayLike, decision: ArrayLike, sample_weight: ArrayLike | None = None
) -> Evaluation:
    """Compare decisions with labels.

    Parameters
    ----------
    target : array-like of bool or 0/1, shape (n_frames,)
        The labels: true for a hit.
    decision : array-like of bool or 0/1, shape (n_frames,)
        What was decided: true for a hit.
    sample_weight : array-like of float, shape (n_frames,), optional
        What each label weighs, as `sklearn_sfx.datasets.match_labels` returns it: so labels of
        frames that were drawn with different chances say what those of all frames would.

    Returns
    -------
    Evaluation
        Recall, precision and accuracy, with 95 % intervals. With weights all of them are weighted,
        and the intervals are those of the effective number of frames (Korn and Graubard [1]_).

    Raises
    ------
    InputError
        The two are of different length, empty, or hold anything but 0 and 1; a weight is not
        positive and finite.

    References
    ----------
    .. [1] E. L. Korn and B. I. Graubard, "Confidence intervals for proportions with small expected
       number of positive counts estimated from survey data", Survey Methodology 24, 193 (1998).

    Examples
    --------
    >>> from sklearn_sfx.screening import evaluate
    >>> result = evaluate([1, 1, 1, 0], [1, 1, 0, 0])
    >>> round(result.recall, 3), result.precision
    (0.667, 1.0)
    >>> print(result)
    recall 66.7% [9.4%, 99.2%]   precision 100.0% [15.8%, 100.0%]   accuracy 75.0%
    >>> evaluate([1, 1, 1, 0], [1, 1, 0, 0], sample_weight=[1, 1, 2, 1]).recall
    0.5
    """
    target, decision = np.asarray(target), np.asarray(decision)
    if target.shape != decision.shape or target.ndim != 1 or target.size == 0:
        raise InputError(
            "evaluate needs a label and a decision for each frame, got arrays of shape "
            f"{target.shape} and {decision.shape}."
        )
    if not (np.isin(target, (0, 1)).all() and np.isin(decision, (0, 1)).all()):
        raise InputError("evaluate needs labels and decisions of 0 (miss) and 1 (hit) only.")
    confusion = confusion_matrix(target.astype(int), decision.astype(int), labels=[0, 1])
    weight = as_weights(sample_weight, len(target), "evaluate")
    target, decision = target.astype(bool), decision.astype(bool)
    recall, recall_interval = weighted_proportion(decision[target], weight[target])
    precision, precision_interval = weighted_proportion(target[decision], weight[decision])
    accuracy = float(np.average(target == decision, weights=weight))
    return Evaluation(recall, recall_interval, precision, precision_interval, accuracy, confusion)


def weighted_proportion(
    is_success: np.ndarray, weight: np.ndarray
) -> tuple[float, tuple[float, float]]:
    """Return the share of frames that are a success, each of a weight, and its interval."""
    return proportion(*weighted_counts(is_success, weight))


def proportion(successes: float, trials: float) -> tuple[float, tuple[float, float]]:
    """Return a proportion and its exact interval, NaN where nothing was tried."""
    low, high = clopper_pearson(successes, trials)
    value = successes / trials if trials else float("nan")
    return value, (float(low), float(high))


def percent(value: float, interval: tuple[float, float]) -> str:
    """Return a proportion and its interval in words."""
    return f"{value:.1%} [{interval[0]:.1%}, {interval[1]:.1%}]"


def evaluation_table(
    target: ArrayLike,
    decisions: Mapping[str, ArrayLike],
    sample_weight: ArrayLike | None = None,
    task: str = CRYSTALLOGRAPHY.name,
) -> str:
    """Write several decisions on the same frames as one table of text.

    Parameters
    ----------
    target : array-like of 0/1, shape (n_frames,)
        The labels: 1 for a hit.
    decisions : mapping of str to array-like of 0/1, shape (n_frames,)
        Name and decision of each method.
    sample_weight : array-like of float, shape (n_frames,), optional
        What each label weighs, as for `evaluate`.
    task : {"crystallography", "single-particle"}, default="crystallography"
        What is looked for, which says what a hit is called.

    Returns
    -------
    str
        A line for each method: recall and precision with their 95 % intervals, and the four
        counts of its confusion matrix, of frames that count 1 each whatever they weigh.

    Raises
    ------
    InputError
        As `evaluate`.

    Examples
    --------
    >>> from sklearn_sfx.screening import evaluation_table
    >>> print(evaluation_table([1, 1, 0], {"model": [1, 1, 0], "peak count": [1, 0, 0]}))
    method      recall                  precision                hits found  lost  misses kept  left
    model       100.0% [15.8%, 100.0%]  100.0% [15.8%, 100.0%]            2     0            0     1
    peak count  50.0% [1.3%, 98.7%]     100.0% [2.5%, 100.0%]             1     1            0     1
    """
    width = max(len(name) for name in ("method", *decisions))
    words = task_named(task).words
    found_said, kept_said = f"{words.many} found", f"{words.rest_many} kept"
    n_found, n_kept = max(11, len(found_said)), max(11, len(kept_said))
    lines = [
        f"{'method':{width}}  {'recall':22}  {'precision':22}  "
        f"{found_said:>{n_found}}  {'lost':>4}  {kept_said:>{n_kept}}  {'left':>4}"
    ]
    for name, decision in decisions.items():
        result = evaluate(target, decision, sample_weight)
        (left, kept), (lost, found) = result.confusion
        lines.append(
            f"{name:{width}}  {percent(result.recall, result.recall_interval):22}  "
            f"{percent(result.precision, result.precision_interval):22}  "
            f"{found:>{n_found}}  {lost:>4}  {kept:>{n_kept}}  {left:>4}"
        )
    return "\n".join(lines)


def confusion_table(labels: np.ndarray, called: np.ndarray) -> tuple[list[str], np.ndarray]:
    """Return the classes, and how many frames of each label, a row, are called what, a column.

    Parameters
    ----------
    labels, called : ndarray of str, shape (n_frames,)
        What each frame was labelled, and what a model calls it.

    Returns
    -------
    classes : list of str
        In the order of their task, or sorted where they are of none.
    confusion : ndarray of int64, shape (n_classes, n_classes)
        Frames, which count 1 each whatever they weigh.
    """
    found = {*labels.tolist(), *called.tolist()}
    task = task_of_labels(found)
    classes = list(task.labels) if task else sorted(found)
    return classes, confusion_matrix(labels, called, labels=classes)


def confusion_in_words(labels: np.ndarray, called: np.ndarray) -> list[str]:
    r"""Return the confusion table as lines of text.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_sfx.screening._evaluation import confusion_in_words
    >>> labels = np.array(["empty", "single", "single"])
    >>> print("\n".join(confusion_in_words(labels, np.array(["empty", "single", "multiple"]))))
    labelled  called empty  single  multiple  other
    empty                1       0         0      0
    single               0       1         1      0
    multiple             0       0         0      0
    other                0       0         0      0
    """
    classes, confusion = confusion_table(labels, called)
    heads = [f"called {classes[0]}", *classes[1:]]
    width = max(len(name) for name in ("labelled", *classes))
    lines = [f"{'labelled':{width}}  {'  '.join(heads)}"]
    for name, row in zip(classes, confusion.tolist(), strict=True):
        cells = (f"{n:>{len(head)}}" for n, head in zip(row, heads, strict=True))
        lines.append(f"{name:{width}}  {'  '.join(cells)}")
    return lines
