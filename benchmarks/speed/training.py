"""The default CNN1D on 200 labels: five folds and the last fit, as `sfx train` does them.

Ours is `held_out_probability`, with the last fit in its midst, under
``joblib.parallel_config(n_jobs=2, backend="threading")``; it needs two idle cores. The peer trains
the same networks with scikit-learn, one after the other in this process. Both give the same
probabilities. Each pass of ours starts its process anew.

A step, forward and backward in one thread, is of the same base and batch in both; the peer calls
its layers one after the other.
"""

from collections.abc import Callable

import joblib
import numpy as np
import torch
from sklearn.base import clone
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline

from sklearn_sfx import CNN1D
from sklearn_sfx.classifiers import held_out_probability
from sklearn_sfx.networks import Base1D, Base2D

from .material import Material
from .rows import Row, faster
from .timing import interleave, timed

N_LABELS = 200
EPOCHS_QUICK = 10  # a quick run makes do with these
REPEATS, REPEATS_STEP, REPEATS_FRAMES = 3, 31, 5
FRAMES_IN_STEP = 16  # 720 x 720, of noise
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
        ),
        _step_of_vectors(vectors[: network.batch_size], material.repeats(REPEATS_STEP)),
        _step_of_frames(material),
    ]


def _step_of_vectors(batch: np.ndarray, repeats: int) -> Row:
    vectors, base = torch.from_numpy(batch).float(), Base1D(dropout=0.2).train()

    def layer_by_layer() -> torch.Tensor:
        x = base.blocks(torch.asinh(base.scale(vectors.unsqueeze(1))))
        return torch.cat([x.mean(dim=2), x.amax(dim=2)], dim=1)

    what = "a step of the training of CNN1D's base, one core, per vector"
    return _step_row(what, lambda: base(vectors), layer_by_layer, len(batch), repeats)


def _step_of_frames(material: Material) -> Row:
    rng = np.random.default_rng(0)
    frames = torch.from_numpy(rng.standard_normal((FRAMES_IN_STEP, 720, 720), np.float32))
    base = Base2D((720, 720), dropout=0.5).train()
    what = "a step of the training of CNN2D's base, one core, per frame"
    return _step_row(
        what,
        lambda: base(frames),
        lambda: base.blocks(frames.unsqueeze(1)).flatten(1),
        len(frames),
        material.repeats(REPEATS_FRAMES),
    )


def _step_row(
    what: str,
    ours: Callable[[], torch.Tensor],
    layer_by_layer: Callable[[], torch.Tensor],
    n_rows: int,
    repeats: int,
) -> Row:
    """Measure two ways to features, and back again."""
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        passes = {
            name: timed(lambda features=features: features().sum().backward())
            for name, features in (("ours", ours), ("peer", layer_by_layer))
        }
        seconds = interleave(passes, repeats)
    finally:
        torch.set_num_threads(n_threads)
    return faster(what, "torch, layer by layer", seconds, "ours", "peer", n_rows)


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
