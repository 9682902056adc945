"""The command line: do all cells, and print tables."""

import argparse
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed

from .cells import Cell, do_cell
from .runs import EXPERIMENTS, run_of

LABELS = (20, 50, 200)
RATES = (None, 0.05)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.choice", description=__doc__)
    parser.add_argument("--cache", type=Path, required=True, help="folder that keeps what is done")
    parser.add_argument("--experiments", nargs="+", default=EXPERIMENTS, choices=EXPERIMENTS)
    parser.add_argument("--labels", nargs="+", type=int, default=LABELS)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--n-frames", type=int, default=800, help="of each run")
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args()
    options.cache.mkdir(exist_ok=True)
    seeds = range(options.seeds)
    cells = [
        Cell(experiment, n_labels, rate, seed)
        for n_labels in sorted(options.labels)
        for rate in RATES
        for seed in seeds
        for experiment in options.experiments
    ]
    with Parallel(n_jobs=options.jobs) as parallel:
        parallel(
            delayed(run_of)(name, seed, options.n_frames, options.cache)
            for seed in seeds
            for name in options.experiments
        )
        outcomes = parallel(
            delayed(do_cell)(cell, options.n_frames, options.cache) for cell in cells
        )
    print_choices(outcomes)
    print_expectations(outcomes)


def print_choices(outcomes: list[dict]) -> None:
    """Print recall at precision 0.9 of what is chosen less that of the peak count."""
    print("SIMULATED frames; recall at precision 0.9, mean over the seeds")
    print("experiment labels   rate   chosen   count  difference  standard error  taken")
    by_place: dict[tuple, list[dict]] = {}
    for outcome in outcomes:
        place = outcome["experiment"], outcome["n_labels"], outcome["rate"]
        by_place.setdefault(place, []).append(outcome)
    n_lower, differences = 0, []
    for (experiment, n_labels, rate), found in by_place.items():
        chosen = np.array([one["by method"][one["chosen"]] for one in found])
        count = np.array([one["by method"]["count"] for one in found])
        differs = chosen - count
        error = differs.std(ddof=1) / len(differs) ** 0.5 if len(differs) > 1 else float("nan")
        n_lower += bool(differs.mean() < -error)
        differences += differs.tolist()
        taken = [one["chosen"] for one in found]
        names = ", ".join(f"{name} {taken.count(name)}" for name in sorted(set(taken)))
        place = f"{experiment:10} {n_labels:6} {'run' if rate is None else rate:>6}"
        figures = f"{chosen.mean():8.3f} {count.mean():7.3f} {differs.mean():11.3f} {error:15.3f}"
        print(f"{place} {figures}  {names}")
    print(f"lower by more than a standard error: {n_lower} of {len(by_place)}")
    print(f"mean difference: {np.mean(differences):.3f}")


def print_expectations(outcomes: list[dict]) -> None:
    """Print how often the recall that was found lies in the interval that was expected."""
    told = [one for one in outcomes if one["expected"]]
    n_inside = sum(low <= one["recall"] <= high for one in told for low, high in [one["expected"]])
    print(f"recall within the expected 90 % interval: {n_inside} of {len(told)}")
    recall, precision = (np.mean([one[name] for one in told]) for name in ("recall", "precision"))
    print(f"at the threshold that was set: recall {recall:.3f}, precision {precision:.3f}")
