"""One cell: a method, with some labels, on one run. Each is done once and kept."""

import json
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sklearn.metrics import precision_score, recall_score

from benchmarks.choice.cells import Tested
from sklearn_sfx import FewLabelsWarning
from sklearn_sfx._files import replacing

from .methods import ACROSS, WITHIN, Case
from .runs import EXPERIMENTS, draw, run_of

LABELS_OF_OTHERS = 200  # of each of the four other experiments
N_UNLABELLED = 800
RARE = 0.05  # the hit rate of many a run


class Cell(NamedTuple):
    """Where a figure belongs; `n_labels` is 0 where those of the other experiments are used."""

    method: str
    experiment: str
    n_labels: int
    seed: int


def do_cell(cell: Cell, sizes: dict[str, int], cache: Path) -> tuple[Cell, dict]:
    """Return how well the method does, from disk if it is there."""
    name = "-".join(map(str, (*cell, sizes[cell.experiment]))).replace(", ", "_").replace(" ", "_")
    path = cache / "cells" / f"{name}.json"
    if not path.exists():
        outcome = measure(cell, sizes, cache)
        path.parent.mkdir(exist_ok=True)
        with replacing(path) as temporary:
            temporary.write_text(json.dumps(outcome))
    return cell, json.loads(path.read_text())


def measure(cell: Cell, sizes: dict[str, int], cache: Path) -> dict[str, float]:
    method = (WITHIN if cell.n_labels else ACROSS)[cell.method]
    runs = {name: run_of(name, cell.seed, sizes[name], cache) for name in EXPERIMENTS}
    run = runs.pop(cell.experiment)
    X, y = run[method.reads], run["target"]
    rows = draw(y, cell.n_labels, cell.seed) if cell.n_labels else np.arange(0)
    rest = np.setdiff1d(np.arange(len(y)), rows)
    chosen = [
        (other, draw(other["target"], LABELS_OF_OTHERS, cell.seed)) for other in runs.values()
    ]
    case = Case(
        X=X[rows],
        y=y[rows],
        frames=X[:N_UNLABELLED],
        unlabelled=X[rest][:N_UNLABELLED],
        other_X=np.concatenate([other[method.reads][picked] for other, picked in chosen]),
        other_y=np.concatenate([other["target"][picked] for other, picked in chosen]),
        seed=cell.seed,
        folder=cache / "networks" / f"{cell.experiment}-{cell.seed}-{sizes[cell.experiment]}",
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FewLabelsWarning)
        model = method.fit(case)
    return scores(y[rest], model.predict_proba(X[rest])[:, 1]) | {"hits": int(y[rows].sum())}


def scores(target: np.ndarray, probability: np.ndarray) -> dict[str, float]:
    """Return what is shown: of the run as it is, and weighted as if few of its frames were hits."""
    of_run, of_rare, decision = Tested(target, None), Tested(target, RARE), probability >= 0.5
    return {
        "recall at precision 0.9": of_run.recall_at_precision(probability),
        "recall": float(recall_score(target, decision)),
        "precision": float(precision_score(target, decision, zero_division=0)),
        "recall at precision 0.9, 5 % hits": of_rare.recall_at_precision(probability),
        "precision, 5 % hits": of_rare.precision(decision) if decision.any() else 0.0,
    }
