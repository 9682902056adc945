"""From files of European XFEL to the layout of the frames of one detector, by extra_data.

extra_data knows the files, their trains and the names of detectors. What it would do besides is not
asked of it: it leaves out files that it cannot open, writes a map into the folder of a run, and
fills a module that is missing with zeros.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import h5py
import numpy as np

from sklearn_sfx._extras import require
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames._format_protocol import NoSuchDataset
from sklearn_sfx.frames._paths import why_unreadable
from sklearn_sfx.frames._protocols import FrameSource
from sklearn_sfx.frames.euxfel._layout import Layout
from sklearn_sfx.frames.hdf5._contents import contents_of
from sklearn_sfx.frames.hdf5._handles import HDF5_ERRORS, reason
from sklearn_sfx.frames.hdf5._segments import Images, make_segment
from sklearn_sfx.frames.hdf5._source import Hdf5Source

__all__ = ["Detector", "detector_of", "is_run_file", "layout_of", "run_files"]

_GROUPS = ("METADATA", "INDEX", "INSTRUMENT", "CONTROL", "RUN")
_LEAST_GROUPS = 3  # so that a damaged file is not taken for one of another layout
_WAY_OUT = "to go on without it, give the other files instead of the folder"
_OVERVIEW = "overview.h5"  # of virtual datasets over the other files
# JUNGFRAUs of a known number of modules; of others those that are there tell it.
_N_MODULES = {"JF4M": 8, "JF1M": 2, "JF500K": 1}


class Detector(NamedTuple):
    """One detector of a run, whose modules are sources of data.

    Parameters
    ----------
    name, kind : str
        "SPB_DET_AGIPD1M-1", "AGIPD1M".
    sources : dict of int to str
        Place of each module in the stack, and what it is called in the files.
    n_modules : int
        How many modules are stacked, those that are missing too.
    files : dict of str to list
        The files of each source, as extra_data opened them.
    data, mask : str
        Keys of the pixels and of their mask.
    is_raw : bool
        Whether the pixels are as the detector gave them.
    """

    name: str
    kind: str
    sources: dict[int, str]
    n_modules: int
    files: dict[str, list[Any]]
    data: str
    mask: str
    is_raw: bool


def is_run_file(file: Any) -> bool:
    """Whether an open HDF5 file has most of the groups that the files of EuXFEL have."""
    return sum(name in file for name in _GROUPS) >= _LEAST_GROUPS


def run_files(paths: Sequence[str]) -> list[str]:
    """Return the files that are meant by files and folders of runs."""
    files: list[str] = []
    for path in paths:
        if os.path.isdir(path):
            names = sorted(os.listdir(path))
            named = [name for name in names if name.endswith(".h5") and name.lower() != _OVERVIEW]
            files += [os.path.join(path, name) for name in named]
        else:
            files.append(path)
    return list(dict.fromkeys(files))


@contextmanager
def detector_of(paths: Sequence[str], name: str | None) -> Iterator[Detector | None]:
    """Lend the detector of a run, whose files are closed afterwards.

    Parameters
    ----------
    paths : sequence of str
        Files of one run or several.
    name : str or None
        Which detector, where there are several.

    Yields
    ------
    Detector or None
        None if there is none of several modules.
    """
    extra_data = require(
        "extra_data",
        extra="euxfel",
        what="Runs of European XFEL",
        otherwise="name one module's dataset, as in dataset='/INSTRUMENT/.../image/data'",
    )
    files = []
    try:
        for path in paths:
            try:
                files.append(extra_data.FileAccess(path))
            except Exception as error:
                said = f"{path} is damaged, or no file of a run of European XFEL: {_said(error)}"
                raise InputError(f"{_why_not_opened(path) or said}; {_WAY_OUT}.") from error
        try:
            run = extra_data.DataCollection(files)
        except Exception as error:
            raise InputError(
                f"{_among(paths)} cannot be put together to one run: {_said(error)}."
            ) from error
        try:
            yield _find_detector(run, paths, name)
        except InputError:
            raise
        except (*HDF5_ERRORS, ArithmeticError, AssertionError) as error:
            raise InputError(_why_damaged(paths, error)) from error
    finally:
        for file in files:
            file.close()


def layout_of(detector: Detector, key: str) -> tuple[Layout, tuple[int, int], np.dtype] | None:
    """Find where the values of a key are for each module of each frame.

    Returns
    -------
    (Layout, (rows, columns), dtype), or None
        With the shape and dtype of one module; None where no file has the key.
    """
    group = key.partition(".")[0]
    parts: list[Any] = []
    trains: dict[int, dict[int, tuple[int, int, int, Any]]] = {}
    kinds = set()
    for module, source in detector.sources.items():
        for file in detector.files[source]:
            dataset = file.file.get(f"INSTRUMENT/{source}/{key.replace('.', '/')}")
            if dataset is None:
                return None
            first, count = file.get_index(source, group)
            held = np.flatnonzero(count > 0)
            if not len(held):
                continue
            if int((first + count)[held].max()) > dataset.shape[0]:
                raise InputError(
                    f"{file.filename} is damaged: its index names row "
                    f"{int((first + count)[held].max()) - 1} of dataset {dataset.name}, which has "
                    f"{dataset.shape[0]}."
                )
            part = _part(file.filename, dataset)
            if part is None:
                continue
            kinds.add((dataset.shape[-2:], dataset.dtype.newbyteorder("="), _per_row(dataset, key)))
            for i in held:
                found = trains.setdefault(int(file.train_ids[i]), {})
                if module in found:
                    raise InputError(
                        f"{file.filename} and {found[module][3].filename} both hold module "
                        f"{module} in train {int(file.train_ids[i])}: give one of them."
                    )
                found[module] = len(parts), int(first[i]), int(count[i]), file
            parts.append(part)
    if not trains:
        return None
    if len(kinds) > 1:
        raise InputError(
            f"The modules of {detector.name} are not of one kind: {sorted(map(str, kinds))}."
        )
    ((shape, dtype, per_row),) = kinds
    return _layout(detector, parts, trains, per_row), shape, dtype


def _layout(
    detector: Detector,
    parts: list[Any],
    trains: dict[int, dict[int, tuple[int, int, int, Any]]],
    per_row: int,
) -> Layout:
    ids = sorted(trains)
    part = np.full((len(ids), detector.n_modules), -1)
    first = np.zeros(part.shape, np.int64)
    counts = np.zeros(len(ids), np.int64)
    folders: list[str] = []
    in_folder = np.zeros(len(ids), np.int64)
    so_far: dict[str, int] = {}
    for i, train in enumerate(ids):
        modules = trains[train]
        n_rows = {count for _, _, count, _ in modules.values()}
        if len(n_rows) > 1:
            raise InputError(
                f"The modules of {detector.name} hold {sorted(n_rows)} frames of train {train}, "
                "so it cannot be said which belong together."
            )
        counts[i] = n_rows.pop() * per_row
        for module, (number, row, _, _) in modules.items():
            part[i, module], first[i, module] = number, row
        _, _, _, file = modules[min(modules)]
        folder = os.path.dirname(file.filename)
        folders.append(folder)
        in_folder[i] = so_far.get(folder, 0)
        so_far[folder] = int(in_folder[i] + counts[i])
    start = np.concatenate([[0], np.cumsum(counts)])
    train = np.repeat(np.array(ids, np.int64), counts)
    place = np.arange(start[-1]) - np.repeat(start[:-1], counts)
    layout = Layout(
        tuple(parts), part, first, start, tuple(folders), in_folder, train, place, place, place,
        per_row,
    )  # fmt: skip
    return _named(detector, layout, trains)


def _named(
    detector: Detector, layout: Layout, trains: dict[int, dict[int, tuple[int, int, int, Any]]]
) -> Layout:
    """Return the layout with the pulses and cells that the files name."""
    is_jungfrau = layout.per_row > 1 or detector.data.startswith("data.")
    keys = {"cell": "data/memoryCell"} if is_jungfrau else {
        "pulse": "image/pulseId", "cell": "image/cellId"
    }  # fmt: skip
    found: dict[str, np.ndarray] = {}
    for name, key in keys.items():
        values = np.full(layout.n_frames, -1, np.int64)
        read: dict[tuple[str, str], np.ndarray] = {}
        for i, train in enumerate(sorted(trains)):
            for module, (_, row, count, file) in trains[train].items():
                source = detector.sources[module]
                if (file.filename, source) not in read:
                    dataset = file.file.get(f"INSTRUMENT/{source}/{key}")
                    empty = np.zeros(0, np.int64)
                    whole = empty if dataset is None else dataset[()].astype(np.int64)
                    read[file.filename, source] = whole
                ids = read[file.filename, source][row : row + count].ravel()
                frames = slice(layout.start[i], layout.start[i + 1])
                if len(ids) != layout.start[i + 1] - layout.start[i]:
                    continue
                if (values[frames] >= 0).all() and (values[frames] != ids).any():
                    raise InputError(
                        f"The modules of {detector.name} name the frames of train {train} "
                        f"differently ({key}), so it cannot be said which belong together."
                    )
                values[frames] = ids
        found[name] = values
    pulse = found.get("pulse", found["cell"])
    pairs = np.stack([layout.train, pulse])
    unique = (pulse >= 0).all() and np.unique(pairs, axis=1).shape[1] == len(pulse)
    values = vars(layout) | {"pulse": pulse, "cell": found["cell"]}
    return Layout(**(values | {"name": pulse if unique else layout.name}))


def _part(path: str, dataset: Any) -> FrameSource | None:
    """Return the rows of a dataset as frames, in which cells or signal and gain are stacked."""
    segment = make_segment(path, dataset, Images(dataset.name))
    return None if segment is None else Hdf5Source(segment)


def _per_row(dataset: Any, key: str) -> int:
    """Return how many frames are in a row: of a JUNGFRAU's, as many as there are memory cells."""
    return dataset.shape[1] if key.startswith("data.") and dataset.ndim == 4 else 1


