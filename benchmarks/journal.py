"""What it costs to keep a screening on disk, and to share it out.

A run of as many frames as are asked for, the same ones again and again, is screened

- by one process, and the time that it spends in the journal is set against all it takes, and the
  most memory it holds against that of a tenth of the run;
- by one process that is killed half-way, and again to the end: frames that are done twice;
- with ``--shares``, by two processes of one thread each, and by one of two threads, in turns.

    python -m benchmarks.journal --frames 20000 --side 256
    python -m benchmarks.journal --shares --frames 2048 --side 724
"""

import argparse
import os
import resource
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import joblib
import numpy as np

from sklearn_sfx import make_sfx_frames, open_frames, train
from sklearn_sfx.datasets import write_run
from sklearn_sfx.screening import Screening, _journal, _screen, _screening

N_DIFFERENT = 256


def main() -> int:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=20000)
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--shares", action="store_true")
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    os.environ["TQDM_DISABLE"] = "1"
    with tempfile.TemporaryDirectory() as top:
        folder = Path(top)
        in_child(lambda: write(folder / "run.h5", args.side))
        frames = open_frames(folder / "run.h5")[np.arange(args.frames) % N_DIFFERENT]
        in_child(lambda: make_model(frames, args.side, folder))
        if args.shares:
            measure_shares(frames, folder, args.rounds)
        else:
            measure_journal(frames, folder)
    return 0


def write(path: Path, side: int) -> None:
    """Write the frames that the run repeats."""
    write_run(path, make_sfx_frames(N_DIFFERENT, frame_shape=(side, side), random_state=0))


def make_model(frames: Any, side: int, folder: Path) -> None:
    """Train a network, shortly: how good it is does not matter here."""
    target = make_sfx_frames(N_DIFFERENT, frame_shape=(side, side), random_state=0).target[:60]
    settings = {"max_epochs": 20, "recall": 0.8, "random_state": 0}  # or it may keep all
    model = train(frames[:60], target, method="rows", crop=side, **settings)
    model.save(folder / "model.joblib")


def measure_journal(frames: Any, folder: Path) -> None:
    """Print what the journal takes, the memory, and what is done twice after a kill."""
    few = in_child(lambda: screen_timed(frames[: len(frames) // 10], folder / "few"))
    all_ = in_child(lambda: screen_timed(frames, folder / "all"))
    print(
        f"{len(frames)} frames in {all_['seconds']:.1f} s, of which the journal took "
        f"{all_['journal']:.2f} s ({all_['journal'] / all_['seconds']:.2%}), of which "
        f"{all_['key']:.2f} s to know the run again"
    )
    print(
        f"most memory: {few['memory']:.0f} MiB with {len(frames) // 10} frames, "
        f"{all_['memory']:.0f} MiB with {len(frames)}"
    )
    n_parts, killed = all_["parts"], folder / "killed"
    child = fork(lambda: screen_timed(frames, killed), folder / "out")
    while len(list(killed.rglob("*.npz"))) < n_parts // 2:
        time.sleep(0.05)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    done = len(list(killed.rglob("*.npz")))
    again = in_child(lambda: screen_timed(frames, killed))
    print(f"killed with {done} of {n_parts} parts done; {again['parts']} were done after it")


def measure_shares(frames: Any, folder: Path, rounds: int) -> None:
    """Print the times of two processes and of two threads, in turns, without their imports."""
    times: dict[str, list[float]] = {"two threads": [], "two processes": []}
    for number in range(rounds):
        threads = in_child(partial(screen_timed, frames, folder / f"threads{number}"))
        times["two threads"].append(threads["seconds"])
        place = folder / f"processes{number}"
        shares = [partial(screen_timed, frames, place, shard=(i, 2)) for i in (1, 2)]
        children = [fork(share, folder / f"out{i}") for i, share in enumerate(shares)]
        for child in children:
            os.waitpid(child, 0)
        took = [joblib.load(folder / f"out{i}")["seconds"] for i in range(2)]
        times["two processes"].append(max(took))
    for name, found in times.items():
        print(f"{name}: {', '.join(f'{each:.1f}' for each in found)} s, median {median(found):.1f}")
    ratios = [two / one for one, two in zip(*times.values(), strict=True)]
    print(f"two processes take {median(ratios):.2f} of the time of two threads, round by round")


def screen_timed(frames: Any, folder: Path, *, shard: tuple[int, int] = (1, 1)) -> dict[str, float]:
    """Screen, and return seconds, those spent in the journal, MiB, and parts that were done."""
    import torch  # noqa: F401 - as the command has it by then

    from sklearn_sfx.screening import load_screening_model

    spent, n_parts = [0.0], [0]

    def timed(function: Callable) -> Callable:
        def call(*args: Any, **kwargs: Any) -> Any:
            began = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                spent[0] += time.perf_counter() - began

        return call

    score = _screen.score_part

    def counted(*args: Any, **kwargs: Any) -> Any:
        n_parts[0] += 1
        return score(*args, **kwargs)

    _screen.score_part = counted
    for name in ("read", "write"):
        setattr(_journal.Journal, name, timed(getattr(_journal.Journal, name)))
    _screening.screening_key = timed(_screening.screening_key)
    folder.mkdir(exist_ok=True)
    model = load_screening_model(folder.parent / "model.joblib")
    began = time.perf_counter()
    with joblib.parallel_config("threading", n_jobs=2 if shard == (1, 1) else 1):
        screening = Screening(model, frames, folder, peaks=False)
        key = spent[0]
        screening.run(shard=shard)
        if shard == (1, 1):
            screening.scores()
    return {
        "seconds": time.perf_counter() - began,
        "journal": spent[0],
        "key": key,
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "parts": n_parts[0],
    }


def fork(work: Callable, out: Path) -> int:
    """Do something in a process of its own, and keep in a file what it returns."""
    child = os.fork()
    if child:
        return child
    try:
        joblib.dump(work(), out)
        os._exit(0)
    except BaseException as error:
        print(repr(error), file=sys.stderr, flush=True)
        os._exit(1)


def in_child(work: Callable) -> Any:
    """Do something in a process of its own, and return what it returns."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        _, status = os.waitpid(fork(work, out), 0)
        if status:
            raise SystemExit(status)
        return joblib.load(out)


if __name__ == "__main__":
    sys.exit(main())
