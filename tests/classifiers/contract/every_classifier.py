"""Each classifier, small and quick, and what trains it on what suits it."""

import numpy as np

from sklearn_sfx.classifiers import (
    CNN1D,
    CNN2D,
    DANN,
    FineTuned,
    NetworkClassifier,
    PeakCountClassifier,
    PeakHeightClassifier,
)
from sklearn_sfx.frames import open_frames
from sklearn_sfx.preprocessing import RowWiseDecomposition
from tests.classifiers.own_designs import WideDesign

TINY = {"channels": (4, 8), "n_hidden": 8, "max_epochs": 12, "lr": 0.02, "random_state": 0}
TINY_2D = {**TINY, "batch_size": 8, "lr": 0.01, "dropout": 0.0}
TUNED = {"head_max_epochs": 6, "max_epochs": 6, "head_lr": 0.02, "lr": 0.01, "random_state": 0}
ADAPTED = {"max_epochs": 12, "lr": 0.02, "batch_size": 32, "random_state": 0}
NETWORKS = (CNN1D, CNN2D, DANN, FineTuned, NetworkClassifier)
PEAKS = {"PeakCountClassifier": PeakCountClassifier, "PeakHeightClassifier": PeakHeightClassifier}
NAMES = ["CNN1D", "CNN2D", "own-1D", "FineTuned-1D", "FineTuned-2D", "DANN-1D", "DANN-2D"]


def unfitted(name, vectors, spotted, base=None):
    frames, _, is_hit = spotted
    X, y = vectors if name.endswith("1D") else (frames, is_hit)
    if name.startswith("FineTuned"):
        return FineTuned(base, **TUNED), X, y
    base = CNN1D(**TINY) if name.endswith("1D") else CNN2D(**TINY_2D)
    if name == "DANN-1D":
        return DANN(base, **ADAPTED), X, y
    if name == "DANN-2D":
        return DANN(base, **{**ADAPTED, "lr": 0.005, "batch_size": 16}), X, y
    if name in PEAKS:
        return PEAKS[name](), X, y
    if name == "own-1D":
        return NetworkClassifier(WideDesign(), max_epochs=12, lr=0.02, random_state=0), X, y
    return base, X, y


def lazy(X):
    """Return `Frames` that read as X; vectors, of positive numbers, by row-wise decomposition."""
    if X.ndim == 3:
        return open_frames(X)
    return RowWiseDecomposition().fit_transform(open_frames(np.stack([X, 0 * X], axis=2)))


def training(model, X, y):
    """Return X, y and what goes with them: DANN gets the frames again as an unlabelled target."""
    if not isinstance(model, DANN):
        return X, y, {}
    rows = np.repeat(np.arange(len(y)), 2)
    return X[rows], np.asarray(y)[rows], {"sample_domain": np.tile([0, -1], len(y))}


def fit(model, X, y):
    X, y, more = training(model, X, y)
    return model.fit(X, y, **more)


def brief(model):
    """Return a classifier that trains for two epochs, where nothing has to be learned."""
    names = {"max_epochs", "head_max_epochs"} & set(model.get_params(deep=False))
    return model.set_params(**dict.fromkeys(names, 2))


def legacy_state():
    return np.random.get_state()[1].copy()  # noqa: NPY002  (the global generator is the point)


def same(a, b):
    np.testing.assert_array_equal(a, b, strict=True)
