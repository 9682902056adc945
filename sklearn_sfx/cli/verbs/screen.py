"""Score every frame of a run and write the hit list and the table."""

import argparse
from pathlib import Path

from sklearn_sfx.cli._inputs import open_run, workers
from sklearn_sfx.cli._options import add_force, add_jobs, add_model, add_report, add_run
from sklearn_sfx.cli._outputs import claim_report, named_after_run, outputs_of_run
from sklearn_sfx.cli._printing import tell

SUMMARY = "score every frame of a run and write the hit list"
ORDER = 40


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the run, the model, and what to write."""
    add_run(parser)
    add_model(parser)
    parser.add_argument("--hits", type=Path, help="hit list for CrystFEL (default: RUN.hits.lst)")
    parser.add_argument("--scores", type=Path, help="table of all frames (default: RUN.scores.csv)")
    add_jobs(parser)
    parser.add_argument(
        "--no-peaks", action="store_true", help="do not count peaks: about three times as fast"
    )
    add_report(parser, "report.html")
    add_force(parser)


def run(args: argparse.Namespace) -> None:
    """Screen, write, and say how many frames are hits."""
    from sklearn_sfx.screening import check_listable, load_screening_model, screen, write_report

    frames = open_run(args)
    check_listable(frames.sources)
    outputs = outputs_of_run(args, frames)
    table = outputs.claim(args.scores or named_after_run(args, "scores.csv"))
    hits = outputs.claim(args.hits or named_after_run(args, "hits.lst"))
    report = claim_report(args, outputs, "report.html")
    model = load_screening_model(args.model)
    with workers(args):
        scores = screen(
            model, frames, threshold=args.threshold, peaks=not args.no_peaks, progress=True
        )
    with outputs.replacing(table) as temporary:
        scores.write_csv(temporary)
    with outputs.replacing(hits) as temporary:
        scores.write_hits(temporary)
    say = tell(outputs)
    n_hits = int(scores.decision.sum())
    say(f"{n_hits} of {len(frames)} frames are hits at threshold {scores.threshold:.3f}")
    say(f"{hits}: the hits, for CrystFEL")
    say(f"{table}: every frame")
    if report is not None:
        with outputs.replacing(report) as temporary:
            write_report(temporary, model, frames, scores, command=args.command)
        say(f"{report}: the report")
