"""
Fine-tuning a model of another experiment
=========================================

Another experiment left a model, and you have a few labels of your own. ``FineTuned`` keeps what
the model's base has learned, and learns the decision anew. Both runs are SIMULATED: one like LO19,
the other like LN84.
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.base import clone
from sklearn.metrics import precision_recall_curve
from sklearn.pipeline import make_pipeline

from sklearn_sfx import (
    CNN1D,
    GCN,
    LCN,
    FineTuned,
    RowWiseDecomposition,
    evaluate,
    make_sfx_frames,
    open_frames,
    screen,
    train,
)
from sklearn_sfx.datasets import write_run

theirs = make_sfx_frames(200, domain="LO19", frame_shape=(192, 192), hit_rate=0.4, random_state=0)
mine = make_sfx_frames(200, domain="LN84", frame_shape=(192, 192), hit_rate=0.4, random_state=1)
# In memory, or they are simulated at each read.
their_frames, my_frames = (
    open_frames(np.asarray(run.data), mask=run.mask) for run in (theirs, mine)
)
N_LABELS = 60

# %%
# The other experiment's model
# ----------------------------
#
# A fitted pipeline, or the path of one that ``save_model`` wrote.

steps = make_pipeline(GCN(), LCN(5), RowWiseDecomposition())
network = CNN1D(channels=(8, 16, 32), max_epochs=20, random_state=0)
other = make_pipeline(*(step for _, step in steps.steps), network)
other.fit(their_frames, theirs.target)

# %%
# Tuned, untouched, and from scratch
# ----------------------------------
#
# Step 1 trains a fresh head on the frozen base, step 2 its top block too. The preprocessing of
# the pipeline comes along and is fitted on your frames. ``other`` stays as it is.

X, y = my_frames[:N_LABELS], mine.target[:N_LABELS]
models = {
    "the other model, as it is": other,
    f"from scratch, {N_LABELS} labels": clone(other).fit(X, y),
    f"fine-tuned, {N_LABELS} labels": FineTuned(other, random_state=0).fit(X, y),
}

# %%
# Compare on frames that none has seen
# ------------------------------------
#
# The curves show how well each ranks the frames, the dots where its own threshold of 0.5 lies.
# Where the other model ranks well already, tuning mostly moves the dot. With 140 frames a
# difference of a few hundredths is chance.

test, target = my_frames[N_LABELS:], mine.target[N_LABELS:]
figure, ax = plt.subplots(figsize=(7, 5), layout="constrained")
for name, model in models.items():
    probability = model.predict_proba(test)[:, 1]
    result = evaluate(target, probability >= 0.5)
    print(f"{name}: {result}")
    precision, recall, _ = precision_recall_curve(target, probability)
    (line,) = ax.plot(recall, precision, label=name)
    ax.plot(result.recall, result.precision, "o", color=line.get_color())
ax.set(xlabel="recall", ylabel="precision", xlim=(0.4, 1.01), ylim=(0.4, 1.01))
ax.set_title("SIMULATED: from LO19 to LN84")
ax.legend(loc="lower left")
plt.show()

# %%
# With a threshold, and on to the hit list
# ----------------------------------------
#
# ``train`` does the same with ``base=``, sets the threshold by five folds of the labels, and says
# what to expect. On the command line it is ``sfx train RUN --labels L --from OTHER.model``.

tuned = train(X, y, base=other, random_state=0)
print(f"{tuned.method}, a hit from {tuned.threshold:.2f}: {tuned.expected}")
with tempfile.TemporaryDirectory() as folder:
    write_run(Path(folder, "run.h5"), mine)
    frames = open_frames(Path(folder, "run.h5"), mask=mine.mask)
    screen(tuned, frames).write_hits(Path(folder, "hits.lst"))
    print(len(Path(folder, "hits.lst").read_text().splitlines()), "hits of", len(frames), "frames")
