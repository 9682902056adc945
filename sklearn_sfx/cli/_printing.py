"""What the command says: on standard output the results, on standard error all else."""

import os
import sys
from collections.abc import Callable
from typing import Any

from sklearn_sfx._outputs import Outputs
from sklearn_sfx._text import one_line, shortened

__all__ = ["say", "silence", "tell"]

LONGEST = 2000  # characters of a message, of which a file may have given some


def say(verb: str, message: object) -> None:
    """Tell the user something beside the output."""
    _print(f"sfx {verb}: {message}", sys.stderr)


def tell(outputs: Outputs | None = None) -> Callable[[str], None]:
    """Return what prints a result, where no output takes the place of it."""
    to_stdout = outputs is None or not outputs.to_stdout
    return lambda text: _print(text, sys.stdout if to_stdout else sys.stderr)


def silence(stream: Any) -> None:
    """Let what is written to a stream go nowhere, what waits in it too."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


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
