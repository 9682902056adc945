"""
Labels of another experiment, none of one's own
===============================================

``DANN`` learns from another experiment's labels and from your frames without any. How to tell,
with no label to see it by, that it has converged; and what it did. Both runs are SIMULATED.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.pipeline import make_pipeline

from sklearn_sfx import (
    CNN1D,
    DANN,
    GCN,
    LCN,
    FeatureEmbeddingDisplay,
    RowWiseDecomposition,
    TrainingHistoryDisplay,
    evaluate,
    make_sfx_frames,
)

source = make_sfx_frames(160, domain="LO19", frame_shape=(192, 192), hit_rate=0.4, random_state=0)
target = make_sfx_frames(160, domain="LN83", frame_shape=(192, 192), hit_rate=0.4, random_state=1)

# %%
# One array, with -1 where there is no label
# ------------------------------------------
#
# Both runs are prepared alike. The labels of the target are put aside: nothing sees them before
# the end.

prepare = make_pipeline(GCN(), LCN(5), RowWiseDecomposition())
theirs, mine = (np.asarray(prepare.fit_transform(run.data)) for run in (source, target))
X = np.concatenate([theirs, mine])
y = np.concatenate([source.target, np.full(len(mine), -1)])

base = CNN1D(channels=(8, 16))
model = DANN(base, max_epochs=15, random_state=0).fit(X, y)
plain = DANN(base, max_epochs=15, max_lambda=0, random_state=0).fit(X, y)

# %%
# Has it converged?
# -----------------
#
# Look at the history, which needs no target label. Trained is what shows a plateau in the
# accuracy on the source's labels, and a domain accuracy that goes up and down without a trend. A
# domain accuracy that stays near 1 means that source and target can still be told apart: train
# longer, or the two have too little in common. The plateau at 0.5 with a label accuracy that
# falls means that the base has given up both.

display = TrainingHistoryDisplay.from_estimator(model)
display.figure_.suptitle("SIMULATED: from LO19 to LN83")
plt.show()

# %%
# What did it change?
# -------------------
#
# Now the labels are looked at. Whether adapting helps cannot be seen without some: it often finds
# more hits and keeps more misses, and sometimes it does harm. Label a few frames before you rely
# on it. With 160 frames of the target a difference of a few hundredths is chance.

thresholds = np.linspace(0, 1, 101)
figure, ax = plt.subplots(figsize=(7, 4.4), layout="constrained")
is_hit = target.target == 1
for name, one, style in (("source alone", plain, "--"), ("DANN", model, "-")):
    probability = one.predict_proba(mine)[:, 1]
    print(f"{name}: {evaluate(is_hit, probability >= 0.5)}")
    for rows, kind, colour in ((is_hit, "hits found", "#c2410c"), (~is_hit, "misses kept", "0.5")):
        share = [(probability[rows] >= threshold).mean() for threshold in thresholds]
        ax.plot(thresholds, share, style, color=colour, label=f"{name}: {kind}")
ax.set(xlabel="threshold", ylabel="share of the target's frames", ylim=(0, 1.02))
ax.set_title("SIMULATED: from LO19 to LN83, with the labels that no model has seen")
ax.legend()
plt.show()

# %%
# Do source and target lie together?
# ----------------------------------
#
# What the base makes of both runs, in two dimensions: hits and misses should be apart, source and
# target should not.

labels = np.concatenate([source.labels, target.labels])
display = FeatureEmbeddingDisplay.from_estimator(
    model, X[::2], labels[::2], sample_domain=np.where(y[::2] == -1, -1, 0), random_state=0
)
display.ax_.set_title("SIMULATED: features of LO19 and LN83")
plt.show()
