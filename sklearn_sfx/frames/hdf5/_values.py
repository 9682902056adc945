"""Single values out of HDF5 files, however their writers wrapped them up."""

from __future__ import annotations

from typing import Any

import h5py
import numpy as np

from sklearn_sfx.frames.hdf5._handles import HDF5_ERRORS, look_up

__all__ = ["attribute", "number_at", "text", "text_at"]

_SMALL = 2**20  # bytes; what is larger is no single value


def text(value: Any) -> str:
    """Return a string, bytes, or an array of one of them, as a string; "" for anything else."""
    if isinstance(value, np.ndarray):
        value = value.flat[0] if value.size == 1 else ""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    return value.strip("\0 \t\r\n") if isinstance(value, str) else ""


def attribute(item: h5py.Group | h5py.Dataset, name: str) -> str:
    """Return an attribute that should be text; "" where there is none, or no text."""
    try:
        return text(item.attrs[name]) if name in item.attrs else ""
    except HDF5_ERRORS:
        return ""


def text_at(group: h5py.Group, path: str) -> str:
    """Return the text of a dataset; "" where there is none."""
    item = look_up(group, path)
    if not isinstance(item, h5py.Dataset) or item.size != 1 or item.nbytes > _SMALL:
        return ""
    try:
        return text(item[()])
    except HDF5_ERRORS:
        return ""


def number_at(group: h5py.Group, path: str) -> float | None:
    """Return the number in a dataset, or what all numbers in it are; None where it has none."""
    item = look_up(group, path)
    if not isinstance(item, h5py.Dataset) or item.dtype.kind not in "biuf":
        return None
    if not 0 < item.nbytes <= _SMALL:
        return None
    try:
        values = np.ravel(item[()])
    except HDF5_ERRORS:
        return None
    value = float(values[0])
    return value if np.isfinite(value) and bool(np.all(values == values[0])) else None
