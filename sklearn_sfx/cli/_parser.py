"""What can be written after ``sfx``."""

import argparse
import pkgutil
from importlib import import_module
from types import ModuleType
from typing import NoReturn

from sklearn_sfx._text import one_line, shortened
from sklearn_sfx._version import __version__
from sklearn_sfx.cli import verbs
from sklearn_sfx.cli._options import add_quiet

__all__ = ["build_parser", "find_verbs"]

LONGEST = 2000  # characters of a refusal
EXAMPLES = "examples:"


class HelpFormatter(argparse.HelpFormatter):
    """Help that says what each option is by default, and keeps the lines of examples."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        takes_value = bool(action.option_strings) and action.nargs != 0 and not action.required
        if not takes_value or action.default is None or "(default" in (action.help or ""):
            return action.help
        return f"{action.help} (default: %(default)s)"

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        if text.startswith(EXAMPLES):
            return "".join(f"{indent}{line}\n" for line in text.splitlines())
        return super()._fill_text(text, width, indent)


class Parser(argparse.ArgumentParser):
    """A parser whose refusals are one line, whatever is in the names of files."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, and end with exit code 2."""
        super().error(shortened(one_line(message), LONGEST))


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command and all its verbs."""
    parser = Parser(
        prog="sfx",
        description="Find the hits of a serial crystallography run, with few labels or none.",
        epilog=f"{EXAMPLES}\n  sfx info run.h5\n  sfx screen run.h5 --report\n"
        "'sfx VERB --help' says more. Exit codes: 0 done, 2 a mistake in what was given (or "
        "nothing was), 130 interrupted.",
        formatter_class=HelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"sklearn_sfx {__version__}")
    parsers = parser.add_subparsers(dest="verb", metavar="VERB")
    for name, verb in find_verbs().items():
        options = parsers.add_parser(
            name,
            help=verb.SUMMARY,
            description=verb.__doc__,
            epilog="\n  ".join([EXAMPLES, *verb.EXAMPLES]),
            formatter_class=HelpFormatter,
        )
        options.set_defaults(
            run_verb=verb.run, when_interrupted="interrupted; no output was changed."
        )
        verb.add_options(options)
        add_quiet(options)
    return parser


def find_verbs() -> dict[str, ModuleType]:
    """Return the modules of the folder ``verbs`` by name, in the order of ``sfx --help``."""
    names = [module.name for module in pkgutil.iter_modules(verbs.__path__)]
    found = {name: import_module(f"{verbs.__name__}.{name}") for name in names}
    return dict(sorted(found.items(), key=lambda item: item[1].ORDER))
