"""Make the tables and pictures of the paper again, on real runs or on simulated ones."""

import argparse
from pathlib import Path

from sklearn_sfx.cli._options import add_maybe, positive, workers
from sklearn_sfx.cli._printing import tell

SUMMARY = "make the tables and pictures of the paper again"
ORDER = 70
EXAMPLES = ("sfx reproduce report --quick --only 1",)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the data, how much of it is done, and where the report goes."""
    parser.add_argument(
        "output", type=Path, help="folder for the report; what is done is kept there"
    )
    parser.add_argument(
        "--data", type=Path, help="folder with the runs of CXIDB-76 (default: simulate)"
    )
    parser.add_argument("--quick", action="store_true", help="a few frames: minutes, and rough")
    parser.add_argument(
        "--sequential-split", action="store_true", help="split runs in order, 50 / 20 / 30 %%"
    )
    add_maybe(parser)
    parser.add_argument(
        "--seeds", type=positive, metavar="N", help="seeds (default: 3; 1 with --quick)"
    )
    parser.add_argument("--jobs", type=workers, help="processes (default: one per core)")
    parser.add_argument(
        "--only", nargs="+", metavar="TABLE", help="1 to 7, throughput, figures (default: all)"
    )
    parser.set_defaults(when_interrupted="interrupted; start it again to go on where it was.")


def run(args: argparse.Namespace) -> None:
    """Reproduce, and say where the report is."""
    from sklearn_sfx.reproduction import reproduce

    report = reproduce(
        args.output,
        data=args.data,
        quick=args.quick,
        sequential_split=args.sequential_split,
        maybe=args.maybe,
        n_seeds=args.seeds,
        n_jobs=args.jobs,
        only=args.only,
        progress=not args.quiet,
    )
    tell()(f"{report}: the report, on {'real' if args.data else 'SIMULATED'} frames")
