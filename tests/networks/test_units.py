"""What is usual at each place of a run's vectors is found in few of them, and undone exactly."""

import numpy as np
import pytest
import torch

from sklearn_sfx.networks import VectorUnits


@pytest.fixture
def vectors():
    values = np.random.default_rng(0).gumbel(5, 1, (300, 90)) * np.linspace(1, 4, 90)
    return torch.from_numpy(values.astype(np.float32))


def test_quantiles_of_each_place(vectors):
    units = VectorUnits(by_median=False, length=90).learn(vectors)
    values = vectors.numpy()
    low = np.quantile(values, 0.25, axis=0, method="lower")
    np.testing.assert_array_equal(units.level, low)
    middle = np.quantile(np.abs(values - low), 0.5, axis=0, method="lower")
    np.testing.assert_array_equal(units.unit, middle)


@pytest.mark.parametrize("by_median", [True, False])
@pytest.mark.parametrize("change", [lambda x: 30 * x, lambda x: x / 7])
def test_a_gain_changes_nothing(vectors, by_median, change):
    here, there = (
        VectorUnits(by_median, length=90).learn(x)(x) for x in (vectors, change(vectors))
    )
    torch.testing.assert_close(there, here, rtol=0, atol=1e-4)


def test_a_ring_and_another_spread_at_each_place_change_nothing(vectors):
    ring, spread = torch.linspace(-9, 30, 90), torch.linspace(3, 0.5, 90)
    here, there = (
        VectorUnits(False, length=90).learn(x)(x) for x in (vectors, ring + spread * vectors)
    )
    torch.testing.assert_close(there, here, rtol=0, atol=1e-3)


def test_spots_in_a_fifth_of_the_vectors_move_it_little(vectors):
    bare = VectorUnits(False, length=90).learn(vectors)
    with_spots = vectors.clone()
    with_spots[:60, ::3] += 1000
    found = VectorUnits(False, length=90).learn(with_spots)
    assert ((found.level - bare.level).abs() < bare.unit).all()
    assert (found.unit / bare.unit).max() < 2


@pytest.mark.parametrize("n", [1, 2, 7, 63])
def test_few_vectors_are_measured_by_neighbouring_places_too(vectors, n):
    units = VectorUnits(False, length=90).learn(vectors[:n])
    whole = VectorUnits(False, length=90).learn(vectors)
    assert ((units.level - whole.level).abs() < 2 * whole.unit).all()
    assert (units.unit > 0.3 * whole.unit).all()


def test_long_vectors_of_many_frames():
    x = torch.rand(2100, 9000)
    units = VectorUnits(False, length=9000).learn(x)
    assert ((units.level - 0.25).abs() < 0.1).all()


@pytest.mark.parametrize("length", [1, 2, 5])
def test_short_vectors(length):
    x = torch.rand(3, length)
    found = VectorUnits(True, length=length).learn(x)(x)
    assert found.shape == (3, length)
    assert found.isfinite().all()


@pytest.mark.parametrize("value", [0.0, 7.0, float("nan")])
def test_places_at_which_nothing_happens(value):
    x = torch.full((80, 12), value)
    units = VectorUnits(True, length=12).learn(x)
    assert units(torch.nan_to_num(x)).eq(0).all()
    assert units.unit.eq(1).all()
