"""The live page of a watch, as its command starts it and notes what is chosen there."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sklearn_sfx.cli._printing import say

__all__ = ["ServedWatch", "add_live_page", "live_page"]

FOLDER = "served"
OWN = "that of the model"  # threshold
UNTRAINED = "none was given: six Bragg spots or more are a hit"


def add_live_page(parser: argparse.ArgumentParser) -> None:
    """Add where a page is served."""
    served = parser.add_argument_group("the live page", "with /metrics for Prometheus")
    served.add_argument(
        "--serve",
        type=int,
        metavar="PORT",
        help="serve a page that shows what is found, and to label frames on; 0 is any port "
        "(default: none is served)",
    )
    served.add_argument(
        "--host", default="127.0.0.1", help="address to listen on (default: this machine alone)"
    )


class ServedWatch:
    """What a watch and its page have to do with each other; without a page it does nothing.

    Parameters
    ----------
    args : Namespace
        Options of the command.
    record : Record
        Where it is noted which threshold decided.
    page : LivePage or None
        The page.
    """

    def __init__(self, args: argparse.Namespace, record: Any, page: Any):
        self._args, self._record, self._page = args, record, page
        self._asked = self._noted = args.threshold

    def threshold(self) -> float | None:
        """Return what a block is to be decided by."""
        self._asked = self._args.threshold if self._page is None else self._page.threshold()
        return self._asked

    def note(self) -> None:
        """Note from which row on a threshold decides that was chosen on the page."""
        if self._asked == self._noted:
            return
        self._noted = self._asked
        said = OWN if self._asked is None else str(self._asked)
        self._record.note({"threshold": said})
        row, _ = self._record.changes[-1]
        chosen = f"the threshold is {said} from row {row + 1} on, as chosen on the page"
        say(self._args.verb, chosen)

    def add(self, block: Any) -> None:
        """Show a block."""
        if self._page is not None:
            self._page.add(block)

    def tell(self, notice: Any) -> None:
        """Show what happened."""
        if self._page is not None:
            self._page.tell(notice)


@contextmanager
def live_page(
    args: argparse.Namespace, record: Any, tally: Any, task: str, labels: Path
) -> Iterator[ServedWatch]:
    """Serve the page that the options ask for, as long as the block lasts."""
    if args.serve is None:
        yield ServedWatch(args, record, None)
        return
    from sklearn_sfx._files import hidden_folder
    from sklearn_sfx.serving import kept_token
    from sklearn_sfx.streams import LivePage

    folder = hidden_folder(record.table.absolute().parent, FOLDER)
    token = folder / f"{record.table.name}.token"
    page = LivePage(
        tally,
        name=args.source,
        model=args.model or UNTRAINED,
        task=task,
        labels=labels,
        host=args.host,
        port=args.serve,
        token=kept_token(token),
    )
    page.choose(args.threshold)
    with page:
        say(args.verb, f"live page at {page.url}")
        yield ServedWatch(args, record, page)
