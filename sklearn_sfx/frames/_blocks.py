"""Work on a run in blocks: how long they are, who works, and the next ones under way meanwhile."""

from __future__ import annotations

import math
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, NamedTuple, TypeVar

import numpy as np
from joblib import Parallel, cpu_count, delayed, effective_n_jobs, parallel_config
from joblib.parallel import BACKENDS, get_active_backend

__all__ = ["Workers", "block_length", "work_ahead", "workers_for"]

N_ROUNDS = 4  # in which several workers share a short run out
AHEAD = 2  # blocks for each worker that are under way or wait to be used
LARGE = 16 * 2**20  # bytes; a C library learns from what it is given back only up to 32 MiB

Task = TypeVar("Task")
Result = TypeVar("Result")


class Workers(NamedTuple):
    """How many work on a run, and whether as threads of this process.

    Parameters
    ----------
    n : int
        1 and above.
    are_threads : bool
        Otherwise they are what joblib has been told to use: processes, a cluster.
    """

    n: int
    are_threads: bool


def workers_for(in_memory: bool, steps: Sequence[Any]) -> Workers:
    """Return who works on a run, by what joblib has been told.

    Threads and processes of this machine are never more than it has cores. Threads take the place
    of processes for frames in memory, which take longer to send than to prepare, where every step
    has a true ``frees_gil``. What is sent to a cluster is sent.

    Parameters
    ----------
    in_memory : bool
        Whether the frames lie there.
    steps : sequence of FrameStep
        What is run on each frame.
    """
    n = max(1, effective_n_jobs(None))
    if n == 1:  # to ask how many cores there are takes longer than to prepare some frames
        return Workers(1, are_threads=True)
    backend = get_active_backend(prefer="threads")[0]
    are_threads = getattr(backend, "supports_sharedmem", False)
    processes = [BACKENDS.get(name) for name in ("loky", "multiprocessing")]
    are_here = are_threads or type(backend) in processes
    if are_here and in_memory and all(getattr(step, "frees_gil", False) for step in steps):
        are_threads = True
    return Workers(min(n, cpu_count()) if are_here else n, are_threads)


def block_length(
    n_frames: int, frame_bytes: int, n_workers: int, max_bytes: int, max_frames: int
) -> int:
    """Return how many frames a block has, so that all that are held take `max_bytes` at most."""
    n_held = n_workers if n_workers == 1 else AHEAD * n_workers
    length = min(max_frames, max_bytes // (frame_bytes * n_held))
    if n_workers > 1:  # so many blocks that all have work, and little is waited for at the end
        length = min(length, math.ceil(n_frames / (N_ROUNDS * n_workers)))
    return max(1, length)


def work_ahead(
    work: Callable[[Task], Result], tasks: Sequence[Task], workers: Workers
) -> Iterator[Result]:
    """Yield the result of each task in order; with several workers the next ones run meanwhile."""
    if workers.n == 1:
        yield from (work(task) for task in tasks)
    elif workers.are_threads:
        yield from _in_threads(work, tasks, workers.n)
    else:
        yield from _in_waves(work, tasks, workers.n)


def _in_threads(work: Callable[[Task], Result], tasks: Sequence[Task], n: int) -> Iterator[Result]:
    _let_memory_be_kept()
    waiting: deque[tuple[Future[Result], Task]] = deque()
    threads = ThreadPoolExecutor(n - 1)  # and this one
    work = _with_settings_of_here(work)
    try:
        for task in tasks:
            waiting.append((threads.submit(copy_context().run, work, task), task))
            if len(waiting) == AHEAD * n:
                yield _next_of(waiting, work)
        while waiting:
            yield _next_of(waiting, work)
    finally:  # after an error, or where no more is wanted
        threads.shutdown(cancel_futures=True)


def _next_of(waiting: deque[tuple[Future[Result], Task]], work: Callable[[Task], Result]) -> Result:
    """Return the result of the first that waits; do what nobody has begun until it is there."""
    for i, (future, task) in enumerate(waiting):
        if waiting[0][0].done():
            break
        if future.cancel():
            waiting[i] = _done_here(work, task), task
    return waiting.popleft()[0].result()


def _done_here(work: Callable[[Task], Result], task: Task) -> Future[Result]:
    done: Future[Result] = Future()
    try:
        with parallel_config("sequential"):  # as in the other threads
            done.set_result(work(task))
    except Exception as error:  # which is raised when its turn comes
        done.set_exception(error)
    return done


def _with_settings_of_here(work: Callable[[Task], Result]) -> Callable[[Task], Result]:
    """Return the same work, which has scikit-learn's settings of this thread in any other."""
    if "sklearn" not in sys.modules:  # and takes long to import
        return work
    from sklearn import config_context, get_config

    settings = get_config()

    def work_with_settings(task: Task) -> Result:
        with config_context(**settings):
            return work(task)

    return work_with_settings


def _let_memory_be_kept() -> None:
    """Let threads use again what they have freed, without the system clearing each page anew.

    The C library gives the memory of a thread back to the system, unless it has seen a larger block
    freed. This one is never touched.
    """
    np.empty(LARGE, np.uint8)


def _in_waves(work: Callable[[Task], Result], tasks: Sequence[Task], n: int) -> Iterator[Result]:
    # Since joblib would run ahead of a slow consumer and pile up the results.
    with Parallel(n_jobs=n) as parallel, ThreadPoolExecutor(1) as ahead:
        failed = False

        def run_wave(jobs: list) -> list[Result]:
            nonlocal failed
            if failed:  # nobody waits for more, and workers would have to start again
                return []
            try:
                return parallel(jobs)
            except BaseException:
                failed = True
                raise

        wave = None
        for i in range(0, len(tasks), n):
            following = ahead.submit(run_wave, [delayed(work)(task) for task in tasks[i : i + n]])
            if wave is not None:
                yield from wave.result()
            wave = following
        if wave is not None:
            yield from wave.result()
