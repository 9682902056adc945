"""What can be written after ``sfx``."""

import argparse
import pkgutil
from importlib import import_module
from types import ModuleType
from typing import NoReturn

from sklearn_sfx._text import one_line, shortened
from sklearn_sfx._version import __version__
from sklearn_sfx.cli import verbs

__all__ = ["build_parser", "find_verbs"]

LONGEST = 2000  # characters of a refusal


class Parser(argparse.ArgumentParser):
    """A parser whose refusals are one line, whatever is in the names of files."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, and end with exit code 2."""
        super().error(shortened(one_line(message), LONGEST))


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command and all its verbs."""
    parser = Parser(
        prog="sfx",
        description="Find the hits of a serial crystallography run from about 200 labels.",
    )
    parser.add_argument("--version", action="version", version=f"sklearn_sfx {__version__}")
    parsers = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for name, verb in find_verbs().items():
        options = parsers.add_parser(name, help=verb.SUMMARY, description=verb.__doc__)
        options.set_defaults(
            run_verb=verb.run, when_interrupted="interrupted; no output was changed."
        )
        verb.add_options(options)
    return parser


def find_verbs() -> dict[str, ModuleType]:
    """Return the modules of the folder ``verbs`` by name, in the order of ``sfx --help``."""
    names = [module.name for module in pkgutil.iter_modules(verbs.__path__)]
    found = {name: import_module(f"{verbs.__name__}.{name}") for name in names}
    return dict(sorted(found.items(), key=lambda item: item[1].ORDER))
