"""``python -m benchmarks.damage``: damage a file of each format, and count what becomes of it."""

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.damage.cases import CASES
from benchmarks.damage.mutants import mutants
from benchmarks.damage.outcomes import ALLOWED, outcomes, summary


def main():
    """Print a line for each format, and one for each mutant that was not read or refused well."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("formats", nargs="*", choices=[[], *CASES], metavar="FORMAT")
    parser.add_argument("-n", type=int, default=200, help="mutants of each format")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    bad = 0
    for case in options.formats or CASES:
        with tempfile.TemporaryDirectory() as folder:
            folder = Path(folder)
            suffix, write, _ = CASES[case]
            np.save(folder / "original.npy", write(folder / f"original{suffix}"))
            data = (folder / f"original{suffix}").read_bytes()
            done = {}
            for number, (what, changed) in enumerate(mutants(data, options.n, options.seed)):
                done[f"{number}{suffix}"] = what
                (folder / f"{number}{suffix}").write_bytes(changed)
            found = outcomes(folder, case, list(done))
        print(case, dict(summary(found)), flush=True)
        for name, outcome in found.items():
            if outcome not in ALLOWED:
                print(f"   {done[name]}: {outcome}")
                bad += 1
    return min(bad, 1)


if __name__ == "__main__":
    sys.exit(main())
