"""The screening that `screen` does and `merge` ends, and the lists that both write of it."""

import argparse
from pathlib import Path
from typing import Any, NamedTuple

from sklearn_sfx._outputs import STDOUT, Outputs
from sklearn_sfx._tasks import PARTICLE_HITS, SINGLE_PARTICLE, Task, task_asked
from sklearn_sfx.cli._inputs import open_run
from sklearn_sfx.cli._options import (
    add_device,
    add_force,
    add_json,
    add_model,
    add_report,
    add_run,
    add_task,
)
from sklearn_sfx.cli._outputs import claim_report, named_after_run, outputs_of_run
from sklearn_sfx.cli._printing import tell, tell_programs

__all__ = ["Lists", "add_screening", "are_written", "open_screening", "task_of", "write_lists"]


UNTOLD = (
    "That count tells frames with something in the beam from empty ones, not one particle from "
    "several or from a droplet: label some frames and train, with --task single-particle"
)


class Lists(NamedTuple):
    """Where what is found goes."""

    outputs: Outputs
    table: Path
    hits: Path
    report: Path | None
    saved: Path | None

    @property
    def named(self) -> dict[str, Path | None]:
        """What is asked for, by what it is; None for what goes to standard output."""
        asked = {
            "table": self.table,
            "hits": self.hits,
            "report": self.report,
            "saved_hits": self.saved,
        }
        return {
            name: None if path == STDOUT else path
            for name, path in asked.items()
            if path is not None
        }

    @property
    def folder(self) -> Path:
        """The folder that keeps what is done until they are written."""
        return next((path.parent for path in (self.table, self.hits) if path != STDOUT), Path())


def add_screening(parser: argparse.ArgumentParser) -> None:
    """Add the run, the model, and what to write."""
    add_run(parser)
    add_task(parser)
    add_model(parser, without="none is needed: frames with six Bragg spots or more are hits")
    parser.add_argument(
        "--hits",
        type=Path,
        help="hit list for CrystFEL (default: RUN.hits.lst; RUN.singles.lst of single particles)",
    )
    parser.add_argument("--scores", type=Path, help="table of all frames (default: RUN.scores.csv)")
    parser.add_argument(
        "--save-hits",
        type=Path,
        metavar="HITS.CXI",
        help="keep the hits with their masks and peaks in a CXI file (default: they are not kept)",
    )
    parser.add_argument(
        "--no-peaks", action="store_true", help="do not count peaks: about three times as fast"
    )
    add_report(parser, "report.html")
    add_device(parser)
    add_json(parser)
    add_force(parser)


def open_screening(args: argparse.Namespace) -> tuple[Any, Lists]:
    """Return the screening that the options ask for, and where its lists go."""
    from sklearn_sfx.screening import (
        Screening,
        as_screening_model,
        check_listable,
        checked_threshold,
        load_hit_finder,
        untrained_model,
        use_device,
    )

    frames = open_run(args)
    check_listable(frames.sources)
    outputs = outputs_of_run(args, frames, verb="screen")
    loaded = load_hit_finder(args.model) if args.model else None
    about = task_of(loaded, args)
    lists = Lists(
        outputs,
        table=outputs.claim(args.scores or named_after_run(args, "scores.csv")),
        hits=outputs.claim(args.hits or named_after_run(args, about.words.list_name)),
        report=claim_report(args, outputs, "report.html"),
        saved=None if args.save_hits is None else outputs.claim(args.save_hits),
    )
    model = untrained_model(frames, about.option) if loaded is None else loaded
    model = as_screening_model(model, frames, args.hit_label, args.task)
    use_device(model, args.device)
    checked_threshold(model, args.threshold)  # it is applied at the end
    screening = Screening(
        model,
        frames,
        lists.folder,
        peaks=not args.no_peaks,
        strict=args.strict,
    )
    return screening, lists


def task_of(model: Any, args: argparse.Namespace) -> Task:
    """Return the task of a model that was loaded, or the one that is asked for."""
    if hasattr(model, "about"):
        return model.about
    asked = task_asked(args.task)
    return PARTICLE_HITS if model is None and asked is SINGLE_PARTICLE else asked


def are_written(
    args: argparse.Namespace, screening: Any, lists: Lists, *, is_share: bool = False
) -> bool:
    """Whether another process has written just what is asked for, and says so.

    Of shares one prints what goes to standard output; else nobody can have done it for another.
    """
    if lists.outputs.to_stdout and not is_share:
        return False
    if not screening.is_written(lists.named, args.threshold):
        return False
    paths = (lists.report, lists.saved, lists.hits, lists.table)
    *most, last = [path for path in paths if path is not None]
    tell(lists.outputs)(f"{', '.join(map(str, most))} and {last} are written")
    if args.json:
        tell_programs({"written": lists.named}, lists.outputs)
    return True


def write_lists(args: argparse.Namespace, screening: Any, scores: Any, lists: Lists) -> None:
    """Write the lists of a screening that is done, and say how many frames are hits."""
    from sklearn_sfx.frames import describe_mask
    from sklearn_sfx.screening import describe_crop, write_report
    from sklearn_sfx.streams import save_hits

    outputs, table, hits, report, saved = lists
    say = tell(outputs)
    with outputs.replacing(table) as temporary:
        scores.write_csv(temporary)
    with outputs.replacing(hits) as temporary:
        scores.write_hits(temporary)
    say(describe_mask(screening.frames))
    say(describe_crop(screening.model.prepare, screening.model.frame_shape))
    n_hits, n_read = int(scores.decision.sum()), int(scores.is_read.sum())
    about = screening.model.about
    words = about.words
    say(f"{n_hits} of {n_read} frames are {words.many} at threshold {scores.threshold:.3f}")
    if not args.model and args.threshold is None:
        count = screening.model.classifier[-1].threshold_
        say(f"No model was given: a hit is what shows {count} {about.untrained} or more")
        if about is PARTICLE_HITS:
            say(UNTOLD)
    if scores.expected is not None:
        alike = f"if {words.many} and {words.rest_many} are like those labelled"
        say(f"{words.one} rate: {scores.hit_rate()}, {alike}")
    say(f"{hits}: {words.for_whom}")
    say(f"{table}: every frame")
    if report is not None:
        with outputs.replacing(report) as temporary:
            made_by = {"command": args.command, "model_file": args.model or ""}
            write_report(temporary, screening.model, screening.frames, scores, **made_by)
        say(f"{report}: the report")
    if saved is not None:
        with outputs.replacing(saved) as temporary:
            save_hits(temporary, screening.frames, scores)
        say(f"{saved}: the hits with masks and peaks")
    screening.note_written(lists.named, args.threshold)
    screening.remove()
    if n_gone := len(scores.is_read) - n_read:
        say(f"{n_gone} more frames cannot be read, neither hits nor misses: {table} says why")
    if args.json:
        rate = scores.hit_rate()._asdict() if scores.expected is not None else None
        facts = {
            "n_frames": len(scores.is_read),
            "n_unreadable": n_gone,
            "n_hits": n_hits,
            "threshold": scores.threshold,
            "hit_rate": rate,
            "written": lists.named,
        }
        tell_programs(facts, outputs)
