"""
With a GPU, or without one
==========================

``device="auto"``, which is the default, takes a GPU where there is one, and the CPU otherwise: the
same lines run on both, and the first line that is printed says which it was. Nothing but
``pip install 'sklearn_sfx[plot]'`` is needed. The frames are SIMULATED.
"""

import time

import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.pipeline import make_pipeline

from sklearn_sfx import CNN1D, GCN, LCN, CentralCrop, RowWiseDecomposition, make_sfx_frames

has_gpu = torch.cuda.is_available()
where = torch.cuda.get_device_name() if has_gpu else "the CPU: torch finds no GPU here"
print(f"The networks are computed on {where}.")

# %%
# Train
# -----
#
# The network goes to the device, and with a GPU the steps of a run before it too. On the command
# line it is ``sfx train --device cuda`` and ``sfx screen --device cuda``.

run = make_sfx_frames(90, frame_shape=(200, 200), hit_rate=0.5, random_state=0)
network = CNN1D(max_epochs=10, device="auto", random_state=0)
steps = CentralCrop(160), GCN(), LCN(5), RowWiseDecomposition()
model = make_pipeline(*steps, network).fit(run.data[:60], run.target[:60])

# %%
# The same model on either
# ------------------------
#
# A model that was trained on a GPU is loaded where there is none, and goes on there. What it says
# differs by rounding.

on_cpu = make_pipeline(*steps, CNN1D(max_epochs=10, device="cpu", random_state=0))
on_cpu.fit(run.data[:60], run.target[:60])
began = time.perf_counter()
probability = model.predict_proba(run.data[60:])[:, 1]
seconds = time.perf_counter() - began
other = on_cpu.predict_proba(run.data[60:])[:, 1]
difference = np.abs(probability - other).max()
print(f"{30 / seconds:.0f} frames a second; the largest difference is {difference:.2g}")

# %%
# How they agree
# --------------

figure, ax = plt.subplots(figsize=(5, 4.5), layout="constrained")
ax.plot([0, 1], [0, 1], color="0.7", lw=1)
ax.scatter(other, probability, c=np.where(run.target[60:] == 1, "#c2410c", "#1d4ed8"), s=18)
ax.set(xlabel="probability, by the CPU", ylabel="probability, by device='auto'")
ax.set_title("30 SIMULATED frames, hits in red")
plt.show()
