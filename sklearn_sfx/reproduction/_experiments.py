"""The experiments of the paper. Each cell of one is a function of the study, of runs and a seed."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import joblib
import numpy as np

from sklearn_sfx._files import replacing
from sklearn_sfx.classifiers import CNN1D, CNN2D, DANN, FineTuned, best_count
from sklearn_sfx.reproduction._data import Run, joined, load_run
from sklearn_sfx.reproduction._metrics import counted
from sklearn_sfx.reproduction._runs import DIALS_SPOTS, NAMES
from sklearn_sfx.reproduction._splits import Split, split
from sklearn_sfx.reproduction._study import Study

__all__ = ["dann", "enough", "few", "fine_tuned", "reversal", "trained", "vectors"]

BATCH_FINE_TUNED = 16  # as CNN2D, which made the base
BATCH_DANN = 32  # as many frames of the source in a step as CNN2D
ADVERSARY = 1.0  # strength of the reversal in the paper; by default frames have none


def enough(study: Study, where: tuple[str], seed: int) -> dict[str, Any]:
    """CNN2D with enough labels, tested on its own run and on all of the others (tables 1, 7)."""
    run = load_run(study, where[0], seed)
    parts = _split(study, run, seed, few=False)
    network, seconds = trained(study, "enough", where, seed)
    tests = {run.name: _tested(network.predict(run.frames[parts.test]), run, run, parts)}
    for other in _others(study, run, seed):
        tests[other.name] = _tested(network.predict(other.frames), run, other, parts, whole=True)
    return _outcome(run, parts, seconds, tests)


def few(study: Study, where: tuple[str], seed: int) -> dict[str, Any]:
    """CNN2D with few labels (table 2)."""
    run = load_run(study, where[0], seed)
    parts = _split(study, run, seed, few=True)
    network, seconds = trained(study, "few", where, seed)
    tests = {run.name: _tested(network.predict(run.frames[parts.test]), run, run, parts)}
    return _outcome(run, parts, seconds, tests)


def fine_tuned(study: Study, where: tuple[str, str], seed: int) -> dict[str, Any]:
    """FineTuned with few labels of the target, from the CNN2D of the source (table 3)."""
    run = load_run(study, where[1], seed)
    parts = _split(study, run, seed, few=True)
    network, seconds = trained(study, "fine_tuned", where, seed)
    tests = {run.name: _tested(network.predict(run.frames[parts.test]), run, run, parts)}
    return _outcome(run, parts, seconds, tests)


def vectors(study: Study, where: tuple[str], seed: int) -> dict[str, Any]:
    """RWD and CNN1D with few labels, tested as `enough` is (tables 4, 7)."""
    run = load_run(study, where[0], seed)
    parts = _split(study, run, seed, few=True)
    network, seconds = trained(study, "vectors", where, seed)
    tests = {run.name: _tested(network.predict(run.vectors[parts.test]), run, run, parts)}
    for other in _others(study, run, seed):
        tests[other.name] = _tested(network.predict(other.vectors), run, other, parts, whole=True)
    return _outcome(run, parts, seconds, tests)


def dann(study: Study, where: tuple[str, str], seed: int) -> dict[str, Any]:
    """DANN with all labels of the source and none of the target, tested on all of it (table 5)."""
    _, outcome = _across(study, "dann", where, seed)
    return outcome


def reversal(study: Study, where: tuple[str, str], seed: int) -> dict[str, Any]:
    """DANN whose gradient is reversed as strongly as in the paper, and how it trains (table 5)."""
    network, outcome = _across(study, "reversal", where, seed)
    names = ("label_loss", "label_accuracy", "domain_loss", "domain_accuracy")
    history = {name: [float(epoch[name]) for epoch in network.history_] for name in names}
    return outcome | {"history": history}


def _across(
    study: Study, experiment: str, where: tuple[str, str], seed: int
) -> tuple[DANN, dict[str, Any]]:
    source, target = (load_run(study, name, seed) for name in where)
    everything = Split(np.arange(len(source.target)), np.arange(0), np.arange(0))
    network, seconds = trained(study, experiment, where, seed)
    decision = network.predict(target.frames)
    tests = {target.name: _tested(decision, source, target, everything, whole=True)}
    return network, _outcome(source, everything, seconds, tests)


# -- Networks, each of which is trained once -----------------------------------------------------


def trained(study: Study, experiment: str, where: tuple[str, ...], seed: int) -> tuple[Any, float]:
    """Return the network of a cell and how many seconds its training took, from disk if there."""
    path = study.network_path(experiment, where, seed)
    if not path.exists():
        began = time.perf_counter()
        network = TRAINING[experiment](study, where, seed)
        made = (network, time.perf_counter() - began)
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary:
            joblib.dump(made, temporary)
    return joblib.load(path)


def _train_enough(study: Study, where: tuple[str], seed: int) -> CNN2D:
    return _train_cnn2d(study, where, seed, few=False)


def _train_few(study: Study, where: tuple[str], seed: int) -> CNN2D:
    return _train_cnn2d(study, where, seed, few=True)


def _train_cnn2d(study: Study, where: tuple[str], seed: int, *, few: bool) -> CNN2D:
    scale, run = study.scale, load_run(study, where[0], seed)
    rows = _split(study, run, seed, few=few).train
    epochs = scale.few_epochs if few else scale.enough_epochs
    network = CNN2D(channels=scale.channels, max_epochs=epochs, random_state=seed)
    return network.fit(run.frames[rows], run.target[rows])


def _train_fine_tuned(study: Study, where: tuple[str, str], seed: int) -> FineTuned:
    scale, run = study.scale, load_run(study, where[1], seed)
    rows = _split(study, run, seed, few=True).train
    base, _ = trained(study, "enough", where[:1], seed)
    network = FineTuned(
        base,
        head_max_epochs=scale.head_epochs,
        max_epochs=scale.tuned_epochs,
        batch_size=BATCH_FINE_TUNED,
        random_state=seed,
    )
    return network.fit(run.frames[rows], run.target[rows])


def _train_vectors(study: Study, where: tuple[str], seed: int) -> CNN1D:
    scale, run = study.scale, load_run(study, where[0], seed)
    rows = _split(study, run, seed, few=True).train
    network = CNN1D(
        channels=scale.vector_channels, max_epochs=scale.vector_epochs, random_state=seed
    )
    return network.fit(run.vectors[rows], run.target[rows])


def _train_dann(
    study: Study, where: tuple[str, str], seed: int, max_lambda: float | str = "auto"
) -> DANN:
    scale = study.scale
    source, target = (load_run(study, name, seed) for name in where)
    network = DANN(
        CNN2D(channels=scale.channels),
        max_epochs=scale.dann_epochs,
        batch_size=BATCH_DANN,
        max_lambda=max_lambda,
        random_state=seed,
    )
    known = np.concatenate([source.target, np.full(len(target.target), -1)])
    return network.fit(joined(source, target), known)


TRAINING: dict[str, Callable] = {
    "enough": _train_enough,
    "few": _train_few,
    "fine_tuned": _train_fine_tuned,
    "vectors": _train_vectors,
    "dann": _train_dann,
    "reversal": partial(_train_dann, max_lambda=ADVERSARY),
}

# -- What is measured ----------------------------------------------------------------------------


def _split(study: Study, run: Run, seed: int, *, few: bool) -> Split:
    return split(run.target, few=few, sequential=study.sequential, seed=seed)


def _others(study: Study, run: Run, seed: int) -> list[Run]:
    return [load_run(study, name, seed) for name in NAMES if name != run.name]


def _tested(
    decision: np.ndarray, source: Run, run: Run, parts: Split, *, whole: bool = False
) -> dict[str, Any]:
    """Count how a decision agrees with the labels, and those of others on the same frames.

    The peak count has learned from the labels of `source` that trained the network.
    """
    rows = np.arange(len(run.target)) if whole else parts.test
    threshold = best_count(source.peaks[parts.train], source.target[parts.train] == 1)
    target = run.target[rows]
    result = {
        "model": counted(target, decision),
        "peaks": counted(target, (run.peaks[rows] >= threshold).astype(int)),
        "dials": None,
    }
    if run.spots is not None:
        result["dials"] = counted(target, (run.spots[rows] >= DIALS_SPOTS[run.name]).astype(int))
    return result


def _outcome(run: Run, parts: Split, seconds: float, tests: dict[str, Any]) -> dict[str, Any]:
    return {
        "labels": len(parts.train),
        "labelled_hits": int(run.target[parts.train].sum()),
        "validation": len(parts.validate),
        "train_seconds": seconds,
        "tests": tests,
    }
