"""
200 labels or fewer
===================

Recall at a precision of 0.9 against the number of labels, for three ways to use them, on SIMULATED
frames: counting peaks, the heights of the strongest peaks, and row vectors with a network. What
was measured, with more seeds and on larger crops, is on the page of :doc:`results </results>`;
this is how to draw a picture of your own run.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import precision_recall_curve
from sklearn.pipeline import make_pipeline

from sklearn_sfx import (
    CNN1D,
    GCN,
    LCN,
    FewLabelsWarning,
    LabelEfficiencyDisplay,
    PeakCountClassifier,
    PeakHeightClassifier,
    PixelMask,
    RowWiseDecomposition,
    make_sfx_frames,
)

run = make_sfx_frames(260, domain="L498", frame_shape=(192, 192), hit_rate=0.4, random_state=0)
raw = np.asarray(PixelMask(detect=True).fit_transform(run.data))
vectors = make_pipeline(GCN(), LCN(5), RowWiseDecomposition()).fit_transform(raw)
test = slice(120, None)

# %%
# Three methods, the same labels
# ------------------------------
#
# The labelled frames are drawn from the first 120, twice; the last 140 are for the test. With
# fewer than ten labels of a class the network warns; here that is known, and wanted.

methods = {
    "peak count": (PeakCountClassifier(), raw),
    "strongest peaks": (PeakHeightClassifier(), raw),
    "row vectors + CNN1D": (CNN1D(channels=(8, 16), max_epochs=20, random_state=0), vectors),
}


def recall_at_precision(model, X, y, precision=0.9):
    """Return the highest recall of a threshold with at least this precision."""
    precisions, recalls, _ = precision_recall_curve(y, model.predict_proba(X)[:, 1])
    return recalls[precisions >= precision].max()


table = {"method": [], "n_labels": [], "seed": [], "recall": []}
for seed in (0, 1):
    order = np.random.default_rng(seed).permutation(120)
    for name, (model, X) in methods.items():
        for n in (20, 50, 120):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", FewLabelsWarning)
                model.fit(X[order[:n]], run.target[order[:n]])
            recall = recall_at_precision(model, X[test], run.target[test])
            for column, value in zip(table, (name, n, seed, recall), strict=True):
                table[column].append(value)

# %%
# Where labels pay
# ----------------
#
# A count puts the frames in the same order whatever the labels, and this score looks at the order
# alone: its line is flat. The strongest peaks start from simulated frames, and labels move them
# to what is a hit here. The network has to learn what a spot is. Simulated labels follow what a
# peak finder measures, so a comparison that is to decide something takes your own labels.

display = LabelEfficiencyDisplay.from_predictions(**table)
display.ax_.set(ylabel="recall at precision 0.9", ylim=(0, 1.02))
display.ax_.set_title("SIMULATED run like L498, 140 test frames")
plt.show()
