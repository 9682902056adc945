"""Kill commands at random moments, start them again, and compare with what is written unkilled.

Each command is run once in peace. Then it is killed (SIGKILL) at moments drawn evenly from the
time that took, twice, and started again to its end, and all its outputs are compared by their
SHA-256; nothing else may lie in the folder but the notes of what was written. What a reproduction
says of the time it took is left out. With `--cluster` the workers of a dask cluster are killed
while they screen.

    python -m benchmarks.kills --kills 100 --seed 0
    python -m benchmarks.kills --cluster --kills 20

Commands are forks of this process, which has imported and compiled what they need, so that what is
killed is their work.
"""

import argparse
import hashlib
import os
import re
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout, suppress
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

SIDE = "160"
PART = 32
KILLS_IN_A_ROW = 2  # before a command may run to its end
TIMES = re.compile(rb"by sfx reproduce.*?hours\.", re.S)


class Command(NamedTuple):
    """A command that is killed: its arguments, what is there before, what it is to write."""

    arguments: list[str]
    outputs: tuple[str, ...]
    before: tuple[list[str], ...] = ()


def commands(folder: Path) -> dict[str, Command]:
    """Return what is killed, by name; its inputs lie in `folder`."""
    run = [str(folder / "run.h5"), "--mask", str(folder / "run.mask.h5")]
    model = ["--model", str(folder / "model.joblib")]
    labels = ["--labels", str(folder / "run.labels.txt"), "--crop", SIDE]
    labels += ["--n-labels", "60", "--epochs", "2"]
    lists = ("run.hits.lst", "run.scores.csv")
    shares = tuple(["screen", *run, *model, "--jobs", "1", "--shard", f"{i}/2"] for i in (1, 2))
    size = ["--n-frames", "150", "--frame-shape", SIDE, SIDE]
    return {
        "screen": Command(["screen", *run, *model], lists),
        "shard": Command([*shares[1]], lists, shares[:1]),
        "train": Command(["train", *run, *labels, "--model", "new.joblib"], ("new.joblib",)),
        "simulate": Command(
            ["simulate", "new.h5", *size], ("new.h5", "new.labels.txt", "new.mask.h5")
        ),
        "label": Command(
            ["label", *run, "--page", "--crop", SIDE, "--n-frames", "60"], ("run.label.html",)
        ),
        "merge": Command(["merge", *run, *model], lists, (["shares", *run, *model],)),
        "reproduce": Command(
            ["reproduce", "made", "--quick", "--only", "2", "4", "--jobs", "1"], ("made",)
        ),
    }


def main() -> int:
    """Kill as often as is asked for, and print a table; return 1 if anything was lost or left."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=60, help="stop after so long")
    parser.add_argument("--cluster", action="store_true", help="kill the workers of a dask cluster")
    args = parser.parse_args()
    rng = np.random.default_rng(args.seed)
    os.environ["TQDM_DISABLE"] = "1"
    with tempfile.TemporaryDirectory() as top:
        inputs = Path(top) / "inputs"
        inputs.mkdir()
        make_small()
        make_inputs(inputs)
        if args.cluster:
            return kill_workers(inputs, Path(top), args.kills, rng)
        return kill_commands(commands(inputs), Path(top), args, rng)


def make_small() -> None:
    """Make parts and the quick reproduction small, so that a kill costs seconds."""
    import torch

    from sklearn_sfx.cli import build_parser
    from sklearn_sfx.reproduction import _scale
    from sklearn_sfx.screening import _parts

    build_parser()
    torch.set_num_threads(1)  # no thread may be there when this process is forked
    _parts.PART = PART
    small = {"n_frames": 60, "crop": 128, "simulated_side": 160, "whole_side": 160, "n_seeds": 1}
    epochs = {"enough_epochs": 2, "few_epochs": 2, "vector_epochs": 2, "dann_epochs": 2}
    channels = {"channels": (4, 8), "vector_channels": (4, 8)}
    _scale.QUICK = replace(_scale.QUICK, **small, **epochs, **channels)


def make_inputs(folder: Path) -> None:
    """Write a run, its labels and mask, and a model of it, and compile all that this takes."""
    from sklearn_sfx.cli import main as sfx

    run, model = str(folder / "run.h5"), ["--model", str(folder / "model.joblib"), "--jobs", "1"]
    mask = ["--mask", str(folder / "run.mask.h5")]
    assert sfx(["simulate", run, "--n-frames", "240", "--frame-shape", SIDE, SIDE]) == 0
    labels = ["--labels", str(folder / "run.labels.txt"), "--n-labels", "60", "--crop", SIDE]
    assert sfx(["train", run, *mask, *labels, "--epochs", "3", *model]) == 0
    lists = ["--hits", str(folder / "hits.lst"), "--scores", str(folder / "scores.csv")]
    assert sfx(["screen", run, *mask, *lists, *model]) == 0
    print("threads:", [thread.name for thread in threading.enumerate()])


def start(arguments: list[str], folder: Path) -> int:
    """Start a command in a process of its own, in a folder, and return its number."""
    child = os.fork()
    if child:
        return child
    os.setsid()
    os.chdir(folder)
    code = 1
    try:
        from sklearn_sfx.cli import main as sfx

        said = open(folder.parent / "said", "w")  # noqa: SIM115 - until the process ends
        with redirect_stdout(said), redirect_stderr(said):
            code = (screen_shares if arguments[0] == "shares" else sfx)(arguments)
            said.flush()
    finally:
        os._exit(code)


def screen_shares(arguments: list[str]) -> int:
    """Do all parts, and write no list: what `merge` is there for."""
    from sklearn_sfx import open_frames, read_mask
    from sklearn_sfx.screening import Screening, load_screening_model

    _, run, _, mask, _, model = arguments
    frames = open_frames(run, mask=read_mask(mask), missing="on_read")
    Screening(load_screening_model(model), frames, "").run()
    return 0


def finish(arguments: list[str], folder: Path) -> float:
    """Run a command to its end, and return the seconds it took."""
    began = time.perf_counter()
    _, status = os.waitpid(start(arguments, folder), 0)
    if status:
        said = (folder.parent / "said").read_text()
        raise SystemExit(f"sfx {' '.join(arguments)} ended with {status}: {said}")
    return time.perf_counter() - began


def kill(arguments: list[str], folder: Path, after: float) -> bool:
    """Start a command and kill it, and all that it has started; whether it was not done yet."""
    child = start(arguments, folder)
    time.sleep(after)
    with suppress(ProcessLookupError):  # it has not come so far as to have a group, or has ended
        os.killpg(child, signal.SIGKILL)
    with suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def digests(folder: Path) -> dict[str, str]:
    """Return the digest of every file, but for the notes of what was written."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_dir():
            if not any(path.iterdir()):
                found[name] = "an empty folder"
        elif "/cache/" not in name and not re.search(
            r"\.sfx/(written/\w+\.json|parts/\w+\.written)$", name
        ):
            content = TIMES.sub(b"", path.read_bytes())
            found[name] = hashlib.sha256(content).hexdigest()
        elif "/cache/" in name and ".sfx" in name:
            found[name] = "a leftover"
    return found


