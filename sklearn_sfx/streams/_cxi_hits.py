"""One file of hits in CXI, to which frames are appended."""

from __future__ import annotations

import json
import os
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from sklearn_sfx._new_hdf5 import new_hdf5
from sklearn_sfx._text import plain
from sklearn_sfx.frames import HC_EV_ANGSTROM, JOULE_IN_EV, Facts
from sklearn_sfx.streams._hits import Hit

__all__ = ["CxiHits", "kind_of"]

MOST_PEAKS = 1024  # of a frame; of more the strongest are kept
OF_COLUMNS = 2**16  # bytes that a frame takes at the most beside its pixels
VERSION = 140  # of CXI
TEXT = h5py.string_dtype()
KIND = "sfx_kind"  # attribute: what all frames of a file have in common
PEAKS = ("peakXPosRaw", "peakYPosRaw", "peakTotalIntensity", "peakSNR", "peakNPixels")


def kind_of(shape: tuple[int, ...], dtype: np.dtype, facts: Facts) -> str:
    """Return what tells frames that go into one file from others."""
    known = [facts.saturation, facts.pixel_size, facts.beam_center]
    return json.dumps(plain([list(shape), dtype.str, known]))


class CxiHits:
    """A file of hits, which is made, or gone on with.

    Parameters
    ----------
    place : Path
        Where it is written.
    shape, dtype, facts : tuple of int, dtype and Facts
        Of the frames of a new file.
    in_memory : bool
        Whether it is written at the end, at once.
    """

    def __init__(
        self,
        place: Path,
        shape: tuple[int, ...],
        dtype: np.dtype,
        facts: Facts,
        *,
        in_memory: bool = False,
    ):
        self.place, self.kind = place, kind_of(shape, dtype, facts)
        self._in_memory = in_memory
        self._rows: dict[str, h5py.Dataset] = {}
        self.n = 0
        self._on_disk, self._find_room = ExitStack(), None
        if in_memory:
            self._h5 = h5py.File(place, "w", driver="core", backing_store=False)
        else:
            self._h5, self._find_room = self._on_disk.enter_context(new_hdf5(place))
        try:
            self._make(shape, dtype, facts)
        except BaseException:
            self.give_up()
            raise

    @classmethod
    def opened(cls, place: Path) -> CxiHits:
        """Return a file that is there, to go on with it."""
        file = cls.__new__(cls)
        file.place, file._h5 = place, h5py.File(place, "r+")
        file._on_disk, file._find_room, file._in_memory = ExitStack(), None, False
        file.kind = str(file._h5.attrs[KIND])
        file._rows = {name: file._h5[f"entry_1/{name}"] for name in _NAMES}
        file.n = len(file._rows["data_1/data"])
        return file

    @property
    def names(self) -> list[tuple[str, str]]:
        """File and event that each frame is from; no file for one of a stream."""
        columns = (self._rows[f"result_1/source{name}"].asstr()[()] for name in ("File", "Event"))
        return list(zip(*columns, strict=True))

    def append(self, hit: Hit) -> None:
        """Add one frame."""
        order = np.argsort(-hit.peaks.intensity, kind="stable")[:MOST_PEAKS]
        peaks = hit.peaks  # x is fast scan and y slow scan, as everywhere in CXI
        found = (peaks.column, peaks.row, peaks.intensity, peaks.snr, peaks.n_pixels)
        values: dict[str, Any] = {
            "data_1/data": hit.pixels,
            "data_1/mask": ~hit.usable,
            "experiment_identifier": _safe(hit.name),
            "instrument_1/source_1/energy": HC_EV_ANGSTROM / hit.wavelength / JOULE_IN_EV,
            "instrument_1/source_1/wavelength": hit.wavelength * 1e-10,
            "instrument_1/detector_1/distance": hit.distance * 1e-3,
            "result_1/nPeaks": len(order),
            "result_1/hitProbability": hit.probability,
            "result_1/timestamp": hit.timestamp,
            "result_1/sourceFile": _safe(hit.origin.path or ""),
            "result_1/sourceEvent": _safe(hit.origin.event),
        }
        for name, column in zip(PEAKS, found, strict=True):
            padded = np.zeros(MOST_PEAKS, np.float32)
            padded[: len(order)] = column[order]
            values[f"result_1/{name}"] = padded
        if self._find_room is not None:
            self._find_room(hit.pixels.nbytes + hit.usable.nbytes + OF_COLUMNS)
        for name, rows in self._rows.items():
            rows.resize(self.n + 1, axis=0)
            rows[self.n] = values[name]
        self.n += 1

    def append_file(self, place: Path) -> None:
        """Add the frames of another file of the same kind, as they are stored."""
        with h5py.File(place, "r") as other:
            n = len(other["entry_1/data_1/data"])
            for name, rows in self._rows.items():
                theirs = other[f"entry_1/{name}"]
                rows.resize(self.n + n, axis=0)
                if rows.ndim < 3:
                    rows[self.n :] = theirs[()]
                    continue
                for row in range(n):
                    _, chunk = theirs.id.read_direct_chunk((row, 0, 0))
                    rows.id.write_direct_chunk((self.n + row, 0, 0), chunk)
        self.n += n

    def keep(self, kept: list[int]) -> None:
        """Leave out all frames but some, which are named in their order."""
        for rows in self._rows.values():
            for to, row in enumerate(kept):
                if to != row:
                    rows[to] = rows[row]
            rows.resize(len(kept), axis=0)
        self.n = len(kept)

    def close(self) -> None:
        """Write what is left."""
        image = None
        if self._in_memory:
            self._h5.flush()
            image = self._h5.id.get_file_image()
        self._on_disk.close()
        self._h5.close()
        if image is not None:
            self.place.write_bytes(image)

    def give_up(self) -> None:
        """Remove what is there."""
        with suppress(OSError, RuntimeError):
            self._on_disk.close()
        with suppress(OSError, RuntimeError):
            self._h5.close()
        with suppress(OSError):
            os.unlink(self.place)

    def _make(self, shape: tuple[int, ...], dtype: np.dtype, facts: Facts) -> None:
        file = self._h5
        file["cxi_version"] = VERSION
        file.attrs[KIND] = self.kind
        for name, of in _NAMES.items():
            is_of_pixels = name.startswith("data_1/")
            inner = shape if is_of_pixels else (MOST_PEAKS,) if name[9:] in PEAKS else ()
            packed = {"compression": "gzip", "compression_opts": 1} if name[7:] == "mask" else {}
            self._rows[name] = file.create_dataset(
                f"entry_1/{name}",
                shape=(0, *inner),
                maxshape=(None, *inner),
                chunks=(1 if inner else 64, *inner),
                dtype=dtype if of is None else of,
                **packed,
            )
        for name, unit in (
            ("source_1/energy", "J"),
            ("source_1/wavelength", "m"),
            ("detector_1/distance", "m"),
        ):
            self._rows[f"instrument_1/{name}"].attrs["units"] = unit
        detector = file["entry_1/instrument_1/detector_1"]
        for name in ("data", "mask"):
            detector[name] = h5py.SoftLink(f"/entry_1/data_1/{name}")
        _write_facts(detector, facts)


