"""Frames that lie together: consecutive ones of one dataset."""

from __future__ import annotations

from typing import NamedTuple

import h5py
import numpy as np

from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames.hdf5._metadata import Field

__all__ = ["Segment", "make_segment"]


class Segment(NamedTuple):
    """Consecutive frames of one dataset of one file.

    Parameters
    ----------
    path, dataset : str
        Absolute path of the file and path of the dataset in it.
    shape : tuple of int
        (n_frames, height, width), modules stacked.
    module_height : int
        Rows of one module; the frame's height where there are no modules.
    dtype : str
        Of the pixels, in the byte order of this machine.
    first : int
        Number within the file of the first frame.
    event : str
        What stands before ``//`` in CrystFEL's name of a frame.
    fields : tuple of Field
        What the file says of each frame.
    compression : str or None
        As h5py names it: "gzip", "lzf"; None for none, or another.
    """

    path: str
    dataset: str
    shape: tuple[int, int, int]
    module_height: int
    dtype: str
    first: int = 0
    event: str = ""
    fields: tuple[Field, ...] = ()
    compression: str | None = None


def make_segment(path: str, dataset: h5py.Dataset, name: str | None = None) -> Segment | None:
    """Describe one dataset of frames; None where it holds no frame.

    Tools that grow the dataset while they write set the attribute ``numEvents``. Closed, the
    extent is cut to it. Otherwise the extent is larger, padded, and ``numEvents`` is the position
    of a frame written recently, not a count; all before that one are read, and none after.
    """
    name = dataset.name if name is None else name
    if dataset.ndim not in (3, 4) or dataset.dtype.kind not in "biuf":
        raise InputError(
            f"Dataset {name} of {path} has the shape {dataset.shape} and dtype {dataset.dtype}: "
            "frames are numbers of shape (n, height, width) or (n, modules, height, width)."
        )
    n_frames = dataset.shape[0]
    if "numEvents" in dataset.attrs:
        n_frames = min(n_frames, int(np.ravel(dataset.attrs["numEvents"])[0]))
    height, width = dataset.shape[-2:]
    shape = (n_frames, height * (dataset.shape[1] if dataset.ndim == 4 else 1), width)
    if min(shape) < 1:
        return None
    dtype = dataset.dtype.newbyteorder("=").str
    return Segment(path, name, shape, height, dtype, compression=dataset.compression)
