"""Compare a model with labels that it was not trained on."""

import argparse

from sklearn_sfx.cli._inputs import describe_weights, labelled_frames, open_run, workers
from sklearn_sfx.cli._options import (
    add_device,
    add_force,
    add_jobs,
    add_json,
    add_labels,
    add_model,
    add_report,
    add_run,
)
from sklearn_sfx.cli._outputs import claim_report, outputs_of_run
from sklearn_sfx.cli._printing import tell, tell_programs
from sklearn_sfx.exceptions import InputError

SUMMARY = "measure recall and precision on labels not trained on"
ORDER = 50
EXAMPLES = ("sfx evaluate run.h5 --model m.joblib --labels run.labels.txt --report",)
UNKNOWN_TRAINING = (
    "Which frames this model was trained on is not known, since 'sfx train' did not write it: are "
    "they among these, what follows is too good."
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the run, the model, and the labels."""
    add_run(parser)
    add_model(parser)
    add_labels(parser)
    add_jobs(parser)
    add_report(parser, "evaluation.html")
    add_device(parser)
    add_json(parser)
    add_force(parser)


def run(args: argparse.Namespace) -> None:
    """Screen the labelled frames that are new to the model, and print how it agrees with them."""
    from sklearn_sfx.datasets import MAYBE_RULES
    from sklearn_sfx.frames import describe_mask
    from sklearn_sfx.screening import (
        ScreeningModel,
        as_screening_model,
        decisions,
        describe_crop,
        evaluate,
        evaluation_table,
        load_hit_finder,
        percent,
        screen,
        use_device,
        weighted_proportion,
        write_report,
    )

    frames = open_run(args)
    outputs = outputs_of_run(args, frames)
    report = claim_report(args, outputs, "evaluation.html")
    loaded = load_hit_finder(args.model)
    model = as_screening_model(loaded, frames, args.hit_label)
    use_device(model, args.device)
    positions, target, weight = labelled_frames(frames, args)
    frames = frames[positions]
    is_new = ~model.has_seen(frames)
    if not is_new.any():
        raise InputError(
            f"{args.labels}: the model was trained on every frame that is labelled here; "
            "label some others, or train with a smaller --n-labels."
        )
    frames, target, weight = frames[is_new], target[is_new], weight[is_new]
    with workers(args):
        scores = screen(model, frames, threshold=args.threshold, progress=not args.quiet)
    say, maybe, read = tell(outputs), MAYBE_RULES[args.maybe], scores.is_read
    n_read = int(read.sum())
    say(f"{n_read} labelled frames that the model was not trained on, {maybe}; 95 % intervals")
    if not isinstance(loaded, ScreeningModel):
        say(UNKNOWN_TRAINING)
    if said := describe_weights(weight[read]):
        say(said)
    table = evaluation_table(target[read], decisions(model, scores[read]), weight[read])
    for line in table.splitlines():
        say(line)
    share = weighted_proportion(target[read] == 1, weight[read])
    say(f"hits among these frames: {percent(*share)}")
    say(describe_mask(frames))
    say(describe_crop(model.prepare, model.frame_shape))
    if report is not None:
        note = f"{maybe} in the labels. {describe_weights(weight[read])}".strip()
        about = {"target": target, "sample_weight": weight, "note": note}
        about |= {"command": args.command, "model_file": args.model}
        with outputs.replacing(report) as temporary:
            write_report(temporary, model, frames, scores, **about)
        say(f"{report}: the report")
    if n_read < len(read):
        say(f"{len(read) - n_read} more labelled frames cannot be read, and are left out")
    if args.json:
        methods = {
            name: vars(evaluate(target[read], found, weight[read]))
            for name, found in decisions(model, scores[read]).items()
        }
        facts = {
            "n_frames": n_read,
            "n_unreadable": len(read) - n_read,
            "maybe": args.maybe,
            "threshold": scores.threshold,
            "methods": methods,
            "report": report,
        }
        tell_programs(facts, outputs)
