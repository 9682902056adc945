"""The command ``sfx``: a parser, and one function per verb over the public API."""

import argparse
import os
import shlex
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ._version import __version__
from .exceptions import InputError

__all__ = ["main"]

DOMAINS = ("LN83", "LN84", "LO19", "LG36", "L498")
N_FOR_DEFECTS = 200  # frames in which defective pixels are looked for
SIMULATED = "SIMULATED frames"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments; those of the process by default.

    Returns
    -------
    int
        0 on success; 2 after a mistake in the input, with one sentence on standard error.
        A fault of the program itself is raised with its traceback.
    """
    argv = sys.argv[1:] if argv is None else argv
    args = build_parser().parse_args(argv)
    args.command = shlex.join(["sfx", *argv])  # for the report
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _once(args.verb)
            args.run_verb(args)
    except InputError as error:
        _say(args.verb, error)
        return 2
    except OSError as error:
        # The operating system's own refusals: no such folder, no permission, disk full.
        if error.errno is None:
            raise
        about = f"{error.filename}: " if error.filename else ""
        _say(args.verb, f"{about}{error.strerror}.")
        return 2
    except KeyboardInterrupt:
        _say(args.verb, args.when_interrupted)
        return 130
    return 0


def simulate(args: argparse.Namespace) -> None:
    """Write a simulated run, its labels and its mask."""
    from .datasets import make_sfx_frames, write_run

    folder = _writable(args.run).parent
    bunch = make_sfx_frames(
        args.n_frames,
        domain=args.domain,
        frame_shape=args.frame_shape,
        hit_rate=args.hit_rate,
        random_state=args.seed,
    )
    write_run(args.run, bunch, progress=True)
    counts = {name: int((bunch.labels == name).sum()) for name in ("HIT", "MAYBE", "MISS")}
    print(f"{args.run}: {len(bunch.data)} {SIMULATED} like {args.domain}, {_counted(counts)}")
    print(f"{folder / 'expert_annotation.txt'}: their labels")
    print(f"{folder / 'mask.h5'}: the mask, True = usable")


def train(args: argparse.Namespace) -> None:
    """Train a model on the labelled frames of a run."""
    from .screening import train

    if _writable(args.model).suffix == ".skops":
        from .persistence import require_skops

        require_skops()  # what is missing is said before the training, not after it
    if args.labels is None and args.method != "peaks":
        raise InputError("--labels is missing; '--method peaks' can do without.")
    frames = _open_run(args)
    positions, target = _training_frames(frames, args)
    with _workers(args):
        model = train(
            frames[positions],
            target,
            method=args.method,
            crop=args.crop,
            max_epochs=args.epochs,
            random_state=args.seed,
            progress=True,
        )
    model.save(args.model)
    n_labels, n_hits = int((target >= 0).sum()), int((target == 1).sum())
    learned = f"{n_labels} labelled frames, {n_hits} of them hits ({_policy(args.maybe)})"
    if args.method == "peaks":
        simulated = "the simulated frames that come with the package"
        learned = f"{simulated} and {learned}" if n_labels else f"{simulated}, with no label"
    print(f"{args.model}: trained on {learned}; a hit from probability {model.threshold:.3f}")


def screen(args: argparse.Namespace) -> None:
    """Score every frame of a run and write the hit list and the table."""
    from .screening import load_screening_model, require_report, screen, write_report

    _writable(args.hits), _writable(args.scores)
    if args.report:
        require_report(args.report)
    model = load_screening_model(args.model)
    frames = _open_run(args)
    with _workers(args):
        scores = screen(
            model, frames, threshold=args.threshold, peaks=not args.no_peaks, progress=True
        )
    scores.write_csv(args.scores)
    scores.write_hits(args.hits)
    n_hits = int(scores.decision.sum())
    print(f"{n_hits} of {len(frames)} frames are hits at threshold {scores.threshold:.3f}")
    print(f"{args.hits}: the hits, for CrystFEL\n{args.scores}: every frame")
    if args.report:
        write_report(args.report, model, frames, scores, command=args.command)
        print(f"{args.report}: the report")


def evaluate(args: argparse.Namespace) -> None:
    """Compare a model with labels that it was not trained on."""
    from .screening import (
        evaluation_table,
        load_screening_model,
        require_report,
        screen,
        write_report,
    )

    if args.report:
        require_report(args.report)
    model = load_screening_model(args.model)
    frames = _open_run(args)
    positions, target = _labels(frames, args)
    seen = set(model.trained_on)
    new = [
        i
        for i, p in enumerate(positions)
        if (os.path.basename(frames.sources[p].path), frames.sources[p].position) not in seen
    ]
    if not new:
        raise InputError(
            f"{args.labels}: the model was trained on every frame that is labelled here; "
            "label some others, or train with a smaller --n-labels."
        )
    positions, target = positions[new], target[new]
    frames = frames[positions]
    with _workers(args):
        scores = screen(model, frames, threshold=args.threshold, progress=True)
    counts: Any = scores.peak_count
    by_count = counts >= model.baseline.threshold_
    print(
        f"{len(target)} labelled frames that the model was not trained on, {_policy(args.maybe)}; "
        "95 % intervals"
    )
    print(evaluation_table(target, {"model": scores.decision, "peak count": by_count}))
    if args.report:
        note = f"{_policy(args.maybe)} in the labels."
        about = {"target": target, "note": note, "command": args.command}
        write_report(args.report, model, frames, scores, **about)
        print(f"{args.report}: the report")


def demo(args: argparse.Namespace) -> None:
    """Do the whole job on a simulated run."""
    from .screening._demo import run_demo

    with _workers(args):
        run_demo(args.output, n_frames=args.n_frames, random_state=args.seed)


def reproduce(args: argparse.Namespace) -> None:
    """Make the tables and pictures of the paper again, on real runs or on simulated ones."""
    from .reproduction import reproduce

    report = reproduce(
        args.output,
        data=args.data,
        quick=args.quick,
        sequential_split=args.sequential_split,
        maybe=args.maybe,
        n_seeds=args.seeds,
        n_jobs=args.jobs,
        only=args.only,
        progress=True,
    )
    print(f"{report}: the report, on {'real' if args.data else 'SIMULATED'} frames")


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command and all its verbs."""
    parser = argparse.ArgumentParser(
        prog="sfx",
        description="Find the hits of a serial crystallography run from about 200 labels.",
    )
    parser.add_argument("--version", action="version", version=f"sklearn_sfx {__version__}")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")

    verb = _add_verb(verbs, simulate, "write a simulated run in the CXIDB-76 layout")
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

    verb = _add_verb(verbs, train, "train a model on the labelled frames of a run")
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
    verb.add_argument("--crop", type=_positive, default=724, help="side of the central square")
    verb.add_argument("--epochs", type=_positive, help="training epochs")
    _add_seed(verb)
    _add_jobs(verb)

    verb = _add_verb(verbs, screen, "score every frame of a run and write the hit list")
    _add_run(verb)
    _add_model(verb)
    verb.add_argument("--hits", type=Path, default=Path("hits.lst"), help="hit list for CrystFEL")
    verb.add_argument("--scores", type=Path, default=Path("scores.csv"), help="table of all frames")
    _add_jobs(verb)
    verb.add_argument(
        "--no-peaks", action="store_true", help="do not count peaks: about three times as fast"
    )
    _add_report(verb)

    verb = _add_verb(verbs, evaluate, "measure recall and precision on labels not trained on")
    _add_run(verb)
    _add_model(verb)
    _add_labels(verb)
    _add_jobs(verb)
    _add_report(verb)

    verb = _add_verb(verbs, demo, "simulate, train, screen and evaluate, in a few minutes")
    verb.add_argument("--output", type=Path, default=Path("demo"), help="folder for the results")
    verb.add_argument("--n-frames", type=_positive, default=1200, metavar="N")
    _add_seed(verb)
    _add_jobs(verb)

    verb = _add_verb(verbs, reproduce, "make the tables and pictures of the paper again")
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


