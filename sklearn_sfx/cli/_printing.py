"""What the command says: on standard output the results, on standard error all else."""

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from sklearn_sfx._outputs import Outputs
from sklearn_sfx._text import one_line, plain, shortened
from sklearn_sfx.cli._wording import in_words_of_the_command

__all__ = ["say", "silence", "tell", "tell_programs", "without_lines"]

LONGEST = 2000  # characters of a message, of which a file may have given some

_lines_are_told: ContextVar[bool] = ContextVar("_lines_are_told", default=True)


@contextmanager
def without_lines(are_left_out: bool) -> Iterator[None]:
    """Leave out the lines of `tell` inside; what goes wrong is said all the same."""
    before = _lines_are_told.set(not are_left_out)
    try:
        yield
    finally:
        _lines_are_told.reset(before)


def say(verb: str, message: object) -> None:
    """Tell the user something beside the output, such as what is wrong."""
    _print(f"sfx {verb}: {in_words_of_the_command(str(message))}", sys.stderr)


def tell(outputs: Outputs | None = None) -> Callable[[str], None]:
    """Return what prints a line of the result, where no output takes the place of it."""
    return lambda text: _print(text, _stream(outputs)) if _lines_are_told.get() else None


def tell_programs(facts: Mapping[str, Any], outputs: Outputs | None = None) -> None:
    """Print a result as JSON, where no output takes the place of it; NaN is null there."""
    stream = _stream(outputs)
    if stream is not None:
        print(json.dumps(plain(facts), indent=2), file=stream, flush=True)


def silence(stream: Any) -> None:
    """Let what is written to a stream go nowhere, what waits in it too."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def _stream(outputs: Outputs | None) -> Any:
    return sys.stderr if outputs is not None and outputs.to_stdout else sys.stdout


def _print(text: str, stream: Any) -> None:
    """Print a line whatever is in it and wherever it goes; the work matters more than the line."""
    if stream is None:  # it was closed before the start
        return
    line = shortened(one_line(text), LONGEST)
    encoding = stream.encoding or "utf-8"
    try:
        print(line.encode(encoding, "backslashreplace").decode(encoding), file=stream, flush=True)
    except BrokenPipeError:  # a reader such as head has seen enough
        silence(stream)
