"""Times taken in turns, and ratios of neighbours.

A machine gets faster and slower while it works, and what is measured later would profit or suffer.
So the passes take turns (A B A B ...), and a ratio is made of two passes of the same round.
"""

import time
from collections.abc import Callable, Mapping, Sequence


def timed(
    function: Callable[[], object], clock: Callable[[], float] = time.perf_counter
) -> Callable[[], float]:
    """Return a pass: it calls the function and returns the seconds that this took, by a clock."""

    def run() -> float:
        start = clock()
        function()
        return clock() - start

    return run


def interleave(passes: Mapping[str, Callable[[], float]], repeats: int) -> dict[str, list[float]]:
    """Run every pass in turn, `repeats` times after one that does not count; return seconds."""
    for run in passes.values():
        run()
    seconds = {name: [] for name in passes}
    for _ in range(repeats):
        for name, run in passes.items():
            seconds[name].append(run())
    return seconds


def paired_ratios(peer: Sequence[float], ours: Sequence[float]) -> list[float]:
    """Return how many times as long the peer took, of each pair."""
    return [theirs / mine for theirs, mine in zip(peer, ours, strict=True)]
