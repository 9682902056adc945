"""Runs of European XFEL, written by extra_data's own writers and filled with numbers."""

import os

import h5py
import numpy as np
import pytest

extra_data = pytest.importorskip("extra_data", reason="needs the extra [euxfel]")
from extra_data import components  # noqa: E402
from extra_data.tests.mockdata import write_file  # noqa: E402
from extra_data.tests.mockdata.detectors import AGIPDModule, DSSCModule, LPDModule  # noqa: E402
from extra_data.tests.mockdata.jungfrau import JUNGFRAUModule  # noqa: E402

DETECTORS = {
    "AGIPD": (AGIPDModule, components.AGIPD1M, "SPB_DET_AGIPD1M-1", (16, 512, 128)),
    "LPD": (LPDModule, components.LPD1M, "FXE_DET_LPD1M-1", (16, 256, 256)),
    "DSSC": (DSSCModule, components.DSSC1M, "SCS_DET_DSSC1M-1", (16, 128, 512)),
}
N_PULSES = 2  # of a train
rng = np.random.default_rng(0)


def fill(path, *leaves):
    """Put numbers into datasets, since the writers leave them empty."""
    with h5py.File(path, "r+") as file:

        def visit(name, item):
            if isinstance(item, h5py.Dataset) and name.endswith(leaves):
                if name.endswith("mask"):
                    item[:] = rng.integers(0, 4, (item.shape[-2], 1), np.uint16)
                    return
                image = rng.integers(0, 1000, item.shape[-2:], np.uint16)
                number = np.arange(np.prod(item.shape[:-2])).reshape(*item.shape[:-2], 1, 1)
                item[:] = image + number

        file.visititems(visit)


def write_module(folder, kind, module, sequence, *, raw=False, modern=False, n_trains=2):
    writer, _, detector, _ = DETECTORS[kind]
    name = f"{'RAW' if raw else 'CORR'}-R0001-{kind}{module:02}-S{sequence:05}.h5"
    source = f"{detector}/{'CORR' if modern else 'DET'}/{module}CH0"
    channel = {"channel_name": "output"} if modern else {}
    device = writer(source, raw=raw, frames_per_train=N_PULSES, **channel)
    path = folder / name
    write_file(
        str(path),
        [device],
        ntrains=n_trains,
        firsttrain=10000 + sequence * n_trains,
        chunksize=2,
        format_version="1.0",
    )
    fill(path, "image/data", "image/mask")
    return path


def write_run(folder, kind, modules=range(16), sequences=(0, 1), **options):
    folder.mkdir(exist_ok=True)
    for module in modules:
        for sequence in sequences:
            write_module(folder, kind, module, sequence, **options)
    return folder


def by_extra_data(folder, cls, key, raw=False):
    """Return (n_frames, n_modules * rows, columns), gaps and all, as extra_data reads them."""
    # Not by its RunDirectory, which writes a file into the folder.
    paths = [os.path.join(folder, name) for name in sorted(os.listdir(folder))]
    run = extra_data.DataCollection.from_paths(paths, parallelize=False)
    values = cls(run, raw=raw)[key].ndarray(module_gaps=True)
    if cls is components.JUNGFRAU:  # (modules, trains, cells, rows, columns)
        values = np.moveaxis(values, 0, 2)
        return values.reshape(-1, values.shape[2] * values.shape[3], values.shape[4])
    if cls is components.AGIPD1M and raw:
        values = values[:, :, 0]  # signal, not gain
    values = np.moveaxis(values, 0, 1)
    return values.reshape(len(values), -1, values.shape[-1])


class TwoCells(JUNGFRAUModule):
    """A module that was set to two of its sixteen memory cells."""

    @property
    def instrument_keys(self):
        return [(name, dtype, (2, *shape[1:])) for name, dtype, shape in super().instrument_keys]


def jungfrau(folder, modules, detector="SPB_IRDA_JF4M", *, raw=False, cells=True):
    folder.mkdir(exist_ok=True)
    for module in modules:
        source = f"{detector}/DET/JNGFR{module:02}"
        path = folder / f"RAW-R0012-JNGFR{module:02}-S00000.h5"
        device = TwoCells(source, raw=raw)
        write_file(str(path), [device], ntrains=1, chunksize=1, format_version="1.0")
        fill(path, "data/adc", "data/mask")
        with h5py.File(path, "r+") as file:
            if cells:
                file[f"INSTRUMENT/{source}:daqOutput/data/memoryCell"][:] = [7, 3]
    return folder
