"""Write a simulated run, its labels and its mask."""

import argparse
from pathlib import Path

from sklearn_sfx._files import new_file
from sklearn_sfx._outputs import STDOUT, Outputs
from sklearn_sfx._tasks import SINGLE_PARTICLE, Task, task_asked
from sklearn_sfx.cli._options import add_force, add_seed, add_task, positive
from sklearn_sfx.cli._printing import tell
from sklearn_sfx.exceptions import InputError

SUMMARY = "write a simulated run in the CXIDB-76 layout"
ORDER = 10
EXAMPLES = (
    "sfx simulate run.h5 --n-frames 300 --frame-shape 400 400",
    "sfx simulate spi.h5 --task single-particle --domain organelle",
)
CRYSTALS = ("LN84", "LN83", "LO19", "LG36", "L498")
PARTICLES = ("virus", "organelle", "spheres")  # a file of this layout holds no floats


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what is simulated, and where it is written."""
    parser.add_argument(
        "run", type=Path, help="the HDF5 file to write; RUN.labels.txt and RUN.mask.h5 go beside it"
    )
    add_task(parser, of_model=False)
    parser.add_argument(
        "--domain",
        choices=(*CRYSTALS, *PARTICLES),
        help=f"the experiment to imitate: {', '.join(CRYSTALS)} for crystals, "
        f"{', '.join(PARTICLES)} for single particles (default: {CRYSTALS[0]}, {PARTICLES[0]})",
    )
    parser.add_argument(
        "--n-frames", type=positive, default=2000, metavar="N", help="frames to simulate"
    )
    parser.add_argument(
        "--frame-shape",
        type=positive,
        nargs=2,
        metavar=("HEIGHT", "WIDTH"),
        help="of crystals simulate this central part only (default: the whole detector)",
    )
    parser.add_argument(
        "--hit-rate",
        type=float,
        help="of crystals the share of frames with four or more spots (default: that of the "
        "experiment)",
    )
    add_seed(parser)
    add_force(parser)


def run(args: argparse.Namespace) -> None:
    """Simulate, write, and say how many frames have which label."""
    if args.run == STDOUT:
        raise InputError("-: a run is three files, which cannot go to standard output; name one.")
    task = task_asked(args.task)
    domain = _domain_of(args, task)
    new_file(args.run)  # what imports take long for is said at once
    from sklearn_sfx.datasets import make_sfx_frames, make_spi_frames, run_files, write_run

    of_what = [domain, args.n_frames, args.frame_shape, args.hit_rate, args.seed]
    outputs = Outputs("sfx simulate", [repr(of_what)], [], force=args.force)
    files = [outputs.claim(path) for path in run_files(args.run)]
    if task is SINGLE_PARTICLE:
        bunch = make_spi_frames(args.n_frames, domain=domain, random_state=args.seed)
    else:
        bunch = make_sfx_frames(
            args.n_frames,
            domain=domain,
            frame_shape=args.frame_shape,
            hit_rate=args.hit_rate,
            random_state=args.seed,
        )
    with outputs.replacing_all(files) as (path, *_):
        write_run(path, bunch, progress=not args.quiet)
    counts = [f"{(bunch.labels == name).sum()} {name}" for name in task.labels]
    simulated = f"{len(bunch.data)} SIMULATED frames like {domain}"
    run, labels, mask = files
    say = tell(outputs)
    say(f"{run}: {simulated}, {', '.join(counts)}")
    say(f"{labels}: their labels")
    say(f"{mask}: the mask, True = usable")


def _domain_of(args: argparse.Namespace, task: Task) -> str:
    """Return the experiment to imitate, and refuse options that are for the other task."""
    known = PARTICLES if task is SINGLE_PARTICLE else CRYSTALS
    if args.domain is not None and args.domain not in known:
        raise InputError(
            f"--domain {args.domain}: there is none of that name for the task {task.option}: use "
            f"one of {', '.join(known)}, or give the other --task."
        )
    for option in ("frame_shape", "hit_rate"):
        if task is SINGLE_PARTICLE and getattr(args, option) is not None:
            raise InputError(
                f"--{option.replace('_', '-')} is for crystals: a run of single particles is of "
                "the whole detector, with the shares of the experiment. Leave it out, or use "
                "make_spi_frames in Python."
            )
    return args.domain or known[0]
