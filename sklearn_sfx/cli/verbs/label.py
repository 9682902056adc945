"""Label frames on a page in a browser, one key to a frame; each label is saved at once."""

import argparse
from pathlib import Path
from typing import Any

from sklearn_sfx._tasks import task_asked
from sklearn_sfx.cli._inputs import open_run, workers
from sklearn_sfx.cli._options import (
    add_crop,
    add_force,
    add_jobs,
    add_model_file,
    add_run,
    add_seed,
    add_task,
    positive,
)
from sklearn_sfx.cli._outputs import named_after_run, outputs_of_run
from sklearn_sfx.cli._printing import tell

SUMMARY = "label frames on a page in a browser"
ORDER = 20
EXAMPLES = (
    "sfx label run.h5",
    "sfx label run.h5 --model m.joblib --no-browser",
    "sfx label run.h5 --task single-particle",
)
WEIGHTS = "Labels get a weight, which 'sfx train' and 'sfx evaluate' use: keep it in their lines"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the run, which of its frames are shown, and how the page is served."""
    add_run(parser)
    add_task(parser)
    parser.add_argument(
        "--labels",
        type=Path,
        help="file of labels: what it has is kept, and each label is added at once "
        "(default: RUN.label.txt)",
    )
    parser.add_argument("--n-frames", type=positive, default=200, metavar="N", help="how many")
    add_model_file(parser, without="frames drawn at random; with one, half of them in doubt")
    parser.add_argument(
        "--order",
        choices=("random", "doubt", "number"),
        help="in which order frames are shown (default: random, or doubt with a model)",
    )
    add_crop(parser)
    add_seed(parser)
    add_jobs(parser)
    served = parser.add_argument_group("the served page")
    served.add_argument(
        "--host", default="127.0.0.1", help="address to listen on (default: this machine alone)"
    )
    served.add_argument(
        "--port", type=int, help="port to listen on (default: 8765, or one that is free)"
    )
    served.add_argument("--no-browser", action="store_true", help="only print the address")
    alone = parser.add_argument_group("a page in one file, to label on another machine")
    alone.add_argument(
        "--page",
        type=Path,
        nargs="?",
        const=True,
        help="write it instead of serving one (default name: RUN.label.html)",
    )
    add_force(parser)
    parser.set_defaults(when_interrupted="interrupted; labels that were given are saved.")


def run(args: argparse.Namespace) -> None:
    """Serve the page until it is enough, or write it, and say what to do with it."""
    from sklearn_sfx.screening import load_screening_model, require_page

    frames = open_run(args)
    if args.page is None:
        model = load_screening_model(args.model) if args.model else None
        _serve(args, frames, model)
        return
    outputs = outputs_of_run(args, frames)
    page = outputs.claim(named_after_run(args, "label.html") if args.page is True else args.page)
    require_page()
    model = load_screening_model(args.model) if args.model else None
    _write(args, frames, model, outputs, page)


def _serve(args: argparse.Namespace, frames: Any, model: Any) -> None:
    from sklearn_sfx.frames import describe_mask
    from sklearn_sfx.screening import label_frames

    say = tell()
    labels = args.labels or named_after_run(args, "label.txt")
    say(describe_mask(frames))

    def say_where(url: str) -> None:
        say(f"Label at {url}")
        say(f"Labels are saved in {labels}; 'Enough for now' on the page, or Ctrl-C here, ends it")

    with workers(args):
        counts = label_frames(
            frames,
            labels,
            n_frames=args.n_frames,
            model=model,
            order=args.order or "auto",
            crop=args.crop,
            task=args.task,
            random_state=args.seed,
            host=args.host,
            port=args.port,
            browser=not args.no_browser,
            progress=True,
            say=say_where,
        )
    kinds = ", ".join(f"{count} {name}" for name, count in counts.items())
    say(f"{labels}: {sum(counts.values())} of {len(frames)} frames are labelled: {kinds}")
    if model:
        say(WEIGHTS)


def _write(args: argparse.Namespace, frames: Any, model: Any, outputs: Any, page: Path) -> None:
    from sklearn_sfx.frames import describe_mask
    from sklearn_sfx.screening import write_label_page

    with workers(args), outputs.replacing(page) as temporary:
        n_shown = write_label_page(
            temporary,
            frames,
            n_frames=args.n_frames,
            model=model,
            crop=args.crop,
            task=args.task,
            random_state=args.seed,
            progress=not args.quiet,
        )
    say = tell(outputs)
    say(describe_mask(frames))
    how = "half at random and half where the model is in doubt" if model else "drawn at random"
    say(f"{page}: {n_shown} of {len(frames)} frames, {how}")
    if model:
        say(WEIGHTS)
    task = task_asked(model.about.option if model else args.task)
    *most, last = [one.key.upper() for one in task.classes]
    keys = f"{', '.join(most)} and {last}"
    say(f"Open it in a browser; {keys} label a frame, and it gives labels for 'sfx train'.")
