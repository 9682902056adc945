"""Cells: which there are for a table, and each done once and kept."""

from __future__ import annotations

import itertools
import json
import sys
import time
import warnings
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import joblib
from tqdm import tqdm

from sklearn_sfx._files import HIDDEN, remove_leftovers, replacing
from sklearn_sfx.datasets import run_files
from sklearn_sfx.exceptions import FewLabelsWarning, NotLearnedWarning
from sklearn_sfx.reproduction import _experiments
from sklearn_sfx.reproduction._data import FRAMES, is_prepared, prepare_run
from sklearn_sfx.reproduction._pictures import PAIR, embedding, examples
from sklearn_sfx.reproduction._runs import FILES, NAMES
from sklearn_sfx.reproduction._scale import Scale
from sklearn_sfx.reproduction._speed import throughput
from sklearn_sfx.reproduction._splits import sizes
from sklearn_sfx.reproduction._study import Study

__all__ = ["PARTS", "Cell", "cells_of", "run_cells"]


class Cell(NamedTuple):
    """One experiment on some runs with one seed."""

    experiment: str
    where: tuple[str, ...]
    seed: int

    def __str__(self) -> str:
        return " ".join([self.experiment.replace("_", " "), *self.where, f"seed {self.seed}"])


EXPERIMENTS: dict[str, Callable] = {
    "enough": _experiments.enough,
    "few": _experiments.few,
    "fine_tuned": _experiments.fine_tuned,
    "vectors": _experiments.vectors,
    "dann": _experiments.dann,
    "reversal": _experiments.reversal,
    "embedding": embedding,
    "examples": examples,
    "throughput": throughput,
}
# Those of one stage do not need one another; long ones come first, and speeds are taken alone.
STAGES = (
    ("dann", "reversal", "enough", "few", "vectors"),
    ("fine_tuned", "embedding"),
    ("examples",),
)
ALONE = ("throughput",)
NEEDED = {"fine_tuned": ("enough",)}  # its bases, which are trained once
SINGLES: list[tuple[str, ...]] = [(name,) for name in NAMES]
PAIRS: list[tuple[str, ...]] = list(itertools.permutations(NAMES, 2))
WHERE: dict[str, list[tuple[str, ...]]] = {
    "enough": SINGLES,
    "few": SINGLES,
    "vectors": SINGLES,
    "fine_tuned": PAIRS,
    "dann": PAIRS,
    "reversal": PAIRS,
}
PARTS: dict[str, tuple[str, ...]] = {
    "1": ("enough",),
    "2": ("few",),
    "3": ("fine_tuned",),
    "4": ("vectors",),
    "5": ("dann", "reversal", "enough"),
    "6": ("enough", "fine_tuned", "vectors", "dann", "reversal", "throughput"),
    "7": ("enough", "vectors"),
    "throughput": ("throughput",),
    "figures": ("examples", "embedding"),
}


def cells_of(parts: Iterable[str], n_seeds: int) -> list[Cell]:
    """Return the cells that these tables and pictures need, in the order of their doing."""
    wanted = {name for part in parts for name in PARTS[part]}
    wanted |= {needed for name in wanted for needed in NEEDED.get(name, ())}
    cells = [Cell(name, (), 0) for name in ("examples", "throughput") if name in wanted]
    if "embedding" in wanted:
        cells += [
            Cell("embedding", PAIR, 0),
            Cell("reversal", PAIR, 0),
            Cell("enough", PAIR[:1], 0),
        ]
    for name in wanted & set(WHERE):
        cells += [Cell(name, where, seed) for where in WHERE[name] for seed in range(n_seeds)]
    order = [name for stage in (*STAGES, ALONE) for name in stage]
    return sorted(set(cells), key=lambda cell: (cell.seed, order.index(cell.experiment), cell))


