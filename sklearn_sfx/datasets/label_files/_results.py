"""What Cheetah, psocake and OM write beside frames in HDF5: which are hits, and their peaks."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import numpy as np

from sklearn_sfx.datasets.label_files._format import HIT, MISS, NO_LABEL, FrameLabel, LabelFormat
from sklearn_sfx.exceptions import InputError

__all__ = ["Results"]

_MAGIC = b"\x89HDF\r\n\x1a\n"
_HIT, _PEAKS = "hit", "nPeaks"


class Results(LabelFormat):
    """``hit`` and ``nPeaks``, one for each frame of the file, wherever they lie in it."""

    name = "results of Cheetah or OM in HDF5"

    def knows(self, path: str, head: bytes) -> bool:
        return head.startswith(_MAGIC)

    def read(self, path: str) -> Iterator[FrameLabel]:
        hits, peaks = _columns(path)
        name = os.path.basename(path)
        for position in range(len(hits if hits is not None else peaks)):
            label = NO_LABEL
            if hits is not None and hits[position] >= 0:
                label = HIT if hits[position] else MISS
            count = None if peaks is None or peaks[position] < 0 else int(peaks[position])
            yield FrameLabel(name, None, position, label, n_peaks=count, is_weak=True)


def _columns(path: str) -> tuple[Any, Any]:
    """Return the flags and the numbers of peaks; None for what is not there."""
    import h5py  # takes long to import

    found: dict[str, dict[str, np.ndarray]] = {_HIT: {}, _PEAKS: {}}

    def look(where: str, item: Any) -> None:
        last = where.rpartition("/")[2]
        if isinstance(item, h5py.Dataset) and last in found and len(item.shape) == 1:
            n_rows = item.shape[0]
            if "numEvents" in item.attrs:  # while it is written the rest is padding
                n_rows = min(n_rows, int(np.ravel(item.attrs["numEvents"])[0]))
            found[last][where] = _whole(item[:n_rows], f"dataset /{where} of {path}")

    try:
        with h5py.File(path, "r") as file:
            file.visititems(look)
    except InputError:
        raise
    except (OSError, RuntimeError, ValueError, LookupError, TypeError, OverflowError) as error:
        raise InputError(
            f"The labels in {path} cannot be read: the file is cut off, damaged or still being "
            "written."
        ) from error
    hits, peaks = (_one(columns, path) for columns in found.values())
    if hits is None and peaks is None:
        raise InputError(
            f"{path} is an HDF5 file without labels: it has no dataset called 'hit' or 'nPeaks' "
            "with a number for each frame."
        )
    if hits is not None and peaks is not None and len(hits) != len(peaks):
        raise InputError(
            f"{path} has {len(hits)} numbers of 'hit' and {len(peaks)} of 'nPeaks', so it is not "
            "clear which frames they are of: it is damaged or still being written."
        )
    return hits, peaks


def _whole(values: np.ndarray, where: str) -> np.ndarray:
    with np.errstate(invalid="ignore"):  # NaN
        whole = values.astype(np.int64) if values.dtype.kind in "biuf" else None
    if whole is None or not np.array_equal(whole, values):
        raise InputError(f"The {where} does not hold whole numbers, so no labels.")
    return whole


def _one(columns: dict[str, np.ndarray], path: str) -> np.ndarray | None:
    """Return what datasets of one name say alike."""
    first = next(iter(columns.values()), None)
    if any(not np.array_equal(first, other) for other in columns.values()):  # type: ignore[arg-type]
        raise InputError(
            f"{path} has several datasets of labels, which differ: {', '.join(sorted(columns))}; "
            "write those that you mean to a file of labels."
        )
    return first
