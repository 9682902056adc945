"""Write a page to label frames on in a browser, one key to a frame."""

import argparse
from pathlib import Path

from sklearn_sfx.cli._inputs import open_run, workers
from sklearn_sfx.cli._options import add_crop, add_force, add_jobs, add_run, add_seed, positive
from sklearn_sfx.cli._outputs import named_after_run, outputs_of_run
from sklearn_sfx.cli._printing import tell

SUMMARY = "write a page to label frames on in a browser"
ORDER = 20


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the run, and how many of its frames are shown."""
    add_run(parser)
    parser.add_argument("--page", type=Path, help="the page to write (default: RUN.label.html)")
    parser.add_argument("--n-frames", type=positive, default=200, metavar="N", help="how many")
    add_crop(parser)
    add_seed(parser)
    add_jobs(parser)
    add_force(parser)


def run(args: argparse.Namespace) -> None:
    """Write the page, and say what to do with it."""
    from sklearn_sfx.frames import describe_mask
    from sklearn_sfx.screening import require_page, write_label_page

    frames = open_run(args)
    outputs = outputs_of_run(args, frames)
    page = outputs.claim(args.page or named_after_run(args, "label.html"))
    require_page()
    with workers(args), outputs.replacing(page) as temporary:
        n_shown = write_label_page(
            temporary,
            frames,
            n_frames=args.n_frames,
            crop=args.crop,
            random_state=args.seed,
            progress=True,
        )
    say = tell(outputs)
    say(describe_mask(frames))
    say(f"{page}: {n_shown} of {len(frames)} frames, drawn at random")
    say("Open it in a browser; H, M and N label a frame, and it gives labels for 'sfx train'.")
