"""
A transformer and a network of your own
=======================================

Parts are ordinary: a transformer is any scikit-learn transformer, a base is a torch module that
says how many features it gives, and one class says how it is built. Here row vectors are divided by
their median, and a network with a wide view reads them. The frames are SIMULATED.
"""

import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.utils.validation import validate_data
from torch import nn

from sklearn_sfx import CNN1D, GCN, LCN, RowWiseDecomposition, make_sfx_frames
from sklearn_sfx.classifiers import NetworkClassifier, VectorDesign

# %%
# A transformer
# -------------
#
# It takes arrays, and ``np.asarray`` reads a lazy run: after row-wise decomposition that is one
# number for each row. A step that works on whole frames and stays lazy is an object for
# ``Frames.append``.


class DivideByMedian(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Divide each vector by its median, so that detectors in other units look alike."""

    def fit(self, X, y=None):
        validate_data(self, np.asarray(X))
        return self

    def transform(self, X):
        X = validate_data(self, np.asarray(X), reset=False)
        return X / np.maximum(np.median(X, axis=1, keepdims=True), 1e-6)


# %%
# A base
# ------
#
# It turns vectors (n, length) into features (n, n_features). ``n_features`` has to be there;
# ``blocks``, bottom first, are what ``FineTuned`` can unfreeze.


class WideBase(nn.Module):
    """Three dilated convolutions: each value sees 29 rows."""

    def __init__(self, width):
        super().__init__()
        self.n_features = width
        self.blocks = nn.Sequential()
        for n_in, dilation in ((1, 1), (width, 2), (width, 4)):
            conv = nn.Conv1d(n_in, width, 5, dilation=dilation, padding=2 * dilation)
            self.blocks.append(nn.Sequential(conv, nn.BatchNorm1d(width), nn.ReLU()))

    def forward(self, x):
        return self.blocks(torch.asinh(x).unsqueeze(1)).amax(dim=2)


# %%
# One class more makes it a network that is trained, cloned, searched, stored and tuned like those
# of the package: a design with one method. ``NetworkClassifier`` trains it; in a grid its parameter
# is ``design__width``. ``DANN(WideDesign())`` and ``FineTuned`` take it too. For whole frames it
# would be a ``FrameDesign``.


class WideDesign(VectorDesign):
    """A network on WideBase."""

    def __init__(self, width=32):
        self.width = width

    def build_base(self, frame_shape):
        return WideBase(self.width)


# %%
# Side by side
# ------------
#
# Own parts go into cross-validation like all others.

run = make_sfx_frames(120, frame_shape=(160, 160), hit_rate=0.4, random_state=0)
vectors = make_pipeline(GCN(), LCN(5), RowWiseDecomposition()).fit_transform(run.data)
X = np.asarray(vectors)
models = {
    "CNN1D": CNN1D(max_epochs=12, random_state=0),
    "own transformer\n+ CNN1D": make_pipeline(
        DivideByMedian(), CNN1D(max_epochs=12, random_state=0)
    ),
    "own transformer\n+ own network": make_pipeline(
        DivideByMedian(), NetworkClassifier(WideDesign(), max_epochs=12, random_state=0)
    ),
}
folds = StratifiedKFold(3, shuffle=True, random_state=0)
scores = {
    name: cross_val_score(model, X, run.target, scoring="average_precision", cv=folds)
    for name, model in models.items()
}

figure, ax = plt.subplots(figsize=(7.5, 4.5), layout="constrained")
for place, values in enumerate(scores.values()):
    ax.plot([place] * len(values), values, "o", color="#c2410c", alpha=0.7)
    ax.hlines(values.mean(), place - 0.2, place + 0.2, color="black")
ax.set_xticks(range(len(scores)), scores)
ax.set(
    ylabel="average precision", title="SIMULATED run: three folds, line = mean", xlim=(-0.5, 2.5)
)
plt.show()
