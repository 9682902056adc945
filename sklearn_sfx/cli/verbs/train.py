"""Train a model on the labelled frames of a run."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sklearn_sfx._methods import (
    AUTO,
    METHODS,
    find_methods,
    methods_without_labels,
    worth_comparing,
)
from sklearn_sfx._side_by_side import helpers_ahead
from sklearn_sfx._tasks import CRYSTALLOGRAPHY, Task, Words, task_asked
from sklearn_sfx._text import counted
from sklearn_sfx.cli._inputs import (
    check_options,
    describe_weights,
    labelled_frames,
    open_run,
    open_source,
    workers,
)
from sklearn_sfx.cli._options import (
    add_crop,
    add_device,
    add_force,
    add_jobs,
    add_json,
    add_labels,
    add_run,
    add_seed,
    add_task,
    positive,
)
from sklearn_sfx.cli._outputs import outputs_of_run
from sklearn_sfx.cli._printing import tell, tell_programs
from sklearn_sfx.exceptions import InputError

if TYPE_CHECKING:
    import numpy as np

    from sklearn_sfx.frames import Frames
    from sklearn_sfx.screening import ScreeningModel

SUMMARY = "train a model on the labelled frames of a run"
ORDER = 30
EXAMPLES = (
    "sfx train run.h5 --labels run.labels.txt --model m.joblib",
    "sfx train run.h5 --labels run.labels.txt --model m.skops --recall 0.95 --n-labels 200",
    "sfx train run2.h5 --labels run2.labels.txt --from m.skops --model m2.skops",
    "sfx train run.h5 --task single-particle --labels run.labels.txt --model m.joblib",
)
UNLABELLED = -1
SAFE = "sphere"  # the method for single particles that goes into *.skops
N_FOLDS, WORTH_HELPERS = 5, 20  # trainings beside each other, and labels that make each long
# By helpers, before they have work; the second torch imports for its first optimizer.
IMPORTED = "sklearn_sfx.classifiers", "torch._dynamo"
N_ADAPTED = 1000  # frames of the run, at the most, that a network is adapted to


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the run, its labels, the method, and the model to write."""
    add_run(parser)
    add_task(parser, of_model=False)
    add_labels(parser, required=False)
    parser.add_argument(
        "--method",
        choices=(AUTO, *METHODS),
        default=AUTO,
        help="auto: what the labels say is best (default); "
        + "; ".join(f"{method.name}: {method.summary}" for method in METHODS.values()),
    )
    parser.add_argument(
        "--model",
        type=Path,
        required=True,
        help="the model file to write; *.skops is safe to share, and holds no trees: of single "
        "particles the model then goes by the logistic regression",
    )
    parser.add_argument(
        "--recall",
        type=float,
        metavar="R",
        help="the share of the hits to keep (default: what weighs recall twice as much as "
        "precision)",
    )
    parser.add_argument(
        "--n-labels",
        type=positive,
        metavar="N",
        help="use so many of the labels, drawn at random (default: all)",
    )
    _add_transfer(parser)
    add_crop(parser)
    parser.add_argument(
        "--epochs", type=positive, help="training epochs of a network (default: what suits it)"
    )
    add_seed(parser)
    add_jobs(parser)
    add_device(parser)
    add_json(parser)
    add_force(parser)


def _add_transfer(parser: argparse.ArgumentParser) -> None:
    """Add the other experiment to start from: its model, or its labelled frames."""
    group = parser.add_argument_group("another experiment", "its model, or its labelled frames")
    group.add_argument(
        "--from",
        dest="base",
        metavar="MODEL",
        help="model with a network in it, which is tuned with these labels; unless it is *.skops, "
        "a pickle: trust its writer (default: none)",
    )
    group.add_argument(
        "--source",
        nargs="+",
        metavar="RUN",
        help="files of a run whose labels teach a network what both runs have in common "
        "(default: none)",
    )
    group.add_argument(
        "--source-labels", metavar="LABELS", help="labels of that run, as --labels (default: none)"
    )
    group.add_argument(
        "--source-mask", metavar="MASK", help="mask of that run (default: the mask that it brings)"
    )


