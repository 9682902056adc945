"""Parts of a run done by a dask cluster, whose workers may die."""

import os
import signal

import numpy as np
import pytest

from sklearn_sfx import InputError, open_frames, read_mask, screen
from sklearn_sfx.screening import Screening, _cluster, _journal, _parts, load_screening_model

distributed = pytest.importorskip("distributed", reason="needs the extra [dask]")


@pytest.fixture(scope="module")
def cluster():
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=":0"
    ) as cluster:
        yield cluster


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    monkeypatch.setattr(_parts, "PART", 8)


@pytest.fixture
def run(run_folder):
    return open_frames(run_folder / "run.h5", mask=read_mask(run_folder / "run.mask.h5"))


@pytest.fixture
def model(run_folder):
    return load_screening_model(run_folder / "model.joblib")


def test_a_cluster_finds_the_same_though_its_workers_die(
    cluster, model, run, tmp_path, monkeypatch
):
    expected = screen(model, run)
    with distributed.Client(cluster) as client:
        write, pids = _journal.Journal.write, client.run(os.getpid)
    assert os.getpid() not in pids.values()
    doomed = list(pids.values())[:1]

    def write_and_kill(self, number, found):
        write(self, number, found)
        if doomed:  # while it does another part
            os.kill(doomed.pop(), signal.SIGKILL)

    monkeypatch.setattr(_journal.Journal, "write", write_and_kill)
    screening = Screening(model, run, tmp_path)
    screening.run(cluster=cluster.scheduler_address)
    assert doomed == []
    scores = screening.scores()
    np.testing.assert_array_equal(scores.probability, expected.probability)
    np.testing.assert_array_equal(scores.peak_count, expected.peak_count)


def test_damaged_frames_are_rows_there_too(cluster, damaged_folder, tmp_path):
    model = load_screening_model(damaged_folder / "model.joblib")
    run = open_frames(damaged_folder / "run.h5", missing="on_read")
    screening = Screening(model, run, tmp_path)
    screening.run(cluster=cluster.scheduler_address)
    scores = screening.scores_so_far()
    assert np.flatnonzero(~scores.is_read).tolist() == [3, 33, 70]


def test_workers_that_do_not_see_the_files_are_no_damage(model, run):
    """Else all frames of the run would be called unreadable."""
    blind = _parts.score_part(model, run[:4])
    blind.probability[1] = np.nan
    blind = blind._replace(reason=np.array(["", "it is not there", "", ""]))
    with pytest.raises(InputError, match=r"a worker cannot read .*it is not there"):
        _cluster._check_that_all_see_the_files("tcp://there:8786", model, run[:4], blind)
