"""Score frames while they are measured: files that grow, a folder, or a stream."""

import argparse
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sklearn_sfx._outputs import name_of_run
from sklearn_sfx.cli._hit_outputs import add_hit_outputs, hit_outputs, name_of_stream
from sklearn_sfx.cli._inputs import opening, workers
from sklearn_sfx.cli._live_page import add_live_page, live_page
from sklearn_sfx.cli._options import (
    add_device,
    add_force,
    add_jobs,
    add_model,
    add_opening,
    add_task,
)
from sklearn_sfx.cli._printing import say, tell
from sklearn_sfx.exceptions import InputError

SUMMARY = "score frames while they are measured"
ORDER = 45
EXAMPLES = (
    "sfx watch run.h5",
    "sfx watch /data/shift3 --model m.joblib --when-behind newest",
    "sfx watch run.h5 --model m.joblib --serve 8765",
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the source, the model, what to write, and what to do when behind."""
    parser.add_argument(
        "source",
        help="a file that grows, a folder into which files fall, or a stream: dectris://HOST:PORT "
        "or karabo://HOST:PORT",
    )
    add_opening(parser)
    add_task(parser)
    add_model(parser, without="none is needed: frames with six Bragg spots or more are hits")
    parser.add_argument(
        "--hits",
        type=Path,
        help="hit list for CrystFEL (default: RUN.hits.lst; RUN.singles.lst of single particles)",
    )
    parser.add_argument("--scores", type=Path, help="table of all frames (default: RUN.scores.csv)")
    parser.add_argument(
        "--no-peaks", action="store_true", help="do not count peaks: about three times as fast"
    )
    parser.add_argument(
        "--when-behind",
        choices=("wait", "newest", "spread"),
        default="wait",
        help="when frames come faster than they are scored: let them wait, skip the oldest, or "
        "skip every second one that waits",
    )
    parser.add_argument(
        "--every",
        type=seconds,
        default=10.0,
        metavar="S",
        help="say what was found so often (default: 10 s)",
    )
    parser.add_argument(
        "--end-after",
        type=seconds,
        metavar="S",
        help="end when nothing has come for so long (default: at Ctrl-C)",
    )
    parser.add_argument("--json", action="store_true", help="say it as JSON, a line each time")
    add_hit_outputs(parser)
    add_device(parser)
    add_live_page(parser)
    add_jobs(parser)
    add_force(parser)
    parser.set_defaults(when_interrupted="interrupted; start it again to go on where it was.")


def run(args: argparse.Namespace) -> None:
    """Score what comes until the source is over, or until Ctrl-C; then say what was found."""
    from sklearn_sfx.frames import expand_paths
    from sklearn_sfx.streams import ModelFile, Record, Tally, open_source, task_of_watch, watch

    is_stream = "://" in args.source
    if is_stream:
        args.when_interrupted = "interrupted; what still waited is lost, as no stream comes again."
    name = name_of_stream(args.source) if is_stream else name_of_run(expand_paths(args.source))
    table = args.scores or Path(f"{name}.scores.csv")
    how = opening(args)
    model = None
    if args.model is not None:
        model = ModelFile(args.model, pos_label=args.hit_label, device=args.device)
    about = task_of_watch(None if model is None else model.estimator, args.task)
    hits = args.hits or Path(f"{name}.{about.words.list_name}")
    _refuse_inputs(args, table, hits)
    source = open_source(args.source, but=(str(table), str(hits)), **how)
    record = Record(
        table, hits, about=_about(args, source.name, model, how), task=about.name, force=args.force
    )
    if record.n_frames:
        _say_what_is_there(args, record)
    tally, stop = Tally(), threading.Event()
    try:
        with (
            hit_outputs(args, record) as outputs,
            _ended_by_signals(stop),
            workers(args),
            _said_every(args, tally),
            live_page(args, record, tally, about.name, Path(f"{name}.label.txt")) as page,
        ):
            for block in watch(
                source,
                model,
                threshold=page.threshold,
                task=args.task,
                peaks=not args.no_peaks,
                when_behind=args.when_behind,
                end_after=args.end_after,
                tally=tally,
                tell=lambda notice: _tell(args, record, model, page, notice),
                seen=record.seen,
                stop=stop,
            ):
                page.note()
                outputs.keep(block)
                _write(args, record, block)
                outputs.give(block)
                page.add(block)
    except KeyboardInterrupt:
        _say(args, tally)
        raise
    finally:
        record.close()
    _say(args, tally)
    if not args.json:
        tell()(f"{hits}: {about.words.for_whom}")
        tell()(f"{table}: every frame")


def seconds(text: str) -> float:
    """Return a time in seconds, more than 0."""
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"has to be more than 0, got {text}")
    return value


def _about(
    args: argparse.Namespace, source: str, model: Any, how: dict[str, Any]
) -> dict[str, str]:
    """Return what decides the rows, for the note beside the table."""
    import joblib

    from sklearn_sfx.streams import UNNAMED, content_of

    mask = how["mask"]
    if not isinstance(mask, str):
        mask = "none" if mask is False else f"{args.mask} ({joblib.hash(mask)[:12]})"
    return {
        "source": source,
        "dataset": args.dataset or UNNAMED,
        "mask": mask,
        "geometry": content_of(args.geometry),
        "model": content_of(None) if model is None else model.digest,
        "hit label": args.hit_label or "that of the model",
        "threshold": "that of the model" if args.threshold is None else str(args.threshold),
    }


def _tell(args: argparse.Namespace, record: Any, model: Any, page: Any, notice: Any) -> None:
    """Say what happened; what was replaced while it was watched is no reason to stop later."""
    say(args.verb, notice.text)
    page.tell(notice)
    if notice.kind == "model":
        record.note({"model": model.digest})
    elif notice.kind == "restart":
        for source in notice.sources:
            record.forget(source.path)


def _say_what_is_there(args: argparse.Namespace, record: Any) -> None:
    unknown = "" if record.is_known else "; it is not known what wrote them"
    rows = [str(row + 1) for row, about in record.changes if "model" in about]
    models = f"; another model decided from its frame {', '.join(rows)} on" if rows else ""
    there = f"{record.table} has {record.n_frames} frames already, and is gone on with"
    say(args.verb, f"{there}{unknown}{models}")


def _write(args: argparse.Namespace, record: Any, block: Any) -> None:
    try:
        record.add(block)
    except OSError as error:
        why = f"{error.filename}: {error.strerror}"
        say(args.verb, f"{why}; {record.n_held} rows are kept, and tried again")


def _say(args: argparse.Namespace, tally: Any) -> None:
    import json

    if args.json:
        print(json.dumps(tally.to_dict()), flush=True)  # a line each time, not one at the end
    else:
        tell()(str(tally))


@contextmanager
def _said_every(args: argparse.Namespace, tally: Any) -> Iterator[None]:
    """Say what was found now and then, from a thread, since frames may not come for long."""
    over = threading.Event()

    def repeat() -> None:
        while not over.wait(args.every):
            _say(args, tally)

    thread = threading.Thread(target=repeat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@contextmanager
def _ended_by_signals(stop: threading.Event) -> Iterator[None]:
    """Let Ctrl-C and SIGTERM end the watch once what was received is done; the second, at once."""

    def end(number: int, frame: Any) -> None:
        if stop.is_set() and number == signal.SIGINT:
            raise KeyboardInterrupt
        stop.set()

    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, end) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def _refuse_inputs(args: argparse.Namespace, *outputs: Path) -> None:
    """Refuse to write to what is read."""
    inputs = {Path(path).resolve() for path in (args.source, args.model, args.mask) if path}
    for path in outputs:
        if path.resolve() in inputs:
            raise InputError(
                f"{path}: this is an input of the command; name another file to write to."
            )
    hits, source = args.save_hits, Path(args.source).resolve()
    if hits is not None and source in hits.resolve().parents:
        raise InputError(f"{hits}: it would be watched; keep the hits outside of {args.source}.")
    if outputs[0].resolve() == outputs[1].resolve():
        raise InputError(f"{outputs[0]}: two outputs cannot go to one file; name two.")
