"""
The threshold for a wanted recall
=================================

"Find 90 % of the hits" is a wish about frames to come. ``TargetRecallClassifier`` chooses the
threshold for it with a confidence, from labels that the network was not trained on. The frames are
SIMULATED.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.pipeline import make_pipeline

from sklearn_sfx import (
    CNN1D,
    GCN,
    LCN,
    RecallThresholdDisplay,
    RowWiseDecomposition,
    TargetRecallClassifier,
    evaluate,
    make_sfx_frames,
)

run = make_sfx_frames(400, frame_shape=(192, 192), hit_rate=0.3, random_state=0)
prepare = make_pipeline(GCN(), LCN(5), RowWiseDecomposition())
vectors = np.asarray(prepare.fit_transform(run.data))
train, test = slice(200), slice(200, None)

# %%
# Ask for a recall
# ----------------
#
# Five folds give each labelled hit the probability that a network gives it which was not trained
# on it. The threshold is the highest that keeps enough of them for the lower bound of the recall
# to be 0.9, nine times in ten.

network = CNN1D(channels=(8, 16), max_epochs=15, random_state=0)
model = TargetRecallClassifier(network, recall=0.9, confidence=0.9, random_state=0)
model.fit(vectors[train], run.target[train])
print(f"threshold {model.threshold_:.3f}, recall of the labelled hits {model.recall_:.3f}")

# %%
# What it gives, and what it costs
# --------------------------------
#
# On the other 200 frames, beside the usual 0.5:

target = run.target[test]
probability = model.predict_proba(vectors[test])[:, 1]
for threshold in (0.5, model.threshold_):
    print(f"{threshold:.3f}: {evaluate(target, probability >= threshold)}")

# %%
# Recall falls slowly and precision rises slowly with the threshold, until both turn. The share of
# frames that are kept is what the disk sees. The bands are 95 % intervals: with few hits that of
# the recall is wide, and a threshold that looks better inside it is not.

display = RecallThresholdDisplay.from_estimator(model, vectors[test], target)
display.ax_.axhline(0.9, color="black", lw=0.6, ls=":")
display.ax_.set_title("SIMULATED run, 200 frames not trained on")
plt.show()
