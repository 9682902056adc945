"""What the pictures show: chosen frames and vectors, and features embedded in the plane."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.pipeline import make_pipeline

from sklearn_sfx._files import replacing
from sklearn_sfx.datasets import make_sfx_frames
from sklearn_sfx.frames import Frames
from sklearn_sfx.inspection import embedded
from sklearn_sfx.preprocessing import GCN, LCN, find_peaks
from sklearn_sfx.reproduction._data import cropped, load_run, raw_run
from sklearn_sfx.reproduction._experiments import trained
from sklearn_sfx.reproduction._runs import NAMES
from sklearn_sfx.reproduction._study import Study

__all__ = ["CLASSES", "PAIR", "embedding", "examples"]

CLASSES = ("HIT", "MAYBE", "MISS")
PAIR = ("LN83", "LO19")  # source and target that the paper shows the features of
CURVES = 3  # vectors of each class
SHOTS = 40  # simulated for the picture of the crop, of which the one with most spots is shown


def examples(study: Study, where: tuple[()], seed: int) -> dict[str, Any]:
    """Choose frames of the first run for figures 5 to 8, and keep them beside the cell."""
    # Whatever the policy for MAYBE, the pictures show all three classes.
    run, bunch = load_run(study, NAMES[0], seed, maybe="hit"), raw_run(study, NAMES[0], seed)
    crops = cropped(bunch, study.scale)
    shown: dict[str, Any] = {}
    chosen: dict[str, int] = {}
    for label in CLASSES:
        rows = np.flatnonzero(run.labels == label)
        if not len(rows):
            continue
        typical = rows[np.argsort(np.abs(run.peaks[rows] - np.median(run.peaks[rows])))]
        chosen[label] = int(typical[0])
        shown[f"crop_{label}"] = crops[chosen[label]]
        shown[f"vectors_{label}"] = run.vectors[typical[:CURVES]]
    if "MAYBE" in chosen:
        peaks = find_peaks(shown["crop_MAYBE"])
        shown["peaks_MAYBE"] = np.column_stack([peaks.row, peaks.column])
    hit = chosen.get("HIT", 0)
    shown["gcn"] = GCN().fit_transform(crops)[hit]
    shown["lcn"] = make_pipeline(GCN(), LCN(5)).fit_transform(crops)[hit]
    shown["whole"] = _whole_frame(study, bunch.data, hit, seed)
    path = study.cell_path("examples", where, seed).with_suffix(".npz")
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        np.savez(temporary, **shown)
    numbers = {label: bunch.data.sources[row].position + 1 for label, row in chosen.items()}
    return {"run": run.name, "frames": numbers, "file": path.name}


def _whole_frame(study: Study, data: Frames, hit: int, seed: int) -> np.ndarray:
    """Return a hit on the whole detector; simulated runs hold its central part only."""
    if not study.simulated:
        return data[hit].astype(np.float32)
    side = study.scale.whole_side
    shape = None if side is None else (side, side)
    some = make_sfx_frames(SHOTS, domain=NAMES[0], frame_shape=shape, random_state=seed)
    return some.data[int(np.argmax(some.spot_count))].astype(np.float32)


def embedding(study: Study, where: tuple[str, str], seed: int) -> dict[str, Any]:
    """Embed features of source and target in the plane, by DANN and by CNN2D of the source."""
    runs = [load_run(study, name, seed, maybe="hit") for name in where]
    rng = np.random.default_rng(seed)
    n_most = study.scale.embedded
    rows = [np.sort(rng.permutation(len(run.target))[:n_most]) for run in runs]
    result: dict[str, Any] = {
        "labels": [run.labels[some].tolist() for run, some in zip(runs, rows, strict=True)]
    }
    for name, experiment, trained_on in (
        ("DANN", "reversal", where),
        ("CNN2D", "enough", where[:1]),
    ):
        network, _ = trained(study, experiment, trained_on, seed)
        parts = [network.features(r.frames[some]) for r, some in zip(runs, rows, strict=True)]
        features = np.concatenate(parts)
        plane = embedded(features, random_state=seed)
        halves = plane[: len(parts[0])], plane[len(parts[0]) :]
        result[name] = [np.round(half, 3).tolist() for half in halves]
    return result
