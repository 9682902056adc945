"""The same work on a dask cluster: nothing of it is written for dask."""

import os
import resource

import h5py
import hdf5plugin
import joblib
import numpy as np
import pytest
from sklearn.pipeline import make_pipeline

from sklearn_sfx import CNN1D, GCN, LCN, CentralCrop, RowWiseDecomposition, open_frames

distributed = pytest.importorskip("distributed", reason="needs the extra [dask]")


@pytest.fixture(scope="module")
def cluster():
    with (
        distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            dashboard_address=":0",
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of 1.3 GB, mostly the same frames again."""
    path = tmp_path_factory.mktemp("run") / "run.h5"
    frames = np.random.default_rng(0).poisson(40, (8, 1024, 1024)).astype("uint16")
    with h5py.File(path, "w") as file:
        file.create_dataset(
            "frames", data=frames, chunks=(1, 1024, 1024), **hdf5plugin.Bitshuffle()
        )
    return open_frames(path)[np.arange(640) % 8]


@pytest.fixture
def work_of():
    """Return what a worker process has done, and the most memory it has held, in MiB."""

    def work_of(dask_worker):  # of no module that workers would have to find
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        return os.getpid(), dask_worker.state.executed_count, peak

    return work_of


def test_a_cluster_reads_what_one_process_reads(cluster, run, work_of):
    steps = [CentralCrop(512), GCN(), LCN(5), RowWiseDecomposition()]
    vectors = make_pipeline(*steps).fit_transform(run)
    network = CNN1D(max_epochs=1, random_state=0)
    network.fit(np.asarray(vectors[:40]), np.arange(40) % 2)
    expected = network.predict_proba(vectors[:128])
    with joblib.parallel_config("dask"):
        np.testing.assert_array_equal(network.predict_proba(vectors[:128]), expected)
        before = cluster.run(work_of)
        found = network.predict_proba(vectors)
    np.testing.assert_array_equal(found[:128], expected)
    np.testing.assert_array_equal(found[8:], found[:-8])
    assert os.getpid() not in {pid for pid, _, _ in before.values()}
    for worker, (_, n_tasks, peak) in cluster.run(work_of).items():
        assert n_tasks > before[worker][1] > 0
        assert peak < before[worker][2] + 100  # the frames of each would take 670 MiB
