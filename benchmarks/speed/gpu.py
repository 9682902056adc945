"""Frames and vectors per second on a GPU, one process.

Frames are Poisson noise, 1920 x 1920 uint16, or their central 724 x 724, and the pipeline is that
of the other sections. *Resident* frames or vectors lie on the device before the clock starts;
*pinned* ones in host memory that the device fetches from by itself. Preprocessing is measured
before and after it is compiled, which happens by itself once a process has worked on 131,072 frames
of one kind. *Before* is what was measured on a GPU of the same kind (H100) before the tensor path
was written anew. Values are compared with those of the compiled loops of the processor. The peaks
of noise are few, so they are looked for in simulated frames of the size of the crops, too.
"""

import copy
import dataclasses
import pickle
import time
from collections.abc import Callable

import joblib
import numpy as np
import torch
from sklearn.base import clone
from sklearn.pipeline import make_pipeline

from sklearn_sfx import (
    CNN1D,
    CNN2D,
    GCN,
    LCN,
    CentralCrop,
    PixelMask,
    StrongestPeaks,
    make_sfx_frames,
    open_frames,
)
from sklearn_sfx.frames import blocks_on_device

from .material import CROP, Material, preprocessing, write_frames
from .rows import Row

DEVICE = torch.device("cuda")
N_FRAMES = 1024
N_VECTORS = 100_000
SIDE = 1920
COMPILED_AFTER = 2**17
NO_GPU = "No GPU was found where these were to be measured."
REPRODUCED = "difference of two trainings with one seed (lower is better)"
# What is measured, what it was before, and what is demanded: per second.
DEMANDED = {
    "resident crops to RWD, before it is compiled": (None, None, None),
    "resident crops to RWD": (2_467, 100_000, 180_000),
    "resident crops to RWD, masked": (None, None, None),
    "pinned whole frames to RWD": (None, None, None),
    "resident crops to strongest peaks": (None, None, None),
    "resident simulated frames to strongest peaks": (None, None, None),
    "pinned whole frames to probability, CNN1D": (1_687, 30_000, 44_000),
    "whole frames in memory to probability, CNN1D, a worker per core": (None, None, None),
    "bitshuffle-LZ4 file to crops, a worker per core": (None, None, None),
    "bitshuffle-LZ4 file to probability, CNN1D, a worker per core": (None, None, None),
    "the same without the GPU": (None, None, None),
    "CNN2D, resident frames": (8_803, 15_000, 40_000),
    "pinned whole frames to probability, CNN2D": (1_449, None, None),
    "CNN1D, vectors in an array": (98_623, None, None),
    "CNN1D, resident vectors": (131_253, None, None),
    "training of CNN1D, 200 vectors, in epochs": (None, None, None),
    "training of CNN2D, 200 frames, in frames": (None, None, None),
}


def measure(material: Material) -> list[Row]:
    if DEVICE.type == "cuda" and not torch.cuda.is_available():
        return NOT_MEASURED
    rates = _Said()
    errors: dict[str, float] = {}
    repeats = material.repeats(5)
    crops, pinned = _noise()
    _measure_preprocessing(crops, pinned, rates, errors, repeats)
    _measure_peaks(crops, rates, errors, repeats)
    vectors = _vectors(open_frames(crops[:200]))
    model = _fitted(vectors)
    _measure_runs(model, pinned, rates, errors, repeats)
    _measure_file(model, pinned, material, rates, repeats)
    _measure_networks(model, crops, pinned, rates, errors, repeats)
    errors[REPRODUCED] = _measure_training(vectors, crops, rates)
    rows = [_row(what, tuple(rates.get(what, ()))) for what in DEMANDED]
    rows += [
        Row(
            what,
            "" if what == REPRODUCED else "the same on the processor",
            (error,),
            least=1e-3,
            aim=1e-5,
            lower_is_better=True,
        )
        for what, error in errors.items()
    ]
    name = torch.cuda.get_device_name(DEVICE) if DEVICE.type == "cuda" else "No GPU"
    rows[0] = dataclasses.replace(rows[0], note=f"{name}.")
    return rows


class _Said(dict):
    """Rates that are printed as they are found: a run may be broken off."""

    def __setitem__(self, what: str, found: list[float]) -> None:
        print(f"{what}: {np.median(found):,.0f}", flush=True)
        super().__setitem__(what, found)


