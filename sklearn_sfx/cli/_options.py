"""Options that several verbs share, and the kinds of values they take."""

import argparse
from pathlib import Path

from sklearn_sfx._tasks import CRYSTALLOGRAPHY, TASKS

__all__ = [
    "add_crop",
    "add_device",
    "add_force",
    "add_jobs",
    "add_json",
    "add_labels",
    "add_maybe",
    "add_model",
    "add_model_file",
    "add_opening",
    "add_quiet",
    "add_report",
    "add_run",
    "add_seed",
    "add_task",
    "positive",
    "shard",
    "workers",
]

MOST = 2**31 - 1  # of what is counted
MOST_THREADS = 1024
SEEDS = 2**32


def add_run(parser: argparse.ArgumentParser) -> None:
    """Add the run and its mask, which `open_run` opens."""
    parser.add_argument("run", nargs="+", help="the files of the run, or a quoted glob")
    parser.add_argument(
        "--missing",
        choices=("leave", "nan"),
        default="leave",
        help="leave out frames of which a part cannot be read, or go by what is left of them",
    )
    parser.add_argument("--strict", action="store_true", help="stop at a frame that cannot be read")
    add_opening(parser)


def add_opening(parser: argparse.ArgumentParser) -> None:
    """Add how files are opened, and their mask, which `opening` takes."""
    parser.add_argument(
        "--dataset",
        help="path of the images in their file (default: the one that its format names, or the "
        "only stack of images)",
    )
    parser.add_argument(
        "--geometry",
        help="CrystFEL geometry, by which modules are put together (default: frames as stored)",
    )
    mask = parser.add_argument_group("mask", "True means usable, or name the bits")
    mask.add_argument("--mask", help="file of the mask (default: the mask that the run brings)")
    mask.add_argument(
        "--no-mask", action="store_true", help="use all pixels, whatever the run says of them"
    )
    mask.add_argument(
        "--mask-dataset", help="path of the mask in that file (default: the one that fits)"
    )
    mask.add_argument(
        "--good-bits", type=bits, help="all of these have to be set, or 'any' (default: not asked)"
    )
    mask.add_argument(
        "--bad-bits", type=bits, help="none of these may be set, or 'any' (default: not asked)"
    )


def add_labels(parser: argparse.ArgumentParser, *, required: bool = True) -> None:
    """Add the labels and what a MAYBE among them is, which `labelled_frames` reads."""
    parser.add_argument(
        "--labels",
        required=required,
        help="text file with lines such as: r0095_2000.h5 [1] MISS, frames counted from 1; or a "
        "CrystFEL stream, results of Cheetah or OM, a list of hits, a table with named columns"
        + ("" if required else " (default: none)"),
    )
    add_maybe(parser)
    _add_rules(parser)


def _add_rules(parser: argparse.ArgumentParser) -> None:
    """Add what frames are that the labels of another program do not call a hit."""
    group = parser.add_argument_group("labels of other programs")
    group.add_argument(
        "--not-indexed",
        choices=("unlabelled", "miss", "maybe"),
        default="unlabelled",
        help="what a frame of a stream is that was not indexed",
    )
    group.add_argument(
        "--absent",
        choices=("unlabelled", "miss"),
        default="unlabelled",
        help="what a frame of the run is that the labels do not name",
    )
    group.add_argument(
        "--hit-from",
        type=positive,
        metavar="N",
        help="a frame with N peaks or more is a hit (default: peaks say nothing)",
    )
    group.add_argument(
        "--miss-below",
        type=positive,
        metavar="N",
        help="a frame with fewer than N peaks is a miss (default: peaks say nothing)",
    )


def add_maybe(parser: argparse.ArgumentParser) -> None:
    """Add what a MAYBE counts as."""
    parser.add_argument(
        "--maybe", choices=("hit", "miss", "drop"), default="hit", help="what a MAYBE counts as"
    )


