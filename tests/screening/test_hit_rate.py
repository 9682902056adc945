"""The hit rate of a run, by decisions and labels."""

import numpy as np
import pytest

from benchmarks.hit_rate import N_RUNS, RATES, simulate, simulate_without_labels
from sklearn_sfx import InputError
from sklearn_sfx.frames import FrameOrigin
from sklearn_sfx.screening import Expectation, Scores


def scores_of(probability):
    """Return scores of made-up frames, hits from a half on; NaN cannot be read."""
    probability = np.asarray(probability, float)
    sources = [FrameOrigin("run.h5", i, f"//{i}") for i in range(len(probability))]
    return Scores(sources, probability, probability >= 0.5, None, 0.5)


@pytest.mark.parametrize(("recall", "false_positives"), [(0.98, 0.01), (0.8, 0.05), (0.5, 0.3)])
@pytest.mark.parametrize("rate", RATES)
def test_the_interval_holds_the_rate_though_the_decisions_err(rate, recall, false_positives):
    found = simulate(rate, recall, false_positives)
    assert found.covered >= 0.9 * N_RUNS


@pytest.mark.parametrize(("recall", "false_positives"), [(0.98, 0.01), (0.8, 0.05)])
@pytest.mark.parametrize("rate", RATES)
def test_without_labels_it_holds_by_what_is_expected_of_the_model(rate, recall, false_positives):
    found = simulate_without_labels(rate, recall, false_positives)
    assert found.covered >= 0.9 * N_RUNS


def test_decisions_that_tell_nothing_leave_any_rate_possible():
    scores = scores_of(np.repeat([0.9, 0.1], [50, 50]))
    blind = Scores(**vars(scores) | {"expected": Expectation(50, 50, 50, 50)}).hit_rate()
    assert blind.low < 0.1
    assert blind.high > 0.9
    assert blind.of_model
    assert str(blind).endswith("by 200 labels of the model")


@pytest.mark.parametrize("rate", RATES)
def test_good_decisions_make_it_narrower_than_the_labels_alone(rate):
    found = simulate(rate, recall=0.98, false_positives=0.01)
    assert found.width < 0.8 * found.width_of_labels


def test_each_kind_counts_as_often_as_the_run_has_it():
    """Who labels ten of each kind does not look at half of the run."""
    scores = scores_of(np.repeat([0.9, 0.1], [100, 900]))
    target = np.full(1000, -1)
    target[:10] = 1  # 10 of 10 called hits are hits
    target[100:110] = [1, 0, 0, 0, 0, 0, 0, 0, 0, 0]  # and 1 of 10 others
    found = scores.hit_rate(target)
    assert found.rate == pytest.approx(0.1 * 1.0 + 0.9 * 0.1)
    assert found.low < found.rate < found.high
    assert found.n_labels == 20


def test_frames_that_cannot_be_read_take_no_part():
    readable = scores_of(np.repeat([0.9, 0.1], [20, 80]))
    target = np.full(100, -1)
    target[::4] = np.arange(25) < 6
    damaged = scores_of(np.r_[readable.probability, np.full(50, np.nan)])
    assert damaged.hit_rate(np.r_[target, np.ones(50, int)]) == readable.hit_rate(target)


def test_with_few_labels_the_interval_is_wide_and_within_0_and_1():
    scores = scores_of(np.repeat([0.9, 0.1], [5, 95]))
    for rows, label in (([0], 1), ([99], 0), ([0, 99], 1)):
        target = np.full(100, -1)
        target[rows] = label
        found = scores.hit_rate(target)
        assert 0 <= found.low <= found.rate <= found.high <= 1
        assert found.high - found.low > 0.5


def test_what_says_nothing_is_refused():
    scores = scores_of([0.9, 0.1, np.nan])
    with pytest.raises(InputError, match="takes a model that train made with five labels"):
        scores.hit_rate()
    with pytest.raises(InputError, match="needs labels"):
        scores.hit_rate([-1, -1, 1])
    with pytest.raises(InputError, match="3 frames, 2 labels"):
        scores.hit_rate([1, 0])
    with pytest.raises(InputError, match="1 for a hit"):
        scores.hit_rate([1, 2, 0])
