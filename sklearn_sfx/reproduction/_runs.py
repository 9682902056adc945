"""Where the three runs come from: files of CXIDB entry 76, or the simulator."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.utils import Bunch

from sklearn_sfx.datasets import load_cxidb76, make_sfx_frames, run_files, write_run
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.reproduction._scale import Scale

__all__ = ["DIALS_SPOTS", "FILES", "NAMES", "RunFiles", "find_runs", "open_run", "simulate_run"]

NAMES = ("LN84", "LN83", "LO19")
FILES = {"LN84": "r0095_2000.h5", "LN83": "r0018_2000.h5", "LO19": "r0020_2000.h5"}
# In dials_annotation.txt a frame is a Hit from this number of spots on, tuned for each run.
DIALS_SPOTS = {"LN84": 30, "LN83": 15, "LO19": 50}


@dataclass(frozen=True)
class RunFiles:
    """The files of one run; what there may not be is None."""

    name: str
    frames: Path
    labels: Path
    spots: Path | None
    mask: Path | None

    def fingerprint(self) -> list:
        """Return what changes when the files do; the frames themselves are not read."""
        about = self.frames.stat()
        texts = [path for path in (self.labels, self.spots, self.mask) if path is not None]
        hashes = [hashlib.sha256(path.read_bytes()).hexdigest() for path in texts]
        return [self.name, self.frames.name, about.st_size, about.st_mtime_ns, *hashes]


def find_runs(folder: str | os.PathLike) -> tuple[RunFiles, ...]:
    """Find the files of the three runs, and refuse labels that are not theirs.

    Parameters
    ----------
    folder : path
        Holds ``r0095_2000.h5`` (LN84), ``r0018_2000.h5`` (LN83) and ``r0020_2000.h5`` (LO19), in
        folders ``ln84`` or ``LN84`` and so on, or beside one another. ``expert_annotation.txt``
        and, where there are any, ``dials_annotation.txt`` and ``mask.h5`` lie in the folder of that
        name, or beside the frames.

    Returns
    -------
    tuple of RunFiles

    Raises
    ------
    InputError
        A file is missing, or labels differ from the frames in number, name or order.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"{folder}: there is no such folder with the runs of CXIDB entry 76.")
    runs = []
    for name, file_name in FILES.items():
        folders = [folder / name.lower(), folder / name, folder]
        frames = _first(folders, file_name)
        if frames is None:
            raise InputError(
                f"{folder}: there is no {name.lower()}/{file_name}, {name}/{file_name} or "
                f"{file_name} in it; all three of {', '.join(FILES.values())} are needed."
            )
        near = [frames.parent, *folders] if frames.parent != folder else folders
        labels = _first(near, "expert_annotation.txt")
        if labels is None:
            raise InputError(
                f"{frames}: there is no expert_annotation.txt beside it nor in {folder / name}."
            )
        # Counts name no run, so those that lie beside all three would be taken for each of them.
        own = [place for place in near if place != folder]
        spots, mask = _first(own, "dials_annotation.txt"), _first(near, "mask.h5")
        runs.append(RunFiles(name, frames, labels, spots, mask))
    for run in runs:
        load_files(run)
    return tuple(runs)


def _first(folders: list[Path], name: str) -> Path | None:
    return next((folder / name for folder in folders if (folder / name).is_file()), None)


def load_files(run: RunFiles) -> Bunch:
    """Load a run with its labels checked; no frame is read."""
    return load_cxidb76(run.frames, run.name, annotation=run.labels, spots=run.spots, mask=run.mask)


def open_run(run: RunFiles, n_frames: int) -> Bunch:
    """Load as many frames of a run, spread evenly, with their labels and spot counts."""
    bunch = load_files(run)
    if len(bunch.data) > n_frames:
        rows = np.linspace(0, len(bunch.data) - 1, n_frames).round().astype(int)
        spots = None if bunch.spot_count is None else bunch.spot_count[rows]
        bunch.update(data=bunch.data[rows], labels=bunch.labels[rows], spot_count=spots)
    return bunch


def simulate_run(name: str, scale: Scale, seed: int, folder: Path) -> RunFiles:
    """Write a simulated run as the files that come with a real one, unless it is there."""
    path, labels, mask = run_files(folder / FILES[name])
    files = RunFiles(name, path, labels, None, mask)
    if not path.exists():
        side = (scale.simulated_side, scale.simulated_side)
        simulated = make_sfx_frames(
            scale.n_frames, domain=name, frame_shape=side, random_state=seed
        )
        write_run(path, simulated)
    return files
