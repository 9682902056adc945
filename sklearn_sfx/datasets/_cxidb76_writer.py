"""Write runs in the layout of CXIDB entry 76."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from tqdm import tqdm

from sklearn_sfx._files import replacing
from sklearn_sfx._new_hdf5 import new_hdf5
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames import Frames, open_frames

__all__ = ["write_cxidb76"]


def write_cxidb76(
    path: str | Path,
    frames: Frames | np.ndarray,
    *,
    wavelength: float | np.ndarray | None = None,
    distance: float | np.ndarray | None = None,
    timestamp: Sequence[str] | None = None,
    pixel_size: float | None = None,
    beam_center: tuple[float, float] | None = None,
    min_trusted_value: int = -1,
    saturated_value: int | None = None,
    active_areas: np.ndarray | None = None,
    chunk_size: int = 1000,
    compression: str | None = "bitshuffle-lz4",
    simulated: bool = False,
    progress: bool = False,
) -> None:
    """Write a run in the layout of CXIDB entry 76 (``idh5_v1.0``), block by block.

    Parameters
    ----------
    path : path
        The HDF5 file to write; it appears, or replaces an older one, when it is complete.
    frames : Frames or ndarray of shape (n_frames, height, width)
        Integers. Only a few blocks of frames are in memory at a time.
    wavelength : float or ndarray of shape (n_frames,), default=None
        In angstrom; None takes what the frames know.
    distance : float or ndarray of shape (n_frames,), default=None
        From crystal to detector, in mm; None takes what the frames know.
    timestamp : sequence of str of shape (n_frames,), default=None
        None takes what the frames know.
    pixel_size : float, default=None
        In mm.
    beam_center : (float, float), default=None
        Position of the beam, x (fast) and y (slow), in mm from the corner of the first pixel.
    min_trusted_value : int, default=-1
        Pixels above it can be trusted.
    saturated_value : int, default=None
        Pixels at or above it are saturated; None takes the largest number of the dtype.
    active_areas : int ndarray of shape (n_tiles, 4), default=None
        Corners x1, y1, x2, y2 of each tile; None is one tile, the whole frame.
    chunk_size : int, default=1000
        Frames in each group ``/data/chunk_0000000``, ``/data/chunk_0000001``, ...
    compression : {"bitshuffle-lz4", None}, default="bitshuffle-lz4"
        Each frame is compressed by itself, without loss.
    simulated : bool, default=False
        Whether the frames are simulated; the file, and a report of it, then say so.
    progress : bool, default=False
        Show a progress bar with a rate, on work of more than two seconds and in a terminal.

    Raises
    ------
    InputError
        If the frames are not integers, or a quantity does not have one value per frame.
    OSError
        If there is no room for the file. Nothing is written then.

    Examples
    --------
    >>> import tempfile, pathlib, numpy as np
    >>> from sklearn_sfx import open_frames, write_cxidb76
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "run.h5"
    >>> write_cxidb76(path, np.ones((3, 8, 8), dtype=np.uint16), wavelength=1.3, chunk_size=2)
    >>> run = open_frames(path)
    >>> run.shape, run.sources[2].event
    ((3, 8, 8), 'chunk_0000001//0')
    """
    if isinstance(frames, np.ndarray):
        frames = open_frames(frames)
    if not frames.steps:
        frames = frames.as_stored()  # whatever is masked
    if frames.ndim != 3 or frames.dtype.kind not in "iu":
        raise InputError(
            "A CXIDB-76 file holds integers of shape (n_frames, height, width), not "
            f"{frames.dtype} of shape {frames.shape}."
        )
    if len(frames) == 0:
        raise InputError("There is no frame to write.")
    if chunk_size < 1:
        raise InputError(f"chunk_size must be at least 1, not {chunk_size}.")
    known = frames.metadata
    per_frame = {
        "wavelength": _column("wavelength", wavelength, known, len(frames), np.float64),
        "distance": _column("distance", distance, known, len(frames), np.float64),
        "timestamp": _column("timestamp", timestamp, known, len(frames), np.str_),
    }
    height, width = frames.shape[1:]
    scalars = {
        "idh5_version": np.bytes_(b"idh5_v1.0"),
        "SIZE1": width,
        "SIZE2": height,
        "PIXEL_SIZE": pixel_size,
        "BEAM_CENTER_X": None if beam_center is None else beam_center[0],
        "BEAM_CENTER_Y": None if beam_center is None else beam_center[1],
        "MIN_TRUSTED_VALUE": min_trusted_value,
        "SATURATED_VALUE": np.iinfo(frames.dtype).max
        if saturated_value is None
        else saturated_value,
        "ACTIVE_AREAS": np.ravel([0, 0, width, height] if active_areas is None else active_areas),
    }
    options = {"chunks": (1, height, width), **_filter(compression)}
    bar = tqdm(total=len(frames), unit="frame", delay=2, disable=None if progress else True)
    with replacing(path) as temporary, bar:
        _write_file(temporary, frames, per_frame, scalars, chunk_size, options, simulated, bar)


def _write_file(
    path: Path,
    frames: Frames,
    per_frame: dict[str, np.ndarray | None],
    scalars: dict[str, Any],
    chunk_size: int,
    options: dict[str, Any],
    simulated: bool,
    bar: tqdm,
) -> None:
    with new_hdf5(path) as (file, find_room):
        if simulated:
            file.attrs["simulated"] = True
        for name, value in scalars.items():
            if value is not None:
                file[f"metadata/{name}"] = value
        for number, start in enumerate(range(0, len(frames), chunk_size)):
            part = frames[start : start + chunk_size]
            group = file.create_group(f"data/chunk_{number:07d}")
            for name, column in per_frame.items():
                if column is not None:
                    group[name] = column[start : start + chunk_size]
            images = group.create_dataset("images", part.shape, frames.dtype, **options)
            row = 0
            for block in part.blocks():
                find_room(block.nbytes)
                images[row : row + len(block)] = block
                row += len(block)
                bar.update(len(block))


def _filter(compression: str | None) -> dict:
    if compression is None:
        return {}
    if compression != "bitshuffle-lz4":
        raise InputError(f"compression must be 'bitshuffle-lz4' or None, not {compression!r}.")
    import hdf5plugin

    return dict(hdf5plugin.Bitshuffle(cname="lz4"))


def _column(
    name: str, given: ArrayLike | None, known: dict, n_frames: int, dtype: type
) -> np.ndarray | None:
    """One value per frame, as given or else as the frames know it."""
    value = known.get(name) if given is None else given
    if value is None:
        return None
    column = np.asarray(value)
    if dtype is np.float64 and column.ndim == 0:
        column = np.full(n_frames, column)
    if column.shape != (n_frames,):
        raise InputError(
            f"{name} must have one value for each of the {n_frames} frames, but its shape is "
            f"{column.shape}."
        )
    column = column.astype(dtype)
    return np.char.encode(column, "utf-8") if dtype is np.str_ else column
