"""Score every frame of a run and write the hit list and the table."""

import argparse
import sys
from pathlib import Path

from sklearn_sfx._files import new_file
from sklearn_sfx.cli._inputs import open_run, workers
from sklearn_sfx.cli._options import add_jobs, add_model, add_report, add_run

SUMMARY = "score every frame of a run and write the hit list"
ORDER = 40


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the run, the model, and what to write."""
    add_run(parser)
    add_model(parser)
    parser.add_argument("--hits", type=Path, default=Path("hits.lst"), help="hit list for CrystFEL")
    parser.add_argument(
        "--scores", type=Path, default=Path("scores.csv"), help="table of all frames"
    )
    add_jobs(parser)
    parser.add_argument(
        "--no-peaks", action="store_true", help="do not count peaks: about three times as fast"
    )
    add_report(parser)


def run(args: argparse.Namespace) -> None:
    """Screen, write, and say how many frames are hits."""
    from sklearn_sfx.screening import (
        describe_part,
        load_screening_model,
        require_page,
        screen,
        write_report,
    )

    new_file(args.hits), new_file(args.scores)
    if args.report:
        require_page(args.report)
    model = load_screening_model(args.model)
    frames = open_run(args)
    print(describe_part(model.prepare, model.frame_shape), file=sys.stderr)
    with workers(args):
        scores = screen(
            model, frames, threshold=args.threshold, peaks=not args.no_peaks, progress=True
        )
    scores.write_csv(args.scores)
    scores.write_hits(args.hits)
    n_hits = int(scores.decision.sum())
    print(f"{n_hits} of {len(frames)} frames are hits at threshold {scores.threshold:.3f}")
    print(f"{args.hits}: the hits, for CrystFEL\n{args.scores}: every frame")
    if args.report:
        write_report(args.report, model, frames, scores, command=args.command)
        print(f"{args.report}: the report")
