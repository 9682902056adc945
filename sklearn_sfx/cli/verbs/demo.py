"""Do the whole job on a simulated run."""

import argparse
import sys
from contextlib import redirect_stdout
from pathlib import Path

from sklearn_sfx.cli._inputs import workers
from sklearn_sfx.cli._options import add_force, add_jobs, add_seed, positive

SUMMARY = "simulate, train, screen and evaluate, in a few minutes"
ORDER = 60
EXAMPLES = ("sfx demo --n-frames 400",)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add how large the run is, and where the results go."""
    parser.add_argument("--output", type=Path, default=Path("demo"), help="folder for the results")
    parser.add_argument(
        "--n-frames", type=positive, default=1200, metavar="N", help="frames to simulate"
    )
    add_seed(parser)
    add_jobs(parser)
    add_force(parser)


def run(args: argparse.Namespace) -> None:
    """Do it; it prints as it goes."""
    from sklearn_sfx.screening import run_demo

    with redirect_stdout(None if args.quiet else sys.stdout), workers(args):
        run_demo(args.output, n_frames=args.n_frames, random_state=args.seed, force=args.force)
