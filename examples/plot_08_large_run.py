"""
A run that does not fit in memory, here and on a cluster
========================================================

Memory does not grow with the run, and a dask cluster does the same work. A SIMULATED run on disk
stands for the large one: it is the same code for a hundred frames and for a million. The cluster
needs ``pip install 'sklearn_sfx[plot,dask]'``.
"""

import tempfile
import tracemalloc
from pathlib import Path

import joblib
import matplotlib.pyplot as plt
import numpy as np
from distributed import Client, LocalCluster
from sklearn.pipeline import make_pipeline

from sklearn_sfx import (
    CNN1D,
    GCN,
    LCN,
    RowWiseDecomposition,
    make_sfx_frames,
    open_frames,
    screen,
)
from sklearn_sfx.datasets import write_run

folder = tempfile.TemporaryDirectory()
path = Path(folder.name, "run.h5")
trial = make_sfx_frames(60, frame_shape=(256, 256), hit_rate=0.5, random_state=0)
write_run(path, trial)

# %%
# Open a long run
# ---------------
#
# Nothing is read. To have a long one, the frames of the file are taken again and again: an index
# may name a frame as often as it likes, and each is read anew.

run = open_frames(path, mask=trial.mask)
network = CNN1D(channels=(8, 16), max_epochs=5, random_state=0)
model = make_pipeline(GCN(), LCN(5), RowWiseDecomposition(), network).fit(run, trial.target)

# %%
# From the pipeline to the hit list
# ---------------------------------
#
# ``screen`` takes any fitted pipeline, and reads the run block by block.

screen(model, run).write_hits(Path(folder.name, "hits.lst"))
print(Path(folder.name, "hits.lst").read_text().splitlines()[0].split("/", 3)[-1])

# %%
# Memory against the number of frames
# -----------------------------------

numbers = [250, 500, 1000, 2000]
model.predict_proba(run[:2])  # what is made once, such as compiled code, does not count
peaks = []
for n in numbers:
    long_run = run[np.arange(n) % len(run)]
    tracemalloc.start()
    probability = model.predict_proba(long_run)
    peaks.append(tracemalloc.get_traced_memory()[1] / 2**20)
    tracemalloc.stop()

# %%
# The same on a cluster
# ---------------------
#
# joblib hands the work to dask; nothing else changes. Each task is a small piece of the run, and
# each worker opens the file itself. Here the "cluster" is a thread of this process;
# ``Client("scheduler:8786")`` names a real one, whose workers have to see the file.

with (
    LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address=":0"
    ) as cluster,
    Client(cluster),
    joblib.parallel_config("dask"),
):
    from_cluster = model.predict_proba(run)
print("the same, to the last bit:", np.array_equal(from_cluster, model.predict_proba(run)))

# %%
# A flat line
# -----------
#
# The memory that torch takes for its batch of frames is not counted here; it does not grow
# either.

frame_mib = np.prod(run.shape[1:]) * run.dtype.itemsize / 2**20
figure, ax = plt.subplots(figsize=(8, 4.5), layout="constrained")
ax.plot(
    numbers, [n * frame_mib for n in numbers], color="0.5", ls="--", label="the frames themselves"
)
ax.plot(
    numbers, peaks, "o-", color="#c2410c", label="most memory of NumPy and Python while predicting"
)
ax.set(xlabel="frames", ylabel="MiB", yscale="log", title="SIMULATED frames of 256 x 256")
ax.legend()
plt.show()

folder.cleanup()