def _open_run(args: argparse.Namespace) -> Any:
    from .frames import open_frames, read_mask

    mask = None
    if args.mask is not None:
        mask = read_mask(
            args.mask, dataset=args.mask_dataset, good_bits=args.good_bits, bad_bits=args.bad_bits
        )
    source = args.run[0] if len(args.run) == 1 else args.run
    return open_frames(source, dataset=args.dataset, mask=mask)


def _labels(frames: Any, args: argparse.Namespace) -> tuple[Any, Any]:
    """Return the positions in the run that are labelled, and 0 or 1 for each."""
    from .datasets import match_labels

    positions, labels = match_labels(frames, args.labels)
    keep = labels != "MAYBE" if args.maybe == "drop" else slice(None)
    positives = ("HIT", "MAYBE") if args.maybe == "hit" else ("HIT",)
    import numpy as np

    return positions[keep], np.isin(labels[keep], positives).astype(int)


def _training_frames(frames: Any, args: argparse.Namespace) -> tuple[Any, Any]:
    """Return positions in the run, and 0, 1 or, for want of a label, -1 for each."""
    import numpy as np

    positions, target = np.arange(0), np.arange(0)
    if args.labels is not None:
        positions, target = _labels(frames, args)
        positions, target = _choose(positions, target, args.n_labels, args.seed)
    if args.method == "peaks":  # defective pixels are found in more frames than have labels
        rest = np.setdiff1d(np.arange(len(frames)), positions)
        n_more = min(len(rest), max(0, N_FOR_DEFECTS - len(positions)))
        more = rest[np.linspace(0, len(rest) - 1, n_more).astype(int)]
        positions = np.concatenate([positions, more])
        target = np.concatenate([target, np.full(n_more, -1)])
    return positions, target


