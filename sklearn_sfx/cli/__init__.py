"""The command ``sfx``."""

import shlex
import sys
import warnings
from collections.abc import Callable, Sequence
from typing import Any

from sklearn_sfx.cli._parser import build_parser
from sklearn_sfx.exceptions import InputError

__all__ = ["build_parser", "main"]


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