def _find_detector(run: Any, paths: Sequence[str], name: str | None) -> Detector | None:
    from extra_data import SourceNameError
    from extra_data.components import identify_multimod_detectors

    found = dict(sorted(identify_multimod_detectors(run), key=lambda pair: pair[0]))
    if not found:
        if name is not None:
            raise NoSuchDataset(f"{_among(paths)} has no detector {name}, nor another.")
        return None
    if name is None:
        if len(found) > 1:
            raise InputError(
                f"{_among(paths)} has several detectors: {', '.join(found)}; name one of them, as "
                "in open_frames(path, dataset=...)."
            )
        (name,) = found
    elif name not in found:
        raise NoSuchDataset(f"{_among(paths)} has no detector {name}; it has {', '.join(found)}.")
    kind = found[name]
    try:
        try:
            opened, is_raw = kind(run, name, raw=False), False
        except SourceNameError:
            opened, is_raw = kind(run, name, raw=True), True
    except ValueError as error:
        raise InputError(
            f"The modules of {name} cannot be put together to frames: {_said(error)}."
        ) from error
    sources, n_modules = _stack(opened, name)
    group = "data" if kind.__name__ == "JUNGFRAU" else "image"
    return Detector(
        name,
        kind.__name__,
        sources,
        n_modules,
        {source: opened.data[source].files for source in sources.values()},
        f"{group}.{'adc' if group == 'data' else 'data'}",
        f"{group}.mask",
        is_raw,
    )


