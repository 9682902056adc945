"""The default CNN1D on 10,000 vectors of 720 numbers, through `predict_proba`.

Two cores are ``joblib.parallel_config(n_jobs=2, backend="threading")`` here. The peers take batches
of 64, as the estimator does; for two cores each half of the batches gets a thread of its own. The
paper states 11,123 vectors per second for its own 1-D network, which is not this one, on an A100.
"""

import statistics
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import joblib
import numpy as np
import torch

from sklearn_sfx.exceptions import InputError

from .material import Material
from .rows import Row, faster, per_item
from .timing import interleave, paired_ratios, timed

N_VECTORS = 10_000
BATCH = 64
PAPER = 11_123  # vectors per second
CORES = {1: "one core", 2: "two cores"}


def measure(material: Material) -> list[Row]:
    estimator = material.model[-1]
    vectors = np.resize(material.vectors, (N_VECTORS, material.vectors.shape[1]))
    passes, why_no_onnx = {}, ""
    for n_cores in CORES:
        passes[f"ours {n_cores}"] = timed(_ours(estimator, vectors, n_cores))
        passes[f"torch {n_cores}"] = timed(_torch(estimator, vectors, n_cores))
    try:
        for n_cores in CORES:
            passes[f"onnx {n_cores}"] = timed(_onnx(estimator, vectors, n_cores, material.folder))
    except (ImportError, InputError) as error:
        why_no_onnx = f"onnxruntime was not measured: {error}"
    seconds = interleave(passes, material.repeats(11))
    return [
        _row_of_paper(seconds, 2, least=1, aim=3),
        _row_of_paper(seconds, 1),
        _row_of_cost(seconds),
        *(_row(seconds, n_cores, "torch") for n_cores in CORES),
        *(_row(seconds, n_cores, "onnx", why_no_onnx) for n_cores in CORES),
    ]


def _ours(estimator, vectors: np.ndarray, n_cores: int) -> Callable[[], object]:
    def run() -> np.ndarray:
        with joblib.parallel_config(n_jobs=n_cores, backend="threading"):
            return estimator.predict_proba(vectors)

    return run


def _torch(estimator, vectors: np.ndarray, n_cores: int) -> Callable[[], object]:
    network = estimator.net_.module_.eval()

    @torch.inference_mode()
    def run(part: np.ndarray) -> np.ndarray:
        batches = torch.from_numpy(part).split(BATCH)
        return torch.cat([network(batch).softmax(dim=1) for batch in batches]).numpy()

    return lambda: _in_threads(run, vectors, n_cores)


def _onnx(estimator, vectors: np.ndarray, n_cores: int, folder: Path) -> Callable[[], object]:
    import onnxruntime

    from sklearn_sfx import to_onnx

    path = folder / "network.onnx"
    to_onnx(estimator, path)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def run(part: np.ndarray) -> np.ndarray:
        batches = (part[i : i + BATCH] for i in range(0, len(part), BATCH))
        return np.concatenate([session.run(["probability"], {"X": x})[0] for x in batches])

    return lambda: _in_threads(run, vectors, n_cores)


def _in_threads(run: Callable, vectors: np.ndarray, n_threads: int) -> np.ndarray:
    with ThreadPoolExecutor(n_threads) as threads:
        return np.concatenate(list(threads.map(run, np.array_split(vectors, n_threads))))


def _row(seconds: dict, n_cores: int, peer: str, note: str = "") -> Row:
    what = f"CNN1D, {CORES[n_cores]}"
    against = {"torch": "torch, eager", "onnx": "onnxruntime"}[peer]
    if f"{peer} {n_cores}" not in seconds:
        return Row(what, against, (), note=note)
    return faster(what, against, seconds, f"ours {n_cores}", f"{peer} {n_cores}", N_VECTORS)


def _row_of_paper(seconds: dict, n_cores: int, **demanded: float) -> Row:
    rates = [N_VECTORS / one for one in seconds[f"ours {n_cores}"]]
    return Row(
        f"CNN1D, vectors per second, {CORES[n_cores]}",
        "the paper's 11,123 on an A100",
        tuple(rate / PAPER for rate in rates),
        **demanded,
        ours=f"{statistics.median(rates):,.0f}/s",
        peer=f"{PAPER:,}/s",
    )


def _row_of_cost(seconds: dict) -> Row:
    ours, bare = seconds["ours 1"], seconds["torch 1"]
    return Row(
        "time of predict_proba, as a share (lower is better)",
        "the bare torch module",
        tuple(paired_ratios(ours, bare)),
        least=1.1,
        aim=1.0,
        lower_is_better=True,
        ours=per_item(ours, N_VECTORS),
        peer=per_item(bare, N_VECTORS),
    )
