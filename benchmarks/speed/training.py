"""The default CNN1D on 200 labels: five folds and the last fit, as `sfx train` does them.

Ours is `held_out_probability`, with the last fit in its midst, under
``joblib.parallel_config(n_jobs=2, backend="threading")``; it needs two idle cores. The peer trains
the same networks with scikit-learn, one after the other in this process. Both give the same
probabilities. Each pass of ours starts its process anew.
"""

from collections.abc import Callable

import joblib
import numpy as np
from sklearn.base import clone
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline

from sklearn_sfx import CNN1D
from sklearn_sfx.classifiers import held_out_probability

from .material import Material
from .rows import Row, faster
from .timing import interleave, timed

N_LABELS = 200
EPOCHS_QUICK = 10  # a quick run makes do with these
REPEATS = 3
FOLDS = StratifiedKFold(5, shuffle=True, random_state=0)


def measure(material: Material) -> list[Row]:
    vectors = np.resize(material.vectors, (N_LABELS, material.vectors.shape[1]))
    labels = np.resize(material.run.target, N_LABELS)
    network = CNN1D(random_state=0)
    if material.quick:
        network.set_params(max_epochs=EPOCHS_QUICK)
    passes = {
        name: timed(make(network, vectors, labels))
        for name, make in (("ours", _ours), ("peer", _one_after_the_other))
    }
    seconds = interleave(passes, material.repeats(REPEATS))
    return [
        faster(
            "training on 200 labels with five folds, two cores, per label",
            "scikit-learn's cross_val_predict and fit",
            seconds,
            "ours",
            "peer",
            N_LABELS,
        )
    ]


def _ours(network: CNN1D, vectors: np.ndarray, labels: np.ndarray) -> Callable[[], object]:
    folds = list(FOLDS.split(vectors, labels))

    def run() -> np.ndarray:
        last = clone(network)
        with joblib.parallel_config(n_jobs=2, backend="threading"):
            return held_out_probability(
                make_pipeline(network), vectors, labels, folds, lambda: last.fit(vectors, labels)
            )

    return run


def _one_after_the_other(
    network: CNN1D, vectors: np.ndarray, labels: np.ndarray
) -> Callable[[], object]:
    def run() -> np.ndarray:
        found = cross_val_predict(network, vectors, labels, cv=FOLDS, method="predict_proba")
        clone(network).fit(vectors, labels)
        return found[:, 1]

    return run
