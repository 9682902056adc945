"""The command on the simulated run that all tests share."""

import re

import pytest

import sklearn_sfx.cli
from sklearn_sfx.cli import main

PYTHON = re.compile(r"\w\([a-z_.]*=|~mask|open_frames|read_mask|\bnp\.|\b(?:device|size|dataset)=")


@pytest.fixture(autouse=True)
def _no_message_reads_as_python(monkeypatch):
    """Look at all that any test lets the command say."""
    say = sklearn_sfx.cli.say
    told = []

    def looked_at(verb, message):
        said = sklearn_sfx.cli._printing.in_words_of_the_command(str(message))
        told.append(said)
        say(verb, message)

    monkeypatch.setattr(sklearn_sfx.cli, "say", looked_at)
    yield
    assert [text for text in told if PYTHON.search(text)] == []


@pytest.fixture
def sfx(run_folder):
    """Return what calls a verb on the run and its mask, and gives the exit code."""

    def call(verb, *options):
        run = [str(run_folder / "run.h5"), "--mask", str(run_folder / "run.mask.h5")]
        return main([verb, *run, *map(str, options)])

    return call
