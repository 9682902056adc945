"""Compare a model with labels that it was not trained on."""

import argparse
import sys

from sklearn_sfx.cli._inputs import labelled_frames, open_run, workers
from sklearn_sfx.cli._options import add_jobs, add_labels, add_model, add_report, add_run
from sklearn_sfx.exceptions import InputError

SUMMARY = "measure recall and precision on labels not trained on"
ORDER = 50


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the run, the model, and the labels."""
    add_run(parser)
    add_model(parser)
    add_labels(parser)
    add_jobs(parser)
    add_report(parser)


def run(args: argparse.Namespace) -> None:
    """Screen the labelled frames that are new to the model, and print how it agrees with them."""
    from sklearn_sfx.datasets import MAYBE_RULES
    from sklearn_sfx.screening import (
        decisions,
        describe_part,
        evaluation_table,
        load_screening_model,
        require_page,
        screen,
        write_report,
    )

    if args.report:
        require_page(args.report)
    model = load_screening_model(args.model)
    frames = open_run(args)
    print(describe_part(model.prepare, model.frame_shape), file=sys.stderr)
    positions, target = labelled_frames(frames, args)
    frames = frames[positions]
    is_new = ~model.has_seen(frames)
    if not is_new.any():
        raise InputError(
            f"{args.labels}: the model was trained on every frame that is labelled here; "
            "label some others, or train with a smaller --n-labels."
        )
    frames, target = frames[is_new], target[is_new]
    with workers(args):
        scores = screen(model, frames, threshold=args.threshold, progress=True)
    maybe = MAYBE_RULES[args.maybe]
    print(
        f"{len(target)} labelled frames that the model was not trained on, {maybe}; 95 % intervals"
    )
    print(evaluation_table(target, decisions(model, scores)))
    if args.report:
        about = {"target": target, "note": f"{maybe} in the labels.", "command": args.command}
        write_report(args.report, model, frames, scores, **about)
        print(f"{args.report}: the report")
