"""Runs as the arrays of other libraries, as lazy as they are: dask and xarray."""

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


def as_dask(frames: Frames) -> Any:
    """Return a dask array of chunks of whole frames."""
    array = require("dask.array", extra="dask", what="Arrays of dask")
    shape, dtype = frames.shape, frames.dtype
    frame_bytes = dtype.itemsize * max(1, math.prod(shape[1:]))
    length = block_length(len(frames), frame_bytes, 1, MAX_BYTES, MAX_FRAMES)
    return array.map_blocks(
        _read,
        array.arange(len(frames), chunks=length),
        frames=frames,
        new_axis=list(range(1, len(shape))),
        chunks=(array.core.normalize_chunks(length, (len(frames),))[0], *shape[1:]),
        meta=np.empty((0,) * len(shape), dtype),
        name=None,
    )


def as_xarray(frames: Frames) -> Any:
    """Return a DataArray with rows, columns, mask and metadata as coordinates."""
    xarray = require("xarray", extra="xarray", what="Arrays of xarray")
    window = frames._read_window()
    dims = ("frame", "y", "x") if frames.ndim == 3 else ("frame", "feature")
    coordinates: dict[str, Any] = {"frame": np.arange(len(frames))}
    for name, values in frames.metadata.items():
        if values.ndim == 1:
            attrs = {"units": UNITS[name]} if name in UNITS else {}
            coordinates[name] = ("frame", values, attrs)
    if frames.shape[1:] == (window.height, window.width):  # as read, and not made smaller since
        for name, start, length in (
            ("y", window.top, window.height),
            ("x", window.left, window.width),
        ):
            coordinates[name] = (name, np.arange(start, start + length), {"units": "pixel"})
        if isinstance(frames.mask, np.ndarray):
            coordinates["usable"] = (("y", "x"), frames.mask)
        elif frames.mask is not None:
            coordinates["usable"] = (dims, as_dask(frames.mask))
    said = {field.name: getattr(frames.facts, field.name) for field in fields(frames.facts)}
    attrs = {name: value for name, value in said.items() if value not in (None, "", ())}
    if frames.preprocessing:
        attrs["preprocessing"] = frames.preprocessing
    return xarray.DataArray(as_dask(frames), coordinates, dims, "frames", attrs)


def _read(rows: np.ndarray, frames: Frames) -> np.ndarray:
    """Read the frames of one chunk."""
    return np.asarray(frames[rows])
