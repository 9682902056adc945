"""
From a run to hits in five lines
================================

Label about 200 frames, fit an ordinary scikit-learn pipeline, and let it decide on the rest of the
run. The frames are SIMULATED, and only 192 pixels wide, to be quick. The picture of what made a
frame a hit needs ``pip install 'sklearn_sfx[plot,explain]'``.
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.pipeline import make_pipeline

from sklearn_sfx import (
    CNN1D,
    GCN,
    LCN,
    CentralCrop,
    FrameDisplay,
    RowWiseDecomposition,
    SaliencyDisplay,
    evaluate,
    make_sfx_frames,
    open_frames,
    screen,
)
from sklearn_sfx.datasets import write_run

# %%
# A run and its labels
# --------------------
#
# ``load_cxidb76("r0095_2000.h5", subset="LN84")`` would give the same of a run on disk.
# ``frames`` looks like an array of shape (frames, height, width), whatever it is read from.

run = make_sfx_frames(300, frame_shape=(192, 192), hit_rate=0.3, random_state=0)
frames = open_frames(np.asarray(run.data), mask=run.mask)  # or they are simulated at each read
print(frames)

# %%
# Fit and predict
# ---------------
#
# The centre is cropped, its contrast normalized, each row reduced to its largest minus its
# smallest value; a small network decides. MAYBE frames count as hits.

model = make_pipeline(
    CentralCrop(192), GCN(), LCN(5), RowWiseDecomposition(), CNN1D(random_state=0)
)
model.fit(frames[:200], run.target[:200])
probability = model.predict_proba(frames[200:])[:, 1]

# %%
# How good is it?
# ---------------
#
# On the frames that it has not seen, with the interval that their number allows:

target = run.target[200:]
print(evaluate(target, probability >= 0.5))

# %%
# What it says
# ------------
#
# Hits and misses are apart, with some weak hits between them, or among the misses. Where to put
# the threshold is the next decision (see :ref:`sphx_glr_auto_examples_plot_07_threshold.py`).

figure, (left, right) = plt.subplots(
    1, 2, figsize=(11, 4.6), width_ratios=[1, 1.5], layout="constrained"
)
best = 200 + int(np.argmax(probability))
FrameDisplay.from_frames(frames, index=best, ax=left)
left.set_title(f"the surest hit: frame {best}")
edges = np.linspace(0, 1, 26)
for kind, colour in (("MISS", "#1d4ed8"), ("MAYBE", "#a16207"), ("HIT", "#c2410c")):
    right.hist(
        probability[run.labels[200:] == kind],
        edges,
        color=colour,
        alpha=0.6,
        label=f"labelled {kind}",
    )
right.axvline(0.5, color="black", ls="--", lw=1)
right.set(xlabel="probability of a hit", ylabel="frames", yscale="symlog")
right.set_title(f"{len(target)} frames not trained on")
right.legend()
figure.suptitle("SIMULATED run like LN84")
plt.show()

# %%
# What made it a hit
# ------------------
#
# The gradient says which rows the network went by, here drawn beside the frame:

display = SaliencyDisplay.from_estimator(model, frames, index=best)
display.figure_.suptitle("SIMULATED")
plt.show()

# %%
# The hit list, in one line
# -------------------------
#
# Any fitted pipeline screens a run in files, and writes the list that CrystFEL reads.

with tempfile.TemporaryDirectory() as folder:
    write_run(Path(folder, "run.h5"), run)
    frames = open_frames(Path(folder, "run.h5"), mask=run.mask)
    screen(model, frames).write_hits(Path(folder, "hits.lst"))
    print(len(Path(folder, "hits.lst").read_text().splitlines()), "hits of", len(frames), "frames")
