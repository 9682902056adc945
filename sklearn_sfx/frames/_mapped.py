"""Something made of a run, block by block, by the threads that read it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

import numpy as np

from sklearn_sfx.frames._blocks import work_ahead
from sklearn_sfx.frames._frames import Frames

__all__ = ["are_read_by_threads", "map_blocks"]

Result = TypeVar("Result")


def are_read_by_threads(frames: Frames) -> bool:
    """Whether these frames would be read by threads of this process, or one: see `map_blocks`."""
    return frames._workers.are_threads


def map_blocks(
    work: Callable[[np.ndarray], Result], frames: Frames, length: int
) -> Iterator[Result]:
    """Yield what `work` makes of each block of so many frames, in their order.

    Whoever reads a block does the work on it too, so that no thread has to do it for all.
    """

    def read_and_work(part: Frames) -> Result:
        return work(part._read_here())

    tasks = [frames[i : i + length] for i in range(0, len(frames), length)]
    yield from work_ahead(read_and_work, tasks, frames._workers)