def _choose(positions: Any, target: Any, n_labels: int | None, seed: int) -> tuple[Any, Any]:
    """Draw so many labels, hits and misses in the proportion that they have."""
    if n_labels is None or n_labels == len(target):
        return positions, target
    if n_labels > len(target):
        raise InputError(f"--n-labels asks for {n_labels} labels, and there are {len(target)}.")
    from sklearn.model_selection import train_test_split

    few = min((target == 0).sum(), (target == 1).sum()) < 2
    chosen, _, target, _ = train_test_split(
        positions, target, train_size=n_labels, random_state=seed, stratify=None if few else target
    )
    return chosen, target


def _workers(args: argparse.Namespace) -> Any:
    import joblib

    return joblib.parallel_config("threading", n_jobs=args.jobs or joblib.cpu_count())


def _say(verb: str, message: object) -> None:
    """Tell the user something beside the output."""
    print(f"sfx {verb}: {message}", file=sys.stderr)


def _once(verb: str) -> Callable:
    """Return a way to show warnings that says each only once."""
    said = set()

    def show(message: Any, *_: Any, **__: Any) -> None:
        if str(message) not in said:
            said.add(str(message))
            _say(verb, message)

    return show


def _writable(path: Path) -> Path:
    """Refuse an output that could not be written before the work is done for it."""
    path = Path(path)
    if not path.absolute().parent.is_dir():
        raise InputError(f"{path}: the folder {path.parent} does not exist; make it first.")
    if path.is_dir():
        raise InputError(f"{path}: this is a folder; name a file.")
    return path


def _policy(maybe: str) -> str:
    return {
        "hit": "MAYBE counted as hit",
        "miss": "MAYBE counted as miss",
        "drop": "MAYBE left out",
    }[maybe]


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{number} {name}" for name, number in counts.items())


if __name__ == "__main__":
    sys.exit(main())
