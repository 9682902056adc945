"""Say what a run is: its frames, their values and their mask, and what will be looked at."""

import argparse
from pathlib import Path

from sklearn_sfx.cli._inputs import open_run
from sklearn_sfx.cli._options import add_crop, add_force, add_json, add_run, positive
from sklearn_sfx.cli._outputs import outputs_of_run
from sklearn_sfx.cli._printing import tell, tell_programs

SUMMARY = "say what a run is, and what will be looked at"
ORDER = 15
EXAMPLES = (
    "sfx info run.h5",
    "sfx info run.cxi --geometry det.geom --picture run.png",
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the run, how much of it is read, and in which form it is told."""
    add_run(parser)
    add_crop(parser)
    parser.add_argument(
        "--n-frames", type=positive, default=16, metavar="N", help="how many frames are read"
    )
    parser.add_argument(
        "--picture",
        type=Path,
        help="PNG to write: a frame, and what is looked at (default: none is written)",
    )
    add_json(parser)
    add_force(parser)


def run(args: argparse.Namespace) -> None:
    """Read a few frames, and print what the run is."""
    from sklearn_sfx.screening import draw_run, run_info

    frames = open_run(args)
    outputs = outputs_of_run(args, frames)
    if args.picture:
        outputs.claim(args.picture)
    info = run_info(frames, n_frames=args.n_frames, crop=args.crop)
    if args.picture:
        figure = draw_run(frames, info)
        with outputs.replacing(args.picture) as path:
            figure.savefig(path, format="png", dpi=150, bbox_inches="tight")
    if args.json:
        tell_programs({"frames_count_from": 0, **info.to_dict()}, outputs)
    for line in str(info).split("\n"):
        tell(outputs)(line)