def _noise() -> tuple[torch.Tensor, torch.Tensor]:
    """Return crops on the device, and whole frames in pinned memory."""
    few = np.random.default_rng(0).poisson(200, (16, SIDE, SIDE)).astype(np.uint16)
    few[:, SIDE // 2, SIDE // 2] = 60_000
    pinned = torch.empty(
        (N_FRAMES, SIDE, SIDE), dtype=torch.uint16, pin_memory=DEVICE.type == "cuda"
    )
    for start in range(0, N_FRAMES, len(few)):
        pinned.numpy()[start : start + len(few)] = few
    part = slice((SIDE - CROP) // 2, (SIDE + CROP) // 2)
    crops = torch.from_numpy(few[:, part, part].copy()).to(DEVICE)
    return crops.repeat(N_FRAMES // len(few), 1, 1), pinned


def _vectors(run) -> np.ndarray:
    return np.asarray(make_pipeline(*preprocessing()).fit_transform(run[:200]))


def _measure_preprocessing(crops, pinned, rates, errors, repeats) -> None:
    steps = make_pipeline(*preprocessing())
    resident, whole = (steps.fit_transform(open_frames(frames)) for frames in (crops, pinned))
    usable = np.random.default_rng(1).random((CROP, CROP)) > 0.01
    masked = steps.fit_transform(PixelMask(usable).fit_transform(open_frames(crops)))
    rates["resident crops to RWD, before it is compiled"] = _rates(resident, repeats)
    errors["crops to RWD, before it is compiled, as a share of the range"] = _error(resident)
    for prepared in (resident, masked):
        for _ in range(COMPILED_AFTER // N_FRAMES + 1):
            _to_end(prepared)
    rates["resident crops to RWD"] = _rates(resident, repeats)
    rates["resident crops to RWD, masked"] = _rates(masked, repeats)
    rates["pinned whole frames to RWD"] = _rates(whole, repeats)
    errors["crops to RWD, as a share of the range"] = _error(resident)
    errors["crops to RWD, masked, as a share of the range"] = _error(masked)


def _measure_peaks(crops, rates, errors, repeats) -> None:
    few = np.asarray(make_sfx_frames(64, frame_shape=(CROP, CROP), random_state=0).data)
    simulated = torch.from_numpy(few).to(DEVICE).repeat(N_FRAMES // len(few), 1, 1)
    for what, frames in {"crops": crops, "simulated frames": simulated}.items():
        peaks = StrongestPeaks().fit_transform(open_frames(frames))
        rates[f"resident {what} to strongest peaks"] = _rates(peaks, repeats)
        errors[f"{what} to strongest peaks, as a share of the range"] = _error(peaks)


def _measure_runs(model, pinned, rates, errors, repeats) -> None:
    run = open_frames(pinned)
    rates["pinned whole frames to probability, CNN1D"] = _of(
        lambda: model.predict_proba(run), N_FRAMES, repeats
    )
    plain = open_frames(np.array(pinned.numpy()))
    with joblib.parallel_config(n_jobs=-1, backend="threading"):
        rates["whole frames in memory to probability, CNN1D, a worker per core"] = _of(
            lambda: model.predict_proba(plain), N_FRAMES, repeats
        )
    found = model.predict_proba(run[:200])
    errors["probability of CNN1D"] = _largest(found, _on_processor(model).predict_proba(run[:200]))


def _measure_file(model, pinned, material, rates, repeats) -> None:
    import hdf5plugin

    path = material.folder / "gpu.h5"
    write_frames(path, pinned.numpy()[:64], dict(hdf5plugin.Bitshuffle(cname="lz4")))
    run = open_frames(path)[np.arange(N_FRAMES) % 64]
    crops = CentralCrop(CROP).fit_transform(run).as_stored()
    passes = {
        "bitshuffle-LZ4 file to crops, a worker per core": lambda: [len(b) for b in crops.blocks()],
        "bitshuffle-LZ4 file to probability, CNN1D, a worker per core": lambda: model.predict_proba(
            run
        ),
        "the same without the GPU": lambda: processor.predict_proba(run),
    }
    processor = _on_processor(model)
    with joblib.parallel_config(n_jobs=-1, backend="threading"):
        for what, function in passes.items():
            rates[what] = _of(function, N_FRAMES, min(repeats, 3))


def _measure_networks(model, crops, pinned, rates, errors, repeats) -> None:
    steps = [CentralCrop(CROP), GCN(), LCN(5)]
    labels = np.tile([0, 1], 20)
    frames = open_frames(crops[:40])
    cnn = make_pipeline(*steps, CNN2D(max_epochs=2, random_state=0)).fit(frames, labels)
    contrast = torch.cat(list(blocks_on_device(cnn[:-1].transform(open_frames(crops)), DEVICE)))
    network = cnn[-1]
    rates["CNN2D, resident frames"] = _of(
        lambda: network.predict_proba(contrast), N_FRAMES, repeats
    )
    found = network.predict_proba(contrast[:256])
    expected = _on_processor(cnn)[-1].predict_proba(contrast[:256].cpu().numpy())
    errors["probability of CNN2D, in half precision"] = _largest(found, expected)
    run = open_frames(pinned)
    whole = clone(make_pipeline(*steps)).fit(run)
    for _ in range(COMPILED_AFTER // N_FRAMES + 1):
        _to_end(cnn[:-1].transform(open_frames(crops)))
    rates["pinned whole frames to probability, CNN2D"] = _of(
        lambda: network.predict_proba(whole.transform(run)), N_FRAMES, repeats
    )
    vectors = np.random.default_rng(0).random((N_VECTORS, CROP - 4), dtype=np.float32)
    on_device = torch.from_numpy(vectors).to(DEVICE)
    one = model[-1]
    rates["CNN1D, vectors in an array"] = _of(
        lambda: one.predict_proba(vectors), N_VECTORS, repeats
    )
    rates["CNN1D, resident vectors"] = _of(lambda: one.predict_proba(on_device), N_VECTORS, repeats)


def _measure_training(vectors, crops, rates) -> float:
    labels = np.tile([0, 1], 100)
    epochs = 50

    def train() -> CNN1D:
        return CNN1D(max_epochs=epochs, random_state=0).fit(vectors, labels)

    rates["training of CNN1D, 200 vectors, in epochs"] = _of(train, epochs, 2)
    contrast = make_pipeline(GCN(), LCN(5)).fit_transform(crops[:200])
    rates["training of CNN2D, 200 frames, in frames"] = _of(
        lambda: CNN2D(max_epochs=5, random_state=0).fit(contrast, labels), 1000, 2
    )
    one, other = (train().predict_proba(vectors) for _ in range(2))
    return _largest(one, other)


def _fitted(vectors: np.ndarray):
    """Return the pipeline; how well its network is trained changes nothing about its speed."""
    labels = np.tile([0, 1], len(vectors) // 2)
    network = CNN1D(max_epochs=3, random_state=0).fit(vectors, labels)
    frames = np.zeros((1, SIDE, SIDE), np.uint16)
    steps = make_pipeline(*preprocessing()).fit(open_frames(frames))
    return make_pipeline(*(step for _, step in steps.steps), network)


def _on_processor(model):
    """Return a copy whose network computes on the processor."""
    copied = pickle.loads(pickle.dumps(copy.copy(model)))
    network = copied[-1]
    network.device = "cpu"
    network.net_.module_.cpu()
    return copied


def _wait() -> None:
    if DEVICE.type == "cuda":
        torch.cuda.synchronize()


def _to_end(prepared) -> None:
    for _ in blocks_on_device(prepared, DEVICE):
        pass
    _wait()


def _rates(prepared, repeats: int) -> list[float]:
    return _of(lambda: _to_end(prepared), len(prepared), repeats)


def _of(function: Callable[[], object], n_items: int, repeats: int) -> list[float]:
    """Return items per second of each repeat, after one that does not count."""
    function()
    rates = []
    for _ in range(repeats):
        _wait()
        start = time.perf_counter()
        function()
        _wait()
        rates.append(n_items / (time.perf_counter() - start))
    return rates


def _error(prepared) -> float:
    found = torch.cat(list(blocks_on_device(prepared[:64], DEVICE))).cpu().numpy()
    expected = np.asarray(prepared[:64])
    return float(np.abs(found - expected).max() / np.ptp(expected))


def _largest(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one - other).max())


def _row(what: str, values: tuple[float, ...], note: str = "") -> Row:
    before, least, aim = DEMANDED[what]
    against = f"{before:,} before" if before else ""
    return Row(f"{what}, per second", against, values, least=least, aim=aim, note=note)


NOT_MEASURED = [_row(what, (), note=NO_GPU) for what in DEMANDED]
