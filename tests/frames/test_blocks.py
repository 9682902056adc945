"""Who works on a run: threads, processes, and no more of them than help."""

import os
import threading
from dataclasses import dataclass

import joblib
import numpy as np
import pytest
import sklearn

from sklearn_sfx.frames import Frames, open_frames
from sklearn_sfx.frames._blocks import Workers, work_ahead
from sklearn_sfx.preprocessing import GCN, BaseStep

FRAMES = np.random.default_rng(0).poisson(9, (12, 10, 11)).astype(np.uint16)


@dataclass(frozen=True)
class Who(BaseStep):
    """Gives the process and the thread that ran it, whose work is all Python."""

    def output_shape(self, frame_shape):
        return (2,)

    def __call__(self, frame, usable=None):
        return np.array([os.getpid() % 2**20, threading.get_ident() % 2**20], np.float32)


@dataclass(frozen=True)
class WhoInLoops(Who):
    """The same, which says that it lets other threads run."""

    frees_gil = True


def workers_of(step, **config):
    with joblib.parallel_config(**config):
        found = np.asarray(open_frames(FRAMES).append(step))
    return set(found[:, 0]), set(found[:, 1])


HERE = {np.float32(os.getpid() % 2**20)}


def test_frames_in_memory_are_not_sent_to_processes():
    processes, _ = workers_of(WhoInLoops(), backend="loky", n_jobs=2)
    assert processes == HERE


def test_steps_that_hold_the_gil_are(monkeypatch):
    processes, _ = workers_of(Who(), backend="loky", n_jobs=2)
    assert not processes & HERE


def test_a_number_of_jobs_alone_means_threads():
    with joblib.parallel_config(n_jobs=2):
        assert Frames(open_frames(FRAMES)._source)._workers.are_threads
    processes, _ = workers_of(Who(), n_jobs=2)
    assert processes == HERE


def test_so_many_threads_work_at_once_and_the_caller_is_one_of_them():
    together, threads = threading.Barrier(3, timeout=60), set()

    def work(task):
        together.wait()  # where fewer work, this fails
        threads.add(threading.get_ident())
        return task

    assert list(work_ahead(work, range(3), Workers(3, True))) == [0, 1, 2]
    assert threading.get_ident() in threads
    assert len(threads) == 3


def test_settings_are_those_of_the_caller_in_every_thread_and_nothing_starts_workers_again():
    together = threading.Barrier(3, timeout=60)

    def work(task):
        together.wait()
        settings = sklearn.get_config()["assume_finite"], np.geterr()["over"]
        return settings, joblib.effective_n_jobs(None)

    with (
        joblib.parallel_config(n_jobs=3),
        sklearn.config_context(assume_finite=True),
        np.errstate(over="raise"),
    ):
        found = list(work_ahead(work, range(3), Workers(3, True)))
    assert found == [((True, "raise"), 1)] * 3
    assert not sklearn.get_config()["assume_finite"]


def test_what_is_not_begun_does_not_wait_for_what_takes_long():
    begun, last = threading.Event(), threading.Event()

    def work(task):
        if task == 0:
            begun.set()
            assert last.wait(60)
        if task == 1:
            assert begun.wait(60)
        if task == 3:
            last.set()
        return task

    assert list(work_ahead(work, range(4), Workers(2, True))) == [0, 1, 2, 3]


def test_threads_are_no_more_than_cores():
    with joblib.parallel_config("threading", n_jobs=500):
        workers = open_frames(FRAMES)._workers
    assert workers == Workers(joblib.cpu_count(), True)


def test_processes_and_threads_give_the_same():
    prepared = GCN().fit_transform(open_frames(FRAMES))
    expected = np.asarray(prepared)
    for config in ({"n_jobs": 2}, {"backend": "threading", "n_jobs": 2}, {"backend": "loky"}):
        with joblib.parallel_config(**config):
            np.testing.assert_array_equal(np.asarray(prepared), expected)


def test_processes_are_no_more_than_cores():
    with joblib.parallel_config("loky", n_jobs=500):
        assert open_frames(FRAMES).append(Who())._workers == Workers(joblib.cpu_count(), False)


def test_an_error_in_a_process_ends_the_work():
    with joblib.parallel_config("loky", n_jobs=2), pytest.raises(ZeroDivisionError):
        list(work_ahead(one_over, range(-2, 1000), Workers(2, False)))


def one_over(task):
    return 1 / task


def test_an_error_ends_the_work():
    begun = []

    def work(task):
        begun.append(task)
        if task == 3:
            raise ValueError("the fourth")
        return task

    found = []
    with pytest.raises(ValueError, match="the fourth"):
        for result in work_ahead(work, range(1000), Workers(2, True)):
            found.append(result)
    assert found == [0, 1, 2]
    assert len(begun) < 20
