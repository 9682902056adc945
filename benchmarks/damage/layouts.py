"""A run in each layout of HDF5, as the tests write it, and the datasets that h5py reads of it."""

import importlib.util
from pathlib import Path

import h5py
import numpy as np

from benchmarks.damage.cases import Case

__all__ = ["layouts", "read_datasets"]

TESTS = Path(__file__).parents[2] / "tests" / "frames"
SHAPE = (5, 24, 20)
MOST = 1e7  # numbers of a dataset that is read


def layouts():
    """Return a case for each layout, by its name."""
    found = {}
    for path, name in (
        (TESTS / "conftest.py", "WRITERS"),
        (TESTS / "hdf5" / "conftest.py", "FACILITIES"),
    ):
        spec = importlib.util.spec_from_file_location(f"runs_{name}", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        for layout, write in getattr(module, name).items():
            found[layout] = Case(".h5", _writing(write), read_datasets)
    return found


def _writing(write):
    def write_run(path):
        written = np.random.default_rng(1).poisson(30, SHAPE).astype(np.int16)
        write(path, written)
        return written

    return write_run


def read_datasets(path):
    """Return the images of each dataset, shape (n, height, width); NaN for what h5py refuses."""
    found = []
    with h5py.File(path, "r", locking=False) as file:
        names = []
        file.visit_links(names.append)
        for item in (_safely(file.get, name) for name in names):
            if not isinstance(item, h5py.Dataset) or item.ndim < 2 or not 0 < item.size < MOST:
                continue
            gone = np.full(item.shape[-2:], np.nan)
            images = [_safely(item.__getitem__, index) for index in np.ndindex(item.shape[:-2])]
            if any(image is not None for image in images):
                images = [gone if image is None else image for image in images]
                found.append(_safely(np.asarray, images, float))
    return [images for images in found if images is not None]


def _safely(function, *arguments):
    """Return what a function returns, None if it fails."""
    try:
        return function(*arguments)
    except Exception:
        return None
