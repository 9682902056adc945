"""What the sections measure with; each thing is made when it is first asked for."""

from functools import cached_property
from pathlib import Path
from typing import Self

import h5py
import hdf5plugin
import numpy as np
from sklearn.pipeline import Pipeline, make_pipeline

from sklearn_sfx import (
    CNN1D,
    GCN,
    LCN,
    CentralCrop,
    RowWiseDecomposition,
    make_sfx_frames,
    open_frames,
)

N_FRAMES = 64
CROP = 724
DATASET = "frames"
COMPRESSIONS = {
    "bitshuffle-LZ4": dict(hdf5plugin.Bitshuffle(cname="lz4")),
    "contiguous": {},
    "gzip-4": {"compression": "gzip", "compression_opts": 4},
}


def preprocessing(crop: int = CROP) -> list:
    return [CentralCrop(crop), GCN(), LCN(5), RowWiseDecomposition()]


class Material:
    """Simulated frames, files of them, and a network that was trained on them.

    Training is short: how good the network is changes nothing about its speed.
    """

    def __init__(self, folder: Path, quick: bool = False):
        self.folder = folder
        self.quick = quick

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_) -> None:
        return None

    def repeats(self, usual: int) -> int:
        """Return how often to repeat what is usually repeated so often."""
        return min(usual, 3) if self.quick else usual

    @cached_property
    def run(self):
        """The simulated run, lazy."""
        return make_sfx_frames(N_FRAMES, hit_rate=0.5, random_state=0)

    @cached_property
    def frames(self) -> np.ndarray:
        """Whole frames, uint16, shape (64, 1920, 1920)."""
        return np.asarray(self.run.data.as_stored())

    @cached_property
    def model(self) -> Pipeline:
        """The pipeline from frames to a probability, fitted."""
        model = make_pipeline(*preprocessing(), CNN1D(max_epochs=3, random_state=0))
        return model.fit(open_frames(self.frames), self.run.target)

    @cached_property
    def vectors(self) -> np.ndarray:
        """The vectors of the frames, float32, shape (64, 720)."""
        return np.asarray(self.model[:-1].transform(open_frames(self.frames)))

    def file(self, compression: str) -> Path:
        """Return an HDF5 file of the frames, one chunk per frame."""
        path = self.folder / f"{compression}.h5"
        if not path.exists():
            write_frames(path, self.frames, COMPRESSIONS[compression])
        return path


def write_frames(path: Path, frames: np.ndarray, options: dict) -> None:
    chunks = {"chunks": (1, *frames.shape[1:])} if options else {}
    with h5py.File(path, "w") as file:
        file.create_dataset(DATASET, data=frames, **chunks, **options)
