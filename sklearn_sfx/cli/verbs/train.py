"""Train a model on the labelled frames of a run."""

import argparse
import sys
from pathlib import Path
from typing import Any

from sklearn_sfx._files import new_file
from sklearn_sfx._methods import METHODS, methods_without_labels
from sklearn_sfx.cli._inputs import labelled_frames, open_run, workers
from sklearn_sfx.cli._options import add_crop, add_jobs, add_labels, add_run, add_seed, positive
from sklearn_sfx.exceptions import InputError

SUMMARY = "train a model on the labelled frames of a run"
ORDER = 30


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the run, its labels, the method, and the model to write."""
    add_run(parser)
    add_labels(parser, required=False)
    parser.add_argument(
        "--method",
        choices=tuple(METHODS),
        default="rows",
        help="; ".join(f"{method.name}: {method.summary}" for method in METHODS.values()),
    )
    parser.add_argument(
        "--model",
        type=Path,
        required=True,
        help="the model file to write; *.skops is safe to share",
    )
    parser.add_argument(
        "--n-labels", type=positive, metavar="N", help="use so many of the labels, drawn at random"
    )
    add_crop(parser)
    parser.add_argument("--epochs", type=positive, help="training epochs")
    add_seed(parser)
    add_jobs(parser)


def run(args: argparse.Namespace) -> None:
    """Train, write the model, and say what it has learned from."""
    from sklearn_sfx.datasets import MAYBE_RULES
    from sklearn_sfx.screening import describe_part, train, training_frames

    if new_file(args.model).suffix == ".skops":
        from sklearn_sfx.persistence import require_skops

        require_skops()  # what is missing is said before the training, not after it
    method = METHODS[args.method]
    if args.labels is None and method.needs_labels:
        others = " or ".join(f"'--method {name}'" for name in methods_without_labels())
        raise InputError(f"--labels is missing; {others} can do without.")
    frames = open_run(args)
    labelled = () if args.labels is None else labelled_frames(frames, args)
    positions, target = training_frames(
        frames,
        *labelled,
        method=args.method,
        n_labels=args.n_labels,
        random_state=args.seed,
    )
    with workers(args):
        model = train(
            frames[positions],
            target,
            method=args.method,
            crop=args.crop,
            max_epochs=args.epochs,
            random_state=args.seed,
            progress=True,
        )
    model.save(args.model)
    print(describe_part(model.prepare, model.frame_shape), file=sys.stderr)
    learned = _learned_from(method.taught_by, target, MAYBE_RULES[args.maybe])
    print(f"{args.model}: trained on {learned}; a hit from probability {model.threshold:.3f}")


def _learned_from(taught_by: str, target: Any, maybe: str) -> str:
    n_labels, n_hits = int((target >= 0).sum()), int((target == 1).sum())
    labels = f"{n_labels} labelled frames, {n_hits} of them hits ({maybe})"
    if not taught_by:
        return labels
    return f"{taught_by} and {labels}" if n_labels else f"{taught_by}, with no label"