def run(args: argparse.Namespace) -> None:
    """Train, write the model, and say what it has learned from."""
    from sklearn_sfx.datasets import MAYBE_RULES

    task = task_asked(args.task)
    check_options(args, task)
    if args.model.suffix == ".skops":
        from sklearn_sfx.persistence import require_skops

        require_skops()  # what is missing is said before the training, not after it
    _check_transfer(args)
    if args.labels is None and task is not CRYSTALLOGRAPHY:
        raise InputError(
            f"--labels is missing: the task {task.option} is learned from labels; without any, "
            f"'sfx screen --task {task.option}' counts lit pixels."
        )
    if args.labels is None and args.source is None and find_methods(args.method)[0].needs_labels:
        others = " or ".join(f"'--method {name}'" for name in methods_without_labels())
        raise InputError(f"--labels is missing; {others} can do without.")
    frames = open_run(args)
    outputs = outputs_of_run(args, frames)
    path = outputs.claim(args.model)
    labels = _Labels(frames, args, task)
    # They import while this process does.
    with workers(args), helpers_ahead(_n_helped(args, task, labels.n), *IMPORTED):
        positions, target, model, seconds = _train(args, task, frames, labels)
    with outputs.replacing(path) as temporary:
        model.save(temporary)
    read = {(seen.path, seen.event) for seen in model.trained_on}
    sources = frames[positions].sources
    learned_from = [y for y, s in zip(target, sources, strict=True) if (s.path, s.event) in read]
    say = tell(outputs)
    of_labels = MAYBE_RULES[args.maybe] if task is CRYSTALLOGRAPHY else "of four classes"
    _say_what_it_is(say, frames, model, path, learned_from, of_labels)
    rate = len(positions) / seconds
    say(f"{counted(len(positions), 'frame')} in {seconds:.1f} s, {rate:.1f} a second")
    if said := describe_weights(labels.weight[positions]):
        say(said)
    if args.json:
        tell_programs(_facts(model, path, learned_from, seconds), outputs)


class _Labels:
    """The labels of a run: which frames have one, which class each is, and what it weighs."""

    def __init__(self, frames: Frames, args: argparse.Namespace, task: Task):
        import numpy as np

        self.weight, self.classes = np.ones(len(frames)), np.full(len(frames), "", object)
        self.where_and_class: tuple = ()
        if args.labels is not None:
            where, found, weights = labelled_frames(frames, args, task=task)
            self.weight[where], self.classes[where] = weights, found
            kept = found if task is CRYSTALLOGRAPHY else (found == task.kept).astype(int)
            self.where_and_class = where, kept

    @property
    def n(self) -> int:
        """How many there are."""
        return len(self.where_and_class[0]) if self.where_and_class else 0


def _n_helped(args: argparse.Namespace, task: Task, n_labels: int) -> int:
    """Return how many trainings of a network there will be beside each other; 0 for short ones."""
    if task is not CRYSTALLOGRAPHY or args.epochs is not None or args.source is not None:
        return 0
    n_labels = min(n_labels, args.n_labels or n_labels)
    compared = worth_comparing(find_methods(args.method), n_labels)
    has_network = args.base is not None or any(method.needs_labels for method in compared)
    return N_FOLDS if has_network and n_labels >= WORTH_HELPERS else 0


