"""Hits as CXI files, each there when it is whole."""

from __future__ import annotations

import errno
import os
import re
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from sklearn_sfx._files import new_file, staging
from sklearn_sfx._text import counted
from sklearn_sfx.frames import HC_EV_ANGSTROM, JOULE_IN_EV
from sklearn_sfx.streams._hits import Hit, hits_of
from sklearn_sfx.streams._protocols import ScoredFrames

__all__ = ["HitFiles"]

MOST_PEAKS = 1024  # of a frame; of more the strongest are kept
VERSION = 140  # of CXI
TEXT = h5py.string_dtype()


class HitFiles:
    """Writes hits to a series of CXI files: ``hits-00001.cxi``, ``hits-00002.cxi`` and so on.

    A file appears when it is whole, after `n_frames` hits or when the watch ends; none is ever
    replaced. What was not whole when a watch was killed is gone, so `n_frames` is small. CrystFEL,
    this package and plain h5py read them: pixels are not compressed.

    Parameters
    ----------
    path : path-like
        ``hits.cxi``, to which the number of the file is added.
    n_frames : int, default=100
        Hits in a file.

    Attributes
    ----------
    written : list of Path
        The files that are whole.

    Raises
    ------
    InputError
        The folder is not there, or cannot be written to.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import numpy as np
    >>> from sklearn_sfx import open_frames
    >>> from sklearn_sfx.screening import Scores
    >>> from sklearn_sfx.streams import HitFiles, ScoredFrames, arrived_frames
    >>> frames = arrived_frames(np.ones((2, 8, 8), np.uint16), mask=np.eye(8) == 0)
    >>> scores = Scores(frames.sources, np.array([0.9, 0.1]), np.array([True, False]), None, 0.5)
    >>> files = HitFiles(pathlib.Path(tempfile.mkdtemp()) / "hits.cxi")
    >>> files.add(ScoredFrames(frames, scores, np.zeros(2)))
    >>> files.close()
    >>> [path.name for path in files.written]
    ['hits-00001.cxi']
    >>> open_frames(files.written[0]).shape
    (1, 8, 8)
    """

    def __init__(self, path: str | os.PathLike, *, n_frames: int = 100):
        self._path, self._n_frames = new_file(path), n_frames
        self._file: _CxiFile | None = None
        self.written: list[Path] = []

    def add(self, block: ScoredFrames) -> None:
        """Write the hits of a block.

        Parameters
        ----------
        block : ScoredFrames, of frames of shape (n_frames, height, width)
            What was scored.

        Raises
        ------
        OSError
            They cannot be written; the file that they were to go to is given up.
        InputError
            A frame cannot be read any more.
        """
        for hit in hits_of(block):
            if self._file is not None and not self._file.takes(hit):
                self.close()
            try:
                if self._file is None:
                    self._file = _CxiFile(self._path.parent, hit)
                self._file.append(hit)
            except (OSError, RuntimeError) as error:
                raise self._given_up(error) from error
            if self._file.n == self._n_frames:
                self.close()

    def close(self) -> None:
        """Finish the file that is open, so that it appears.

        Raises
        ------
        OSError
            It cannot be written.
        """
        if self._file is None:
            return
        try:
            self.written.append(self._file.finish(self._path))
        except (OSError, RuntimeError) as error:
            raise self._given_up(error) from error
        self._file = None

    def _given_up(self, error: Exception) -> OSError:
        """Return what is said of a file whose hits are lost."""
        n = 0 if self._file is None else self._file.n
        if self._file is not None:
            self._file.give_up()
        self._file = None
        reason = getattr(error, "strerror", None) or str(error)
        number = getattr(error, "errno", None) or errno.EIO
        return OSError(
            number, f"{reason}; {counted(n, 'hit')} of its last file are lost", self._path
        )


