"""One row of a table: what was measured, and what it should have been."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .timing import paired_ratios


@dataclass(frozen=True)
class Row:
    """A ratio or another figure without a unit, once per repeat.

    ``least`` is what must be reached and ``aim`` what is wanted; None where nothing is demanded.
    ``ours`` and ``peer`` are the medians that a ratio came from, with their unit. Without values,
    ``note`` says why.
    """

    what: str
    against: str
    values: tuple[float, ...]
    least: float | None = None
    aim: float | None = None
    lower_is_better: bool = False
    ours: str = ""
    peer: str = ""
    note: str = ""

    @property
    def median(self) -> float:
        """The median over the repeats."""
        return statistics.median(self.values)

    @property
    def quartiles(self) -> tuple[float, float]:
        """Between which the middle half of the repeats lies."""
        low, high = np.percentile(self.values, [25, 75])
        return float(low), float(high)

    @property
    def reached(self) -> str:
        """What the median reaches: "aim", "least", "no", or "" where nothing is demanded."""
        if not self.values:
            return ""
        for name, demanded in (("aim", self.aim), ("least", self.least)):
            if demanded is not None and self._is_as_good_as(demanded):
                return name
        return "" if self.least is None else "no"

    def _is_as_good_as(self, demanded: float) -> bool:
        return self.median <= demanded if self.lower_is_better else self.median >= demanded


def faster(
    what: str,
    against: str,
    seconds: dict[str, list[float]],
    ours: str,
    peer: str,
    n_items: int,
    **demanded: float,
) -> Row:
    """Return the row that says how many times as fast `ours` is as `peer`."""
    return Row(
        what,
        against,
        tuple(paired_ratios(seconds[peer], seconds[ours])),
        ours=per_item(seconds[ours], n_items),
        peer=per_item(seconds[peer], n_items),
        **demanded,
    )


def per_item(seconds: Sequence[float], n_items: int) -> str:
    return f"{figure(1e3 * statistics.median(seconds) / n_items)} ms"


def figure(value: float) -> str:
    """Return three digits of a number, more of a large one."""
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.1e}" if 0 < abs(value) < 0.01 else f"{value:.3g}"
