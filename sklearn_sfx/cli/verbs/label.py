"""Write a page to label frames on in a browser, one key to a frame."""

import argparse
from pathlib import Path

from sklearn_sfx.cli._inputs import open_run, workers
from sklearn_sfx.cli._options import add_crop, add_jobs, add_run, add_seed, positive

SUMMARY = "write a page to label frames on in a browser"
ORDER = 20


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the run, and how many of its frames are shown."""
    add_run(parser)
    parser.add_argument("--page", type=Path, default=Path("label.html"), help="the page to write")
    parser.add_argument("--n-frames", type=positive, default=200, metavar="N", help="how many")
    add_crop(parser)
    add_seed(parser)
    add_jobs(parser)


def run(args: argparse.Namespace) -> None:
    """Write the page, and say what to do with it."""
    from sklearn_sfx.screening import write_label_page

    frames = open_run(args)
    n_frames = min(args.n_frames, len(frames))
    with workers(args):
        write_label_page(
            args.page,
            frames,
            n_frames=n_frames,
            crop=args.crop,
            random_state=args.seed,
            progress=True,
        )
    print(f"{args.page}: {n_frames} of {len(frames)} frames, drawn at random")
    print(
        "Open it in a browser; H, M and N label a frame, and it gives labels.txt for 'sfx train'."
    )
