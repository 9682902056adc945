"""The run, the labels and the workers that the options ask for.

What takes long to import is imported where it is used, so that ``sfx --help`` is quick.
"""

import argparse
import os
import warnings
from collections import Counter
from typing import Any

from sklearn_sfx._tasks import CRYSTALLOGRAPHY, Task
from sklearn_sfx.cli._printing import say
from sklearn_sfx.exceptions import InputError, RepeatedFramesWarning, UnreadableFramesWarning

#: Options that mean something for crystals only, and what they are by default.
OF_CRYSTALS = {
    "maybe": "hit",
    "not_indexed": "unlabelled",
    "absent": "unlabelled",
    "hit_from": None,
    "miss_below": None,
    "method": "auto",
    "base": None,
    "source": None,
    "epochs": None,
}
OPTIONS = {"base": "from"}  # that are called otherwise than what holds them

__all__ = [
    "check_options",
    "describe_weights",
    "labelled_frames",
    "open_run",
    "open_source",
    "opening",
    "workers",
]


def open_run(args: argparse.Namespace) -> Any:
    """Return the frames of the run, behind their mask."""
    from sklearn_sfx.frames import open_frames

    options = opening(args)
    source = args.run[0] if len(args.run) == 1 else args.run
    missing = "raise" if args.strict else "on_read"
    if args.missing == "nan":
        missing = "nan"
    if args.strict:
        warnings.simplefilter("error", UnreadableFramesWarning)
    frames = open_frames(source, missing=missing, **options)
    _warn_of_repeated(frames)
    if args.verb != "info" and (note := frames.facts.note):  # which says it among the rest
        say(args.verb, f"note: {note}")
    n_modules, rows = frames.facts.modules or (1, 0)
    if args.verb != "info" and n_modules > 1:
        say(
            args.verb,
            f"note: each frame is {n_modules} modules of {rows} rows, stacked, where rings "
            "cannot be told from spots: --geometry puts them together",
        )
    return frames


def opening(args: argparse.Namespace) -> dict[str, Any]:
    """Return how files are to be opened, as arguments of `open_frames`; the mask is read."""
    from sklearn_sfx.frames import read_mask

    _check_mask_is_named(args)
    mask: Any = "auto"
    if args.no_mask:
        if args.mask is not None:
            raise InputError("--mask and --no-mask exclude each other: leave out one of them.")
        mask = False
    elif args.mask is not None:
        mask = read_mask(
            args.mask, dataset=args.mask_dataset, good_bits=args.good_bits, bad_bits=args.bad_bits
        )
    return {"dataset": args.dataset, "mask": mask, "geometry": args.geometry}


def labelled_frames(
    frames: Any, args: argparse.Namespace, path: str | None = None, task: Task = CRYSTALLOGRAPHY
) -> tuple[Any, Any, Any]:
    """Return the positions in the run that are labelled, 0 or 1 for each, and what it weighs.

    Of another task than crystallography the labels come as they are.
    """
    from sklearn_sfx.datasets import LabelRules, find_labels, make_target

    path = args.labels if path is None else path
    check_options(args, task)
    rules = LabelRules(args.not_indexed, args.absent, args.hit_from, args.miss_below)
    found = find_labels(frames, path, rules)
    if not found.format.is_of_run and not args.quiet:  # who wrote lines knows what is in them
        say(args.verb, f"{path}: {found.said}")
    if found.problem:
        say(args.verb, found.problem)
    if found.task.option != task.option:
        raise InputError(
            f"{path}: these are labels of the task {found.task.option} ({found.task.in_words}), "
            f"and {task.option} is what is looked for: say --task {found.task.option} to train or "
            "to label, give a model of that task, or other labels."
        )
    if task is not CRYSTALLOGRAPHY:
        return found.positions, found.labels, found.weights
    target, _, kept = make_target(found.labels, args.maybe)
    return found.positions[kept], target, found.weights[kept]


def check_options(args: argparse.Namespace, task: Task) -> None:
    """Refuse options that mean something for crystals only, where something else is looked for."""
    if task is CRYSTALLOGRAPHY:
        return
    for name, default in OF_CRYSTALS.items():
        if vars(args).get(name, default) != default:
            option = f"--{OPTIONS.get(name, name).replace('_', '-')}"
            raise InputError(
                f"{option} is for crystals, and has no meaning for the task {task.option}: leave "
                "it out."
            )


def open_source(args: argparse.Namespace) -> Any:
    """Return the labelled frames of another run, and 0 or 1 for each; None without one."""
    from sklearn_sfx.frames import open_frames, read_mask

    if args.source is None:
        return None
    mask: Any = "auto" if args.source_mask is None else read_mask(args.source_mask)
    source = args.source[0] if len(args.source) == 1 else args.source
    frames = open_frames(source, mask=mask, missing="on_read")
    positions, target, _ = labelled_frames(frames, args, args.source_labels)
    return frames[positions], target


def describe_weights(weights: Any) -> str:
    """Return in words that labels weigh; nothing where all count 1."""
    if (weights == 1).all():
        return ""
    return "The labels have weights: shares and their intervals are weighted, counts are frames."


def workers(args: argparse.Namespace) -> Any:
    """Return a context in which so many threads read and prepare frames."""
    import joblib

    return joblib.parallel_config("threading", n_jobs=args.jobs or joblib.cpu_count())


def _check_mask_is_named(args: argparse.Namespace) -> None:
    for name in ("mask_dataset", "good_bits", "bad_bits"):
        if args.mask is None and getattr(args, name) is not None:
            option = f"--{name.replace('_', '-')}"
            raise InputError(
                f"{option} says how a mask is read, and there is no --mask: name the file of the "
                "mask, which may be the run itself."
            )


def _warn_of_repeated(frames: Any) -> None:
    """Say so where a frame comes twice, whatever its file is called each time."""
    real: dict[str | None, str] = {None: ""}
    counts: Counter[tuple[str, str]] = Counter()
    for origin in frames.sources:
        if origin.path not in real:
            real[origin.path] = os.path.realpath(origin.path)
        counts[real[origin.path], origin.event] += 1
    repeated = [path for (path, _), count in counts.items() if count > 1 and path]
    if repeated:
        come = "frame of this run comes" if len(repeated) == 1 else "frames of this run come"
        warnings.warn(
            f"{len(repeated)} {come} more than once, such as one of {repeated[0]}: each is counted "
            "every time.",
            RepeatedFramesWarning,
            stacklevel=2,
        )
