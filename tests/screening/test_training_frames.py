"""Which frames of a run are trained on: those drawn of the labelled ones, and the others."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sklearn_sfx import InputError
from sklearn_sfx._methods import METHODS
from sklearn_sfx.screening import training_frames

RUN = np.empty((300, 4, 4))  # no frame is read


def labelled(n_hits, n_misses, seed=0):
    """Return positions in the run, in any order, and their labels."""
    target = np.repeat([1, 0], [n_hits, n_misses])
    return np.random.default_rng(seed).permutation(len(RUN))[: len(target)], target


@pytest.mark.parametrize("method", list(METHODS))
def test_all_labels_are_taken_in_their_order(method):
    positions, target = labelled(30, 50)
    chosen, known = training_frames(RUN, positions, target, method=method)
    np.testing.assert_array_equal(chosen[:80], positions)
    np.testing.assert_array_equal(known[:80], target)
    assert len(chosen) == len(known) == max(80, METHODS[method].least_frames)
    assert len(set(chosen)) == len(chosen)
    np.testing.assert_array_equal(known[80:], -1)
    assert chosen.dtype.kind == known.dtype.kind == "i"


@pytest.mark.parametrize(("n_labels", "n_hits"), [(8, 3), (16, 6), (40, 15)])
def test_labels_are_drawn_in_proportion_and_by_seed(n_labels, n_hits):
    positions, target = labelled(30, 50)
    arguments = {"method": "rows", "n_labels": n_labels, "random_state": 1}
    chosen, known = training_frames(RUN, positions, target, **arguments)
    assert (len(known), known.sum()) == (n_labels, n_hits)
    of = dict(zip(positions, target, strict=True))
    assert [of[position] for position in chosen] == known.tolist()
    np.testing.assert_array_equal(training_frames(RUN, positions, target, **arguments)[0], chosen)
    other, _ = training_frames(RUN, positions, target, **arguments | {"random_state": 2})
    assert set(other) != set(chosen)


@given(st.integers(0, 9), st.integers(0, 9), st.integers(1, 18), st.integers(0, 3))
def test_any_number_that_there_is_can_be_drawn(n_hits, n_misses, n_labels, seed):
    assume(n_labels <= n_hits + n_misses)
    positions, target = labelled(n_hits, n_misses)
    arguments = {"method": "rows", "n_labels": n_labels, "random_state": seed}
    chosen, known = training_frames(RUN, positions, target, **arguments)
    assert len(chosen) == n_labels
    pairs = set(zip(positions.tolist(), target.tolist(), strict=True))
    assert set(zip(chosen.tolist(), known.tolist(), strict=True)) <= pairs


def test_frames_without_a_label_are_spread_over_the_run():
    positions, _ = training_frames(RUN, [7, 3], [1, 0], method="peaks")
    assert positions[:2].tolist() == [7, 3]
    more = positions[2:]
    assert len(more) == 198
    assert not {3, 7} & set(more)
    assert (more[0], more[-1]) == (0, 299)
    assert np.diff(more).min() >= 1
    assert np.diff(more).max() <= 3
    none, unlabelled = training_frames(RUN[:50], method="peaks")
    np.testing.assert_array_equal(none, np.arange(50))
    np.testing.assert_array_equal(unlabelled, -1)


def test_one_label_is_asked_for_in_words_of_one():
    with pytest.raises(InputError, match="1 label is asked for, and there are 0"):
        training_frames(RUN, n_labels=1)


@pytest.mark.parametrize("n_labels", [0, 81])
def test_labels_that_are_not_there_are_refused(n_labels):
    with pytest.raises(InputError, match=f"{n_labels} labels are asked for, and there are 80"):
        training_frames(RUN, *labelled(30, 50), n_labels=n_labels)


def test_an_unknown_method_is_refused():
    with pytest.raises(InputError, match="one of auto, peaks, spots, count, rows, both, frames"):
        training_frames(RUN, method="columns")
