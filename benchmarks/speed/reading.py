"""From a file to the central 724 x 724 of each frame, all frames of the file one after the other.

Ours is ``np.asarray(CentralCrop(724).fit_transform(open_frames(path)).as_stored())``, which gives
the dtype of the file, as h5py does. The files hold 64 simulated frames, 1920 x 1920 uint16, one
chunk per frame, in the page cache.
"""

import warnings
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np

from sklearn_sfx import CentralCrop, open_frames
from sklearn_sfx.exceptions import SlowFileWarning

from .material import COMPRESSIONS, CROP, DATASET, N_FRAMES, Material
from .peers.vectors import CROP as PART
from .rows import Row, faster
from .timing import interleave, timed

REPEATS = {"bitshuffle-LZ4": 15, "contiguous": 15, "gzip-4": 3}


def measure(material: Material) -> list[Row]:
    rows = []
    for compression in COMPRESSIONS:
        path = material.file(compression)
        functions = {
            "ours": _ours(path),
            "whole": _with_h5py(path, lambda dataset, i: dataset[i][PART]),
            "part": _with_h5py(path, lambda dataset, i: dataset[i, *PART]),
        }
        passes = {name: timed(function) for name, function in functions.items()}
        seconds = interleave(passes, material.repeats(REPEATS[compression]))
        what = f"{compression} file to cropped frame"
        demanded = {"least": 2.5, "aim": 4} if compression == "bitshuffle-LZ4" else {}
        whole, part = "h5py d[i], then cropped", "h5py d[i, 598:1322, 598:1322]"
        rows.append(faster(what, whole, seconds, "ours", "whole", N_FRAMES, **demanded))
        rows.append(faster(what, part, seconds, "ours", "part", N_FRAMES))
    return rows


def _ours(path: Path) -> Callable[[], np.ndarray]:
    def read() -> np.ndarray:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SlowFileWarning)
            return np.asarray(CentralCrop(CROP).fit_transform(open_frames(path)).as_stored())

    return read


def _with_h5py(path: Path, read_one: Callable) -> Callable[[], np.ndarray]:
    def read() -> np.ndarray:
        with h5py.File(path) as file:
            dataset = file[DATASET]
            out = np.empty((len(dataset), CROP, CROP), dataset.dtype)
            for i in range(len(dataset)):
                out[i] = read_one(dataset, i)
        return out

    return read
