"""Small fitted models, and a check that no picture changes matplotlib itself."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.pipeline import make_pipeline

from sklearn_sfx import CNN1D, RowWiseDecomposition

SPOT = (30, 7)  # the one pixel that tells a hit from a miss


@pytest.fixture(autouse=True)
def settings_stay():
    before = dict(mpl.rcParams)
    yield
    assert dict(mpl.rcParams) == before
    plt.close("all")


@pytest.fixture(scope="session")
def frames():
    """Return frames (40, 48, 40) and their labels."""
    X = np.random.default_rng(0).poisson(9.0, (40, 48, 40)).astype(np.uint16)
    y = np.tile([0, 1], 20)
    X[y == 1, SPOT[0], SPOT[1]] += 90
    return X, y


@pytest.fixture(scope="session")
def by_rows(frames):
    """Return a fitted pipeline from frames over row vectors to a decision."""
    network = CNN1D(channels=(4, 8), max_epochs=20, random_state=0)
    return make_pipeline(RowWiseDecomposition(), network).fit(*frames)
