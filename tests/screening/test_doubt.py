"""Labels that go half where a model is in doubt: the chances, and what their weights make good."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from sklearn_sfx import evaluate
from sklearn_sfx.frames import FrameOrigin
from sklearn_sfx.screening import Scores
from sklearn_sfx.screening.labelling._doubt import chances, draw

N_DRAWS, N_LABELS, THRESHOLD = 400, 200, 0.2


@given(
    st.lists(st.floats(0, 1), min_size=1, max_size=60),
    st.floats(0, 1),
    st.integers(1, 60),
    st.integers(0, 9),
)
def test_chances_sum_to_the_draws_and_weights_are_at_most_2(probability, threshold, n, seed):
    n = min(n, len(probability))
    chance = chances(np.array(probability), threshold, n)
    assert chance.sum() == pytest.approx(n)
    assert chance.max() <= 1
    assert (n / len(probability) / chance).max() <= 2 + 1e-9
    drawn = draw(chance, np.random.RandomState(seed))
    assert len(set(drawn.tolist())) == len(drawn) == n
    sure = np.flatnonzero(chance == 1)
    assert set(sure.tolist()) <= set(drawn.tolist())


def test_a_frame_is_drawn_with_its_chance():
    rng = np.random.RandomState(0)
    chance = chances(rng.rand(40) ** 4, THRESHOLD, 10)
    drawn = np.concatenate([draw(chance, rng) for _ in range(4000)])
    often = np.bincount(drawn, minlength=40) / 4000
    np.testing.assert_allclose(often, chance, atol=4 * 0.5 / 4000**0.5)


def test_doubt_is_greatest_at_the_threshold_and_the_same_on_either_side():
    probability = np.array([0.2, 0.05882353, 0.5, 0.9999])  # odds of 1/4, a quarter of it, 4 times
    at, below, above, far = chances(probability, 0.2, 1)
    assert at > below == pytest.approx(above)
    assert above > far


@pytest.fixture(scope="module", params=["a model that ranks well", "one blind to some hits"])
def population(request):
    """Return probabilities and hits of a run of 4000 frames, one in ten a hit."""
    rng = np.random.default_rng(0)
    is_hit = rng.random(4000) < 0.1
    is_seen = is_hit & (rng.random(4000) > (0.08 if "blind" in request.param else 0))
    z = rng.normal(0, 1, 4000) + 3 * is_seen
    return expit(3 * (z - 2.2)), is_hit


@pytest.fixture(scope="module")
def draws(population):
    """Return what evaluate and the hit rate say of many draws, with weights and without."""
    probability, is_hit = population
    rng, decision = np.random.RandomState(0), probability >= THRESHOLD
    chance = chances(probability, THRESHOLD, N_LABELS)
    sources = [FrameOrigin("run.h5", i, f"//{i}") for i in range(len(is_hit))]
    scores = Scores(sources, probability, decision, None, THRESHOLD)
    found = {"weights": [], "none": [], "rate": []}
    for _ in range(N_DRAWS):
        rows = draw(chance, rng)
        weight = np.full(len(is_hit), np.nan)
        weight[rows] = N_LABELS / len(is_hit) / chance[rows]
        target = np.full(len(is_hit), -1)
        target[rows] = is_hit[rows]
        known = is_hit[rows], decision[rows]
        found["weights"].append(evaluate(*known, weight[rows]))
        found["none"].append(evaluate(*known))
        found["rate"].append(scores.hit_rate(target, weight))
    return found


def held(value, intervals):
    return np.mean([low <= value <= high for low, high in intervals])


@pytest.mark.parametrize("name", ["recall", "precision", "accuracy"])
def test_weights_keep_an_evaluation_unbiased(population, draws, name):
    probability, is_hit = population
    truth = getattr(evaluate(is_hit, probability >= THRESHOLD), name)
    values = np.array([getattr(one, name) for one in draws["weights"]])
    error = values.std() / N_DRAWS**0.5
    # A ratio of two sums is biased by less than its spread in one draw, over the number of labels.
    assert values.mean() == pytest.approx(truth, abs=4 * error + 0.1 * values.std())
    without = np.mean([getattr(one, name) for one in draws["none"]])
    assert abs(without - truth) > 3 * abs(values.mean() - truth)
    if name != "accuracy":
        intervals = [getattr(one, f"{name}_interval") for one in draws["weights"]]
        assert held(truth, intervals) >= 0.95


def test_weights_keep_the_hit_rate_unbiased(population, draws):
    _, is_hit = population
    rates = np.array([one.rate for one in draws["rate"]])
    assert rates.mean() == pytest.approx(is_hit.mean(), abs=0.1 * rates.std() + 0.001)
    assert held(is_hit.mean(), [(one.low, one.high) for one in draws["rate"]]) >= 0.95