def run_cells(
    study: Study, cells: list[Cell], *, n_jobs: int, progress: bool
) -> dict[Cell, dict[str, Any]]:
    """Do the cells that are not done, and return what all of them gave.

    One seed is done after the other. What takes much room on disk, the frames of a seed, is removed
    when nothing needs it any more, and made again when something does.
    """
    for hidden in list(study.cache.rglob(HIDDEN)):  # of a process that was killed at its last step
        remove_leftovers(hidden.parent)
    missing = [cell for cell in cells if not study.cell_path(*cell).exists()]
    seeds = sorted({cell.seed for cell in missing})
    wanted = [(name, seed) for seed in seeds for name in NAMES]
    # Real runs are the same for every seed, and prepared with the first of them.
    folders = {study.run_folder(*task): task for task in reversed(wanted)}
    to_prepare = [task for task in folders.values() if not is_prepared(study, *task)]
    total = sum(_cost(study.scale, cell) for cell in missing)
    total += len(to_prepare) * _preparing_cost(study.scale)
    form = "{desc}{percentage:3.0f}%|{bar}| {elapsed}, {remaining} left"
    wait = 0.5 if sys.stderr.isatty() else 30
    with (
        warnings.catch_warnings(),
        tqdm(
            total=total, bar_format=form, mininterval=wait, disable=not (progress and missing)
        ) as bar,
    ):
        # Worker processes are replaced now and then, to give back memory; no job is lost by it.
        warnings.filterwarnings("ignore", message="A worker stopped while some jobs")

        def do(function: Callable, tasks: list, costs: list, n_workers: int) -> None:
            parallel = joblib.Parallel(n_workers, return_as="generator_unordered")
            jobs = (joblib.delayed(_numbered)(i, function, study, t) for i, t in enumerate(tasks))
            for i in parallel(jobs):
                bar.set_description_str(f"did {_named(tasks[i])}: ", refresh=False)
                bar.update(costs[i])

        for seed in seeds:
            runs = [task for task in to_prepare if task[1] == seed]
            do(_prepare, runs, [_preparing_cost(study.scale)] * len(runs), n_jobs)
            mine = [cell for cell in missing if cell.seed == seed]
            for stage in (*STAGES, ALONE):
                tasks = [cell for cell in mine if cell.experiment in stage]
                costs = [_cost(study.scale, cell) for cell in tasks]
                do(run_cell, tasks, costs, 1 if stage is ALONE else n_jobs)
            if study.simulated:
                _remove_frames(study, seed)
        if seeds and not study.simulated:
            _remove_frames(study, 0)
    return {cell: json.loads(study.cell_path(*cell).read_text("utf-8")) for cell in cells}


def run_cell(study: Study, cell: Cell) -> None:
    """Do one cell and keep its outcome."""
    began = time.perf_counter()
    with warnings.catch_warnings():
        # The report says how many labels there were, and what was found.
        warnings.simplefilter("ignore", FewLabelsWarning)
        warnings.simplefilter("ignore", NotLearnedWarning)
        outcome = EXPERIMENTS[cell.experiment](study, cell.where, cell.seed)
    outcome["seconds"] = time.perf_counter() - began
    path = study.cell_path(*cell)
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(outcome), encoding="utf-8")


def _prepare(study: Study, task: tuple[str, int]) -> None:
    prepare_run(study, *task)


def _numbered(i: int, function: Callable, study: Study, task: Any) -> int:
    function(study, task)
    return i


def _named(task: Any) -> str:
    return str(task) if isinstance(task, Cell) else f"frames of {task[0]}, seed {task[1]}"


def _remove_frames(study: Study, seed: int) -> None:
    for name in NAMES:
        folder = study.run_folder(name, seed)
        for path in (folder / FRAMES, *run_files(folder / FILES[name])):
            path.unlink(missing_ok=True)


# -- Rough costs, in frames that CNN2D is trained on, for the time that is left ------------------


def _preparing_cost(scale: Scale) -> float:
    return scale.n_frames * (8.0 if scale.halved else 3.0)


def _cost(scale: Scale, cell: Cell) -> float:
    n = scale.n_frames
    many, *_ = sizes(n, few=False, sequential=False)
    few, *_ = sizes(n, few=True, sequential=False)
    return {
        "enough": many * scale.enough_epochs + n / 2,
        "few": few * scale.few_epochs + n / 4,
        "fine_tuned": few * (scale.head_epochs + scale.tuned_epochs) / 2 + n / 4,
        "vectors": n / 4,
        "dann": 2 * n * scale.dann_epochs + n / 4,
        "reversal": 2 * n * scale.dann_epochs + n / 4,
        "embedding": n,
        "examples": 200.0,
        "throughput": 3.0 * scale.timed,
    }[cell.experiment]
