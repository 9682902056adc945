"""Recall, precision and accuracy, with their intervals, of one seed and of several."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from sklearn.metrics import confusion_matrix

from sklearn_sfx._intervals import wilson

__all__ = ["METRICS", "Proportion", "counted", "summarized"]

METRICS = ("recall", "precision", "accuracy")


class Proportion(NamedTuple):
    """A proportion with its interval; NaN where nothing defines it."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        if np.isnan(self.value):
            return "-"
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def counted(target: ArrayLike, decision: ArrayLike) -> dict[str, int]:
    """Return how many hits were found and lost, and how many misses kept and left."""
    (left, kept), (lost, found) = confusion_matrix(target, decision, labels=[0, 1]).tolist()
    return {"found": found, "lost": lost, "kept": kept, "left": left}


def summarized(seeds: list[dict[str, int]]) -> dict[str, Proportion]:
    """Return recall, precision and accuracy of what `counted` made of one or more seeds.

    The value is the mean over the seeds. The interval is Wilson's, of the counts of all seeds
    together: of one seed it is that seed's.
    """
    result = {}
    for metric in METRICS:
        pairs = np.array([_fraction(metric, counts) for counts in seeds])
        defined = pairs[pairs[:, 1] > 0]
        value = float((defined[:, 0] / defined[:, 1]).mean()) if len(defined) else float("nan")
        result[metric] = Proportion(value, *map(float, wilson(*pairs.sum(axis=0))))
    return result


def _fraction(metric: str, counts: dict[str, int]) -> tuple[int, int]:
    found = counts["found"]
    if metric == "recall":
        return found, found + counts["lost"]
    if metric == "precision":
        return found, found + counts["kept"]
    return found + counts["left"], sum(counts.values())
