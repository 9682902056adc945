"""What is usual at each place of a run's vectors is found in few of them, whatever their hits."""

import numpy as np
import pytest
import torch

from sklearn_sfx.classifiers._levels import level_and_spread


@pytest.fixture
def vectors():
    values = np.random.default_rng(0).gumbel(5, 1, (300, 90)) * np.linspace(1, 4, 90)
    return torch.from_numpy(values.astype(np.float32))


def test_quantiles_of_each_place(vectors):
    level, spread = level_and_spread(vectors)
    values = vectors.numpy()
    low = np.quantile(values, 0.25, axis=0, method="lower")
    np.testing.assert_array_equal(level, low)
    distance = np.quantile(np.abs(values - low), 0.5, axis=0, method="lower")
    np.testing.assert_array_equal(spread, distance)


def test_spots_in_a_fifth_of_the_vectors_move_them_little(vectors):
    bare = level_and_spread(vectors)
    vectors[:60, ::3] += 1000
    level, spread = level_and_spread(vectors)
    assert ((level - bare[0]).abs() < bare[1]).all()
    assert (spread / bare[1]).max() < 2


@pytest.mark.parametrize("n", [1, 2, 7, 63])
def test_few_vectors_are_judged_by_neighbouring_places_too(vectors, n):
    level, spread = level_and_spread(vectors[:n])
    whole = level_and_spread(vectors)
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
