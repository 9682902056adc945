"""The command ``sfx``."""

import argparse
import os
import shlex
import sys
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from sklearn_sfx.cli._parser import build_parser
from sklearn_sfx.cli._printing import say, silence, without_lines
from sklearn_sfx.exceptions import InputError, UnreadableFramesWarning

__all__ = ["build_parser", "main"]

BROKEN_PIPE = 141  # the exit code where a reader of standard output has gone, as of other commands


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments; those of the process by default.

    Returns
    -------
    int
        0 on success; 2 after a mistake in the input, with one sentence on standard error, or
        where nothing was given, with the help there. A fault of the program itself is raised with
        its traceback.
    """
    try:
        return _run(sys.argv[1:] if argv is None else argv)
    finally:
        with suppress(ValueError):  # it is closed
            _flush()


def _run(argv: Sequence[str]) -> int:
    parser = build_parser()
    _complete(parser)
    if not argv:  # a script whose variable is empty has to notice it
        parser.print_help(sys.stderr)
        return 2
    args = parser.parse_args(argv)
    if args.verb is None:
        parser.error("name a verb, such as info; 'sfx --help' lists them")
    args.command = shlex.join(["sfx", *argv])  # for the report
    try:
        only_programs = args.quiet or getattr(args, "json", False)
        with warnings.catch_warnings(), without_lines(only_programs):
            warnings.showwarning = _once(args.verb)
            args.run_verb(args)
    except InputError as error:
        say(args.verb, error)
        return 2
    except UnreadableFramesWarning as error:  # with --strict
        say(args.verb, f"{error} Stopped, since --strict asks for it.")
        return 2
    except BrokenPipeError:
        return BROKEN_PIPE
    except OSError as error:
        # The operating system's own refusals: no such folder, no permission, disk full.
        if error.errno is None:
            raise
        about = f"{os.fsdecode(error.filename)}: " if error.filename else ""
        say(args.verb, f"{about}{error.strerror}.")
        return 2
    except MemoryError as error:
        reason = f" ({error})" if str(error) else ""
        say(args.verb, f"this takes more memory than there is{reason}: ask for less at a time.")
        return 2
    except SystemError as error:
        from sklearn_sfx._compiled import is_interrupt

        if not is_interrupt(error):
            raise
        say(args.verb, args.when_interrupted)
        return 130
    except KeyboardInterrupt:
        say(args.verb, args.when_interrupted)
        return 130
    return 0


def _complete(parser: argparse.ArgumentParser) -> None:
    """Answer a shell that asks what may follow, and end; else nothing is done."""
    if "_ARGCOMPLETE" in os.environ:
        with suppress(ImportError):
            import argcomplete

            argcomplete.autocomplete(parser)


def _once(verb: str) -> Callable:
    """Return a way to show warnings that says each only once."""
    said = set()

    def show(message: Any, *_: Any, **__: Any) -> None:
        if str(message) not in said:
            said.add(str(message))
            say(verb, message)

    return show


def _flush() -> None:
    """Write what is left; nobody can be told any more where that does not go."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            try:
                stream.flush()
            except OSError:
                silence(stream)
