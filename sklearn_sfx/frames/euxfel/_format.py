"""Runs of European XFEL as a format: folders, their files, and some of these."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np

from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames._facts import Facts
from sklearn_sfx.frames._format_protocol import Format, NoSuchDataset, StoredMask
from sklearn_sfx.frames._protocols import FrameSource
from sklearn_sfx.frames.euxfel._runs import (
    Detector,
    detector_of,
    is_run_file,
    layout_of,
    run_files,
)
from sklearn_sfx.frames.euxfel._source import EuxfelSource
from sklearn_sfx.frames.hdf5._contents import contents_of
from sklearn_sfx.frames.hdf5._handles import is_hdf5
from sklearn_sfx.frames.hdf5.layouts import GenericHdf5

__all__ = ["Euxfel"]

_LOOKED_AT = 5  # files of a folder, of which one is enough


class Euxfel(Format):
    """Detectors of several modules, AGIPD, LPD, DSSC and JUNGFRAU, raw or corrected.

    The files of a run lie beside each other, a module each, so those that are given together are
    one run. A dataset is named by the detector, "SPB_DET_AGIPD1M-1"; one by its path in a file,
    "/INSTRUMENT/...", is opened as in any other HDF5 file.
    """

    name = "EuXFEL"
    names_detectors = True

    def knows(self, path: str, head: bytes) -> bool:
        """Told by the groups that every file has; a folder by the files in it."""
        if head:
            return is_hdf5(head) and _is_run_file(path)
        return any(_is_run_file(file) for file in run_files([path])[:_LOOKED_AT])

    def open(self, path: str, dataset: str | None = None) -> FrameSource:
        """Return the frames of a folder, or of one file."""
        source = self.open_together([path], dataset)
        if source is None and os.path.isdir(path):
            raise NoSuchDataset(
                f"{path} has no dataset {dataset}, since it is a folder: name the detector, or "
                "give the file that has this dataset."
            )
        return GenericHdf5().open(path, dataset) if source is None else source

    def open_together(self, paths: Sequence[str], dataset: str | None = None) -> FrameSource | None:
        """Return the frames of all modules in some files; None where no detector has modules."""
        if _is_path(dataset):
            return None
        files = run_files(paths)
        with detector_of(files, dataset) as detector:
            if detector is None:
                if len(paths) == 1 and files == paths and not _has_detector(files[0]):
                    return None
                raise InputError(
                    f"{paths[0]} has no detector of several modules: name a dataset of one file, "
                    "as in dataset='/INSTRUMENT/...'."
                )
            return _frames(detector)

    def find_mask(self, path: str, dataset: str | None = None) -> StoredMask | None:
        """Return the mask that the correction wrote for each frame, where 0 is a good pixel."""
        if _is_path(dataset):
            return GenericHdf5().find_mask(path, dataset)
        return self.find_mask_together([path], dataset)

    def find_mask_together(
        self, paths: Sequence[str], dataset: str | None = None
    ) -> StoredMask | None:
        """Return the same for some files; a module that is missing is bad."""
        with detector_of(run_files(paths), dataset) as detector:
            frames = None if detector is None else layout_of(detector, detector.data)
            masks = None if detector is None else layout_of(detector, detector.mask)
            if detector is None or frames is None or masks is None:
                return None
            layout, shape, dtype = masks
            if (
                shape != frames[1]
                or layout.n_frames != frames[0].n_frames
                or dtype.kind not in "ui"
            ):
                return None
            modules = (detector.n_modules, *shape)
            facts = Facts(format=self.name, dataset=detector.name)
            missing = np.iinfo(dtype).max
            source = EuxfelSource(layout, modules, dtype.str, missing, facts)
            return StoredMask(source, f"{detector.mask} of {detector.name}", bad_bits="any")


def _frames(detector: Detector) -> FrameSource:
    found = layout_of(detector, detector.data)
    if found is None:
        raise InputError(f"Detector {detector.name} has no frames in these files.")
    layout, shape, dtype = found
    facts = Facts(
        format=Euxfel.name,
        dataset=detector.name,
        modules=(detector.n_modules, shape[0]),
        note=_note(detector, layout.part),
    )
    if (layout.part < 0).any() and dtype.kind != "f":
        dtype = np.dtype("f4" if dtype.itemsize <= 2 else "f8")  # which has NaN
    return EuxfelSource(layout, (detector.n_modules, *shape), dtype.str, np.nan, facts)


def _note(detector: Detector, part: np.ndarray) -> str:
    """Say what a user has to know of the values."""
    notes = []
    if detector.is_raw:
        raw = "raw values, not calibrated"
        notes.append(f"{raw}; their gain is left out" if detector.kind[:5] == "AGIPD" else raw)
    gone = np.flatnonzero((part < 0).all(axis=0))
    if len(gone):
        notes.append(f"no data of module {', '.join(map(str, gone))}")
    n_incomplete = int((np.delete(part, gone, axis=1) < 0).any(axis=1).sum())
    if n_incomplete:
        notes.append(f"modules are missing in {n_incomplete} of {len(part)} trains")
    return "; ".join(notes)


def _is_run_file(path: str) -> bool:
    try:
        with contents_of(path) as file:
            return is_run_file(file)
    except InputError:
        return False


def _has_detector(path: str) -> bool:
    """Whether a file has the data of a detector, though its list of sources names none."""
    with contents_of(path) as file:
        domains = file.get("INSTRUMENT", {}).values()
        return any("DET" in domain or "CORR" in domain for domain in domains)


def _is_path(dataset: str | None) -> bool:
    return dataset is not None and "/" in dataset
