"""What a watch does with hits beside listing them: keep them, and give them to other programs."""

import argparse
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sklearn_sfx.cli._options import positive
from sklearn_sfx.cli._printing import say, tell
from sklearn_sfx.exceptions import InputError

__all__ = ["HitOutputs", "add_hit_outputs", "hit_outputs", "name_of_stream"]


def add_hit_outputs(parser: argparse.ArgumentParser) -> None:
    """Add where hits go."""
    parser.add_argument(
        "--save-hits",
        type=Path,
        metavar="HITS.CXI",
        help="keep the hits with their masks and peaks in files HITS-00001.cxi and so on "
        "(default: none is kept)",
    )
    parser.add_argument(
        "--hits-per-file",
        type=positive,
        default=100,
        metavar="N",
        help="hits in such a file, which appears when it is whole (default: 100)",
    )
    parser.add_argument(
        "--publish",
        metavar="ADDRESS",
        help="give hits to CrystFEL's indexamajig there, or to whoever asks, such as "
        "tcp://127.0.0.1:12322 (default: they are given to nobody)",
    )


class HitOutputs:
    """The outputs that were asked for; what one cannot take is told, and no other stops for it."""

    def __init__(self, verb: str):
        self._verb = verb
        self.files: Any = None
        self.publisher: Any = None

    def keep(self, block: Any) -> None:
        """Keep the hits of a block, before its rows are written."""
        if self.files is not None:
            self._told(self.files.add, block)

    def give(self, block: Any) -> None:
        """Give them away, and let files appear, once its rows are written."""
        if self.publisher is not None:
            self._told(self.publisher.add, block)
        if self.files is not None:
            self._told(self.files.gather)

    def close(self) -> None:
        """Finish, and say what went where."""
        if self.files is not None:
            self._told(self.files.close)
            for path in self.files.written:
                tell()(f"{path}: hits with masks and peaks")
        if self.publisher is not None:
            self.publisher.close()
            given, dropped = self.publisher.n_given, self.publisher.n_dropped
            tell()(f"{self.publisher.address}: {given} hits were asked for, {dropped} were not")

    def _told(self, function: Any, *values: Any) -> None:
        try:
            function(*values)
        except (OSError, InputError) as error:
            file = getattr(error, "filename", None)
            why = f"{file}: {error.strerror}" if isinstance(error, OSError) and file else str(error)
            say(self._verb, why.rstrip("."))


@contextmanager
def hit_outputs(args: argparse.Namespace, record: Any) -> Iterator[HitOutputs]:
    """Open the outputs that the options ask for, and close them, and the record before."""
    from sklearn_sfx.streams import HitFiles, HitPublisher

    outputs = HitOutputs(args.verb)
    if args.save_hits is not None:
        outputs.files = HitFiles(args.save_hits, n_frames=args.hits_per_file, record=record)
    if args.publish is not None:
        outputs.publisher = HitPublisher(args.publish)
        say(args.verb, f"hits are given at {outputs.publisher.address}")
    try:
        yield outputs
    finally:
        try:
            record.close()
        finally:
            outputs.close()


def name_of_stream(address: str) -> str:
    """Return what files of a stream are called: ``dectris_host_31001``."""
    return re.sub(r"[^\w.-]+", "_", address.partition("?")[0]).strip("_")
