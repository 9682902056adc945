"""Write a page to label frames on in a browser, one key to a frame."""

import argparse
from pathlib import Path

from sklearn_sfx.cli._inputs import open_run, workers
from sklearn_sfx.cli._options import (
    add_crop,
    add_force,
    add_jobs,
    add_model_file,
    add_run,
    add_seed,
    positive,
)
from sklearn_sfx.cli._outputs import named_after_run, outputs_of_run
from sklearn_sfx.cli._printing import tell

SUMMARY = "write a page to label frames on in a browser"
ORDER = 20
EXAMPLES = ("sfx label run.h5",)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the run, and how many of its frames are shown."""
    add_run(parser)
    parser.add_argument("--page", type=Path, help="the page to write (default: RUN.label.html)")
    parser.add_argument("--n-frames", type=positive, default=200, metavar="N", help="how many")
    add_model_file(parser, without="frames drawn at random; with one, half of them in doubt")
    add_crop(parser)
    add_seed(parser)
    add_jobs(parser)
    add_force(parser)


def run(args: argparse.Namespace) -> None:
    """Write the page, and say what to do with it."""
    from sklearn_sfx.frames import describe_mask
    from sklearn_sfx.screening import load_screening_model, require_page, write_label_page

    frames = open_run(args)
    outputs = outputs_of_run(args, frames)
    page = outputs.claim(args.page or named_after_run(args, "label.html"))
    require_page()
    model = load_screening_model(args.model) if args.model else None
    with workers(args), outputs.replacing(page) as temporary:
        n_shown = write_label_page(
            temporary,
            frames,
            n_frames=args.n_frames,
            model=model,
            crop=args.crop,
            random_state=args.seed,
            progress=not args.quiet,
        )
    say = tell(outputs)
    say(describe_mask(frames))
    how = "half at random and half where the model is in doubt" if model else "drawn at random"
    say(f"{page}: {n_shown} of {len(frames)} frames, {how}")
    if model:
        say("Labels get a weight, which 'sfx train' and 'sfx evaluate' use: keep it in their lines")
    say("Open it in a browser; H, M and N label a frame, and it gives labels for 'sfx train'.")
