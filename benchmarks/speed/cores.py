"""Frames per second of so many threads, or processes, in one program.

Frames are Poisson noise, 1920 x 1920 uint16, in memory or in a bitshuffle-LZ4 file, and the
pipeline is that of the other sections. Threads are ``joblib.parallel_config(n_jobs=n,
backend="threading")``, processes the same with loky. Each gets 128 frames, two batches of the
network: 64 frames are read again and again, but processes, to which frames are sent, have 256 among
them. *Against* is one thread of the same run; the machine has to be idle. What it gives to as many
processes that share nothing is said beside it.
"""

import resource
import time
from collections.abc import Callable

import hdf5plugin
import joblib
import numpy as np
from sklearn.pipeline import Pipeline, make_pipeline

from sklearn_sfx import open_frames
from sklearn_sfx.classifiers import CNN1D
from sklearn_sfx.frames import Frames

from .material import Material, preprocessing, write_frames
from .rows import Row

N_OF_EACH = 128  # frames for each worker
N_SENT = 256  # frames for all processes together
N_FEW = 64
N_OF_OWN = 31  # times that each process decides on its own, so that all are at it at once
SIDE = 1920
TINY = 8  # pixels along a side; what is left of the time of such frames is that of Python
NOT_MEASURED = [
    Row(
        what, "one thread", (), note="No machine of many cores was there where these were measured."
    )
    for what in ("prepared", "whole frames in memory to probability", "bitshuffle-LZ4 file")
]


def measure(material: Material, n_cores: list[int]) -> list[Row]:
    few = np.random.default_rng(0).poisson(200, (N_FEW, SIDE, SIDE)).astype(np.uint16)
    sent = open_frames(np.concatenate([few] * (N_SENT // N_FEW)))
    path = material.folder / "cores.h5"
    write_frames(path, few, dict(hdf5plugin.Bitshuffle(cname="lz4")))
    run, file_run = open_frames(few), open_frames(path)
    steps = make_pipeline(*preprocessing())
    vectors = np.asarray(steps.fit_transform(open_frames(few)))
    network = CNN1D(max_epochs=3, random_state=0, device="cpu")
    network.fit(vectors, np.tile([0, 1], N_FEW // 2))
    model = make_pipeline(*(step for _, step in steps.steps), network)
    works: dict[str, tuple[str, Callable[[Frames], object], Frames]] = {
        "prepared": ("threading", lambda frames: np.asarray(steps.transform(frames)), run),
        "whole frames in memory to probability": ("threading", model.predict_proba, run),
        "the same in processes": ("loky", model.predict_proba, sent),
        "bitshuffle-LZ4 file to probability": ("threading", model.predict_proba, file_run),
    }
    rows = []
    for what, (backend, function, frames) in works.items():
        alone = None
        for n in n_cores:
            some = frames if frames is sent else frames[np.arange(n * N_OF_EACH) % N_FEW]
            with joblib.parallel_config(n_jobs=n, backend=backend):
                rates = _rates(function, some, material.repeats(5))
            alone = alone or float(np.median(rates))
            ratios = tuple(rate / alone for rate in rates)
            unit = "threads" if backend == "threading" else "processes"
            speed = f"{np.median(rates):,.0f}/s"
            print(f"{what}, {n} {unit}: {speed}", flush=True)  # a run may be broken off
            rows.append(
                Row(f"{what}, {n} {unit}", "one", ratios, ours=speed, peer=f"{alone:,.0f}/s")
            )
    rows += _rows_of_costs(steps, network, sent)
    return [*rows, *_rows_apart(model, max(n_cores), material.repeats(3))]


def _rates(function: Callable[[Frames], object], frames, repeats: int) -> list[float]:
    function(frames)
    rates = []
    for _ in range(repeats):
        start = time.perf_counter()
        function(frames)
        rates.append(len(frames) / (time.perf_counter() - start))
    return rates


def _rows_apart(model: Pipeline, n_most: int, repeats: int) -> list[Row]:
    """Return what as many processes make of the same work that share nothing but the machine."""
    rates: dict[int, list[float]] = {1: [], n_most: []}
    with joblib.Parallel(n_jobs=n_most) as parallel:
        for n, found in rates.items():
            for _ in range(repeats + 1):
                seconds = parallel(joblib.delayed(_decide_own)(model) for _ in range(n))
                found.append(n * N_OF_EACH / max(seconds))
    alone = float(np.median(rates[1][1:]))
    return [
        Row(
            f"whole frames in memory to probability, {n} processes that share nothing",
            "one",
            tuple(rate / alone for rate in found[1:]),
            ours=f"{np.median(found[1:]):,.0f}/s",
            peer=f"{alone:,.0f}/s",
        )
        for n, found in rates.items()
    ]


def _decide_own(model: Pipeline) -> float:
    """Return the seconds that frames of one's own took, in the middle of what takes a while."""
    frames = np.random.default_rng(0).integers(180, 220, (N_FEW, SIDE, SIDE), dtype=np.uint16)
    run, seconds = open_frames(frames)[np.arange(N_OF_EACH) % N_FEW], []
    for _ in range(N_OF_OWN):
        start = time.perf_counter()
        model.predict_proba(run)
        seconds.append(time.perf_counter() - start)
    return float(np.median(seconds))


def _rows_of_costs(steps, network, run) -> list[Row]:
    """Return what Python takes for each frame, and the pages that each is given."""
    tiny = open_frames(np.ones((20_000, TINY, TINY), np.uint16))
    short = make_pipeline(*preprocessing(TINY)).fit(tiny)
    np.asarray(short.transform(tiny))
    start = time.perf_counter()
    np.asarray(short.transform(tiny))
    preparing = (time.perf_counter() - start) / len(tiny) * 1e6
    vectors = np.ones((20_000, network.n_features_in_), np.float32)
    whole, alone = [], []
    for _ in range(5):
        start = time.perf_counter()
        network.predict_proba(vectors)
        whole.append(time.perf_counter() - start)
        alone.append(_of_network(network, vectors))
    predicting = (min(whole) - min(alone)) / len(vectors) * 1e6
    np.asarray(steps.transform(run[:100]))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    np.asarray(steps.transform(run[100:]))
    faults = (resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) / (len(run) - 100)
    bounds = {"least": 20, "aim": 10, "lower_is_better": True}
    return [
        Row("microseconds of Python for each frame, preparing", "", (preparing,), **bounds),
        Row("microseconds of Python for each frame, predicting", "", (predicting,), **bounds),
        Row("page faults for each frame", "", (faults,), least=5, aim=0, lower_is_better=True),
    ]


def _of_network(network, vectors: np.ndarray) -> float:
    """Return the seconds of the same network on batches that lie ready."""
    import torch

    from sklearn_sfx.networks import for_inference

    module = for_inference(network.net_.module_.eval())
    batches = torch.from_numpy(vectors).split(64)
    with torch.inference_mode():
        module(batches[0])
        start = time.perf_counter()
        for batch in batches:
            module(batch).double().softmax(dim=1)
        return time.perf_counter() - start
