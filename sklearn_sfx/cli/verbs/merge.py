"""Write the hit list and the table of a run whose frames were screened in shares."""

import argparse

from sklearn_sfx.cli._lists import add_screening, are_written, open_screening, write_lists
from sklearn_sfx.exceptions import UnfinishedScreening

SUMMARY = "write the lists of a run that was screened in shares"
ORDER = 42
EXAMPLES = (
    "sfx screen run.h5 --model m.joblib --shard 1/2",
    "sfx screen run.h5 --model m.joblib --shard 2/2",
    "sfx merge run.h5 --model m.joblib",
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the same options that the shares were screened with."""
    add_screening(parser)


def run(args: argparse.Namespace) -> None:
    """Write the lists, if all parts are done and the last share has not written them."""
    screening, lists = open_screening(args)
    try:
        scores = screening.scores(args.threshold)
    except UnfinishedScreening:
        if are_written(args, screening, lists):
            return
        raise
    write_lists(args, screening, scores, lists)
