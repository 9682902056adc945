"""What becomes of damaged files, tried in processes with little memory and time."""

import contextlib
import io
import json
import logging
import os
import resource
import signal
import subprocess
import sys
import warnings
from collections import Counter
from pathlib import Path

import numpy as np

__all__ = ["ALLOWED", "outcomes", "try_files"]

MEMORY = 4 * 2**30
SECONDS = 20  # for one file
ALLOWED = {"refused", "as it was", "as the reference"}


def try_files(paths, original, read_reference):
    """Return the outcome of each of some files, in this process.

    Parameters
    ----------
    paths : list of str
        Damaged copies of one file.
    original : ndarray
        What was in the file.
    read_reference : callable
        Given a path, what another library reads; it may raise whatever it likes.
    """
    from sklearn_sfx import InputError, open_frames

    found = []
    for path in paths:
        errors = io.StringIO()
        try:
            with contextlib.redirect_stdout(errors), contextlib.redirect_stderr(errors):
                values = np.asarray(open_frames(path))
        except InputError as error:
            found.append("refused" if "\n" not in str(error) else "a sentence of several lines")
            continue
        except Exception as error:
            found.append(f"raises {type(error).__name__}: {error}")
            continue
        if errors.getvalue():
            found.append(f"prints {errors.getvalue()}")
        elif same(values, original):
            found.append("as it was")
        else:
            try:
                logging.disable()
                with contextlib.redirect_stdout(errors), warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    reference = read_reference(path)
            except Exception:
                reference = None
            finally:
                logging.disable(logging.NOTSET)
            found.append("as the reference" if same(values, reference) else "wrong")
    return found


def same(one, other):
    """Whether two arrays of frames have the same values, be a single one 2-D or 3-D."""
    if one is None or other is None:
        return False
    one, other = (np.reshape(array, (-1, *np.shape(array)[-2:])) for array in (one, other))
    return np.array_equal(one, other, equal_nan=one.dtype.kind == "f" == other.dtype.kind)


def outcomes(folder, case, names):
    """Return the outcome of each file, in processes that may crash or hang.

    Parameters
    ----------
    folder : Path
        Where the files are, and the original as ``original.npy``.
    case : str
        Which of `benchmarks.damage.cases` it is.
    names : list of str
        Of the files.
    """
    found = {}
    left = list(names)
    while left:
        command = [sys.executable, "-m", "benchmarks.damage.outcomes", str(folder), case, *left]
        done = subprocess.run(
            command, capture_output=True, text=True, cwd=Path(__file__).parents[2], check=False
        )
        lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[")]
        found.update(lines)
        left = left[len(lines) :]
        if left and done.returncode != 0:
            found[left.pop(0)] = f"ends the process with {done.returncode}: {done.stderr[-300:]}"
    return found


def summary(found):
    """Return how often each outcome came up."""
    return Counter(outcome.partition(":")[0] for outcome in found.values())


def main(folder, case, *names):
    """Print the outcome of each file as it comes; killed by the alarm if one takes too long."""
    from benchmarks.damage.cases import CASES

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    original = np.load(Path(folder, "original.npy"))
    stdout = os.fdopen(os.dup(1), "w")
    for name in names:
        signal.alarm(SECONDS)
        (outcome,) = try_files([str(Path(folder, name))], original, CASES[case].read)
        print(json.dumps([name, outcome]), file=stdout, flush=True)
    signal.alarm(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
