"""Work on a run in blocks: how long they are, and the next ones under way meanwhile."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from joblib import Parallel, delayed

__all__ = ["block_length", "work_ahead"]

N_ROUNDS = 4  # in which several workers share a short run out

Task = TypeVar("Task")
Result = TypeVar("Result")


def block_length(
    n_frames: int, frame_bytes: int, n_workers: int, max_bytes: int, max_frames: int
) -> int:
    """Return how many frames a block has, so that all that are held take `max_bytes` at most."""
    n_held = n_workers if n_workers == 1 else 2 * n_workers
    length = min(max_frames, max_bytes // (frame_bytes * n_held))
    if n_workers > 1:  # so many blocks that all have work, and little is waited for at the end
        length = min(length, math.ceil(n_frames / (N_ROUNDS * n_workers)))
    return max(1, length)


def work_ahead(
    work: Callable[[Task], Result], tasks: Sequence[Task], n_workers: int
) -> Iterator[Result]:
    """Yield the result of each task in order; with several workers the next ones run meanwhile."""
    if n_workers == 1:
        yield from (work(task) for task in tasks)
        return
    # In waves, since joblib would run ahead of a slow consumer and pile up the results.
    with Parallel(prefer="threads") as parallel, ThreadPoolExecutor(1) as ahead:
        wave = None
        for i in range(0, len(tasks), n_workers):
            jobs = [delayed(work)(task) for task in tasks[i : i + n_workers]]
            following = ahead.submit(parallel, jobs)
            if wave is not None:
                yield from wave.result()
            wave = following
        if wave is not None:
            yield from wave.result()