class _CxiFile:
    """One file, which is not whole yet."""

    def __init__(self, folder: Path, hit: Hit):
        self.n = 0
        self._shape, self._dtype = hit.pixels.shape, hit.pixels.dtype
        self._stack = ExitStack()
        try:
            self._place = self._stack.enter_context(staging(folder)) / "hits.cxi"
            self._h5 = self._stack.enter_context(h5py.File(self._place, "w"))
            self._make(hit)
        except BaseException:
            self.give_up()
            raise

    def takes(self, hit: Hit) -> bool:
        """Whether a hit has the shape and type of the others."""
        return (hit.pixels.shape, hit.pixels.dtype) == (self._shape, self._dtype)

    def _make(self, hit: Hit) -> None:
        file, shape = self._h5, self._shape
        file["cxi_version"] = VERSION
        self._rows: dict[str, Any] = {}

        def rows(name: str, dtype: Any, inner: tuple[int, ...] = (), **options: Any) -> None:
            self._rows[name] = file.create_dataset(
                f"entry_1/{name}",
                shape=(0, *inner),
                maxshape=(None, *inner),
                chunks=(1 if inner else 64, *inner),
                dtype=dtype,
                **options,
            )

        rows("data_1/data", self._dtype, shape)
        rows("data_1/mask", np.uint8, shape, compression="gzip", compression_opts=1)
        rows("experiment_identifier", TEXT)
        for name, unit in (("source_1/energy", "J"), ("source_1/wavelength", "m")):
            rows(f"instrument_1/{name}", np.float64)
            self._rows[f"instrument_1/{name}"].attrs["units"] = unit
        rows("instrument_1/detector_1/distance", np.float64)
        self._rows["instrument_1/detector_1/distance"].attrs["units"] = "m"
        rows("result_1/nPeaks", np.int32)
        for name in _columns(hit):
            rows(f"result_1/{name}", np.float32, (MOST_PEAKS,))
        rows("result_1/hitProbability", np.float64)
        rows("result_1/timestamp", np.float64)
        rows("result_1/sourceFile", TEXT)
        rows("result_1/sourceEvent", TEXT)
        detector = file["entry_1/instrument_1/detector_1"]
        for name in ("data", "mask"):
            detector[name] = h5py.SoftLink(f"/entry_1/data_1/{name}")
        _write_facts(detector, hit)

    def append(self, hit: Hit) -> None:
        """Add one frame."""
        order = np.argsort(-hit.peaks.intensity, kind="stable")[:MOST_PEAKS]
        energy = HC_EV_ANGSTROM / hit.wavelength / JOULE_IN_EV
        values: dict[str, Any] = {
            "data_1/data": hit.pixels,
            "data_1/mask": ~hit.usable,
            "experiment_identifier": _safe(hit.name),
            "instrument_1/source_1/energy": energy,
            "instrument_1/source_1/wavelength": hit.wavelength * 1e-10,
            "instrument_1/detector_1/distance": hit.distance * 1e-3,
            "result_1/nPeaks": len(order),
            "result_1/hitProbability": hit.probability,
            "result_1/timestamp": hit.timestamp,
            "result_1/sourceFile": _safe(hit.origin.path or ""),
            "result_1/sourceEvent": _safe(hit.origin.event),
        }
        for name, column in _columns(hit).items():
            padded = np.zeros(MOST_PEAKS, np.float32)
            padded[: len(order)] = column[order]
            values[f"result_1/{name}"] = padded
        for name, rows in self._rows.items():
            rows.resize(self.n + 1, axis=0)
            rows[self.n] = values[name]
        self.n += 1

    def finish(self, path: Path) -> Path:
        """Close the file, and let it appear under the next number that is free."""
        self._h5.close()
        with open(self._place, "rb") as file:
            os.fsync(file.fileno())
        number = 1 + max(_numbers(path), default=0)
        while True:
            target = path.with_name(f"{path.stem}-{number:05d}{path.suffix}")
            try:
                os.link(self._place, target)
                break
            except FileExistsError:  # of another watch
                number += 1
            except OSError as error:
                if error.errno not in (errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK):
                    raise
                os.rename(self._place, target)  # where there are no hard links
                break
        self._stack.close()
        return target

    def give_up(self) -> None:
        """Remove what is there."""
        try:
            self._stack.close()
        except (OSError, RuntimeError):  # HDF5 cannot write what it still has
            self._stack.close()


def _columns(hit: Hit) -> dict[str, np.ndarray]:
    """Return what is written of peaks; x is fast scan and y slow scan, as everywhere in CXI."""
    peaks = hit.peaks
    return {
        "peakXPosRaw": peaks.column,
        "peakYPosRaw": peaks.row,
        "peakTotalIntensity": peaks.intensity,
        "peakSNR": peaks.snr,
        "peakNPixels": peaks.n_pixels,
    }


def _write_facts(detector: h5py.Group, hit: Hit) -> None:
    facts = hit.facts
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


def _numbers(path: Path) -> list[int]:
    """Return the numbers of the files of a series that are there."""
    pattern = re.compile(re.escape(path.stem) + r"-(\d{5,9})" + re.escape(path.suffix))
    names = (pattern.fullmatch(name) for name in os.listdir(path.absolute().parent))
    return [int(name[1]) for name in names if name]


def _safe(text: str) -> str:
    """Return text that HDF5 can hold: names of files may be any bytes."""
    return text.replace("\0", "\\0").encode("utf-8", "backslashreplace").decode()
