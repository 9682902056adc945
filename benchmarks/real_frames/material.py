"""The real frames in a folder, and what is known of each."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np

from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames import Frames, open_frames, read_mask

# Where the file does not say it: the beginning of its name does.
TRUTH = {
    "hit_": "HIT",
    "jungfrau": "HIT",
    "rayonix": "HIT",
    "pilatus300k": "HIT",
    "timepix": "HIT",
    "pilatus2m": "MAYBE",
    "no_crystal": "MISS",
    "lambda_blanks": "MISS",
    "ceo2": "MISS",
    "dls_pilatus100k": "MISS",
    "p25_ptychography": "MISS",
}
# Where a mask is in the file, and how it is read.
MASKS = {
    "mask": {},
    "entry_1/data_1/mask": {"bad_bits": "any"},
    "entry_1/instrument_1/detector_1/mask": {"bad_bits": "any"},
    "entry/instrument/detector/pixel_mask": {"bad_bits": "any"},
}


class RealRun(NamedTuple):
    """The frames of a file, and HIT, MAYBE or MISS for each."""

    name: str
    frames: Frames
    truth: np.ndarray


def read_runs(folder: Path, *, masked: bool) -> Iterator[RealRun]:
    """Open every file whose truth is known; say of the others why they are left out."""
    for path in sorted(folder.rglob("*")):
        if path.is_dir() or path.stem.endswith("_mask"):
            continue
        try:
            frames = open_frames(path, mask=_mask(path) if masked else None)
            truth = _truth(path, len(frames))
            frames[:1].__array__()
        except InputError as error:
            print(f"{path.name} is left out: {str(error)[:160]}")
            continue
        if truth is None:
            print(f"{path.name} is left out: nobody says what it shows.")
        else:
            yield RealRun(str(path.relative_to(folder)), frames, truth)


def _mask(path: Path) -> np.ndarray | None:
    beside = path.with_name(f"{path.stem}_mask.h5")
    if beside.exists():
        return read_mask(beside)
    if not h5py.is_hdf5(path):
        return None
    with h5py.File(path) as file:
        found = [name for name in MASKS if name in file]
    return read_mask(path, dataset=found[0], **MASKS[found[0]]) if found else None


def _truth(path: Path, n_frames: int) -> np.ndarray | None:
    if h5py.is_hdf5(path):
        with h5py.File(path) as file:
            if "labels" in file:
                return file["labels"][()].astype(str)
            if "n_spots" in file:
                n_spots = file["n_spots"][()]
                return np.where(n_spots >= 10, "HIT", np.where(n_spots >= 4, "MAYBE", "MISS"))
    known = [label for start, label in TRUTH.items() if path.name.startswith(start)]
    return np.full(n_frames, known[0]) if known else None
