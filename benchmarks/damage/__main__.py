"""``python -m benchmarks.damage``: damage files of each format, and count what becomes of them.

Each mutant of a run (bits turned, bytes overwritten, numbers made large, parts moved, zeroed or cut
off, a file removed) is opened and read in a process with little memory and little time. What can
come of it, `benchmarks.damage.judgement` says.
"""

import argparse
import sys

from benchmarks.damage.judgement import ALLOWED
from benchmarks.damage.outcomes import every_case, summary, try_cases


def main():
    """Print a line for each format, and one for each mutant that was not read or refused well."""
    cases = every_case()
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("formats", nargs="*", choices=[[], *cases], metavar="FORMAT")
    parser.add_argument("-n", type=int, default=200, help="mutants of each format")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    names, every = options.formats or list(cases), []
    columns = sorted(ALLOWED)
    print(f"{'format':24}", *(f"{column:>18}" for column in columns), f"{'faults':>8}")
    for name in names:
        found = try_cases({name: cases[name]}, options.n, options.seed)[name]
        outcomes = [outcome for _, outcome in found]
        print(_line(name, outcomes, columns), flush=True)
        for number, (done, outcome) in enumerate(found):
            if outcome not in ALLOWED:
                print(f"   {number}: {done}: {outcome}", flush=True)
        every += outcomes
    print(_line("all", every, columns))
    return int(any(outcome not in ALLOWED for outcome in every))


def _line(name, outcomes, columns):
    """Return a line of the table."""
    counts = summary(outcomes)
    n_faults = sum(outcome not in ALLOWED for outcome in outcomes)
    return " ".join([f"{name:24}", *(f"{counts[c]:18}" for c in columns), f"{n_faults:8}"])


if __name__ == "__main__":
    sys.exit(main())
