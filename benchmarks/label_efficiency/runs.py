"""Simulated runs of five experiments on three kinds of detectors, as the methods read them."""

from pathlib import Path

import numpy as np
from sklearn.pipeline import make_pipeline

from sklearn_sfx import (
    GCN,
    LCN,
    PixelMask,
    RowWiseDecomposition,
    StrongestPeaks,
    make_sfx_frames,
)
from sklearn_sfx._files import replacing
from sklearn_sfx.preprocessing import count_peaks

EXPERIMENTS = ["LN84", "LN83", "LO19", "L498", "LG36"]
SIDE = 724  # pixels; the frames are no larger than the crop


def run_of(experiment: str, seed: int, n_frames: int, cache: Path) -> dict[str, np.ndarray]:
    """Return target, RWD vectors, strongest peaks and peak count of a run; kept on disk."""
    path = cache / f"{experiment}-{seed}-{n_frames}.npz"
    if not path.exists():
        run = make_sfx_frames(
            n_frames, domain=experiment, frame_shape=(SIDE, SIDE), random_state=seed
        )
        frames = PixelMask(detect=True).fit_transform(run.data)
        chain = make_pipeline(GCN(), LCN(5), RowWiseDecomposition())
        found = {
            "target": run.target,
            "rwd": np.asarray(chain.fit_transform(frames)),
            "peaks": np.asarray(StrongestPeaks().fit_transform(frames)),
            "count": count_peaks(frames),
        }
        with replacing(path) as temporary, open(temporary, "wb") as file:
            np.savez(file, **found)
    with np.load(path) as file:
        found = dict(file)
    return found | {"count": found["count"].reshape(-1, 1)}


def draw(target: np.ndarray, n_labels: int, seed: int) -> np.ndarray:
    """Choose the frames to label: at random, until there are two of each class."""
    rng = np.random.default_rng(seed)
    if n_labels > len(target):
        raise ValueError(f"{n_labels} labels are wanted of a run of {len(target)} frames.")
    while True:
        rows = rng.permutation(len(target))[:n_labels]
        if 2 <= target[rows].sum() <= n_labels - 2:
            return rows