def kill_commands(
    killed: dict[str, Command], top: Path, args: argparse.Namespace, rng: np.random.Generator
) -> int:
    """Kill each command in turn, and compare what is there once it has run to its end."""
    deadline, expected, seconds = time.monotonic() + 60 * args.minutes, {}, {}
    for name, command in killed.items():
        peace = top / f"{name}-peace"
        peace.mkdir()
        for arguments in command.before:
            finish(arguments, peace)
        seconds[name] = finish(command.arguments, peace)
        expected[name] = digests(peace)
        assert all(any(known.startswith(o) for known in expected[name]) for o in command.outputs)
        print(f"{name}: {seconds[name]:.1f} s in peace, {len(expected[name])} files", flush=True)
    counts = {name: [0, 0, 0] for name in killed}
    n_kills = rounds = 0
    while n_kills < args.kills and time.monotonic() < deadline:
        name = list(killed)[rounds % len(killed)]
        command, folder = killed[name], top / f"{name}-{rounds}"
        folder.mkdir()
        for arguments in command.before:
            finish(arguments, folder)
        for _ in range(KILLS_IN_A_ROW):
            early = kill(command.arguments, folder, rng.uniform(0, seconds[name]))
            n_kills += 1
            counts[name][0] += 1
            counts[name][1] += early
        finish(command.arguments, folder)
        found = digests(folder)
        rounds += 1
        if found != expected[name]:
            counts[name][2] += 1
            changed = {key for key, _ in found.items() ^ expected[name].items()}
            print(f"{name}, kill {n_kills}: {sorted(changed)}", flush=True)
        shutil.rmtree(folder)
    for name, (n, early, wrong) in counts.items():
        print(f"{name:10} {n:3} kills, {early:3} before its end, {wrong} with other files after")
    print(f"all: {n_kills} kills, {sum(wrong for _, _, wrong in counts.values())} wrong")
    return int(any(wrong for _, _, wrong in counts.values()))


def kill_workers(inputs: Path, top: Path, n_kills: int, rng: np.random.Generator) -> int:
    """Kill workers of a cluster while they screen, and compare the result."""
    from distributed import Client, LocalCluster

    from sklearn_sfx import open_frames, read_mask, screen
    from sklearn_sfx.screening import Screening, _journal, load_screening_model

    frames = open_frames(inputs / "run.h5", mask=read_mask(inputs / "run.mask.h5"))
    model = load_screening_model(inputs / "model.joblib")
    write: Callable = _journal.Journal.write
    killed = wrong = rounds = 0
    expected = screen(model, frames).probability

    with (
        LocalCluster(n_workers=3, threads_per_worker=1, dashboard_address=":0") as cluster,
        Client(cluster) as client,
    ):

        def write_and_kill(journal: object, number: int, found: object) -> None:
            nonlocal killed
            write(journal, number, found)
            if killed < n_kills and rng.random() < 0.4:
                pids = sorted(client.run(os.getpid, on_error="ignore").values())
                if pids:
                    os.kill(int(rng.choice(pids)), signal.SIGKILL)
                    killed += 1

        _journal.Journal.write = write_and_kill
        while killed < n_kills:
            folder = top / f"cluster-{rounds}"
            folder.mkdir()
            screening = Screening(model, frames, folder)
            screening.run(cluster=cluster.scheduler_address)
            wrong += not np.array_equal(screening.scores().probability, expected)
            screening.remove()
            wrong += bool(list(folder.rglob("*")))
            rounds += 1
    print(f"{killed} workers killed in {rounds} screenings, {wrong} wrong")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
