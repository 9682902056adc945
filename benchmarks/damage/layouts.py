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
DEEPEST = 20  # groups in groups that are looked through


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
    """Return the images of each dataset, shape (n, height, width); NaN for what h5py refuses.

    Of chunks that are not compressed there is also what lies at the places that HDF5 lists, since
    its search finds nothing in some damaged lists.
    """
    found = []
    with h5py.File(path, "r", locking=False) as file:
        for item in _datasets(file, set()):
            if item.ndim < 2 or not 0 < item.size < MOST or item.dtype.kind not in "biuf":
                continue
            gone = np.full(item.shape[-2:], np.nan)
            images = [_safely(item.__getitem__, index) for index in np.ndindex(item.shape[:-2])]
            if any(image is not None for image in images):
                images = [gone if image is None else image for image in images]
                found.append(_safely(np.asarray, images, float))
            if item.chunks and item.chunks[:-2] == (1,) * (item.ndim - 2):
                found.append(_safely(_listed_chunks, item, path))
    return [images for images in found if images is not None]


def _datasets(group, seen, depth=0):
    """Yield every dataset that can be reached, whatever cannot be."""
    for name in _safely(list, group) or ():
        item = _safely(group.get, name)
        if isinstance(item, h5py.Dataset):
            yield item
        elif isinstance(item, h5py.Group) and item.id not in seen and depth < DEEPEST:
            yield from _datasets(item, {*seen, item.id}, depth + 1)


def _listed_chunks(item, path):
    """Return the bytes at the places of chunks that are whole images and not compressed."""
    places = []
    if item.chunks[-2:] != item.shape[-2:] or item.compression or item.file.userblock_size:
        return None
    for number in range(item.id.get_num_chunks()):
        places.append(item.id.get_chunk_info(number).byte_offset)
    data, (height, width) = path.read_bytes(), item.shape[-2:]
    n_bytes = height * width * item.dtype.itemsize
    parts = [data[place : place + n_bytes] for place in places]
    whole = [np.frombuffer(part, item.dtype) for part in parts if len(part) == n_bytes]
    return np.array(whole, float).reshape(-1, height, width)


def _safely(function, *arguments):
    """Return what a function returns, None if it fails."""
    try:
        return function(*arguments)
    except Exception:
        return None
