"""A scale at which the whole reproduction takes seconds."""

from dataclasses import replace

import pytest

from sklearn_sfx.reproduction import _scale

TINY = _scale.Scale(
    "tiny",
    n_frames=60,
    crop=128,
    halved=True,
    simulated_side=160,
    whole_side=160,
    n_seeds=1,
    enough_epochs=2,
    few_epochs=2,
    head_epochs=1,
    tuned_epochs=1,
    vector_epochs=2,
    dann_epochs=2,
    channels=(4, 8),
    vector_channels=(4, 8),
    embedded=30,
    timed=8,
)


@pytest.fixture(scope="session")
def tiny():
    return TINY


@pytest.fixture
def make_tiny(monkeypatch):
    """Return a function that makes ``--quick`` tiny, but for what it is told."""

    def make(**changes):
        monkeypatch.setattr(_scale, "QUICK", replace(TINY, **changes))

    make()
    return make