def _train(
    args: argparse.Namespace, task: Task, frames: Frames, labels: _Labels
) -> tuple[np.ndarray, np.ndarray, ScreeningModel, float]:
    """Return which frames were taken, what they are, the model, and the seconds it took."""
    import numpy as np

    from sklearn_sfx.screening import (
        load_hit_finder,
        train,
        train_single_particles,
        training_frames,
    )

    positions, target = training_frames(
        frames,
        *labels.where_and_class,
        method=args.method,
        n_labels=args.n_labels,
        least_frames=N_ADAPTED if args.source else 0,
        random_state=args.seed,
    )
    base = None if args.base is None else load_hit_finder(args.base)
    began = time.perf_counter()
    source, weight = open_source(args), labels.weight[positions]
    settings: dict[str, Any] = {
        "sample_weight": None if (weight == 1).all() else weight,
        "crop": args.crop,
        "recall": args.recall,
        "random_state": args.seed,
        "progress": not args.quiet,
    }
    if task is CRYSTALLOGRAPHY:
        model = train(
            frames[positions],
            target,
            method=args.method,
            base=base,
            source=source,
            max_epochs=args.epochs,
            device=args.device,
            **settings,
        )
    else:
        classes = np.where(target == UNLABELLED, "", labels.classes[positions])
        # A safe file holds no trees, and what is chosen has to go into it.
        by = SAFE if args.model.suffix == ".skops" else AUTO
        model = train_single_particles(frames[positions], classes, method=by, **settings)
    return positions, target, model, time.perf_counter() - began


def _facts(model: ScreeningModel, path: Path, learned_from: list, seconds: float) -> dict[str, Any]:
    """Return for programs what was trained; shares with their 90 % intervals."""
    expected = model.expected
    shares = ("recall", "precision", "hit_rate", "false_positive_rate")
    return {
        "model": path,
        "method": model.method,
        "compared": model.compared,
        "threshold": model.threshold,
        "n_labels": len(learned_from),
        "n_labelled_hits": learned_from.count(1),
        "seconds": seconds,
        "expected": expected
        and {
            name: {"value": share.value, "interval": share.interval}
            for name in shares
            for share in [getattr(expected, name)]
        },
    }


def _check_transfer(args: argparse.Namespace) -> None:
    """Refuse options on another experiment that do not go together, before anything is read."""
    if args.base is not None and args.source is not None:
        raise InputError(
            "--from and --source are two ways to start from another experiment: leave out one."
        )
    if args.base is not None and args.labels is None:
        raise InputError(
            "--labels is missing: --from tunes a model with labels of this run; without any, "
            "'sfx screen --model' takes it as it is."
        )
    for name in ("source_labels", "source_mask"):
        if args.source is None and getattr(args, name) is not None:
            option = f"--{name.replace('_', '-')}"
            raise InputError(f"{option} belongs to a run, and there is no --source: name its file.")
    if args.source is not None and args.source_labels is None:
        raise InputError("--source-labels is missing: what is learned of --source are its labels.")


def _say_what_it_is(
    say: Callable[[str], None],
    frames: Frames,
    model: ScreeningModel,
    path: Path,
    learned_from: list,
    of_labels: str,
) -> None:
    from sklearn_sfx.frames import describe_mask
    from sklearn_sfx.screening import describe_crop, method_named

    method, words = method_named(model.method), model.about.words
    learned = _learned_from(method, learned_from, of_labels, words)
    chosen = f", chosen among {', '.join(model.compared)}" if model.compared[1:] else ""
    say(describe_mask(frames))
    say(describe_crop(model.prepare, model.frame_shape))
    say(f"{path}: trained on {learned}; a {words.one} from probability {model.threshold:.3f}")
    say(f"goes by {method.name}{chosen}: {method.summary}")
    if model.expected is not None:
        expected = model.expected.in_words(words.many)
        say(f"expected: {expected}, 90 % intervals, on frames like the labelled ones")
        say(model.expected.more_labels())
    elif learned_from:
        kinds = f"five {words.many} and five {words.rest_many}"
        say(f"too few labels to say what to expect: label {kinds}, or more")


def _learned_from(method: Any, target: list, of_labels: str, words: Words) -> str:
    if not target:
        return f"{method.without_labels}, with no label"
    n_labels, n_hits = len(target), target.count(1)
    hits = f"{n_hits} of them {f'a {words.one}' if n_hits == 1 else words.many}"
    labels = f"{counted(n_labels, 'labelled frame')}, {hits} ({of_labels})"
    return f"{method.taught_by} and {labels}" if method.taught_by else labels
