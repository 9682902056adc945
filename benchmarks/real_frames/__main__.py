"""Screen every real frame there is, by each method that needs no label.

Each file of a folder is one run, and what its frames show is known: HIT, ten spots or more; MAYBE,
four to nine; MISS, fewer, or no crystal at all. Whole frames are screened, by what comes with the
package and by the spot finder of DIALS, where `dials.find_spots` is installed.
MAYBE is shown and not judged: where ten spots are asked for, both answers are right.

    python -m benchmarks.real_frames [--data ../shared/data/real] [--no-masks] [--frames]
"""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.real_frames.dials import dials_says_hit, has_dials
from benchmarks.real_frames.material import RealRun, read_runs
from benchmarks.real_frames.methods import METHODS

LABELS = ("HIT", "MAYBE", "MISS")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data/real"))
    parser.add_argument("--no-masks", action="store_true", help="leave out the masks of the runs")
    parser.add_argument("--frames", action="store_true", help="print what is said of each frame")
    parser.add_argument("--no-dials", action="store_true", help="leave out DIALS, which is slow")
    options = parser.parse_args()
    if not options.data.is_dir():
        sys.exit(f"There is no folder {options.data}; say with --data where the real frames are.")
    runs = list(read_runs(options.data, masked=not options.no_masks))
    methods: dict[str, Callable] = dict(METHODS)
    if options.no_dials:
        pass
    elif has_dials():
        methods["DIALS"] = dials_says_hit
    else:
        print("DIALS is not beside it: there is no dials.find_spots here.\n")

    answers: dict[str, dict[str, np.ndarray]] = {}
    for name, says_hit in methods.items():
        began = time.perf_counter()
        answers[name] = {run.name: says_hit(run.frames) for run in runs}
        took = time.perf_counter() - began
        print(f"{name}: {took:.0f} s for {sum(len(run.truth) for run in runs)} frames", flush=True)
    print("\n" + as_table(runs, answers))
    if options.frames:
        print("\n" + as_list(runs, answers))


def as_table(runs: list[RealRun], answers: dict[str, dict[str, np.ndarray]]) -> str:
    """Return one row for each run and label, and the sums: how many frames are called hits."""
    rows = [["run", "label", "frames", *(f"hits by {name}" for name in answers)]]
    for run in runs:
        for label in LABELS:
            part = run.truth == label
            if part.any():
                called = [f"{said[run.name][part].sum()}" for said in answers.values()]
                rows.append([run.name, label, str(part.sum()), *called])
    truth = np.concatenate([run.truth for run in runs])
    for label, what in (("HIT", "called hits"), ("MISS", "called misses")):
        part, cells = truth == label, []
        for said in answers.values():
            hits = np.concatenate([said[run.name] for run in runs])[part]
            cells.append(f"{(hits if label == 'HIT' else ~hits).sum()}")
        rows.append([f"all, {what}", label, str(part.sum()), *cells])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "| " + " | ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) + " |"
        for row in rows
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def as_list(runs: list[RealRun], answers: dict[str, dict[str, np.ndarray]]) -> str:
    """Return a line for each frame on which a method errs, with the methods that do."""
    lines = []
    for run in runs:
        for i, label in enumerate(run.truth):
            wrong = [m for m, said in answers.items() if said[run.name][i] != (label == "HIT")]
            if wrong and label != "MAYBE":
                lines.append(f"{run.name} {i}, {label}: otherwise by {', '.join(wrong)}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
