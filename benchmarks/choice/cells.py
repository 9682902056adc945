"""One cell: what is chosen by some labels of one run, beside the peak count by the same labels."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sklearn.metrics import precision_recall_curve
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline

from sklearn_sfx._files import replacing
from sklearn_sfx._methods import METHODS, worth_comparing
from sklearn_sfx.classifiers import held_out_probability
from sklearn_sfx.screening._choice import best_method, best_threshold, expected_of_choice
from sklearn_sfx.screening._select import N_FOLDS

from .runs import draw, run_of

WANTED_PRECISION = 0.9


class Cell(NamedTuple):
    """Where a figure belongs; `rate` is None for the hit rate that was published."""

    experiment: str
    n_labels: int
    rate: float | None
    seed: int


def do_cell(cell: Cell, n_frames: int, cache: Path) -> dict:
    """Return what came of it, from disk if it is there."""
    path = cache / "cells" / f"{'-'.join(map(str, cell))}-{n_frames}.json"
    if not path.exists():
        outcome = cell._asdict() | measure(cell, n_frames, cache)
        path.parent.mkdir(exist_ok=True)
        with replacing(path) as temporary:
            temporary.write_text(json.dumps(outcome))
    return json.loads(path.read_text())


def measure(cell: Cell, n_frames: int, cache: Path) -> dict:
    run = run_of(cell.experiment, cell.seed, n_frames, cache)
    rows = draw(run["target"], cell.n_labels, cell.rate, cell.seed)
    names = [method.name for method in worth_comparing(tuple(METHODS.values()), cell.n_labels)]
    return measure_draw(run, rows, names, cell.rate, cell.seed)


def measure_draw(
    run: dict[str, np.ndarray],
    rows: np.ndarray,
    names: Sequence[str],
    rate: float | None,
    seed: int,
) -> dict:
    """Return what comes of labels of these rows of a run, if these methods are compared."""
    target = run["target"]
    rest = np.setdiff1d(np.arange(len(target)), rows)
    y, is_hit = target[rows], target[rows] == 1
    test = Tested(target[rest], rate)
    methods = [METHODS[name] for name in names]
    fitted = {
        method.name: _probability(method.name, run, rows, rest, y, seed)
        for method in methods
        if not method.averaged
    }
    folds, held_out, chosen, threshold, expected = [], {}, "peaks", 0.5, None
    if min(is_hit.sum(), (~is_hit).sum()) >= N_FOLDS:
        folds = StratifiedKFold(N_FOLDS, shuffle=True, random_state=seed)
        folds = list(folds.split(np.zeros(len(y)), y))
        for name in fitted:
            whole = make_pipeline(*METHODS[name].steps(max_epochs=None, random_state=seed))
            held_out[name] = held_out_probability(whole, run[name][rows], y, folds)
    for method in methods:
        if method.averaged:
            fitted[method.name] = np.mean([fitted[name] for name in method.averaged], axis=0)
            if held_out:
                parts = [held_out[name] for name in method.averaged]
                held_out[method.name] = np.mean(parts, axis=0)
    if held_out:
        chosen = best_method(held_out, is_hit)
        threshold = best_threshold(held_out[chosen], is_hit)
        expected = expected_of_choice(held_out, is_hit, folds)
    decision = fitted[chosen] >= threshold
    return {
        "chosen": chosen,
        "by method": {name: test.recall_at_precision(p) for name, p in fitted.items()},
        "recall": float(decision[test.is_hit].mean()),
        "precision": test.precision(decision),
        "expected": None if expected is None else expected.recall.interval,
        "test hits": int(test.is_hit.sum()),
    }


def _probability(
    name: str, run: dict, rows: np.ndarray, rest: np.ndarray, y: np.ndarray, seed: int
) -> np.ndarray:
    """Return the probability of a hit of the test frames, by a method fitted to the labels."""
    (*_, decider) = METHODS[name].steps(max_epochs=None, random_state=seed)
    found = run[name][np.concatenate([rows, rest])]
    labels = np.concatenate([y, np.zeros(len(rest), int)])  # those of the rest are not looked at
    train, test = np.split(np.arange(len(labels)), [len(rows)])
    return held_out_probability(make_pipeline(decider), found, labels, [(train, test)])[test]


class Tested:
    """Frames to test on, weighted as in a run of some hit rate."""

    def __init__(self, target: np.ndarray, rate: float | None):
        self.is_hit = target == 1
        rate = self.is_hit.mean() if rate is None else rate
        self._weight = np.where(
            self.is_hit, rate / self.is_hit.sum(), (1 - rate) / (~self.is_hit).sum()
        )

    def recall_at_precision(self, probability: np.ndarray) -> float:
        """Return the highest recall of any threshold with the wanted precision."""
        precision, recall, _ = precision_recall_curve(
            self.is_hit, probability, sample_weight=self._weight
        )
        return float(recall[precision >= WANTED_PRECISION].max(initial=0))

    def precision(self, decision: np.ndarray) -> float:
        """Return the precision of a decision; NaN where it calls nothing a hit."""
        kept = self._weight[decision].sum()
        return float(self._weight[decision & self.is_hit].sum() / kept) if kept else float("nan")
