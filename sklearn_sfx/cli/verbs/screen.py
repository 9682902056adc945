"""Score every frame of a run and write the hit list and the table."""

import argparse
from typing import Any

from sklearn_sfx.cli._inputs import workers
from sklearn_sfx.cli._lists import Lists, add_screening, are_written, open_screening, write_lists
from sklearn_sfx.cli._options import add_jobs, shard
from sklearn_sfx.cli._printing import tell, tell_programs
from sklearn_sfx.exceptions import UnfinishedScreening

SUMMARY = "score every frame of a run and write the hit list"
ORDER = 40
EXAMPLES = (
    "sfx screen run.h5 --report",
    'sfx screen "r0095-*.cxi" --geometry det.geom --model m.joblib --mask mask.h5',
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the run, the model, what to write, and who does it."""
    add_screening(parser)
    add_jobs(parser)
    parser.add_argument(
        "--status", action="store_true", help="only say how much is done, and what was found"
    )
    share = parser.add_mutually_exclusive_group()
    share.add_argument(
        "--shard",
        type=shard,
        default=(1, 1),
        metavar="I/N",
        help="do only every Nth part, from the Ith (default: all); the last one writes the lists",
    )
    share.add_argument(
        "--dask",
        metavar="ADDRESS",
        help="let the workers of the dask cluster there do it (default: this machine)",
    )
    parser.set_defaults(when_interrupted="interrupted; start it again to go on where it was.")


def run(args: argparse.Namespace) -> None:
    """Screen what is not done yet and, when all is done, write the lists."""
    screening, lists = open_screening(args)
    if args.status:
        _say_status(args, screening, lists)
        return
    is_share = args.shard != (1, 1)
    if is_share and are_written(args, screening, lists, is_share=True):
        return
    scores = _scores(args, screening)
    if scores is None and are_written(args, screening, lists, is_share=is_share):
        screening.remove()  # what was done after the other process had removed its parts
        return
    if scores is None and is_share:
        _say_share(args, screening, lists)
        return
    if scores is None:  # the other has written something else
        scores = _scores(args, screening)
    if scores is None:
        scores = screening.scores(args.threshold)  # says how much is left
    write_lists(args, screening, scores, lists)


def _scores(args: argparse.Namespace, screening: Any) -> Any:
    """Return the result; None where another process has the rest of the parts, or removed them."""
    with workers(args):
        screening.run(shard=args.shard, cluster=args.dask, progress=not args.quiet)
    try:
        return screening.scores(args.threshold)
    except UnfinishedScreening:
        return None


def _say_status(args: argparse.Namespace, screening: Any, lists: Lists) -> None:
    so_far = screening.scores_so_far(args.threshold)
    n_hits, n_read = int(so_far.decision.sum()), int(so_far.is_read.sum())
    n_gone, say = len(so_far.is_read) - n_read, tell(lists.outputs)
    say(f"{len(so_far.is_read)} of {len(screening.frames)} frames are done")
    found = f"{screening.model.about.words.many} at threshold {so_far.threshold:.3f}"
    say(f"{n_hits} of {n_read} are {found}, {n_gone} unreadable")
    _say_others(screening, lists)
    if args.json:
        facts = {
            "n_frames": len(screening.frames),
            "n_done": len(so_far.is_read),
            "n_unreadable": n_gone,
            "n_hits": n_hits,
            "threshold": so_far.threshold,
        }
        tell_programs(facts, lists.outputs)


def _say_share(args: argparse.Namespace, screening: Any, lists: Lists) -> None:
    say, n_done = tell(lists.outputs), screening.n_done
    say(f"share {args.shard[0]} of {args.shard[1]} is done")
    say(f"{n_done} of {screening.n_parts} parts are done; the last one writes the lists")
    _say_others(screening, lists)
    if args.json:
        facts = {"share": args.shard, "n_parts": screening.n_parts, "n_parts_done": n_done}
        tell_programs(facts, lists.outputs)


def _say_others(screening: Any, lists: Lists) -> None:
    if said := screening.others:
        tell(lists.outputs)(said)
