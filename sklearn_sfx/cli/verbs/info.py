"""Say what a run is: its frames, their values and their mask, and what will be looked at."""

import argparse
from pathlib import Path
from typing import Any

from sklearn_sfx._files import new_file, replacing
from sklearn_sfx.cli._inputs import open_run
from sklearn_sfx.cli._options import add_crop, add_run, positive
from sklearn_sfx.exceptions import InputError

SUMMARY = "say what a run is, and what will be looked at"
ORDER = 15


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the run, how much of it is read, and in which form it is told."""
    add_run(parser)
    add_crop(parser)
    parser.add_argument(
        "--n-frames", type=positive, default=16, metavar="N", help="how many frames are read"
    )
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")
    parser.add_argument("--picture", type=Path, help="PNG to write: a frame, and what is looked at")


def run(args: argparse.Namespace) -> None:
    """Read a few frames, and print what the run is."""
    import json

    from sklearn_sfx.screening import draw_run, run_info

    if args.picture:
        new_file(args.picture)
    frames = _opened(args)
    info = run_info(frames, n_frames=args.n_frames, crop=args.crop)
    if args.picture:
        figure = draw_run(frames, info)
        with replacing(args.picture) as path:
            figure.savefig(path, format="png", dpi=150, bbox_inches="tight")
    print(json.dumps(info.to_dict(), indent=2) if args.json else info)


def _opened(args: argparse.Namespace) -> Any:
    """Open the run as it is stored or, where frames cannot be read, with NaN in their place."""
    try:
        return open_run(args)
    except InputError:
        args.missing = "nan"
        return open_run(args)
