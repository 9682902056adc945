"""Trainings side by side: who does what, what an error does, and that the numbers stay the same."""

import os
import signal
import time

import joblib
import numpy as np
import pytest
import torch
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline

from sklearn_sfx import CNN1D
from sklearn_sfx._side_by_side import helpers_ahead, side_by_side
from sklearn_sfx.classifiers import _held_out, held_out_probability
from sklearn_sfx.exceptions import InputError


@pytest.fixture(autouse=True)
def two_cores(monkeypatch):
    """Whatever the machine has."""
    monkeypatch.setattr("sklearn_sfx._side_by_side.cpu_count", lambda: 2)


def place_and_process(place):
    return place, os.getpid()


def generator_states():
    of_numpy = np.random.get_state()[1]  # noqa: NPY002 - it is the global one that has to stay
    return torch.get_rng_state().tolist(), of_numpy.tolist()


def refuse(place):
    raise InputError(f"no {place}")


def test_results_are_in_order_and_the_own_work_is_done_here():
    done = []

    def own():
        time.sleep(0.5)  # so that the other one has begun
        done.append(os.getpid())

    with joblib.parallel_config("threading", n_jobs=2):
        found = side_by_side(place_and_process, [(i,) for i in range(4)], own)
    assert [place for place, _ in found] == [0, 1, 2, 3]
    assert done == [os.getpid()]
    assert len({process for _, process in found} - {os.getpid()}) == 1


def test_one_job_starts_no_process():
    found = side_by_side(place_and_process, [(0,), (1,)])
    assert found == [(0, os.getpid()), (1, os.getpid())]


def test_an_error_there_is_an_error_here():
    with joblib.parallel_config("threading", n_jobs=2), pytest.raises(InputError, match="no 7"):
        side_by_side(refuse, [(7,)], lambda: None)


def test_two_jobs_say_what_one_says_and_leave_the_generators_alone():
    rng = np.random.default_rng(0)
    y = np.tile([0, 1], 30)
    found = rng.gumbel(5, 1, (60, 40)).astype(np.float32)
    found[y == 1, ::5] += 8
    folds = list(StratifiedKFold(3, shuffle=True, random_state=0).split(found, y))
    epochs = _held_out.WORTH_PROCESSES // len(y) + 1
    network = CNN1D(
        channels=(4,), n_hidden=4, max_epochs=epochs, lr=0.02, random_state=np.random.RandomState(3)
    )
    in_turn = held_out_probability(make_pipeline(network), found, y, folds)
    before = generator_states()
    with joblib.parallel_config("threading", n_jobs=2):
        beside = held_out_probability(
            make_pipeline(network), found, y, folds, lambda: network.fit(found, y)
        )
    np.testing.assert_array_equal(beside, in_turn)
    assert ((in_turn > 0) & (in_turn < 1)).all()
    assert network.predict_proba(found).shape == (60, 2)
    assert generator_states() == before


def test_helpers_that_were_started_ahead_do_the_work_and_end():
    tasks = [(i,) for i in range(4)]
    # What a process imports after its first task can be more than loky lets it grow.
    with joblib.parallel_config("threading", n_jobs=2), helpers_ahead(4, "torch"):
        found = [side_by_side(place_and_process, tasks, lambda: time.sleep(0.5)) for _ in "ab"]
    assert [[place for place, _ in part] for part in found] == [[0, 1, 2, 3]] * 2
    (helper,) = {process for part in found for _, process in part} - {os.getpid()}
    deadline = time.monotonic() + 20
    while is_there(helper):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_helpers_leave_an_interrupt_to_this_process():
    """One that is still importing would show where."""
    tasks = [(signal.SIG_BLOCK, ())]
    with joblib.parallel_config("threading", n_jobs=2), helpers_ahead(1, "math"):
        (there,) = side_by_side(signal.pthread_sigmask, tasks, lambda: time.sleep(5))
    assert signal.SIGINT in there
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())


def is_there(process):
    try:
        return os.waitpid(process, os.WNOHANG) == (0, 0)
    except ChildProcessError:
        return False


def test_one_job_starts_no_helper_ahead(monkeypatch):
    monkeypatch.setattr(
        "sklearn_sfx._side_by_side.ProcessPoolExecutor",
        lambda *args, **kwargs: pytest.fail("a process was started"),
    )
    with helpers_ahead(5, "math"):
        assert side_by_side(place_and_process, [(0,)]) == [(0, os.getpid())]


def test_an_error_ends_the_helpers_too():
    with (
        pytest.raises(InputError, match="no 7"),
        joblib.parallel_config("threading", n_jobs=2),
        helpers_ahead(4, "math"),
    ):
        side_by_side(refuse, [(7,)], lambda: None)
