"""Write the hit list and the table of a run whose frames were screened in shares."""

import argparse

from sklearn_sfx.cli._lists import add_screening, open_screening, write_lists

SUMMARY = "write the lists of a run that was screened in shares"
ORDER = 42


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the same options that the shares were screened with."""
    add_screening(parser)


def run(args: argparse.Namespace) -> None:
    """Write the lists, if all parts are done."""
    screening, lists = open_screening(args)
    write_lists(args, screening, screening.scores(args.threshold), lists)
