"""The whole reproduction, from runs to the report."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path

import joblib

from sklearn_sfx._extras import require
from sklearn_sfx.datasets import MAYBE_RULES
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.reproduction import _scale
from sklearn_sfx.reproduction._cells import PARTS, cells_of, run_cells
from sklearn_sfx.reproduction._figures import draw_figures
from sklearn_sfx.reproduction._outcomes import Report
from sklearn_sfx.reproduction._report import write_report
from sklearn_sfx.reproduction._runs import find_runs
from sklearn_sfx.reproduction._study import Study
from sklearn_sfx.reproduction._tables import make_table

__all__ = ["reproduce"]


def reproduce(
    output: str | os.PathLike,
    *,
    data: str | os.PathLike | None = None,
    quick: bool = False,
    sequential_split: bool = False,
    maybe: str = "hit",
    n_seeds: int | None = None,
    n_jobs: int | None = None,
    only: Iterable[str] | None = None,
    progress: bool = False,
) -> Path:
    """Make the tables and pictures of the paper again, on real runs or on simulated ones.

    What is done is kept in the folder, so a reproduction that was broken off goes on where it was.

    Parameters
    ----------
    output : path-like
        Folder for ``report.html``, ``report.md``, ``tables``, ``figures`` and ``cache``; it is made
        where it is missing.
    data : path-like, default=None
        Folder with the runs of CXIDB entry 76: ``ln84/r0095_2000.h5``, ``ln83/r0018_2000.h5``,
        ``lo19/r0020_2000.h5``, each with ``expert_annotation.txt`` and, where there are any,
        ``dials_annotation.txt`` and ``mask.h5``. None simulates runs like them.
    quick : bool, default=False
        Whether to take a few frames, halved for CNN2D: minutes instead of many hours. The report
        says so everywhere.
    sequential_split : bool, default=False
        Whether runs are split in their order, 50 / 20 / 30 % as Ke et al. do, instead of
        stratified and shuffled.
    maybe : {"hit", "miss", "drop"}, default="hit"
        What a MAYBE counts as.
    n_seeds : int, default=None
        Number of seeds, from 0 on; None takes three, and one with `quick`.
    n_jobs : int, default=None
        Processes that work side by side; None takes one for each core.
    only : iterable of str, default=None
        Which of "1" to "7", "throughput" and "figures" to make; None makes all.
    progress : bool, default=False
        Whether to show a progress bar, with the time left.

    Returns
    -------
    Path
        The report, ``report.html``.

    Raises
    ------
    InputError
        A parameter or a file cannot be used, or labels do not belong to the frames beside them.

    Examples
    --------
    >>> from sklearn_sfx.reproduction import reproduce
    >>> reproduce("out", only=["8"])
    Traceback (most recent call last):
    ...
    sklearn_sfx.exceptions.InputError: There is no '8' to make: choose among 1, 2, 3, 4, 5, 6, 7,
    throughput, figures.
    """
    parts = list(PARTS) if only is None else [part for part in PARTS if part in (only := [*only])]
    unknown = [part for part in only or () if part not in PARTS]
    if unknown:
        raise InputError(f"There is no {unknown[0]!r} to make: choose among {', '.join(PARTS)}.")
    rules = [rule for rule in MAYBE_RULES if rule != "class"]  # hits are told from misses, here
    if maybe not in rules:
        raise InputError(f"maybe must be one of {', '.join(rules)}, not {maybe!r}.")
    scale = _scale.QUICK if quick else _scale.FULL
    n_seeds = scale.n_seeds if n_seeds is None else n_seeds
    if "figures" in parts:
        # Said before the work of hours, not after it.
        tables_alone = "ask for tables alone, as in --only 1 2 3 4 5 6 7"
        require("matplotlib", extra="plot", what="Pictures", otherwise=tables_alone)
    output = Path(output)
    if output.exists() and not output.is_dir():
        raise InputError(f"{output}: this is a file; name a folder for the report.")
    files = None if data is None else find_runs(data)
    _check_is_ours(output)
    output.mkdir(parents=True, exist_ok=True)
    study = Study((output / "cache").absolute(), scale, maybe, sequential_split, files)
    cells = cells_of(parts, n_seeds)
    n_done = sum(study.cell_path(*cell).exists() for cell in cells)
    began = time.perf_counter()
    outcomes = run_cells(study, cells, n_jobs=n_jobs or joblib.cpu_count(), progress=progress)
    report = Report(study, n_seeds, outcomes)
    tables = [make_table(report, part) for part in parts if part != "figures"]
    pictures = draw_figures(report, output / "figures") if "figures" in parts else []
    command = _command(quick, data is not None, sequential_split, maybe, n_seeds, only)
    minutes = (time.perf_counter() - began) / 60
    made = f"{command}, which took {minutes:.1f} minutes"
    made += f" and found {n_done} of {len(cells)} cells done before." if n_done else "."
    return write_report(report, tables, pictures, output, made)


def _check_is_ours(output: Path) -> None:
    """Refuse a folder in which files of others would be replaced, as those of the runs."""
    if output.is_dir() and any(output.iterdir()) and not (output / "cache").is_dir():
        raise InputError(
            f"{output}: this folder holds what is not of a reproduction; name a new one for the "
            "report."
        )


def _command(
    quick: bool,
    real: bool,
    sequential_split: bool,
    maybe: str,
    n_seeds: int,
    only: Iterable[str] | None,
) -> str:
    """Return the command that makes the same report."""
    words = ["sfx reproduce OUTPUT"]
    words += ["--data FOLDER"] * real + ["--quick"] * quick
    words += ["--sequential-split"] * sequential_split
    words += [f"--maybe {maybe}", f"--seeds {n_seeds}"]
    words += [f"--only {' '.join(only)}"] if only else []
    return " ".join(words)
