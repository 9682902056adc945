"""A labelled run as the files that come with a real one: frames, labels, mask."""

from __future__ import annotations

from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sklearn.utils import Bunch

from sklearn_sfx._files import replacing_all
from sklearn_sfx._tasks import SINGLE_PARTICLE, task_of_labels
from sklearn_sfx.datasets._annotation import write_annotation
from sklearn_sfx.datasets._cxidb76_writer import write_cxidb76

__all__ = ["RunFiles", "run_files", "write_run"]

PULSES_PER_SECOND = 120  # of LCLS; simulated shots come at this rate from the year 2000 on


class RunFiles(NamedTuple):
    """The files of a run that `write_run` writes."""

    frames: Path
    labels: Path
    mask: Path


def run_files(path: str | Path) -> RunFiles:
    """Return what `write_run` writes for a run, by the path of its frames.

    Examples
    --------
    >>> from sklearn_sfx.datasets._run_files import run_files
    >>> [file.name for file in run_files("/data/run.h5")]
    ['run.h5', 'run.labels.txt', 'run.mask.h5']
    """
    path = Path(path)
    beside = [path.with_name(f"{path.stem}.{end}") for end in ("labels.txt", "mask.h5")]
    return RunFiles(path, *beside)


def write_run(path: str | Path, run: Bunch, *, progress: bool = False) -> None:
    """Write a simulated run in the CXIDB-76 layout, with its labels and its mask beside it.

    All three files appear together, or none of them.

    Parameters
    ----------
    path : path
        The HDF5 file to write. Its labels and its mask go to its folder under its name: for
        ``run.h5`` they are ``run.labels.txt`` and ``run.mask.h5``.
    run : Bunch
        What `make_sfx_frames` or `make_spi_frames` returned; frames of integers.
    progress : bool
        Whether to show a progress bar with a rate, on work of more than two seconds.

    Raises
    ------
    InputError
        If the labels are of no task, or the frames no integers.
    OSError
        If there is no room for the files. Nothing is written then.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> from sklearn_sfx import load_cxidb76, make_sfx_frames
    >>> from sklearn_sfx.datasets import write_run
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> write_run(folder / "run.h5", make_sfx_frames(3, frame_shape=(192, 192), random_state=0))
    >>> load_cxidb76(folder / "run.h5", "LN84", mask=folder / "run.mask.h5").data.shape
    (3, 192, 192)
    """
    import h5py  # takes long to import

    files = run_files(path)
    first = datetime(2000, 1, 1)
    dtype, least_trusted = run.data.as_stored().dtype, -1
    if task_of_labels(run.labels) is SINGLE_PARTICLE and dtype.kind in "iu":
        least_trusted = int(np.iinfo(dtype).min)  # noise goes below zero
    times = [first + timedelta(seconds=i / PULSES_PER_SECOND) for i in range(len(run.data))]
    with replacing_all(files) as (frames, labels, mask):
        write_annotation(labels, files.frames, run.labels)
        packed = BytesIO()  # so that a full disk meets us, and not HDF5
        with h5py.File(packed, "w") as file:
            dataset = file.create_dataset("mask", data=run.mask, compression="gzip")
            dataset.attrs["meaning"] = "True where the pixel is usable"
        mask.write_bytes(packed.getvalue())
        write_cxidb76(
            frames,
            run.data,
            pixel_size=run.pixel_size,
            beam_center=run.beam_center,
            min_trusted_value=least_trusted,
            timestamp=[f"{time:%Y-%m-%dT%H:%MZ%S.%f}"[:-3] for time in times],
            simulated=True,
            progress=progress,
        )
