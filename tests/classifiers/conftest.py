"""Small inputs with a known answer: row vectors with spikes, and frames with spots."""

import numpy as np
import pytest


def make_vectors(n, seed, length=120, hit_rate=0.5):
    """Gumbel noise, as the largest value of a row has it; hits have ten spikes or more."""
    rng = np.random.default_rng(seed)
    X = rng.gumbel(5.0, 0.5, (n, length)).astype(np.float32)
    y = (np.arange(n) < hit_rate * n).astype(int)
    for row in np.flatnonzero(y):
        spikes = rng.choice(length, rng.integers(10, 25), replace=False)
        X[row, spikes] += rng.uniform(6.0, 40.0, len(spikes))
    order = rng.permutation(n)
    return X[order], y[order]


def make_spots(counts, seed, shape=(96, 96), background=5.0, height=60.0):
    """Poisson noise on a slope, with as many spots of 3 x 3 pixels as `counts` says."""
    rng = np.random.default_rng(seed)
    i, j = np.indices(shape)
    slope = background * (1.0 + i / shape[0] + 0.5 * j / shape[1])
    sites = np.stack(np.meshgrid(*(np.arange(6, n - 4, 12) for n in shape)), axis=-1).reshape(-1, 2)
    frames = np.empty((len(counts), *shape), np.uint16)
    for frame, count in zip(frames, counts, strict=True):
        mean = slope.copy()
        for row, column in rng.permutation(sites)[:count]:
            mean += height * np.exp(-((i - row) ** 2 + (j - column) ** 2) / 1.5)
        frame[...] = rng.poisson(mean)
    return frames


@pytest.fixture(scope="session")
def vectors():
    """Return X of shape (80, 120), 40 hits among them, and y."""
    return make_vectors(80, seed=0)


@pytest.fixture(scope="session")
def other_vectors():
    """Return as many others."""
    return make_vectors(200, seed=1)


@pytest.fixture(scope="session")
def spotted():
    """Return frames (40, 96, 96), how many spots each has, and whether that makes it a hit."""
    counts = np.random.default_rng(2).permutation(np.repeat([0, 2, 12, 25], 10))
    return make_spots(counts, seed=3), counts, (counts >= 10).astype(int)


@pytest.fixture(scope="session")
def other_spotted():
    """Return 80 others, and whether each is a hit."""
    counts = np.repeat([0, 2, 12, 25], 20)
    return make_spots(counts, seed=9), (counts >= 10).astype(int)
