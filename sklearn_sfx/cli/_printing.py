"""What the command says: on standard output the results, on standard error all else."""

import sys
from collections.abc import Callable
from typing import Any

from sklearn_sfx._outputs import Outputs
from sklearn_sfx._text import one_line, shortened

__all__ = ["say", "tell"]

LONGEST = 2000  # characters of a message, of which a file may have given some


def say(verb: str, message: object) -> None:
    """Tell the user something beside the output."""
    _print(f"sfx {verb}: {message}", sys.stderr)


def tell(outputs: Outputs | None = None) -> Callable[[str], None]:
    """Return what prints a result, where no output takes the place of it."""
    to_stdout = outputs is None or not outputs.to_stdout
    return lambda text: _print(text, sys.stdout if to_stdout else sys.stderr)


def _print(text: str, stream: Any) -> None:
    if stream is not None:
        print(shortened(one_line(text), LONGEST), file=stream)
