"""Medians and quartiles over time are those that numpy sorts out."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sklearn_sfx.preprocessing.kernels import (
    medians_of_squares,
    sorting_network,
    summarize_rows,
    times_above,
)

NAN_PART = 0.1


def make_sample(seed, n_frames, height, width):
    """Floats, and counts that are often alike; some pixels are not usable."""
    rng = np.random.default_rng(seed)
    sample = rng.poisson(2, (n_frames, height, width)).astype(np.float32)
    sample[:, : height // 2] = rng.normal(0, 100, (n_frames, height // 2, width))
    sample[rng.random(sample.shape) < NAN_PART] = np.nan
    sample[0, 0, 0] = np.float32(1e30)
    return sample


@pytest.mark.parametrize("n", [1, 2, 3, 10, 36, 100, 200])
def test_the_network_sorts(n):
    """By the principle of zeros and ones it sorts all if it sorts each cut."""
    columns = np.tril(np.ones((n, n + 1)), -1)[:, np.random.default_rng(n).permutation(n + 1)]
    columns = np.random.default_rng(n).permuted(columns, axis=0)
    wanted = np.sort(columns, axis=0)
    for upper, lower in sorting_network(n):
        pair = columns[[upper, lower]]
        columns[upper], columns[lower] = pair.min(axis=0), pair.max(axis=0)
    np.testing.assert_array_equal(columns, wanted)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 40), st.integers(1, 16), st.integers(1, 150))
def test_summaries_are_those_of_a_sort(seed, n_frames, height, width):
    sample = make_sample(seed, n_frames, height, width)
    background = np.random.default_rng(seed).normal(size=(n_frames, -(-width // 16)))
    background = background.astype(np.float32)
    found = np.empty((5, height, width), np.float32)
    summarize_rows(sample, background, 16, 3, sorting_network(n_frames), found)

    counts = np.isfinite(sample).sum(axis=0)
    above = np.sort(sample - np.repeat(background, 16, axis=1)[:, None, :width], axis=0)
    level = ranked(np.sort(sample, axis=0), counts, 0.5)
    differ = (np.isfinite(sample) & (sample != level)).sum(axis=0) / np.maximum(counts, 1)
    quartiles = [ranked(above, counts, part) for part in (0.25, 0.5, 0.75)]
    wanted = np.stack([level, differ.astype(np.float32), *quartiles])
    np.testing.assert_array_equal(found, np.where(counts >= 3, wanted, np.nan))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 40), st.integers(1, 40))
def test_medians_of_squares_are_those_of_a_sort(seed, height, width):
    frame = make_sample(seed, 1, height, width)[0]
    found = np.empty((-(-height // 8), -(-width // 8)), np.float32)
    medians_of_squares(frame, 8, found)
    for i, j in np.ndindex(found.shape):
        square = np.sort(frame[8 * i : 8 * i + 8, 8 * j : 8 * j + 8].ravel())
        rank = int(np.rint(0.5 * (max(np.isfinite(square).sum(), 1) - 1)))
        np.testing.assert_array_equal(found[i, j], square[rank])


def test_times_above_a_limit_over_the_background():
    sample = np.zeros((3, 4, 4), np.float32)
    sample[:, 1, 2] = 5, 9, np.nan
    background = np.array([1, 6, 0], np.float32).reshape(3, 1, 1)
    times = times_above(sample, np.full((4, 4), 3.5, np.float32), background, 4)
    assert times[1, 2] == 1  # 5 > 4.5, and 9 is not above 9.5
    assert times.sum() == 1


def ranked(ordered, counts, part):
    rank = np.rint(part * (np.maximum(counts, 1) - 1)).astype(int)
    return np.take_along_axis(ordered, rank[None], axis=0)[0]
