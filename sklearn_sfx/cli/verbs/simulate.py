"""Write a simulated run, its labels and its mask."""

import argparse
from pathlib import Path

from sklearn_sfx._files import new_file
from sklearn_sfx._outputs import STDOUT, Outputs
from sklearn_sfx.cli._options import add_force, add_seed, positive
from sklearn_sfx.cli._printing import tell
from sklearn_sfx.exceptions import InputError

SUMMARY = "write a simulated run in the CXIDB-76 layout"
ORDER = 10
EXAMPLES = ("sfx simulate run.h5 --n-frames 300 --frame-shape 400 400",)
DOMAINS = ("LN83", "LN84", "LO19", "LG36", "L498")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what is simulated, and where it is written."""
    parser.add_argument(
        "run", type=Path, help="the HDF5 file to write; RUN.labels.txt and RUN.mask.h5 go beside it"
    )
    parser.add_argument(
        "--domain", choices=DOMAINS, default="LN84", help="the experiment to imitate"
    )
    parser.add_argument(
        "--n-frames", type=positive, default=2000, metavar="N", help="frames to simulate"
    )
    parser.add_argument(
        "--frame-shape",
        type=positive,
        nargs=2,
        metavar=("HEIGHT", "WIDTH"),
        help="simulate this central part only (default: the whole detector)",
    )
    parser.add_argument(
        "--hit-rate",
        type=float,
        help="share of frames with four or more spots (default: that of the experiment)",
    )
    add_seed(parser)
    add_force(parser)


def run(args: argparse.Namespace) -> None:
    """Simulate, write, and say how many frames have which label."""
    if args.run == STDOUT:
        raise InputError("-: a run is three files, which cannot go to standard output; name one.")
    new_file(args.run)  # what imports take long for is said at once
    from sklearn_sfx.datasets import make_sfx_frames, run_files, write_run

    of_what = [args.domain, args.n_frames, args.frame_shape, args.hit_rate, args.seed]
    outputs = Outputs("sfx simulate", [repr(of_what)], [], force=args.force)
    files = [outputs.claim(path) for path in run_files(args.run)]
    bunch = make_sfx_frames(
        args.n_frames,
        domain=args.domain,
        frame_shape=args.frame_shape,
        hit_rate=args.hit_rate,
        random_state=args.seed,
    )
    with outputs.replacing_all(files) as (path, *_):
        write_run(path, bunch, progress=not args.quiet)
    counts = [f"{(bunch.labels == name).sum()} {name}" for name in ("HIT", "MAYBE", "MISS")]
    simulated = f"{len(bunch.data)} SIMULATED frames like {args.domain}"
    run, labels, mask = files
    say = tell(outputs)
    say(f"{run}: {simulated}, {', '.join(counts)}")
    say(f"{labels}: their labels")
    say(f"{mask}: the mask, True = usable")