def _stack(opened: Any, name: str) -> tuple[dict[int, str], int]:
    """Return the place of each module in the stack, and how many it has."""
    numbers = {number: source for source, number in opened.source_to_modno.items()}
    if type(opened).__name__ != "JUNGFRAU":
        return dict(sorted(numbers.items())), opened.n_modules
    found = re.search(r"JF4M|JF1M|JF500K", name)
    n_modules = max(_N_MODULES[found[0]] if found else 0, opened.n_modules)
    if found and found[0] == "JF500K" and len(numbers) == 1:
        return {0: next(iter(numbers.values()))}, 1
    return {number - 1: source for number, source in sorted(numbers.items())}, n_modules


def _why_damaged(paths: Sequence[str], error: Exception) -> str:
    """Say which file of a run is damaged, the first one, and what to do."""
    said = f"{_among(paths)} is damaged: {_said(error)}; copy it again"
    if len(paths) == 1:
        return f"{_why_not_opened(paths[0]) or said}."
    for path in paths:
        found = _why_not_opened(path)
        if not found:
            try:
                with detector_of([path], None):
                    continue
            except InputError as alone:
                if alone.__cause__ is None:  # it is whole, and something else is to be said of it
                    continue
                found = str(alone).rstrip(".").removesuffix(f"; {_WAY_OUT}")
        return f"{found}; {_WAY_OUT}."
    return f"{said}."


def _why_not_opened(path: str) -> str:
    """Say why a file is not open, without a full stop; "" if it can be opened."""
    if not h5py.is_hdf5(path):
        return (why_unreadable(path) or f"{path} is no HDF5 file").rstrip(".")
    try:
        with contents_of(path):
            return ""
    except InputError as error:
        return str(error).rstrip(".")


def _among(paths: Sequence[str]) -> str:
    """Name the files, or what they have in common."""
    return paths[0] if len(paths) == 1 else f"The run in {os.path.commonpath(paths)}"


def _said(error: Exception) -> str:
    return reason(error) or type(error).__name__
