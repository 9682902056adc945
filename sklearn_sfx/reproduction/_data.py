"""Runs as every experiment uses them: prepared once, kept on disk, labelled by the policy."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.pipeline import make_pipeline
from sklearn.utils import Bunch

from sklearn_sfx._files import replacing
from sklearn_sfx._new_hdf5 import new_hdf5
from sklearn_sfx.datasets import make_target
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames import Frames, open_frames
from sklearn_sfx.preprocessing import (
    GCN,
    LCN,
    CentralCrop,
    PixelMask,
    RowWiseDecomposition,
    count_peaks,
)
from sklearn_sfx.reproduction._runs import open_run, simulate_run
from sklearn_sfx.reproduction._scale import Scale
from sklearn_sfx.reproduction._study import Study

__all__ = ["Run", "cropped", "is_prepared", "joined", "load_run", "prepare_run", "raw_run"]

FRAMES, REST = "frames.h5", "vectors.npz"


@dataclass(frozen=True)
class Run:
    """A prepared run: one row for each frame that has a label under the policy for MAYBE.

    Attributes
    ----------
    name : str
    path : Path
        File of the frames after crop, GCN and LCN.
    rows : int ndarray
        Their positions in that file.
    labels : str ndarray
        HIT, MAYBE or MISS.
    target : int ndarray
        1 for a hit.
    vectors : float32 ndarray of shape (n, length)
        After RWD.
    peaks : int ndarray
        Peaks that `count_peaks` counts in the masked raw crop.
    spots : int ndarray or None
        Spots that DIALS counted, for real runs.
    """

    name: str
    path: Path
    rows: np.ndarray
    labels: np.ndarray
    target: np.ndarray
    vectors: np.ndarray
    peaks: np.ndarray
    spots: np.ndarray | None

    @property
    def frames(self) -> Frames:
        """The frames that CNN2D reads, lazily."""
        return open_frames(self.path)[self.rows]


def joined(source: Run, target: Run) -> Frames:
    """Return the frames of both runs as one, lazily."""
    both = open_frames([source.path, target.path])
    first = len(open_frames(source.path))
    return both[np.concatenate([source.rows, first + target.rows])]


def raw_run(study: Study, name: str, seed: int) -> Bunch:
    """Open the run itself, real or simulated, with as many frames as the scale says."""
    files = study.real(name)
    if files is None:
        folder = study.run_folder(name, seed)
        folder.mkdir(parents=True, exist_ok=True)
        files = simulate_run(name, study.scale, seed, folder)
    return open_run(files, study.scale.n_frames)


def cropped(run: Bunch, scale: Scale) -> Frames:
    """Return the masked raw crop: the mask that comes with the run, and the defects found."""
    return make_pipeline(CentralCrop(scale.crop), PixelMask(detect=True)).fit_transform(run.data)


def is_prepared(study: Study, name: str, seed: int) -> bool:
    """Whether a run has been prepared."""
    folder = study.run_folder(name, seed)
    return (folder / REST).exists() and (folder / FRAMES).exists()


def prepare_run(study: Study, name: str, seed: int) -> None:
    """Make frames, vectors and peak counts of a run, unless they are there."""
    if is_prepared(study, name, seed):
        return
    folder = study.run_folder(name, seed)
    folder.mkdir(parents=True, exist_ok=True)
    run = raw_run(study, name, seed)
    _check_that_there_are_two_classes(run)
    crops = cropped(run, study.scale)
    contrast = make_pipeline(GCN(), LCN(5)).fit_transform(crops)
    vectors = make_pipeline(GCN(), LCN(5), RowWiseDecomposition()).fit_transform(crops)
    with replacing(folder / FRAMES) as temporary:
        write_frames(temporary, contrast, halved=study.scale.halved)
    rest = {"labels": run.labels, "vectors": np.asarray(vectors), "peaks": count_peaks(crops)}
    if run.spot_count is not None:
        rest["spots"] = run.spot_count
    with replacing(folder / REST) as temporary:
        np.savez(temporary, **rest)


def write_frames(path: Path, frames: Frames, *, halved: bool) -> None:
    """Write frames in half precision, which is what `CNN2D` trains on; NaN reads as 0."""
    n_frames, height, width = frames.shape
    shape = (height // 2, width // 2) if halved else (height, width)
    with new_hdf5(path) as (file, find_room):
        data = file.create_dataset("frames", (n_frames, *shape), np.float16, chunks=(1, *shape))
        start = 0
        for block in frames.blocks():
            block = np.nan_to_num(block)
            if halved:
                even = block[:, : 2 * shape[0], : 2 * shape[1]]
                block = even.reshape(-1, shape[0], 2, shape[1], 2).max(axis=(2, 4))
            find_room(block.size * data.dtype.itemsize)
            data[start : start + len(block)] = block
            start += len(block)


def _check_that_there_are_two_classes(run: Bunch) -> None:
    target, _, _ = make_target(run.labels, "hit")
    if len(np.unique(target)) < 2:
        raise InputError(
            f"{run.data.sources[0].path}: all of the {len(target)} frames that are used are "
            f"labelled {'a hit' if target[0] else 'MISS'}, so nothing can be learned of it."
        )


def load_run(study: Study, name: str, seed: int, *, maybe: str | None = None) -> Run:
    """Return a run as the experiments use it, prepared first where it is not.

    `maybe` is said where it is not the study's own policy.
    """
    prepare_run(study, name, seed)
    folder = study.run_folder(name, seed)
    with np.load(folder / REST) as stored:
        rest = dict(stored)
    target, _, kept = make_target(rest["labels"], maybe or study.maybe)
    spots = rest.get("spots")
    return Run(
        name=name,
        path=folder / FRAMES,
        rows=np.flatnonzero(kept),
        labels=rest["labels"][kept],
        target=target,
        vectors=rest["vectors"][kept],
        peaks=rest["peaks"][kept],
        spots=None if spots is None else spots[kept],
    )
