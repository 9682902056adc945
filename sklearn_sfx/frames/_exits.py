"""Runs as the arrays of other libraries, as lazy as they are; methods of `Frames`."""

from __future__ import annotations

import math
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import numpy as np

from sklearn_sfx._extras import require
from sklearn_sfx.frames._blocks import block_length

if TYPE_CHECKING:
    from sklearn_sfx.frames._frames import Frames

__all__ = ["as_dask", "as_xarray"]

MAX_BYTES, MAX_FRAMES = 64 * 2**20, 64  # of a chunk
UNITS = {"wavelength": "angstrom", "distance": "mm"}


def as_dask(self: Frames) -> Any:
    """Return the same frames as an array of dask, which reads a block of them at a time.

    Returns
    -------
    dask.array.Array
        Of the shape and dtype of these `Frames`; a chunk holds whole self, 64 MiB at most.

    Raises
    ------
    InputError
        If dask is not installed: the extra ``dask``.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_sfx import open_frames
    >>> float(open_frames(np.ones((5, 4, 4))).to_dask().mean())
    1.0
    """
    array = require("dask.array", extra="dask", what="Arrays of dask")
    shape, dtype = self.shape, self.dtype
    frame_bytes = dtype.itemsize * max(1, math.prod(shape[1:]))
    length = block_length(len(self), frame_bytes, 1, MAX_BYTES, MAX_FRAMES)
    return array.map_blocks(
        _read,
        array.arange(len(self), chunks=length),
        frames=self,
        new_axis=list(range(1, len(shape))),
        chunks=(array.core.normalize_chunks(length, (len(self),))[0], *shape[1:]),
        meta=np.empty((0,) * len(shape), dtype),
        name=None,
    )


def as_xarray(self: Frames) -> Any:
    """Return the same frames as a labelled array of xarray, which reads what is asked for.

    Returns
    -------
    xarray.DataArray
        With the dimensions ``frame``, ``y`` and ``x``, or ``frame`` and ``feature`` for vectors.
        `metadata` are coordinates along ``frame``, the mask is ``usable``, ``y`` and ``x`` are rows
        and columns of the whole frame, and `facts` are the attributes.

    Raises
    ------
    InputError
        If xarray or dask is not installed: the extra ``xarray``.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_sfx import open_frames
    >>> open_frames(np.ones((5, 4, 4))).to_xarray().dims
    ('frame', 'y', 'x')
    """
    xarray = require("xarray", extra="xarray", what="Arrays of xarray")
    window = self.window
    dims = ("frame", "y", "x") if self.ndim == 3 else ("frame", "feature")
    coordinates: dict[str, Any] = {"frame": np.arange(len(self))}
    for name, values in self.metadata.items():
        if values.ndim == 1:
            attrs = {"units": UNITS[name]} if name in UNITS else {}
            coordinates[name] = ("frame", values, attrs)
    if self.shape[1:] == (window.height, window.width):  # as read, and not made smaller since
        for name, start, length in (
            ("y", window.top, window.height),
            ("x", window.left, window.width),
        ):
            coordinates[name] = (name, np.arange(start, start + length), {"units": "pixel"})
        if isinstance(self.mask, np.ndarray):
            coordinates["usable"] = (("y", "x"), self.mask)
        elif self.mask is not None:
            coordinates["usable"] = (dims, as_dask(self.mask))
    said = {field.name: getattr(self.facts, field.name) for field in fields(self.facts)}
    attrs = {name: value for name, value in said.items() if value not in (None, "", ())}
    if self.preprocessing:
        attrs["preprocessing"] = self.preprocessing
    return xarray.DataArray(as_dask(self), coordinates, dims, "frames", attrs)


def _read(rows: np.ndarray, frames: Frames) -> np.ndarray:
    """Read the frames of one chunk."""
    return np.asarray(frames[rows])
