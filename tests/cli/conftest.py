"""The command on the simulated run that all tests share."""

import pytest

from sklearn_sfx.cli import main


@pytest.fixture
def sfx(run_folder):
    """Return what calls a verb on the run and its mask, and gives the exit code."""

    def call(verb, *options):
        run = [str(run_folder / "run.h5"), "--mask", str(run_folder / "run.mask.h5")]
        return main([verb, *run, *map(str, options)])

    return call
