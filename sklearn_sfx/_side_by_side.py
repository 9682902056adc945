"""Trainings side by side: in processes beside this one, which does its share of them.

Threads would take turns, since torch has one generator from which dropout and weights are drawn.
"""

import contextlib
import importlib
import multiprocessing
import queue
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import ContextVar
from typing import Any

from joblib import cpu_count, effective_n_jobs
from joblib.externals.loky import ProcessPoolExecutor

__all__ = ["helpers_ahead", "side_by_side"]

ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}

_ahead: ContextVar[ProcessPoolExecutor | None] = ContextVar("_ahead", default=None)


@contextlib.contextmanager
def helpers_ahead(n_tasks: int, *imports: str) -> Iterator[None]:
    """Start the processes of `side_by_side` before there is work: what they import takes seconds.

    Parameters
    ----------
    n_tasks : int
        How many tasks there will be; for 0 nothing is started.
    *imports : str
        The modules that the work needs.
    """
    n_others = min(_n_processes() - 1, n_tasks)
    if n_others < 1:
        yield
        return
    with _helpers(n_others) as processes:
        for _ in range(n_others):
            _submit(processes, _import, *imports)
        token = _ahead.set(processes)
        try:
            yield
        finally:
            _ahead.reset(token)


def _submit(processes: ProcessPoolExecutor, work: Callable, *task: Any) -> Future:
    """Submit a task. A process that this starts leaves Ctrl-C to this one, which then ends it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        return processes.submit(work, *task)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _import(*names: str) -> None:
    for name in names:
        importlib.import_module(name)


@contextlib.contextmanager
def _helpers(n: int) -> Iterator[ProcessPoolExecutor]:
    with ProcessPoolExecutor(n, env=ONE_THREAD) as processes:
        try:
            yield processes
        finally:
            processes.shutdown(kill_workers=True)  # to let them end by themselves takes seconds


def side_by_side(
    work: Callable, tasks: Sequence[tuple], own: Callable[[], object] | None = None
) -> list[Any]:
    """Return what `work` makes of each task, on as many processes as joblib has been told.

    They are never more than there are cores, this one included.

    Parameters
    ----------
    work : callable
        Of what a task holds; both can be pickled.
    tasks : sequence of tuple
        Arguments of `work`.
    own : callable, optional
        What this process, and no other, has to do before its share of the tasks.

    Returns
    -------
    list
        A result for each task, in their order.
    """
    waiting: queue.SimpleQueue = queue.SimpleQueue()
    for task in enumerate(tasks):
        waiting.put(task)
    results: list[Any] = [None] * len(tasks)

    def share(run: Callable) -> None:
        while True:
            try:
                place, task = waiting.get_nowait()
            except queue.Empty:
                return
            results[place] = run(task)

    def here(first: Callable[[], object] | None) -> None:
        if first is not None:
            first()
        share(lambda task: work(*task))

    n_others = min(_n_processes() - 1, len(tasks) - (own is None))
    if n_others < 1:
        here(own)
        return results
    ahead = _ahead.get()
    with (
        _helpers(n_others) if ahead is None else contextlib.nullcontext(ahead) as processes,
        ThreadPoolExecutor(n_others) as threads,
    ):
        elsewhere = [
            threads.submit(share, lambda task: _submit(processes, work, *task).result())
            for _ in range(n_others)
        ]
        try:
            here(own)
            for other in elsewhere:
                other.result()
        except BaseException:  # nobody waits for the rest
            share(lambda task: None)
            processes.shutdown(kill_workers=True)
            raise
    return results


def _n_processes() -> int:
    if multiprocessing.current_process().daemon:  # which may not start others
        return 1
    return min(max(1, effective_n_jobs(None)), cpu_count())
