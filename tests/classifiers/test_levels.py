"""DANN: what all vectors of a run have, a gain, a level or a ring, is no hit."""

import numpy as np
import pytest
import torch

from sklearn_sfx.classifiers import CNN1D, DANN, FineTuned
from sklearn_sfx.classifiers._levels import level_and_spread

BASE = {"channels": (4, 8), "n_hidden": 8}
QUICK = {"max_epochs": 12, "lr": 0.02, "batch_size": 32, "random_state": 0}


# -- What is found of the target ------------------------------------------------------------------


@pytest.mark.parametrize("factor", [30.0, 1 / 30])
def test_vectors_of_another_size_are_measured_in_their_own_units(vectors, other_vectors, factor):
    X, y = np.concatenate([vectors[0], other_vectors[0]]), np.repeat([0, -1], [80, 200])
    y[:80] = vectors[1]
    scale = np.where(y < 0, factor, 1.0)[:, None]
    model, like = (DANN(CNN1D(**BASE), **QUICK).fit(each, y) for each in (scale * X, X))
    assert model.score(factor * other_vectors[0], other_vectors[1]) > 0.95
    found = model.predict_proba(scale * X), like.predict_proba(X)
    np.testing.assert_allclose(*found, atol=0.05)  # rounding, which training makes more of
    tuned = FineTuned(model, max_epochs=1, random_state=0).fit(factor * X[80:], other_vectors[1])
    assert tuned.design_ == model.design_
    found = tuned.predict_proba(factor * X), tuned.predict_proba(X)
    np.testing.assert_allclose(*found, atol=1e-4)


def test_vectors_below_0_have_no_units_of_their_own(vectors, other_vectors):
    X = np.concatenate([vectors[0], other_vectors[0]])
    y = np.concatenate([vectors[1], np.full(200, -1)])
    model = DANN(CNN1D(**BASE), **{**QUICK, "max_epochs": 1})
    assert model.fit(X, y).design_.own_units
    assert not model.fit(X - X.mean(), y).design_.own_units


SHIFTS = {
    "gain and level": lambda x: 2 * x + 5,
    "below 0, of another size": lambda x: 30 * (x - 5),
    "a bright ring": lambda x: x + np.linspace(0, 20, x.shape[1]),
}


@pytest.mark.parametrize("shift", SHIFTS)
def test_what_all_vectors_of_a_run_have_is_no_hit(vectors, other_vectors, shift):
    X, y = vectors
    others, hidden = SHIFTS[shift](other_vectors[0]), other_vectors[1]
    both, labels = np.concatenate([X, others]), np.concatenate([y, np.full(len(others), -1)])
    model = DANN(CNN1D(**BASE), **QUICK).fit(both, labels)
    assert model.score(others, hidden) > 0.95
    before = both.copy()
    held_out = DANN(CNN1D(**BASE), early_stopping=True, **QUICK).fit(both, labels)
    assert held_out.score(others, hidden) > 0.95
    assert held_out.history_[-1]["valid_recall"] > 0.9  # of the source, as its units have it
    np.testing.assert_array_equal(both, before)


# -- Level and spread of each place ---------------------------------------------------------------


@pytest.fixture
def noise():
    values = np.random.default_rng(0).gumbel(5, 1, (300, 90)) * np.linspace(1, 4, 90)
    return torch.from_numpy(values.astype(np.float32))


def test_quantiles_of_each_place(noise):
    level, spread = level_and_spread(noise)
    values = noise.numpy()
    low = np.quantile(values, 0.25, axis=0, method="lower")
    np.testing.assert_array_equal(level, low)
    distance = np.quantile(np.abs(values - low), 0.5, axis=0, method="lower")
    np.testing.assert_array_equal(spread, distance)


def test_spots_in_a_fifth_of_the_vectors_move_them_little(noise):
    bare = level_and_spread(noise)
    noise[:60, ::3] += 1000
    level, spread = level_and_spread(noise)
    assert ((level - bare[0]).abs() < bare[1]).all()
    assert (spread / bare[1]).max() < 2


@pytest.mark.parametrize("n", [1, 2, 7, 63])
def test_few_vectors_are_judged_by_neighbouring_places_too(noise, n):
    level, spread = level_and_spread(noise[:n])
    whole = level_and_spread(noise)
    assert ((level - whole[0]).abs() < 2 * whole[1]).all()
    assert (spread > 0.3 * whole[1]).all()


def test_long_vectors_of_many_frames():
    level, _ = level_and_spread(torch.rand(2100, 9000))
    assert ((level - 0.25).abs() < 0.1).all()


def test_few_photons_have_no_spread():
    x = torch.zeros(80, 12)
    x[:, :4] = torch.arange(80)[:, None] % 5  # four places see light
    level, spread = level_and_spread(x)
    assert level[4:].eq(0).all()
    assert spread.eq(1).all()


@pytest.mark.parametrize("shape", [(1, 1), (3, 2), (3, 5), (80, 1)])
@pytest.mark.parametrize("value", [0.0, 7.0])
def test_places_at_which_nothing_happens(shape, value):
    level, spread = level_and_spread(torch.full(shape, value))
    assert level.eq(value).all()
    assert spread.eq(1).all()