# The columns, a row for each frame, and their types; that of the pixels is their own.
_NAMES: dict[str, Any] = {
    "data_1/data": None,
    "data_1/mask": np.uint8,
    "experiment_identifier": TEXT,
    "instrument_1/source_1/energy": np.float64,
    "instrument_1/source_1/wavelength": np.float64,
    "instrument_1/detector_1/distance": np.float64,
    "result_1/nPeaks": np.int32,
    **{f"result_1/{name}": np.float32 for name in PEAKS},
    "result_1/hitProbability": np.float64,
    "result_1/timestamp": np.float64,
    "result_1/sourceFile": TEXT,
    "result_1/sourceEvent": TEXT,
}


def _write_facts(detector: h5py.Group, facts: Facts) -> None:
    if facts.saturation is not None:
        detector["saturation_value"] = facts.saturation
    if facts.pixel_size is None:
        return
    side = facts.pixel_size * 1e-3
    for axis in "xy":
        detector[f"{axis}_pixel_size"] = side
    if facts.beam_center is not None:
        row, column = facts.beam_center
        detector["basis_vectors"] = np.array([[0, -side, 0], [-side, 0, 0]])
        detector["corner_position"] = np.array([(column + 0.5) * side, (row + 0.5) * side, 0])


def _safe(text: str) -> str:
    """Return text that HDF5 can hold: names of files may be any bytes."""
    return text.replace("\0", "\\0").encode("utf-8", "backslashreplace").decode()