def add_model(parser: argparse.ArgumentParser, *, without: str = "") -> None:
    """Add the model to use, and its threshold; `without` says what is done if none is given."""
    add_model_file(parser, without=without)
    parser.add_argument(
        "--threshold", type=float, help="probability of a hit (default: the model's own)"
    )
    parser.add_argument(
        "--hit-label",
        metavar="LABEL",
        help="class of hits of a model that 'sfx train' did not write (default: the one called "
        "hit, or the greater of two numbers)",
    )


def add_model_file(parser: argparse.ArgumentParser, *, without: str = "") -> None:
    """Add the model to use alone, of which the threshold is its own."""
    parser.add_argument(
        "--model",
        required=not without,
        help="model file that 'sfx train' wrote, or any other fitted scikit-learn model; unless it "
        "is *.skops, a pickle: trust its writer" + (f" (default: {without})" if without else ""),
    )


def add_task(parser: argparse.ArgumentParser, *, of_model: bool = True) -> None:
    """Add what is looked for; a model of `sfx train` knows it."""
    default = CRYSTALLOGRAPHY.option
    parser.add_argument(
        "--task",
        choices=tuple(TASKS),
        help="what is looked for: hits by Bragg spots, or frames with exactly one particle "
        f"(default: {f'that of the model, or {default}' if of_model else default})",
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
    parser.add_argument("--seed", type=seed, default=0, help="seed of all that is random")


def add_jobs(parser: argparse.ArgumentParser) -> None:
    """Add how many threads work, which `workers` starts."""
    parser.add_argument("--jobs", type=workers, help="threads (default: one per core)")


def add_report(parser: argparse.ArgumentParser, end: str) -> None:
    """Add the page to write beside the rest; named after the run where no name is given."""
    parser.add_argument(
        "--report",
        type=Path,
        nargs="?",
        const=True,
        help="HTML page to write, with pictures of frames (default: none is written; without a "
        f"name, RUN.{end})",
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add whether the result is printed for programs, which `tell_programs` does."""
    parser.add_argument(
        "--json",
        action="store_true",
        help="print the result as JSON and nothing else; what counts frames there counts from 0",
    )


def add_quiet(parser: argparse.ArgumentParser) -> None:
    """Add whether only that is said which is wrong."""
    parser.add_argument(
        "--quiet", action="store_true", help="say nothing but warnings and what went wrong"
    )


def add_device(parser: argparse.ArgumentParser) -> None:
    """Add where networks are computed."""
    parser.add_argument(
        "--device",
        default="auto",
        help="where networks are computed: cpu, cuda, cuda:1, or auto, a GPU where there is one",
    )


def add_force(parser: argparse.ArgumentParser) -> None:
    """Add whether files of others may be replaced; an input never is."""
    parser.add_argument(
        "--force", action="store_true", help="replace files that this command did not write"
    )


def positive(text: str) -> int:
    """Return an integer of 1 or more."""
    return _between(text, 1, MOST)


def workers(text: str) -> int:
    """Return a number of threads or processes."""
    return _between(text, 1, MOST_THREADS)


def seed(text: str) -> int:
    """Return a seed, as numpy takes it."""
    return _between(text, 0, SEEDS - 1)


def shard(text: str) -> tuple[int, int]:
    """Return number and count of a share that is written as 3/16."""
    number, _, of = text.partition("/")
    share = _between(number, 1, MOST), _between(of, 1, MOST)
    if share[0] > share[1]:
        raise argparse.ArgumentTypeError(f"has to be one of 1/{of} to {of}/{of}, got {text}")
    return share


def crop(text: str) -> int | str | None:
    """Return the side of a square, None for the word all, or the word auto."""
    if text == "auto":
        return text
    return None if text == "all" else positive(text)


def bits(text: str) -> int | str:
    """Return bits of a mask, decimal or as 0x10, or the word any."""
    if text == "any":
        return text
    value = int(text, 0)
    if not 0 < value < 2**64:
        raise argparse.ArgumentTypeError(f"has to be 1 to 64 bits, got {text}")
    return value


def _between(text: str, least: int, most: int) -> int:
    value = int(text)
    if not least <= value <= most:
        raise argparse.ArgumentTypeError(f"has to be a number from {least} to {most}, got {text}")
    return value
