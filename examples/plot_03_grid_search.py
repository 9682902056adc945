"""
Grid search with recall
=======================

The pipeline is scikit-learn's, so its search is too. What is searched here is the window of LCN
and the network's dropout, for the highest recall. The frames are SIMULATED.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import make_pipeline

from sklearn_sfx import (
    CNN1D,
    GCN,
    LCN,
    CentralCrop,
    RowWiseDecomposition,
    make_sfx_frames,
    open_frames,
)

run = make_sfx_frames(120, frame_shape=(160, 160), hit_rate=0.4, random_state=0)
frames = open_frames(np.asarray(run.data), mask=run.mask)  # or they are simulated in each fit

# %%
# Search
# ------
#
# The lazy run goes in as ``X``; each fit reads the frames that it needs. Recall alone is highest
# for who calls everything a hit, so precision is kept beside it, and ``refit`` says which of the
# two decides. Folds are shuffled: frames of a run that are near in time are alike.

model = make_pipeline(
    CentralCrop(160),
    GCN(),
    LCN(5),
    RowWiseDecomposition(),
    CNN1D(channels=(8, 16), max_epochs=15, random_state=0),
)
search = GridSearchCV(
    model,
    {"lcn__kernel_size": [5, 15], "cnn1d__dropout": [0.1, 0.4]},
    scoring=["recall", "precision"],
    refit="recall",
    cv=StratifiedKFold(3, shuffle=True, random_state=0),
)
search.fit(frames, run.target)
print(search.best_params_)

# %%
# Look at all of it, not at the best alone
# ----------------------------------------
#
# Bars show how far the folds differ. Where they overlap the search has decided by chance, and the
# default is as good a choice.

found = search.cv_results_
names = [
    f"LCN {params['lcn__kernel_size']}\ndropout {params['cnn1d__dropout']}"
    for params in found["params"]
]
figure, ax = plt.subplots(figsize=(9, 4.5), layout="constrained")
for shift, score, colour in ((-0.1, "recall", "#c2410c"), (0.1, "precision", "#1d4ed8")):
    ax.errorbar(
        np.arange(len(names)) + shift,
        found[f"mean_test_{score}"],
        found[f"std_test_{score}"],
        fmt="o",
        capsize=3,
        color=colour,
        label=score,
    )
ax.set_xticks(range(len(names)), names)
ax.set(ylabel="mean of three folds, bars: deviation", title="SIMULATED run, 120 labels")
ax.axvspan(search.best_index_ - 0.4, search.best_index_ + 0.4, color="0.92", zorder=0)
ax.legend(loc="lower right")
plt.show()
