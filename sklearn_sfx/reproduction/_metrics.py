"""Recall, precision and accuracy, with their intervals, of one seed and of several."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from sklearn.metrics import confusion_matrix

from sklearn_sfx._intervals import wilson

__all__ = ["FEW_HITS", "METRICS", "Proportion", "counted", "summarized"]

METRICS = ("recall", "precision", "accuracy")
RARE = 0.05  # the hit rate of many a run: the published ones of these are 20 to 44 %
FEW_HITS = f"precision at {100 * RARE:.0f} % hits"


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
    """Return the `METRICS` and `FEW_HITS` of what `counted` made of one or more seeds.

    The value is the mean over the seeds. The interval is Wilson's, of the counts of all seeds
    together: of one seed it is that seed's. Precision where hits are rare follows from the shares
    of hits and of misses that are kept; the ends of its interval from theirs, so it is wide.
    """
    result = {}
    for metric in METRICS:
        pairs = np.array([_fraction(metric, counts) for counts in seeds])
        defined = pairs[pairs[:, 1] > 0]
        value = float((defined[:, 0] / defined[:, 1]).mean()) if len(defined) else float("nan")
        result[metric] = Proportion(value, *map(float, wilson(*pairs.sum(axis=0))))
    result[FEW_HITS] = _precision_of_few(seeds, result["recall"])
    return result


def _precision_of_few(seeds: list[dict[str, int]], recall: Proportion) -> Proportion:
    pairs = np.array([(counts["kept"], counts["kept"] + counts["left"]) for counts in seeds])
    n_kept, n_misses = pairs.sum(axis=0)
    kept = n_kept / n_misses if n_misses else float("nan")
    low, high = wilson(n_kept, n_misses)
    ends = ((recall.value, kept), (recall.low, high), (recall.high, low))
    return Proportion(*(float(_precision(*shares)) for shares in ends))


def _precision(found: float, kept: float) -> float:
    hits, misses = RARE * found, (1 - RARE) * kept
    return hits / (hits + misses) if hits + misses > 0 else float("nan")


def _fraction(metric: str, counts: dict[str, int]) -> tuple[int, int]:
    found = counts["found"]
    if metric == "recall":
        return found, found + counts["lost"]
    if metric == "precision":
        return found, found + counts["kept"]
    return found + counts["left"], sum(counts.values())
