"""How often the recall that was found lies in the interval that was expected: SIMULATED runs.

The frames of a run are looked at once, by each method that goes by peaks. Then some of them are
drawn at random to be labelled, a method and a threshold are chosen by these labels as `sfx train`
does, and the recall on all others is compared with the 90 % interval that was expected of it.

    python -m benchmarks.expected_recall --cache recall --draws 10
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.choice.cells import measure_draw
from benchmarks.choice.runs import EXPERIMENTS, draw, run_of

NAMES = ("peaks", "spots", "count")  # the networks take hours for as many draws
LABELS = ((None, 60), (0.05, 150))  # how many at which hit rate; None for that of the run
RUN = 0  # its seed


class Draw(NamedTuple):
    """What was expected of a recall and what was found; `expected` is None for too few hits."""

    experiment: str
    rate: float | None
    expected: tuple[float, float] | None
    recall: float

    @property
    def is_held(self) -> bool:
        """Whether the recall lies in the interval."""
        return self.expected is not None and self.expected[0] <= self.recall <= self.expected[1]


def draws_of(run: dict[str, np.ndarray], experiment: str, n_draws: int) -> list[Draw]:
    """Label a run again and again, and return what came of it."""
    found = []
    for rate, n_labels in LABELS:
        for seed in range(n_draws):
            rows = draw(run["target"], n_labels, rate, seed)
            outcome = measure_draw(run, rows, NAMES, rate, seed)
            found.append(Draw(experiment, rate, outcome["expected"], outcome["recall"]))
    return found


def as_lines(found: Sequence[Draw]) -> list[str]:
    """Return a line for each run and hit rate, and one for all of them."""
    groups: dict[str, list[Draw]] = {}
    for one in found:
        if one.expected is not None:
            groups.setdefault(f"{one.experiment} {one.rate or 'run'}", []).append(one)
            groups.setdefault("all", []).append(one)
    lines = ["run and hit rate   in the interval   expected from  to     found"]
    groups["all"] = groups.pop("all", [])
    for name, draws in groups.items():
        n_held = sum(one.is_held for one in draws)
        low, high, recall = np.mean([(*one.expected, one.recall) for one in draws], axis=0)
        lines.append(
            f"{name:18} {n_held:6} of {len(draws):3} {low:17.3f} {high:7.3f} {recall:7.3f}"
        )
    return lines


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cache", type=Path, required=True, help="folder that keeps the runs")
    parser.add_argument("--n-frames", type=int, default=300, help="of each run")
    parser.add_argument("--side", type=int, default=256, help="of the frames, in pixels")
    parser.add_argument("--draws", type=int, default=10, help="of each run and hit rate")
    options = parser.parse_args()
    options.cache.mkdir(parents=True, exist_ok=True)
    found = []
    for name in EXPERIMENTS:
        run = run_of(name, RUN, options.n_frames, options.cache, names=NAMES, side=options.side)
        found += draws_of(run, name, options.draws)
    print("SIMULATED frames; 90 % intervals of the recall, means over the draws")
    print("\n".join(as_lines(found)))


if __name__ == "__main__":
    main()
