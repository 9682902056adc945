"""Options that several verbs share, and the kinds of values they take."""

import argparse
from pathlib import Path

__all__ = [
    "add_crop",
    "add_jobs",
    "add_labels",
    "add_maybe",
    "add_model",
    "add_report",
    "add_run",
    "add_seed",
    "positive",
]


def add_run(parser: argparse.ArgumentParser) -> None:
    """Add the run and its mask, which `open_run` opens."""
    parser.add_argument("run", nargs="+", help="the files of the run, or a quoted glob")
    parser.add_argument("--dataset", help="path of the images, where a file has several candidates")
    parser.add_argument(
        "--missing",
        choices=("raise", "nan"),
        default="raise",
        help="stop at frames that cannot be read, or go on with NaN in their place",
    )
    parser.add_argument("--geometry", help="CrystFEL geometry, by which modules are put together")
    mask = parser.add_argument_group("mask", "True means usable, or name the bits")
    mask.add_argument("--mask", help="file of the mask (default: the mask that the run brings)")
    mask.add_argument(
        "--no-mask", action="store_true", help="use all pixels, whatever the run says of them"
    )
    mask.add_argument("--mask-dataset", help="path of the mask in that file")
    mask.add_argument("--good-bits", type=bits, help="all of these have to be set, or 'any'")
    mask.add_argument("--bad-bits", type=bits, help="none of these may be set, or 'any'")


def add_labels(parser: argparse.ArgumentParser, *, required: bool = True) -> None:
    """Add the labels and what a MAYBE among them is, which `labelled_frames` reads."""
    parser.add_argument(
        "--labels", required=required, help="text file with lines such as: r0095_2000.h5 [1] MISS"
    )
    add_maybe(parser)


def add_maybe(parser: argparse.ArgumentParser) -> None:
    """Add what a MAYBE counts as."""
    parser.add_argument(
        "--maybe", choices=("hit", "miss", "drop"), default="hit", help="what a MAYBE counts as"
    )


def add_model(parser: argparse.ArgumentParser) -> None:
    """Add the model to use, and its threshold."""
    parser.add_argument(
        "--model",
        required=True,
        help="model file that 'sfx train' wrote; unless it is *.skops, a pickle: trust its writer",
    )
    parser.add_argument(
        "--threshold", type=float, help="probability of a hit (default: the model's own)"
    )


def add_crop(parser: argparse.ArgumentParser) -> None:
    """Add the part of a frame that is looked at."""
    parser.add_argument(
        "--crop",
        type=crop,
        default="auto",
        metavar="N",
        help="side of the square that is looked at, about the beam where it is known, or 'all' "
        "(default: what suits the method)",
    )


def add_seed(parser: argparse.ArgumentParser) -> None:
    """Add the seed."""
    parser.add_argument("--seed", type=int, default=0, help="seed of all that is random")


def add_jobs(parser: argparse.ArgumentParser) -> None:
    """Add how many threads work, which `workers` starts."""
    parser.add_argument("--jobs", type=positive, help="threads (default: one per core)")


def add_report(parser: argparse.ArgumentParser) -> None:
    """Add the page to write beside the rest."""
    parser.add_argument("--report", type=Path, help="HTML page to write, with pictures of frames")


def positive(text: str) -> int:
    """Return an integer of 1 or more."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"has to be 1 or more, got {value}")
    return value


def crop(text: str) -> int | str | None:
    """Return the side of a square, None for the word all, or the word auto."""
    if text == "auto":
        return text
    return None if text == "all" else positive(text)


def bits(text: str) -> int | str:
    """Return bits of a mask, decimal or as 0x10, or the word any."""
    return text if text == "any" else int(text, 0)
