"""What comes of many damaged runs, tried in processes with little memory and time."""

import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np

from benchmarks.damage.judgement import judge, quietly
from benchmarks.damage.mutants import damage_folder

__all__ = ["every_case", "outcomes_of", "summary", "try_case"]

MEMORY = 2**30  # beyond what the process has when it starts
SECONDS = 20  # of work for one run
AT_THE_LATEST = 120  # seconds for one run, on whatever else the machine works


def every_case():
    """Return all formats, and all layouts of HDF5, by name."""
    from benchmarks.damage.cases import CASES
    from benchmarks.damage.layouts import layouts

    return {**CASES, **layouts()}


def try_case(name, case, n_mutants, seed=0):
    """Damage a run so many times, and return what was done and what came of it, for each.

    Parameters
    ----------
    name : str
        Of the case, among those of `every_case`.
    case : Case
        How it is written and read.
    n_mutants : int
        How many damaged copies there are.
    seed : int
        Of all that is random.

    Returns
    -------
    list of (str, str)
        The same for the same seed.
    """
    with tempfile.TemporaryDirectory() as top:
        whole = Path(top, "whole")
        whole.mkdir()
        np.save(Path(top, "written.npy"), case.write(whole / f"run{case.suffix}"))
        done = []
        for number in range(n_mutants):
            mutant = Path(top, str(number))
            mutant.mkdir()
            for file in whole.iterdir():
                (mutant / file.name).write_bytes(file.read_bytes())
            rng = np.random.default_rng([seed, number, *name.encode()])
            done.append(damage_folder(mutant, rng))
        found = outcomes_of(name, top, n_mutants)
    return list(zip(done, found, strict=True))


def outcomes_of(name, top, n_mutants):
    """Return the outcome of each damaged run, in processes that may crash or hang.

    Parameters
    ----------
    name : str
        Of the case.
    top : path-like
        The folder of the damaged runs, each in a folder called by its number, and of what was
        written, as ``written.npy``.
    n_mutants : int
        How many there are.
    """
    found = []
    while len(found) < n_mutants:
        done = _in_a_process(name, top, len(found), n_mutants)
        found += [json.loads(line) for line in done.stdout.splitlines() if line.startswith('"')]
        if len(found) == n_mutants:
            break
        fault = f"crash: {done.returncode} {done.stderr[-300:]}"
        if done.returncode in (-signal.SIGPROF, -signal.SIGALRM):
            fault = f"slow: more than {SECONDS} s"
        if done.returncode < 0:  # by a signal, perhaps within the library that others use too
            alone = _in_a_process(name, top, len(found), len(found) + 1, "others")
            fault = "ends as others do" if alone.returncode == done.returncode else fault
        found.append(fault)
    return found


def _in_a_process(name, top, start, stop, who="ours"):
    """Run `main` in a process of its own, and return what came of it."""
    command = [sys.executable, "-m", "benchmarks.damage.outcomes", name, str(top)]
    return subprocess.run(
        [*command, str(start), str(stop), who],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
        check=False,
    )


def summary(found):
    """Return how often each outcome came up, without what is known of it."""
    return Counter(outcome.partition(":")[0] for outcome in found)


def main(name, top, start, stop, who="ours"):
    """Print the outcome of each run as it comes; killed by the alarm if one takes too long.

    Of "others" nothing is printed: it is only seen whether they end.
    """
    case = every_case()[name]
    written = np.load(Path(top, "written.npy"))
    stdout = os.fdopen(os.dup(1), "w")
    judge(Path(top, "whole", f"run{case.suffix}"), written, case.read)  # imports, compiles
    has = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (has + MEMORY, has + MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for number in range(int(start), int(stop)):
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        signal.alarm(AT_THE_LATEST)
        path = Path(top, str(number), f"run{case.suffix}")
        if who == "others":
            quietly(case.read, path)
            continue
        outcome = judge(path, written, case.read)
        print(json.dumps(outcome), file=stdout, flush=True)
    signal.setitimer(signal.ITIMER_PROF, 0)
    signal.alarm(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
