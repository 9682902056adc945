"""What comes of many damaged runs, tried in processes with little memory and time."""

import itertools
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

__all__ = ["every_case", "outcomes_of", "summary", "try_cases"]

MEMORY = 2**30  # beyond what the process has when it starts
SECONDS = 20  # of work for one run
AT_THE_LATEST = 120  # seconds for one run, on whatever else the machine works


def every_case():
    """Return all formats, and all layouts of HDF5, by name."""
    from benchmarks.damage.cases import CASES
    from benchmarks.damage.layouts import layouts

    return {**CASES, **layouts()}


def try_cases(cases, n_mutants, seed=0):
    """Damage each run so many times, and return what was done and what came of it.

    Parameters
    ----------
    cases : dict of str to Case
        How they are written and read, by their names among those of `every_case`.
    n_mutants : int
        How many damaged copies there are of each.
    seed : int
        Of all that is random.

    Returns
    -------
    dict of str to list of (str, str)
        For each case. The same for the same seed.
    """
    with tempfile.TemporaryDirectory() as top:
        done = {name: _write(cases[name], Path(top, name), n_mutants, seed) for name in cases}
        found = iter(outcomes_of([(name, i) for name in cases for i in range(n_mutants)], top))
        return {name: [(what, next(found)) for what in done[name]] for name in cases}


def _write(case, folder, n_mutants, seed):
    """Write a run and damaged copies of it, and return what was done to each."""
    whole = folder / "whole"
    whole.mkdir(parents=True)
    np.save(folder / "written.npy", case.write(whole / f"run{case.suffix}"))
    done = []
    for number in range(n_mutants):
        mutant = folder / str(number)
        mutant.mkdir()
        for file in whole.iterdir():
            (mutant / file.name).write_bytes(file.read_bytes())
        rng = np.random.default_rng([seed, number, *folder.name.encode()])
        done.append(damage_folder(mutant, rng))
    return done


def outcomes_of(runs, top):
    """Return the outcome of each damaged run, in processes that may crash or hang.

    One process tries all that come before the next crash.

    Parameters
    ----------
    runs : list of (str, int)
        The name of the case and the number of the damaged copy. Those of a case follow each other.
    top : path-like
        In it is a folder for each case: in that what was written, as ``written.npy``, the whole
        run, in ``whole``, and the damaged ones, each in a folder called by its number.
    """
    Path(top, "runs.json").write_text(json.dumps(runs))
    found = []
    while len(found) < len(runs):
        done = _in_a_process(top, len(found), len(runs))
        found += [json.loads(line) for line in done.stdout.splitlines() if line.startswith('"')]
        if len(found) == len(runs):
            break
        fault = f"crash: {done.returncode} {done.stderr[-300:]}"
        if done.returncode in (-signal.SIGPROF, -signal.SIGALRM):
            fault = f"slow: more than {SECONDS} s"
        if done.returncode < 0:  # by a signal, perhaps within the library that others use too
            alone = _in_a_process(top, len(found), len(found) + 1, "others")
            fault = "ends as others do" if alone.returncode == done.returncode else fault
        found.append(fault)
    return found


def _in_a_process(top, start, stop, who="ours"):
    """Run `main` in a process of its own, and return what came of it."""
    command = [sys.executable, "-m", "benchmarks.damage.outcomes", str(top)]
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


def main(top, start, stop, who="ours"):
    """Print the outcome of each run as it comes; killed by the alarm if one takes too long.

    Of "others" nothing is printed: it is only seen whether they end.
    """
    runs = json.loads(Path(top, "runs.json").read_text())[int(start) : int(stop)]
    cases = every_case()
    stdout = os.fdopen(os.dup(1), "w")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for name, of_case in itertools.groupby(runs, key=lambda run: run[0]):
        case, folder = cases[name], Path(top, name)
        written = np.load(folder / "written.npy")
        _limit(None)
        judge(folder / "whole" / f"run{case.suffix}", written, case.read)  # imports, compiles
        _limit(MEMORY)
        for _, number in of_case:
            signal.setitimer(signal.ITIMER_PROF, SECONDS)
            signal.alarm(AT_THE_LATEST)
            path = folder / str(number) / f"run{case.suffix}"
            if who == "others":
                quietly(case.read, path)
                continue
            outcome = judge(path, written, case.read)
            print(json.dumps(outcome), file=stdout, flush=True)
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.alarm(0)


def _limit(memory):
    """Let this process have that much more memory than it has now; as much as there is if None."""
    limit = resource.RLIM_INFINITY
    if memory is not None:
        limit = memory + resource.getpagesize() * int(
            Path("/proc/self/statm").read_text().split()[0]
        )
    resource.setrlimit(resource.RLIMIT_AS, (limit, resource.getrlimit(resource.RLIMIT_AS)[1]))


if __name__ == "__main__":
    main(*sys.argv[1:])
