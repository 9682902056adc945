"""Write a simulated run, its labels and its mask."""

import argparse
from pathlib import Path

from sklearn_sfx._files import new_file
from sklearn_sfx.cli._options import add_seed, positive

SUMMARY = "write a simulated run in the CXIDB-76 layout"
ORDER = 10
DOMAINS = ("LN83", "LN84", "LO19", "LG36", "L498")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what is simulated, and where it is written."""
    parser.add_argument("run", type=Path, help="the HDF5 file to write")
    parser.add_argument(
        "--domain", choices=DOMAINS, default="LN84", help="the experiment to imitate"
    )
    parser.add_argument("--n-frames", type=positive, default=2000, metavar="N")
    parser.add_argument(
        "--frame-shape",
        type=positive,
        nargs=2,
        metavar=("HEIGHT", "WIDTH"),
        help="simulate this central part only (default: the whole detector)",
    )
    parser.add_argument("--hit-rate", type=float, help="share of frames with four or more spots")
    add_seed(parser)


def run(args: argparse.Namespace) -> None:
    """Simulate, write, and say how many frames have which label."""
    from sklearn_sfx.datasets import make_sfx_frames, write_run

    folder = new_file(args.run).parent
    bunch = make_sfx_frames(
        args.n_frames,
        domain=args.domain,
        frame_shape=args.frame_shape,
        hit_rate=args.hit_rate,
        random_state=args.seed,
    )
    write_run(args.run, bunch, progress=True)
    counts = [f"{(bunch.labels == name).sum()} {name}" for name in ("HIT", "MAYBE", "MISS")]
    simulated = f"{len(bunch.data)} SIMULATED frames like {args.domain}"
    print(f"{args.run}: {simulated}, {', '.join(counts)}")
    print(f"{folder / 'expert_annotation.txt'}: their labels")
    print(f"{folder / 'mask.h5'}: the mask, True = usable")
