"""A labelled run as the files that come with a real one: frames, labels, mask."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from sklearn.utils import Bunch

from sklearn_sfx._files import replacing
from sklearn_sfx.datasets._annotation import write_annotation
from sklearn_sfx.datasets._cxidb76_writer import write_cxidb76

__all__ = ["write_run"]

PULSES_PER_SECOND = 120  # of LCLS; simulated shots come at this rate from the year 2000 on


def write_run(path: str | Path, run: Bunch, *, progress: bool = False) -> None:
    """Write a simulated run in the CXIDB-76 layout, with its labels and its mask beside it.

    Parameters
    ----------
    path : path
        The HDF5 file to write. ``expert_annotation.txt`` and ``mask.h5`` go to its folder.
    run : Bunch
        What `make_sfx_frames` returned.
    progress : bool
        Whether to show a progress bar with a rate, on work of more than two seconds.

    Raises
    ------
    InputError
        If a label is not HIT, MAYBE or MISS.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> from sklearn_sfx import load_cxidb76, make_sfx_frames
    >>> from sklearn_sfx.datasets import write_run
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> write_run(folder / "run.h5", make_sfx_frames(3, frame_shape=(192, 192), random_state=0))
    >>> load_cxidb76(folder / "run.h5", "LN84", mask=folder / "mask.h5").data.shape
    (3, 192, 192)
    """
    import h5py  # takes long to import

    path = Path(path)
    first = datetime(2000, 1, 1)
    times = [first + timedelta(seconds=i / PULSES_PER_SECOND) for i in range(len(run.data))]
    write_cxidb76(
        path,
        run.data,
        pixel_size=run.pixel_size,
        beam_center=run.beam_center,
        timestamp=[f"{time:%Y-%m-%dT%H:%MZ%S.%f}"[:-3] for time in times],
        progress=progress,
    )
    with h5py.File(path, "r+") as file:
        file.attrs["simulated"] = True  # so that a report of it can say so
    write_annotation(path.parent / "expert_annotation.txt", path, run.labels)
    with replacing(path.parent / "mask.h5") as temporary, h5py.File(temporary, "w") as file:
        mask = file.create_dataset("mask", data=run.mask, compression="gzip")
        mask.attrs["meaning"] = "True where the pixel is usable"
