"""What the report is made of: the outcomes of the cells, and what every caption has to say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sklearn_sfx.datasets import MAYBE_RULES
from sklearn_sfx.reproduction._cells import Cell
from sklearn_sfx.reproduction._metrics import Proportion
from sklearn_sfx.reproduction._study import Study

__all__ = ["ADVERSARIAL", "PAPER_CNN2D", "PAPER_DANN", "PAPER_RATES", "Report", "Table", "numbers"]

# All that the text of the paper gives; its tables are pictures.
PAPER_CNN2D = {("LN83", "LO19"): 0.7037}
PAPER_DANN = {("LN83", "LO19"): 0.8967}
ADVERSARIAL = "DANN, strength 1"  # of the gradient reversal, as in the paper
PAPER_RATES = {"vectors": 11123, "frames": 126}


@dataclass(frozen=True)
class Report:
    """What tables and pictures are made of: the study and the outcomes of its cells."""

    study: Study
    n_seeds: int
    outcomes: dict[Cell, dict[str, Any]]

    def seeds(self, experiment: str, where: tuple[str, ...]) -> list[dict[str, Any]]:
        """Return the outcome of each seed."""
        return [self.outcomes[Cell(experiment, where, seed)] for seed in range(self.n_seeds)]

    @property
    def kind(self) -> str:
        """What the frames are, as every caption says it."""
        return "SIMULATED frames" if self.study.simulated else "real frames of CXIDB entry 76"

    @property
    def size(self) -> str:
        """A sentence on what is smaller than in the paper, or nothing."""
        return f" {self.study.scale.said}." if self.study.scale.said else ""

    @property
    def mark(self) -> str:
        """The same in a few words, for pictures and rows of a CSV."""
        quick = f", {self.study.scale.name.upper()} run" if self.study.scale.said else ""
        return f"{self.kind}{quick}, {MAYBE_RULES[self.study.maybe]}"

    def conditions(self) -> str:
        """Say what holds for every table: frames, MAYBE, seeds and the interval, size."""
        seeds, interval = "One seed.", "Brackets are 95 % Wilson intervals of its counts."
        if self.n_seeds > 1:
            seeds = f"Mean of {self.n_seeds} seeds."
            interval = "Brackets are 95 % Wilson intervals of the counts of all seeds together"
            interval += (
                "; each seed simulates its own frames."
                if self.study.simulated
                else ", which takes the frames of each seed for new ones although seeds test many "
                "of the same, so they are too narrow."
            )
        return (
            f"{self.kind}. {MAYBE_RULES[self.study.maybe]}. A hit from a probability of 0.5. "
            f"{seeds} {interval}{self.size}"
        )


@dataclass(frozen=True)
class Table:
    """A table as the report shows it, and its numbers as the CSV holds them."""

    name: str
    title: str
    caption: str
    columns: list[str]
    rows: list[list[str]]
    records: list[dict[str, Any]]


def numbers(prefix: str, found: dict[str, Proportion]) -> dict[str, float]:
    """Return proportions and the ends of their intervals, as columns of a CSV."""
    return {
        f"{prefix}{metric}{end}": value
        for metric, proportion in found.items()
        for end, value in zip(("", " low", " high"), proportion, strict=True)
    }
