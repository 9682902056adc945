"""From a bitshuffle-LZ4 file to the probability of a hit, frames of 1920 x 1920 uint16.

Ours is the pipeline CentralCrop, GCN, LCN, RowWiseDecomposition, CNN1D on `open_frames(path)`. The
peer is what one would write with h5py, scipy (float64) and torch: the same network with the same
weights, in inference mode, in batches of 32. Both read a file of 64 frames.

Two workers are ``joblib.parallel_config(n_jobs=2, backend="threading")``; they need two idle cores.
Their run has 1024 frames, the file read again and again. What the machine gives to two is said
beside it: the preprocessing of frames in memory by two processes that share nothing.
"""

from collections.abc import Callable
from pathlib import Path

import h5py
import joblib
import numpy as np
import torch
from sklearn.pipeline import make_pipeline
from torch import nn

from sklearn_sfx import open_frames

from .material import DATASET, N_FRAMES, Material, preprocessing
from .peers.vectors import one_with_scipy
from .rows import Row, faster
from .timing import interleave, timed

WHAT = "bitshuffle-LZ4 file to probability"
BATCH = 32
N_LONG = 1024


def measure(material: Material) -> list[Row]:
    path = material.file("bitshuffle-LZ4")
    network = material.model[-1].net_.module_.eval()
    model, run = material.model, open_frames(path)
    long_run = run[np.arange(N_LONG) % len(run)]
    functions = {
        "ours": lambda: model.predict_proba(open_frames(path)),
        "peer": lambda: as_one_would_write(path, network),
        "one": lambda: model.predict_proba(long_run),
        "two": _on_two_workers(lambda: model.predict_proba(long_run)),
        "alone": lambda: _in_processes(1),
        "apart": lambda: _in_processes(2),
    }
    off = float(np.abs(functions["ours"]() - functions["peer"]()).max())
    passes = {name: timed(function) for name, function in functions.items()}
    seconds = interleave(passes, material.repeats(9))
    note = f"The probabilities of both ways differ by {off:.0e} at most."
    demanded = {"least": 9, "aim": 12, "note": note}
    of_two = {"least": 1.7, "aim": 1.95}
    return [
        faster(WHAT, "h5py + scipy + torch", seconds, "ours", "peer", N_FRAMES, **demanded),
        faster(f"{WHAT}, two workers", "one worker", seconds, "two", "one", N_LONG, **of_two),
        faster(
            "preprocessing, two processes that share nothing",
            "one process",
            seconds,
            "apart",
            "alone",
            N_LONG,
        ),
    ]


def as_one_would_write(path: Path, network: nn.Module) -> np.ndarray:
    with h5py.File(path) as file:
        dataset = file[DATASET]
        vectors = [one_with_scipy(dataset[i]) for i in range(len(dataset))]
    with torch.inference_mode():
        parts = [
            network(batch).softmax(dim=1)
            for batch in torch.from_numpy(np.array(vectors, np.float32)).split(BATCH)
        ]
    return torch.cat(parts).numpy()


def _on_two_workers(function: Callable[[], object]) -> Callable[[], object]:
    def run() -> object:
        with joblib.parallel_config(n_jobs=2, backend="threading"):
            return function()

    return run


def _in_processes(n_processes: int) -> None:
    joblib.Parallel(n_jobs=n_processes)([joblib.delayed(_preprocess)(N_LONG // 2)] * 2)


def _preprocess(n_frames: int) -> None:
    frames = open_frames(np.random.default_rng(0).poisson(200, (4, 900, 900)).astype(np.uint16))
    chosen = frames[np.arange(n_frames) % len(frames)]
    np.asarray(make_pipeline(*preprocessing()).fit_transform(chosen))
