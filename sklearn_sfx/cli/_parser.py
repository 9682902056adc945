"""What can be written after ``sfx``."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sklearn_sfx._version import __version__
from sklearn_sfx.cli import _verbs

__all__ = ["build_parser"]

DOMAINS = ("LN83", "LN84", "LO19", "LG36", "L498")


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command and all its verbs."""
    parser = argparse.ArgumentParser(
        prog="sfx",
        description="Find the hits of a serial crystallography run from about 200 labels.",
    )
    parser.add_argument("--version", action="version", version=f"sklearn_sfx {__version__}")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")

    verb = _add_verb(verbs, _verbs.simulate, "write a simulated run in the CXIDB-76 layout")
    verb.add_argument("run", type=Path, help="the HDF5 file to write")
    verb.add_argument("--domain", choices=DOMAINS, default="LN84", help="the experiment to imitate")
    verb.add_argument("--n-frames", type=_positive, default=2000, metavar="N")
    verb.add_argument(
        "--frame-shape",
        type=_positive,
        nargs=2,
        metavar=("HEIGHT", "WIDTH"),
        help="simulate this central part only (default: the whole detector)",
    )
    verb.add_argument("--hit-rate", type=float, help="share of frames with four or more spots")
    _add_seed(verb)

    verb = _add_verb(verbs, _verbs.label, "write a page to label frames on in a browser")
    _add_run(verb)
    verb.add_argument("--page", type=Path, default=Path("label.html"), help="the page to write")
    verb.add_argument("--n-frames", type=_positive, default=200, metavar="N", help="how many")
    _add_crop(verb)
    _add_seed(verb)
    _add_jobs(verb)

    verb = _add_verb(verbs, _verbs.train, "train a model on the labelled frames of a run")
    _add_run(verb)
    _add_labels(verb, required=False)
    verb.add_argument(
        "--method",
        choices=("rows", "peaks"),
        default="rows",
        help="rows: a network on row-wise decomposition, for about 200 labels; peaks: the heights "
        "of the strongest peaks, for fewer labels or none",
    )
    verb.add_argument(
        "--model",
        type=Path,
        required=True,
        help="the model file to write; *.skops is safe to share",
    )
    verb.add_argument(
        "--n-labels", type=_positive, metavar="N", help="use so many of the labels, drawn at random"
    )
    _add_crop(verb)
    verb.add_argument("--epochs", type=_positive, help="training epochs")
    _add_seed(verb)
    _add_jobs(verb)

    verb = _add_verb(verbs, _verbs.screen, "score every frame of a run and write the hit list")
    _add_run(verb)
    _add_model(verb)
    verb.add_argument("--hits", type=Path, default=Path("hits.lst"), help="hit list for CrystFEL")
    verb.add_argument("--scores", type=Path, default=Path("scores.csv"), help="table of all frames")
    _add_jobs(verb)
    verb.add_argument(
        "--no-peaks", action="store_true", help="do not count peaks: about three times as fast"
    )
    _add_report(verb)

    verb = _add_verb(
        verbs, _verbs.evaluate, "measure recall and precision on labels not trained on"
    )
    _add_run(verb)
    _add_model(verb)
    _add_labels(verb)
    _add_jobs(verb)
    _add_report(verb)

    verb = _add_verb(verbs, _verbs.demo, "simulate, train, screen and evaluate, in a few minutes")
    verb.add_argument("--output", type=Path, default=Path("demo"), help="folder for the results")
    verb.add_argument("--n-frames", type=_positive, default=1200, metavar="N")
    _add_seed(verb)
    _add_jobs(verb)

    verb = _add_verb(verbs, _verbs.reproduce, "make the tables and pictures of the paper again")
    verb.add_argument("output", type=Path, help="folder for the report; what is done is kept there")
    verb.add_argument("--data", type=Path, help="folder with the runs of CXIDB-76 (or simulate)")
    verb.add_argument("--quick", action="store_true", help="a few frames: minutes, and rough")
    verb.add_argument(
        "--sequential-split", action="store_true", help="split runs in order, 50 / 20 / 30 %%"
    )
    _add_maybe(verb)
    verb.add_argument("--seeds", type=_positive, metavar="N", help="seeds (3; 1 with --quick)")
    verb.add_argument("--jobs", type=_positive, help="processes (default: one per core)")
    verb.add_argument(
        "--only", nargs="+", metavar="TABLE", help="1 to 7, throughput, figures (default: all)"
    )
    verb.set_defaults(when_interrupted="interrupted; start it again to go on where it was.")
    return parser


def _add_verb(verbs: Any, run_verb: Callable, summary: str) -> argparse.ArgumentParser:
    verb = verbs.add_parser(run_verb.__name__, help=summary, description=f"{run_verb.__doc__}")
    verb.set_defaults(run_verb=run_verb, when_interrupted="interrupted; no output was changed.")
    return verb


def _add_run(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("run", nargs="+", help="the files of the run, or a quoted glob")
    verb.add_argument("--dataset", help="path of the images, where a file has several candidates")
    mask = verb.add_argument_group("mask", "True means usable, or name the bits")
    mask.add_argument("--mask", help="HDF5 file of the mask, or the run itself")
    mask.add_argument("--mask-dataset", help="path of the mask in that file")
    mask.add_argument("--good-bits", type=_bits, help="all of these have to be set, or 'any'")
    mask.add_argument("--bad-bits", type=_bits, help="none of these may be set, or 'any'")


def _add_labels(verb: argparse.ArgumentParser, *, required: bool = True) -> None:
    verb.add_argument(
        "--labels", required=required, help="text file with lines such as: r0095_2000.h5 [1] MISS"
    )
    _add_maybe(verb)


def _add_maybe(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--maybe", choices=("hit", "miss", "drop"), default="hit", help="what a MAYBE counts as"
    )


def _add_model(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--model",
        required=True,
        help="model file that 'sfx train' wrote; unless it is *.skops, a pickle: trust its writer",
    )
    verb.add_argument(
        "--threshold", type=float, help="probability of a hit (default: the model's own)"
    )


def _add_crop(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--crop", type=_positive, default=724, help="side of the central square")


def _add_seed(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--seed", type=int, default=0, help="seed of all that is random")


def _add_jobs(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--jobs", type=_positive, help="threads (default: one per core)")


def _add_report(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--report", type=Path, help="HTML page to write, with pictures of frames")


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"has to be 1 or more, got {value}")
    return value


def _bits(text: str) -> int | str:
    return text if text == "any" else int(text, 0)
