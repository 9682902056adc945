"""
A run screened by a cluster
===========================

The parts of a run go to the workers of a dask cluster, and what is found is kept on disk: whoever
is killed, the work goes on where it was. ``pip install 'sklearn_sfx[plot,dask]'`` brings what is
needed. The frames are SIMULATED, and the "cluster" is a thread of this process.
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
from distributed import LocalCluster

from sklearn_sfx import make_sfx_frames, open_frames, train
from sklearn_sfx.datasets import write_run
from sklearn_sfx.screening import Screening

folder = tempfile.TemporaryDirectory()
path = Path(folder.name, "run.h5")
made = make_sfx_frames(120, frame_shape=(200, 200), hit_rate=0.4, random_state=0)
write_run(path, made)

# %%
# A model
# -------
#
# Any model will do: this one has learned from simulated frames that come with the package, and
# from twenty labels.

run = open_frames(path, mask=made.mask)
model = train(run[:20], made.target[:20], crop=200, random_state=0)

# %%
# Hand the parts out
# ------------------
#
# On a real cluster give the address of its scheduler, ``run(cluster="tcp://node01:8786")``; each of
# its workers opens the files itself, so all have to see them. On the command line it is
# ``sfx screen run.h5 --model m.joblib --dask tcp://node01:8786``.

with LocalCluster(
    n_workers=2, threads_per_worker=1, processes=False, dashboard_address=":0"
) as cluster:
    screening = Screening(model, run, folder.name)
    screening.run(cluster=cluster.scheduler_address)
scores = screening.scores()
screening.remove()  # what was kept of the parts
scores.write_hits(Path(folder.name, "run.hits.lst"))
print(f"{int(scores.decision.sum())} of {len(scores.decision)} frames are hits")

# %%
# What was found
# --------------

figure, ax = plt.subplots(figsize=(8, 3.5), layout="constrained")
ax.scatter(range(1, len(run) + 1), scores.probability, c=made.target, cmap="coolwarm", s=14)
ax.axhline(scores.threshold, color="black", ls="--", lw=1)
ax.set(xlabel="frame, from 1", ylabel="probability of a hit")
ax.set_title("SIMULATED frames, those labelled hits in red; above the line: run.hits.lst")
plt.show()

folder.cleanup()
