"""How many frames and vectors this machine decides in a second."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import torch
from sklearn.pipeline import make_pipeline

from sklearn_sfx.classifiers import CNN1D, CNN2D
from sklearn_sfx.preprocessing import GCN, LCN, RowWiseDecomposition
from sklearn_sfx.reproduction._data import cropped, load_run, raw_run
from sklearn_sfx.reproduction._runs import NAMES
from sklearn_sfx.reproduction._study import Study

__all__ = ["processor_name", "throughput"]

ROUNDS = 5
MANY_VECTORS = 50  # so many times more vectors than frames are timed


def throughput(study: Study, where: tuple[()], seed: int) -> dict[str, Any]:
    """Time the networks alone, and with all that comes before them from the file on."""
    run, scale = load_run(study, NAMES[0], seed), study.scale
    n = min(scale.timed, len(run.target))
    cnn1d = CNN1D(channels=scale.vector_channels, max_epochs=1, random_state=0)
    cnn2d = CNN2D(channels=scale.channels, max_epochs=1, random_state=0)
    some = np.sort(np.concatenate([np.flatnonzero(run.target == value)[:10] for value in (0, 1)]))
    cnn1d.fit(run.vectors[some], run.target[some])
    cnn2d.fit(run.frames[some], run.target[some])
    vectors = np.tile(run.vectors[:n], (MANY_VECTORS, 1))
    frames = np.asarray(run.frames[:n], dtype=np.float32)
    crops = cropped(raw_run(study, NAMES[0], seed), scale)[:n]
    to_frames = make_pipeline(GCN(), LCN(5)).fit_transform(crops)
    to_vectors = make_pipeline(GCN(), LCN(5), RowWiseDecomposition()).fit_transform(crops)
    n_threads = joblib.cpu_count()
    with joblib.parallel_config("threading", n_jobs=n_threads):
        rates = {
            "vectors": len(vectors) / _seconds(lambda: cnn1d.predict_proba(vectors)),
            "frames": n / _seconds(lambda: cnn2d.predict_proba(frames)),
            "to_vectors": n / _seconds(lambda: np.asarray(to_vectors)),
            "to_frames": n / _seconds(lambda: sum(len(block) for block in to_frames.blocks())),
        }
    device = str(next(cnn2d.net_.module_.parameters()).device)
    if device != "cpu":
        device = torch.cuda.get_device_name(device)
    return {
        "rates": rates,
        "processor": processor_name(),
        "device": device,
        "threads": n_threads,
        "frame_shape": list(frames.shape[1:]),
        "vector_length": vectors.shape[1],
        "stored_shape": list(raw_run(study, NAMES[0], seed).data.shape[1:]),
    }


def _seconds(work: Callable[[], Any]) -> float:
    """Return the median time of a few rounds, after one that does not count."""
    work()
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return float(np.median(times))


def processor_name() -> str:
    """Return the model name of the processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
