"""Compare a model with labels that it was not trained on."""

import argparse

from sklearn_sfx._tasks import CRYSTALLOGRAPHY, SINGLE_PARTICLE
from sklearn_sfx.cli._inputs import describe_weights, labelled_frames, open_run, workers
from sklearn_sfx.cli._lists import task_of
from sklearn_sfx.cli._options import (
    add_device,
    add_force,
    add_jobs,
    add_json,
    add_labels,
    add_model,
    add_report,
    add_run,
    add_task,
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
    add_task(parser)
    add_model(parser)
    add_labels(parser)
    add_jobs(parser)
    add_report(parser, "evaluation.html")
    add_device(parser)
    add_json(parser)
    add_force(parser)


def run(args: argparse.Namespace) -> None:
    """Screen the labelled frames that are new to the model, and print how it agrees with them."""
    import numpy as np

    from sklearn_sfx.datasets import MAYBE_RULES
    from sklearn_sfx.frames import describe_mask
    from sklearn_sfx.screening import (
        ScreeningModel,
        as_screening_model,
        confusion_in_words,
        confusion_table,
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
    model = as_screening_model(loaded, frames, args.hit_label, args.task)
    use_device(model, args.device)
    about = task_of(loaded, args)
    positions, labels, weight = labelled_frames(frames, args, task=about)
    is_of_crystals = about is CRYSTALLOGRAPHY
    target = labels if is_of_crystals else np.isin(labels, about.sought).astype(int)
    frames = frames[positions]
    is_new = ~model.has_seen(frames)
    if not is_new.any():
        raise InputError(
            f"{args.labels}: the model was trained on every frame that is labelled here; "
            "label some others, or train with a smaller --n-labels."
        )
    frames, target, weight = frames[is_new], target[is_new], weight[is_new]
    labels = labels[is_new]
    with workers(args):
        scores = screen(model, frames, threshold=args.threshold, progress=not args.quiet)
    say, read, words = tell(outputs), scores.is_read, about.words
    n_read = int(read.sum())
    maybe = MAYBE_RULES[args.maybe] if is_of_crystals else "of four classes"
    say(f"{n_read} labelled frames that the model was not trained on, {maybe}; 95 % intervals")
    if not isinstance(loaded, ScreeningModel):
        say(UNKNOWN_TRAINING)
    if said := describe_weights(weight[read]):
        say(said)
    made = target[read], decisions(model, scores[read]), weight[read]
    for line in evaluation_table(*made, about.name).splitlines():
        say(line)
    tells_classes = about is SINGLE_PARTICLE
    for line in confusion_in_words(labels[read], scores[read].called) if tells_classes else ():
        say(line)
    share = weighted_proportion(target[read] == 1, weight[read])
    say(f"{words.many} among these frames: {percent(*share)}")
    say(describe_mask(frames))
    say(describe_crop(model.prepare, model.frame_shape))
    if report is not None:
        said = f"{maybe} in the labels." if is_of_crystals else ""
        note = f"{said} {describe_weights(weight[read])}".strip()
        page = {"target": target, "sample_weight": weight, "note": note}
        page |= {"command": args.command, "model_file": args.model}
        if tells_classes:
            page["labels"] = labels
        with outputs.replacing(report) as temporary:
            write_report(temporary, model, frames, scores, **page)
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
        if not is_of_crystals:
            del facts["maybe"]
            facts["task"] = about.option
        if tells_classes:
            classes, confusion = confusion_table(labels[read], scores[read].called)
            facts |= {"classes": classes, "confusion": confusion}
        tell_programs(facts, outputs)
